// Package imaptest is a scripted IMAP server for tests: it expects commands in a
// given order, answers each with given bytes, and can cut or stall the
// connection at any byte. It shows faults that real servers do not show when
// they are wanted.
package imaptest

import (
	"context"
	"errors"
	"fmt"
	"net"
	"regexp"
	"sync"
	"testing"
)

// Exchange is one command and its answer.
type Exchange struct {
	// Want is a regular expression, without regard to case, that must match the
	// whole command behind its tag. Literals appear as {n}, CRLF and their bytes.
	// An empty Want reads nothing: the Answer is sent at once.
	Want string
	// Answer is sent as it stands; $TAG becomes the command's tag.
	Answer string
	// CutAt closes the connection after that many bytes of Answer (with -1 before
	// the first, 0: never); StallAt sends no more after that many bytes (-1: not
	// even the first), until the server is closed or Release is called.
	CutAt, StallAt int
	// CutReading closes the connection after that many bytes of the command
	// were read, StallReading reads no more until Release; 0: never.
	CutReading, StallReading int64
	// NoContinue answers the command with Answer where a synchronising literal
	// asks for permission, instead of "+".
	NoContinue bool
	// Early sends Answer as soon as the first line of the command is there, and
	// reads its literals afterwards.
	Early bool
	// Repeat keeps the exchange for as long as commands match it.
	Repeat bool
	// Do is called when the command is there, before the Answer is sent.
	Do func(command string)
}

// OK answers any command that matches want with an OK.
func OK(want string) Exchange { return Exchange{Want: want, Answer: "$TAG OK done\r\n"} }

// Capability answers CAPABILITY with these words, IMAP4rev1 before them.
func Capability(words string) Exchange {
	return Exchange{Want: "CAPABILITY", Answer: "* CAPABILITY IMAP4rev1 " + words + "\r\n$TAG OK done\r\n"}
}

// Server is one scripted server on loopback. Each connection plays the whole
// script from its start, and is closed behind its end.
type Server struct {
	t        testing.TB
	listener net.Listener
	greeting string
	script   []Exchange
	release  chan struct{}
	released sync.Once
	running  sync.WaitGroup

	mu       sync.Mutex
	commands []string
	conns    map[net.Conn]bool
	closed   bool
}

// Start listens on 127.0.0.1 and stops at the end of the test. An empty
// greeting is "* OK ready"; CRLF follows it. A command that does not match fails
// the test and closes the connection.
func Start(t testing.TB, greeting string, script ...Exchange) *Server {
	t.Helper()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	if greeting == "" {
		greeting = "* OK ready"
	}
	s := &Server{t: t, listener: listener, greeting: greeting, script: script, release: make(chan struct{}), conns: map[net.Conn]bool{}}
	s.running.Go(s.accept)
	t.Cleanup(s.Close)
	return s
}

func (s *Server) accept() {
	for {
		conn, err := s.listener.Accept()
		if err != nil {
			return
		}
		s.mu.Lock()
		if s.closed {
			s.mu.Unlock()
			_ = conn.Close()
			return
		}
		s.conns[conn] = true
		s.mu.Unlock()
		s.running.Go(func() {
			defer conn.Close()
			s.play(conn)
		})
	}
}

// Close ends the listener and all connections.
func (s *Server) Close() {
	_ = s.listener.Close()
	s.mu.Lock()
	s.closed = true
	s.mu.Unlock()
	s.Release()
	s.mu.Lock()
	for conn := range s.conns {
		_ = conn.Close()
	}
	s.mu.Unlock()
	s.running.Wait()
}

// Addr is host:port.
func (s *Server) Addr() string { return s.listener.Addr().String() }

// Dial fits imap.Options.Dial: it connects to the server whatever addr says.
func (s *Server) Dial(ctx context.Context, _ string) (net.Conn, error) {
	var d net.Dialer
	return d.DialContext(ctx, "tcp", s.Addr())
}

// Commands are all commands that came, without tags, in order.
func (s *Server) Commands() []string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return append([]string(nil), s.commands...)
}

// Release lets what stalls go on, now and later.
func (s *Server) Release() { s.released.Do(func() { close(s.release) }) }

// ended reports whether Close was called.
func (s *Server) ended() bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.closed
}

// errEnd ends a connection in order: a cut of the script.
var errEnd = errors.New("cut by the script")

func (s *Server) play(conn net.Conn) {
	p := &player{s: s, conn: conn, in: newInput(conn, s)}
	if _, err := fmt.Fprintf(conn, "%s\r\n", s.greeting); err != nil {
		return
	}
	for i := 0; i < len(s.script); {
		x := s.script[i]
		command, err := p.exchange(x)
		var wrong *mismatch
		switch {
		case errors.As(err, &wrong) && x.Repeat && i+1 < len(s.script):
			// The repeated exchange is over; the command belongs to the next one.
			p.held = command
			i++
			continue
		case errors.As(err, &wrong):
			s.t.Errorf("the client sent %q, the script wants %q", wrong.command, wrong.want)
			return
		case err != nil:
			return
		}
		if !x.Repeat {
			i++
		}
	}
}

type mismatch struct{ command, want string }

func (m *mismatch) Error() string { return "a command that is not in the script" }

func matches(want, command string) bool {
	ok, err := regexp.MatchString("(?is)^(?:"+want+")$", command)
	return err == nil && ok
}
