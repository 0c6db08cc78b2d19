package test

import (
	"bufio"
	"fmt"
	"io"
	"net"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	"waybill/internal/counterpart"
)

// interrupter stands before a source and answers some commands itself. It
// understands commands without literals, as a source gets them.
type interrupter struct {
	addr string

	mu   sync.Mutex
	left int // how many commands are still to be answered
	open map[net.Conn]bool
	done sync.WaitGroup
}

// interrupt answers the first n commands that begin with word: what say returns
// goes to the client, and with hangUp the connection ends.
func interrupt(t *testing.T, upstream, word string, n int, hangUp bool, say func(tag string) string) *interrupter {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	i := &interrupter{addr: l.Addr().String(), left: n, open: map[net.Conn]bool{}}
	i.done.Go(func() {
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
			i.mu.Lock()
			i.open[client], i.open[server] = true, true
			i.mu.Unlock()
			var writing sync.Mutex
			i.done.Go(func() {
				defer func() { _, _ = client.Close(), server.Close() }()
				r := bufio.NewReader(client)
				for {
					line, err := r.ReadString('\n')
					if err != nil {
						return
					}
					tag, command, _ := strings.Cut(line, " ")
					if !strings.HasPrefix(command, word) || !i.takes() {
						_, _ = io.WriteString(server, line)
						continue
					}
					writing.Lock()
					_, _ = io.WriteString(client, say(tag))
					writing.Unlock()
					if hangUp {
						return
					}
				}
			})
			i.done.Go(func() {
				buf := make([]byte, 32<<10)
				for {
					n, err := server.Read(buf)
					writing.Lock()
					_, werr := client.Write(buf[:n])
					writing.Unlock()
					if err != nil || werr != nil {
						_ = client.Close()
						return
					}
				}
			})
		}
	})
	t.Cleanup(func() {
		_ = l.Close()
		i.mu.Lock()
		for c := range i.open {
			_ = c.Close()
		}
		i.mu.Unlock()
		i.done.Wait()
	})
	return i
}

func (i *interrupter) takes() bool {
	i.mu.Lock()
	defer i.mu.Unlock()
	i.left--
	return i.left >= 0
}

// TestServersThatAskToWait has a source ask to wait, say goodbye and leave in the
// middle: the wait is shown and kept, nothing counts as a failure, and all mail
// arrives in one run.
func TestServersThatAskToWait(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		n      int
		hangUp bool
		say    func(tag string) string
		shown  string
	}{
		"throttled": {3, false, func(tag string) string {
			return tag + " NO Request is throttled. Suggested Backoff Time: 1200 milliseconds\r\n"
		}, "throttled"},
		"throttled, BAD": {1, false, func(tag string) string {
			return tag + " BAD Request is throttled. Suggested Backoff Time: 1000 milliseconds\r\n"
		}, "throttled"},
		"goodbye":        {2, true, func(string) string { return "* BYE Server is shutting down\r\n" }, ""},
		"without a word": {2, true, func(string) string { return "" }, ""},
		"half an answer": {2, true, func(string) string { return "* 1 FETCH (UID 1 BODY[] {500}\r\nSubject: ha" }, ""},
		"goodbye, waited": {1, true, func(string) string {
			return "* BYE Request is throttled. Suggested Backoff Time: 1000 milliseconds\r\n"
		}, ""},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			b := newBrokenLine(t, 90)
			i := interrupt(t, b.from.Addr, "UID FETCH", c.n, c.hangUp, c.say)
			b.out.Addr = i.addr
			code, out := b.run(quiet)
			if code != 0 {
				t.Errorf("ended with %d:\n%s", code, out)
			}
			if i.takes() {
				t.Errorf("the source was not asked often enough:\n%s", out)
			}
			if c.shown != "" && !strings.Contains(out, c.shown) {
				t.Errorf("the wait is not shown:\n%s", out)
			}
			b.proven(code, out)
			if w := readWaybill(t, filepath.Join(b.work, "waybill-report")); w.Totals.Quarantined+w.Totals.Refused > 0 {
				t.Errorf("totals %+v", w.Totals)
			}
		})
	}
}

// TestWrongPassword tries a wrong password on either side: few attempts, the
// server's reason, and nothing changed.
func TestWrongPassword(t *testing.T) {
	t.Parallel()
	for _, side := range []string{"source", "target"} {
		t.Run(side, func(t *testing.T) {
			t.Parallel()
			b := newBrokenLine(t, 6)
			b.args = []string{fmt.Sprintf("--%s-password-from=file:%s", side, secretFile(t, b.work, "wrong", "not-the-password"))}
			code, out := b.run(quiet)
			if code == 0 || code == 1 || !strings.Contains(strings.ToLower(out), "password") || strings.Contains(out, "not-the-password") {
				t.Errorf("ended with %d:\n%s", code, out)
			}
			server := b.to
			if side == "source" {
				server = b.from
			}
			if n := strings.Count(server.Log(), "auth failed"); n == 0 || n > 4 {
				t.Errorf("%d logons with the wrong password:\n%s", n, server.Log())
			}
			if verdict, err := counterpart.Judge(t.Context(), b.to.System("anna"), b.to.System("anna"), counterpart.CompareOptions{}); err != nil || verdict.Counts["messages in a"] != 0 {
				t.Errorf("the target: %v %v", verdict, err)
			}
			b.args = nil
			b.proven(b.run(quiet))
		})
	}
}
