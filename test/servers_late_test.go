package test

import (
	"bufio"
	"io"
	"net"
	"regexp"
	"strings"
	"sync"
	"testing"
	"time"
)

// late is how much later than it was sent a delivery reaches the server. The
// program gives a server two seconds.
const late = time.Second

var lateAppend = regexp.MustCompile(`(?m)^(\S+) (APPEND [^\r\n]*)`)

// lateProxy starts a proxy before an IMAP server without TLS and returns its
// address. When the fault strikes, a delivery is kept from the server, the client
// loses its connection, and a second later the server gets what the client had
// sent.
func lateProxy(t *testing.T, upstream string, f *fault) string {
	t.Helper()
	l, err := (&net.ListenConfig{}).Listen(t.Context(), "tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	var (
		mu   sync.Mutex
		open []net.Conn
		done sync.WaitGroup
	)
	keep := func(c net.Conn) {
		mu.Lock()
		defer mu.Unlock()
		open = append(open, c)
	}
	t.Cleanup(func() {
		_ = l.Close()
		mu.Lock()
		for _, c := range open {
			_ = c.Close()
		}
		mu.Unlock()
		done.Wait()
	})
	done.Go(func() {
		for {
			client, err := l.Accept()
			if err != nil {
				return
			}
			server, err := net.Dial("tcp", upstream)
			if err != nil {
				_ = client.Close()
				continue
			}
			keep(client)
			keep(server)
			d := &lateDelivery{client: client, server: server, fault: f, answered: make(chan struct{})}
			done.Go(d.answers)
			done.Go(func() { d.commands(t) })
		}
	})
	return l.Addr().String()
}

// lateDelivery is one connection through the proxy.
type lateDelivery struct {
	client, server net.Conn
	fault          *fault

	mu       sync.Mutex
	tag      string        // of the last command that was held
	answered chan struct{} // closed when the server has answered it, or has gone
}

// commands gives the server what the client says until the client is done or the
// fault strikes.
func (d *lateDelivery) commands(t *testing.T) {
	defer func() { _, _ = d.client.Close(), d.server.Close() }()
	b := make([]byte, 1<<20)
	for {
		n, err := d.client.Read(b)
		if m := lateAppend.FindSubmatch(b[:n]); m != nil && delivers(string(m[2])) && d.fault.strikes() {
			d.handOver(t, hold(d.client, append([]byte(nil), b[:n]...)))
			return
		}
		if _, werr := d.server.Write(b[:n]); err != nil || werr != nil {
			return
		}
	}
}

// hold reads on until the client is gone or waits for an answer.
func hold(client net.Conn, held []byte) []byte {
	b := make([]byte, 1<<20)
	for {
		if err := client.SetReadDeadline(time.Now().Add(100 * time.Millisecond)); err != nil {
			return held
		}
		n, err := client.Read(b)
		held = append(held, b[:n]...)
		if err != nil {
			return held
		}
	}
}

// handOver ends the client's connection, gives the server what was held, later,
// and waits until it has answered all of it: a server may stop work for a client
// that is gone.
func (d *lateDelivery) handOver(t *testing.T, held []byte) {
	all := lateAppend.FindAllSubmatch(held, -1)
	d.mu.Lock()
	d.tag = string(all[len(all)-1][1]) + " "
	d.mu.Unlock()
	_ = d.client.Close()
	d.fault.struck()
	timer := time.NewTimer(late)
	defer timer.Stop()
	select {
	case <-timer.C:
	case <-t.Context().Done():
		return
	}
	if _, err := d.server.Write(held); err != nil {
		return
	}
	timer.Reset(30 * time.Second)
	select {
	case <-d.answered:
	case <-timer.C:
		t.Errorf("the server does not answer a delivery of %d bytes", len(held))
	case <-t.Context().Done():
	}
}

// answers gives the client what the server says, and reads on for a client that
// is gone.
func (d *lateDelivery) answers() {
	defer func() { _ = d.client.Close() }()
	defer close(d.answered)
	r := bufio.NewReaderSize(d.server, 1<<20)
	for {
		line, err := r.ReadString('\n')
		d.mu.Lock()
		last := d.tag != "" && strings.HasPrefix(line, d.tag)
		d.mu.Unlock()
		_, _ = io.WriteString(d.client, line)
		if err != nil || last {
			return
		}
	}
}
