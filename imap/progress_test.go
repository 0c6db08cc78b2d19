package imap_test

import (
	"context"
	"net"
	"strings"
	"sync"
	"testing"
	"time"

	"waybill/failure"
	"waybill/imap"
	"waybill/imap/imaptest"
)

// slow passes one byte at a time, each after a pause, so that a line takes several
// times as long as the client bears silence.
type slow struct {
	net.Conn
	pause time.Duration
}

func (s slow) Read(p []byte) (int, error) {
	<-time.After(s.pause)
	return s.Conn.Read(p[:1])
}

func (s slow) Write(p []byte) (int, error) {
	for i := range p {
		<-time.After(s.pause / 4)
		if n, err := s.Conn.Write(p[i : i+1]); err != nil {
			return i + n, err
		}
	}
	return len(p), nil
}

// As long as bytes move, nothing is given up.
func TestSlowIsNotSilent(t *testing.T) {
	t.Parallel()
	s := imaptest.Start(t, "* OK [CAPABILITY IMAP4rev1] hi", imaptest.OK("NOOP"), imaptest.Exchange{Want: "NOOP", Answer: "* OK wait", StallAt: 9})
	c := must[*imap.Conn](t)(imap.Dial(t.Context(), imap.Options{Mode: imap.Plain, Silence: time.Second,
		Dial: func(ctx context.Context, addr string) (net.Conn, error) {
			conn, err := s.Dial(ctx, addr)
			return slow{conn, 40 * time.Millisecond}, err
		}}))
	defer c.Close()
	ok(t, c.Noop(t.Context()))
	if err := c.Noop(t.Context()); failure.RuleOf(err) != "imap.silent" || failure.ClassOf(err) != failure.Transient {
		t.Errorf("a server that stalls: %v", err)
	}
}

// A Body that takes its time is not the server's silence.
func TestSlowBodyIsNotSilence(t *testing.T) {
	t.Parallel()
	s := imaptest.Start(t, "* OK [CAPABILITY IMAP4rev1 LITERAL+] hi", imaptest.OK(any5))
	c := must[*imap.Conn](t)(imap.Dial(t.Context(), imap.Options{Addr: s.Addr(), Mode: imap.Plain, Silence: time.Second}))
	defer c.Close()
	body := &hooked{Reader: strings.NewReader("hello"), at: 1, do: func() { <-time.After(1500 * time.Millisecond) }}
	results := must[[]imap.AppendResult](t)(c.Append(t.Context(), "INBOX", []imap.AppendItem{{Size: 5, Body: body}}, imap.Pipelined))
	ok(t, results[0].Err)
}

// meter counts what it lets pass, and makes callers wait longer than silence may last.
type meter struct {
	mu   sync.Mutex
	n    int
	most int
	wait time.Duration
}

func (m *meter) WaitN(ctx context.Context, n int) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.n += n
	m.most = max(m.most, n)
	select {
	case <-time.After(m.wait):
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

func TestThrottle(t *testing.T) {
	t.Parallel()
	s := imaptest.Start(t, "* OK [CAPABILITY IMAP4rev1 LITERAL+] hi", imaptest.OK(any5), imaptest.OK(any5))
	m := &meter{}
	c := must[*imap.Conn](t)(imap.Dial(t.Context(), imap.Options{Addr: s.Addr(), Mode: imap.Plain, Silence: time.Second, Throttle: m}))
	defer c.Close()
	must[[]imap.AppendResult](t)(c.Append(t.Context(), "INBOX", []imap.AppendItem{zeros(1 << 20)}, imap.Pipelined))
	if m.n < 1<<20 || m.n > 1<<20+1000 || m.most > 64<<10 {
		t.Errorf("%d bytes, %d at once", m.n, m.most)
	}
	m.mu.Lock()
	m.wait = 1200 * time.Millisecond
	m.mu.Unlock()
	results := must[[]imap.AppendResult](t)(c.Append(t.Context(), "INBOX", []imap.AppendItem{zeros(100)}, imap.Pipelined))
	ok(t, results[0].Err)
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := c.Append(ctx, "INBOX", []imap.AppendItem{zeros(100)}, imap.Pipelined); failure.ClassOf(err) != failure.Cancelled {
		t.Error(err)
	}
}

func TestUTF8Names(t *testing.T) {
	conn := scripted(t, "ENABLE UTF8=ACCEPT", imaptest.OK(`CREATE "&APY-"`),
		imaptest.Exchange{Want: "ENABLE UTF8=ACCEPT", Answer: "* ENABLED UTF8=ACCEPT\r\n$TAG OK\r\n"},
		imaptest.OK(`CREATE "ö"`), imaptest.Exchange{Want: "LIST .*", Answer: "* LIST () \"/\" \"ö\"\r\n* LIST () \"/\" \"&APY-\"\r\n* LIST () \"/\" \"\xf6\"\r\n$TAG OK\r\n"},
		imaptest.OK(`CREATE \{1\}\r\n`+"\xf6"))
	ok(t, conn.Create(t.Context(), "ö", ""))
	if on := must[[]string](t)(conn.Enable(t.Context(), "UTF8=ACCEPT")); len(on) != 1 {
		t.Error(on)
	}
	ok(t, conn.Create(t.Context(), "ö", ""))
	list := must[[]imap.ListItem](t)(conn.List(t.Context(), "", "*", imap.ListOptions{}))
	if len(list) != 3 || list[0].Name != "ö" || list[1].Name != "&APY-" || list[2].Name != "ö" || list[2].Raw != "\xf6" {
		t.Errorf("%+v", list)
	}
}
