package imaptest

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"net"
	"strconv"
	"strings"
)

// player plays the script on one connection.
type player struct {
	s    *Server
	conn net.Conn
	in   *input
	tag  string
	held string // a command that was read for an exchange that it did not match
}

// exchange reads one command, unless it was read before, and answers it.
func (p *player) exchange(x Exchange) (string, error) {
	command := p.held
	p.held = ""
	answered := false
	if x.Want != "" && command == "" {
		p.in.limit(x.CutReading, x.StallReading)
		var err error
		if command, answered, err = p.read(x); err != nil {
			return "", err
		}
	}
	if x.Want != "" {
		if !matches(x.Want, command) {
			return command, &mismatch{command, x.Want}
		}
		p.s.mu.Lock()
		p.s.commands = append(p.s.commands, command)
		p.s.mu.Unlock()
	}
	if x.Do != nil {
		x.Do(command)
	}
	if answered {
		return command, nil
	}
	return command, p.answer(x)
}

// read reads a command with its literals.
func (p *player) read(x Exchange) (command string, answered bool, err error) {
	var b strings.Builder
	for first := true; ; first = false {
		line, err := p.in.r.ReadString('\n')
		if err != nil {
			return "", false, err
		}
		line = strings.TrimRight(line, "\r\n")
		if first {
			p.tag, line, _ = strings.Cut(line, " ")
		}
		b.WriteString(line)
		n, sync, ok := announced(line)
		if first && x.Early {
			if err := p.answer(x); err != nil {
				return "", true, err
			}
			answered = true
		}
		if !ok {
			return b.String(), answered, nil
		}
		if sync && x.NoContinue {
			return b.String(), false, nil
		}
		if sync {
			if _, err := io.WriteString(p.conn, "+ go on\r\n"); err != nil {
				return "", false, err
			}
		}
		b.WriteString("\r\n")
		if _, err := io.CopyN(&b, p.in.r, n); err != nil {
			return "", false, err
		}
	}
}

// announced reads "{n}" or "{n+}" at the end of a line.
func announced(line string) (n int64, sync, ok bool) {
	at := strings.LastIndexByte(line, '{')
	if at < 0 || !strings.HasSuffix(line, "}") {
		return 0, false, false
	}
	digits, nonSync := strings.CutSuffix(line[at+1:len(line)-1], "+")
	n, err := strconv.ParseInt(digits, 10, 64)
	return n, !nonSync, err == nil
}

func (p *player) answer(x Exchange) error {
	text := strings.ReplaceAll(x.Answer, "$TAG", p.tag)
	send := func(part string) error {
		_, err := io.WriteString(p.conn, part)
		return err
	}
	switch {
	case x.CutAt != 0:
		if err := send(text[:min(max(x.CutAt, 0), len(text))]); err != nil {
			return err
		}
		return errEnd
	case x.StallAt != 0:
		at := min(max(x.StallAt, 0), len(text))
		if err := send(text[:at]); err != nil {
			return err
		}
		<-p.s.release
		if p.s.ended() {
			return errEnd
		}
		return send(text[at:])
	}
	return send(text)
}

// input reads from the connection and cuts or stalls after a number of bytes.
type input struct {
	r          *bufio.Reader
	conn       net.Conn
	release    chan struct{}
	ended      func() bool
	cut, stall int64 // bytes to go, -1: no bound
}

func newInput(conn net.Conn, s *Server) *input {
	in := &input{conn: conn, release: s.release, ended: s.ended, cut: -1, stall: -1}
	in.r = bufio.NewReaderSize(in, 16<<10)
	return in
}

// limit sets bounds for the command that comes next; what is in the buffer counts.
func (in *input) limit(cut, stall int64) {
	in.cut, in.stall = -1, -1
	if cut > 0 {
		in.cut = max(cut-int64(in.r.Buffered()), 0)
	}
	if stall > 0 {
		in.stall = max(stall-int64(in.r.Buffered()), 0)
	}
}

func (in *input) Read(p []byte) (int, error) {
	if in.stall == 0 {
		<-in.release
		if in.ended() {
			return 0, errEnd
		}
		in.stall = -1
	}
	if in.cut == 0 {
		if tcp, ok := in.conn.(*net.TCPConn); ok {
			_ = tcp.SetLinger(0) // a reset, as routers make it
		}
		return 0, fmt.Errorf("%w while reading", errEnd)
	}
	for _, bound := range []int64{in.stall, in.cut} {
		if bound > 0 {
			p = p[:min(int64(len(p)), bound)]
		}
	}
	n, err := in.conn.Read(p)
	if in.stall > 0 {
		in.stall -= int64(n)
	}
	if in.cut > 0 {
		in.cut -= int64(n)
	}
	if err != nil && errors.Is(err, net.ErrClosed) {
		err = io.EOF
	}
	return n, err
}
