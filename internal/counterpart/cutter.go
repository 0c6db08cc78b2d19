package counterpart

import (
	"bufio"
	"io"
	"net"
	"regexp"
	"strconv"
	"strings"
	"sync"
	"testing"
)

// Cutter is a proxy for IMAP without TLS that can lose one answer: the server
// did what it was asked to, and the client never learns.
type Cutter struct {
	Addr string // for the client to connect to

	t        testing.TB
	upstream string
	listener net.Listener
	lose     func(command, answer string) bool

	mu    sync.Mutex
	open  map[net.Conn]bool
	lost  []string
	ended bool
	done  sync.WaitGroup
}

// CutAnswer starts a proxy before the server at upstream that asks lose about
// each tagged answer: the command that it answers, without its tag and without
// the contents of literals ("APPEND INBOX (\Seen) {120+}"), and the answer ("OK
// [APPENDUID 1 2] Completed"). Where lose says yes, the connection ends without
// that answer; whatever came before it was passed on. lose is not called twice
// at a time. The proxy ends with the test.
func CutAnswer(t testing.TB, upstream string, lose func(command, answer string) bool) *Cutter {
	t.Helper()
	l, err := (&net.ListenConfig{}).Listen(t.Context(), "tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	c := &Cutter{Addr: l.Addr().String(), t: t, upstream: upstream, listener: l, lose: lose, open: map[net.Conn]bool{}}
	c.done.Go(c.accept)
	t.Cleanup(c.close)
	return c
}

// Times is a lose function for the first n successful answers to commands that
// begin with the word; "APPEND" and "UID STORE", for instance.
func Times(n int, word string) func(command, answer string) bool {
	return func(command, answer string) bool {
		if n == 0 || !strings.HasPrefix(strings.ToUpper(command), word+" ") || !strings.HasPrefix(answer, "OK") {
			return false
		}
		n--
		return true
	}
}

// Lost are the answers that were lost so far.
func (c *Cutter) Lost() []string {
	c.mu.Lock()
	defer c.mu.Unlock()
	return append([]string(nil), c.lost...)
}

func (c *Cutter) close() {
	_ = c.listener.Close()
	c.mu.Lock()
	c.ended = true
	for conn := range c.open {
		_ = conn.Close()
	}
	c.mu.Unlock()
	c.done.Wait()
}

// keep remembers a connection for close; false when that came first.
func (c *Cutter) keep(conn net.Conn) bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.open[conn] = true
	return !c.ended
}

func (c *Cutter) accept() {
	for {
		client, err := c.listener.Accept()
		if err != nil {
			return
		}
		server, err := (&net.Dialer{}).DialContext(c.t.Context(), "tcp", c.upstream)
		if err != nil {
			_ = client.Close()
			continue
		}
		if !c.keep(client) || !c.keep(server) {
			_, _ = client.Close(), server.Close()
			return
		}
		s := &cutSession{cutter: c, commands: map[string]string{}}
		both := func() { _, _ = client.Close(), server.Close() }
		c.done.Go(func() { defer both(); s.toServer(client, server) })
		c.done.Go(func() { defer both(); s.toClient(server, client) })
	}
}

// cutSession is one connection; commands are those without an answer, by tag.
type cutSession struct {
	cutter   *Cutter
	mu       sync.Mutex
	commands map[string]string
	// waiting is the tag of a command that announced a literal and waits for "+";
	// an answer to it means that the literal will not come.
	waiting, refused string
}

var literalEnd = regexp.MustCompile(`\{(\d{1,18})(\+?)\}\r?\n$`)

// announced is the size of the literal that a line ends with.
func announced(line string) (size int64, waits, ok bool) {
	m := literalEnd.FindStringSubmatch(line)
	if m == nil {
		return 0, false, false
	}
	size, err := strconv.ParseInt(m[1], 10, 64)
	return size, m[2] == "", err == nil
}

// toServer passes on what the client says, and takes note of its commands.
func (s *cutSession) toServer(client io.Reader, server io.Writer) {
	r := bufio.NewReaderSize(client, 1<<16)
	tag := ""
	for {
		line, err := r.ReadString('\n')
		if tag == "" {
			if t, rest, ok := strings.Cut(strings.TrimRight(line, "\r\n"), " "); ok {
				tag = t
				s.mu.Lock()
				s.commands[t] = rest
				s.mu.Unlock()
			}
		}
		size, waits, literal := announced(line)
		if literal && waits {
			s.mu.Lock()
			s.waiting = tag
			s.mu.Unlock()
		}
		if _, werr := io.WriteString(server, line); werr != nil || err != nil {
			return
		}
		if !literal {
			tag = ""
			continue
		}
		// Whether the literal comes is known when the client's next byte is.
		if _, err := r.Peek(1); err != nil {
			return
		}
		s.mu.Lock()
		refused := waits && s.refused == tag
		s.waiting, s.refused = "", ""
		s.mu.Unlock()
		if refused {
			tag = ""
			continue
		}
		if _, err := io.CopyN(server, r, size); err != nil {
			return
		}
	}
}

// toClient passes on what the server says, up to the answer to lose.
func (s *cutSession) toClient(server io.Reader, client io.Writer) {
	r := bufio.NewReaderSize(server, 1<<16)
	inside := false // a literal came before this part of a line
	for {
		line, err := r.ReadString('\n')
		if !inside && err == nil && s.loses(line) {
			return
		}
		if _, werr := io.WriteString(client, line); werr != nil || err != nil {
			return
		}
		var size int64
		if size, _, inside = announced(line); !inside {
			continue
		}
		if _, err := io.CopyN(client, r, size); err != nil {
			return
		}
	}
}

func (s *cutSession) loses(line string) bool {
	tag, answer, _ := strings.Cut(strings.TrimRight(line, "\r\n"), " ")
	s.mu.Lock()
	command, ours := s.commands[tag]
	delete(s.commands, tag)
	if ours && s.waiting == tag {
		s.refused = tag
	}
	s.mu.Unlock()
	if !ours {
		return false
	}
	s.cutter.mu.Lock()
	defer s.cutter.mu.Unlock()
	if !s.cutter.lose(command, answer) {
		return false
	}
	s.cutter.lost = append(s.cutter.lost, answer)
	return true
}
