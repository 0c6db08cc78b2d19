package gate

import (
	"bufio"
	"bytes"
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"net"
	"sync"
	"time"

	"waybill/failure"
)

const (
	// patience is how long a connection may take until it has logged on, at
	// each step; idleTime how long it may be silent afterwards (RFC 9051 5.4
	// asks for 30 minutes).
	patience = 30 * time.Second
	idleTime = 35 * time.Minute
	// progress is how long the stream may stand still in the middle of
	// something, in either direction.
	progress = 2 * time.Minute
)

// stream is a connection whose deadlines follow progress instead of total time:
// a message of any length may take as long as it moves.
type stream struct {
	net.Conn
	ctx  context.Context
	idle time.Duration // how long reading may wait
}

func (s *stream) Read(p []byte) (int, error) {
	_ = s.SetReadDeadline(time.Now().Add(s.idle))
	// Closing sets a deadline too, which may have been the earlier one.
	if err := s.ctx.Err(); err != nil {
		return 0, err
	}
	return s.Conn.Read(p)
}

func (s *stream) Write(p []byte) (int, error) {
	_ = s.SetWriteDeadline(time.Now().Add(progress))
	return s.Conn.Write(p)
}

// stage is what the mail program says next.
type stage uint8

const (
	atCommand stage = iota
	atLine          // one line that belongs to a command: DONE, or a SASL answer
	atMessage       // the message of an APPEND
)

// Conn is the connection that go-imap's server reads from. It hands over whole
// commands of bounded length, in which the message of an APPEND is the only
// literal: go-imap reads the bytes of a literal that it refused as commands.
// Its deadlines are its own.
type Conn struct {
	*stream
	tls     *tls.Config
	in      *bufio.Reader
	ready   []byte // for go-imap to read
	stage   stage
	message announced // at atMessage: what is left of it
	begun   bool

	attempts int
	loggedOn bool
	leaving  bool // no command is read any more

	mu        sync.Mutex
	tag, name string // of the command under way
	answered  bool
	mute      bool // the next thing that go-imap says was said already
	gone      bool
}

// New guards a connection until ctx ends. config is what Preface and BeginTLS
// go on with.
func New(ctx context.Context, conn net.Conn, config *tls.Config) *Conn {
	g := &Conn{tls: config}
	g.use(ctx, conn)
	return g
}

func (g *Conn) use(ctx context.Context, conn net.Conn) {
	g.stream = &stream{Conn: conn, ctx: ctx, idle: patience}
	g.in = bufio.NewReader(g.stream)
}

// BeginTLS goes on with TLS.
func (g *Conn) BeginTLS() error {
	secure := tls.Server(g.Conn, g.tls)
	_ = secure.SetDeadline(time.Now().Add(patience))
	if err := secure.HandshakeContext(g.ctx); err != nil {
		return failure.New(failure.Transient, "begin TLS", g.RemoteAddr().String(), "serve.tls", err)
	}
	_ = secure.SetDeadline(time.Time{})
	g.use(g.ctx, secure)
	return nil
}

// LoggedOn gives the other side more time between its commands.
func (g *Conn) LoggedOn() { g.loggedOn = true }

// Failed counts a wrong password. After three the connection ends.
func (g *Conn) Failed() {
	if g.attempts++; g.attempts >= maxAttempts {
		g.leaving = true
	}
}

// maxAttempts is how often a connection may fail to log on.
const maxAttempts = 3

// Read gives go-imap what the mail program said.
func (g *Conn) Read(p []byte) (int, error) {
	for len(g.ready) == 0 {
		if g.isGone() {
			return 0, net.ErrClosed
		}
		if g.stage == atMessage && g.message.size > 0 && !g.isAnswered() {
			g.begun = true
			n, err := g.in.Read(p[:min(int64(len(p)), g.message.size)])
			g.message.size -= int64(n)
			if n > 0 {
				return n, nil
			}
			if err != nil {
				return 0, g.lost(err)
			}
			continue
		}
		if err := g.advance(); err != nil {
			return 0, g.lost(err)
		}
	}
	n := copy(p, g.ready)
	g.ready = g.ready[n:]
	return n, nil
}

// advance makes something ready, or goes to the next stage.
func (g *Conn) advance() error {
	switch {
	case g.stage == atMessage && g.isAnswered():
		// The message was refused before it was read, or before its end.
		g.stage = atCommand
		if g.message.sync && !g.begun {
			return nil
		}
		return g.skip(g.message.size)
	case g.stage == atMessage:
		g.stage = atCommand
		if err := g.skip(0); err != nil {
			return err
		}
		g.ready = []byte("\r\n")
		return nil
	case g.stage == atLine && !g.isAnswered():
		line, err := readLine(g.in, nil)
		if err != nil {
			return err
		}
		if bytes.EqualFold(bytes.TrimRight(line, "\r\n"), []byte("DONE")) {
			line = []byte("DONE\r\n")
		}
		g.ready = line
		return nil
	}
	g.stage = atCommand
	return g.command()
}

// serverBug is what go-imap answers where a command cannot be read and it has no
// better words. Sessions never answer so.
const serverBug = "NO [SERVERBUG] Internal server error\r\n"

// Write sends what go-imap says.
func (g *Conn) Write(p []byte) (int, error) {
	g.mu.Lock()
	defer g.mu.Unlock()
	if g.gone {
		return 0, net.ErrClosed
	}
	if g.mute {
		g.mute = false
		return len(p), nil
	}
	said := p
	if rest, ok := bytes.CutPrefix(p, []byte(g.tag+" ")); ok && g.tag != "" {
		g.answered = true
		if string(rest) == serverBug {
			said = []byte(g.tag + " BAD The command cannot be read\r\n")
		}
	}
	switch g.name {
	case "", "CAPABILITY", "LOGIN", "AUTHENTICATE":
		// go-imap offers UTF8=ACCEPT in any case, and takes names in the other
		// encoding all the same.
		said = bytes.Replace(said, []byte(" ENABLE IDLE UTF8=ACCEPT"), []byte(" IDLE ID"), 1)
	}
	if _, err := g.stream.Write(said); err != nil {
		return 0, err
	}
	return len(p), nil
}

// SetDeadline does nothing, like the next two: go-imap allows five minutes for
// a message, however long it is.
func (g *Conn) SetDeadline(time.Time) error { return nil }

// SetReadDeadline does nothing.
func (g *Conn) SetReadDeadline(time.Time) error { return nil }

// SetWriteDeadline does nothing.
func (g *Conn) SetWriteDeadline(time.Time) error { return nil }

// begin notes which command is under way.
func (g *Conn) begin(tag, name string) {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.tag, g.name, g.answered = tag, name, false
}

// UnderWay is the name of the command under way, in capitals.
func (g *Conn) UnderWay() string {
	g.mu.Lock()
	defer g.mu.Unlock()
	return g.name
}

func (g *Conn) isAnswered() bool {
	g.mu.Lock()
	defer g.mu.Unlock()
	return g.answered
}

func (g *Conn) isGone() bool {
	g.mu.Lock()
	defer g.mu.Unlock()
	return g.gone
}

// Say sends a line past go-imap, which must not have begun one.
func (g *Conn) Say(format string, args ...any) error {
	g.mu.Lock()
	defer g.mu.Unlock()
	if g.gone {
		return net.ErrClosed
	}
	_, err := fmt.Fprintf(g.stream, format+"\r\n", args...)
	return err
}

// lost ends the connection, and says why where that is of use.
func (g *Conn) lost(err error) error {
	var timeout net.Error
	switch {
	case g.ctx.Err() != nil:
		_ = g.Say("* BYE The server closes")
	case errors.Is(err, errTooLong):
		_ = g.Say("* BYE [TOOBIG] %s", err)
	case errors.As(err, &timeout) && timeout.Timeout():
		_ = g.Say("* BYE Nothing was said for too long")
	}
	g.mu.Lock()
	g.gone = true
	g.mu.Unlock()
	if errors.Is(err, io.EOF) && g.stage != atMessage {
		return io.EOF
	}
	return net.ErrClosed
}

// Abort ends the connection in the middle of an answer.
func (g *Conn) Abort() {
	g.mu.Lock()
	g.gone = true
	g.mu.Unlock()
	_ = g.Conn.Close()
}
