package imap_test

import (
	"crypto/sha256"
	"fmt"
	"io"
	"runtime"
	"sync/atomic"
	"testing"

	"waybill/imap"
	"waybill/internal/counterpart"
)

// watched notes the most memory in use while it is read.
type watched struct {
	io.Reader
	most *atomic.Uint64
	n    int
}

func (w *watched) Read(p []byte) (int, error) {
	if w.n++; w.n%256 == 0 {
		var m runtime.MemStats
		runtime.ReadMemStats(&m)
		w.most.Store(max(w.most.Load(), m.HeapAlloc))
	}
	return w.Reader.Read(p)
}

// lines is an endless message.
type lines struct{ n, at int }

func (l *lines) Read(p []byte) (int, error) {
	for i := range p {
		switch l.at {
		case 78:
			p[i] = '\r'
		case 79:
			p[i] = '\n'
			l.at, l.n = -1, l.n+1
		default:
			p[i] = 'a' + byte((l.n+l.at)%26)
		}
		l.at++
	}
	return len(p), nil
}

// 100 MB in both directions, and memory for a few pieces of it.
func TestLargeMessage(t *testing.T) {
	d := counterpart.NewDovecot(t, counterpart.DovecotOptions{})
	const size = 100_000_000
	want := sha256.New()
	if _, err := io.CopyN(want, &lines{}, size); err != nil {
		t.Fatal(err)
	}
	source, target := connect(t, d, nil), connect(t, d, nil)
	ok(t, source.Create(t.Context(), "Copy", ""))
	runtime.GC()
	var before runtime.MemStats
	runtime.ReadMemStats(&before)
	var most atomic.Uint64
	send := func(c *imap.Conn, to string, body io.Reader) {
		t.Helper()
		results := must[[]imap.AppendResult](t)(c.Append(t.Context(), to, []imap.AppendItem{{Size: size, Body: &watched{Reader: body, most: &most}}}, imap.Multi))
		ok(t, results[0].Err)
	}
	send(source, "INBOX", io.LimitReader(&lines{}, size))
	must[imap.Selected](t)(source.Select(t.Context(), "INBOX", imap.SelectOptions{ReadOnly: true}))
	s := source.Fetch(t.Context(), imap.FetchRequest{UIDs: imap.UIDs(1), Flags: true, Body: true})
	it := must[*imap.FetchItem](t)(s.Next())
	send(target, "Copy", it.Body)
	ok(t, s.Close())
	if used := int64(most.Load()) - int64(before.HeapAlloc); used > 8<<20 {
		t.Errorf("%d bytes of memory", used)
	}
	must[imap.Selected](t)(target.Select(t.Context(), "Copy", imap.SelectOptions{ReadOnly: true}))
	s = target.Fetch(t.Context(), imap.FetchRequest{UIDs: imap.UIDs(1), Body: true})
	it = must[*imap.FetchItem](t)(s.Next())
	got := sha256.New()
	if _, err := io.Copy(got, it.Body); err != nil {
		t.Fatal(err)
	}
	if fmt.Sprintf("%x", got.Sum(nil)) != fmt.Sprintf("%x", want.Sum(nil)) {
		t.Error("the message changed on its way")
	}
	ok(t, s.Close())
}
