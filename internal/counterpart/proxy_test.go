package counterpart

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"strings"
	"testing"
	"time"
)

// TestLostAnswer: the server stores the message and says so, the client hears
// nothing, and everything before and after works.
func TestLostAnswer(t *testing.T) {
	t.Parallel()
	d := NewDovecot(t, DovecotOptions{})
	c := CutAnswer(t, d.Addr, Times(1, "APPEND"))
	k := dial(t, c.Addr)
	k.ok("LOGIN anna secret")
	if tagged, _ := k.do("APPEND nowhere {%d+}\r\n%s", len(message), message); !strings.HasPrefix(tagged, "NO") {
		t.Fatal(tagged)
	}
	if tagged, _ := k.do("APPEND nowhere {%d}", len(message)); !strings.HasPrefix(tagged, "NO") {
		t.Fatal(tagged)
	}
	k.ok("NOOP")
	if _, err := fmt.Fprintf(k.c, "x1 NOOP\r\nx2 APPEND INBOX {%d+}\r\n%s\r\n", len(message), message); err != nil {
		t.Fatal(err)
	}
	rest, err := io.ReadAll(k.r)
	if err != nil || !strings.HasPrefix(string(rest), "x1 OK") || strings.Contains(string(rest), "x2") {
		t.Fatalf("%q %v", rest, err)
	}
	if lost := c.Lost(); len(lost) != 1 || !strings.Contains(lost[0], "APPENDUID") {
		t.Errorf("lost %q", lost)
	}
	k = dial(t, c.Addr)
	k.ok("LOGIN anna secret")
	if all := k.ok("EXAMINE INBOX"); !strings.Contains(all, "* 1 EXISTS") {
		t.Error(all)
	}
	if all := k.ok("FETCH 1 BODY[]"); !strings.Contains(all, "Subject: one") {
		t.Error(all)
	}
	if got := k.append("INBOX"); !strings.HasPrefix(got, "OK") {
		t.Error(got)
	}
}

// echo is a server that says a line and then repeats what it hears.
func echo(t *testing.T) string {
	t.Helper()
	l, err := (&net.ListenConfig{}).Listen(t.Context(), "tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = l.Close() })
	go func() {
		for {
			c, err := l.Accept()
			if err != nil {
				return
			}
			go func() {
				defer func() { _ = c.Close() }()
				_, _ = io.WriteString(c, "* OK\r\n")
				_, _ = io.Copy(c, c)
			}()
		}
	}()
	return l.Addr().String()
}

func TestProxyBreaks(t *testing.T) {
	t.Parallel()
	p := NewProxy(t, echo(t))
	connect := func() (net.Conn, *bufio.Reader) {
		c, err := (&net.Dialer{}).DialContext(t.Context(), "tcp", p.Addr)
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { _ = c.Close() })
		if err := c.SetDeadline(time.Now().Add(30 * time.Second)); err != nil {
			t.Fatal(err)
		}
		r := bufio.NewReader(c)
		if line, err := r.ReadString('\n'); err != nil || line != "* OK\r\n" {
			t.Fatalf("%q %v", line, err)
		}
		return c, r
	}
	t.Run("cut", func(t *testing.T) {
		c, r := connect()
		p.Cut(5, ToClient)
		_, _ = io.WriteString(c, "0123456789")
		if got, _ := io.ReadAll(r); string(got) != "01234" {
			t.Errorf("%q", got)
		}
		p.Heal()
	})
	t.Run("stall", func(t *testing.T) {
		c, r := connect()
		p.Stall(ToServer)
		_, _ = io.WriteString(c, "lost")
		if err := c.SetReadDeadline(time.Now().Add(100 * time.Millisecond)); err != nil {
			t.Fatal(err)
		}
		var timeout net.Error
		if b, err := r.ReadByte(); !errors.As(err, &timeout) || !timeout.Timeout() {
			t.Errorf("%q %v", b, err)
		}
		p.Heal()
	})
	t.Run("reset", func(t *testing.T) {
		c, r := connect()
		p.ResetPeer(ToServer)
		_, _ = io.WriteString(c, "x")
		if _, err := r.ReadByte(); err == nil || errors.Is(err, context.DeadlineExceeded) {
			t.Error(err)
		}
		p.Heal()
	})
	t.Run("down and up", func(t *testing.T) {
		_, r := connect()
		p.Down()
		if _, err := r.ReadByte(); err == nil {
			t.Error("the connection lives")
		}
		if c, err := (&net.Dialer{}).DialContext(t.Context(), "tcp", p.Addr); err == nil {
			_ = c.Close()
			t.Error("it accepts")
		}
		p.Up()
		p.Latency(time.Millisecond, ToClient)
		connect()
	})
}
