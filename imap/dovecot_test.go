package imap_test

import (
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"io"
	"os"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/emersion/go-sasl"

	"waybill/failure"
	"waybill/imap"
	"waybill/internal/counterpart"
)

// connect logs anna on.
func connect(t *testing.T, d *counterpart.Dovecot, change func(*imap.Options)) *imap.Conn {
	t.Helper()
	o := imap.Options{Addr: d.Addr, Mode: imap.Plain, Silence: 20 * time.Second}
	if change != nil {
		change(&o)
	}
	c, err := imap.Dial(t.Context(), o)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = c.Close() })
	if err := c.Authenticate(t.Context(), sasl.NewPlainClient("", "anna", "secret")); err != nil {
		t.Fatal(err)
	}
	return c
}

func must[T any](t *testing.T) func(v T, err error) T {
	t.Helper()
	return func(v T, err error) T {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
		return v
	}
}

func ok(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

func item(text string, date time.Time, flags ...string) imap.AppendItem {
	return imap.AppendItem{Flags: flags, Date: date, Size: int64(len(text)), Body: strings.NewReader(text)}
}

func message(n int) string {
	return fmt.Sprintf("From: anna@example.org\r\nSubject: message %d\r\n\r\nThis is text %d.\r\n", n, n)
}

// all reads a stream to its end, bodies included.
func all(t *testing.T, s *imap.FetchStream) (items []*imap.FetchItem, bodies []string) {
	t.Helper()
	for {
		item, err := s.Next()
		if errors.Is(err, io.EOF) {
			if skipped := s.Skipped(); len(skipped) > 0 {
				t.Fatalf("skipped: %v", skipped)
			}
			return items, bodies
		}
		if err != nil {
			t.Fatal(err)
		}
		text := ""
		if item.Body != nil {
			b, err := io.ReadAll(item.Body)
			if err != nil {
				t.Fatal(err)
			}
			text = string(b)
		}
		items, bodies = append(items, item), append(bodies, text)
	}
}

func TestRoundTrip(t *testing.T) {
	d := counterpart.NewDovecot(t, counterpart.DovecotOptions{})
	c := connect(t, d, nil)
	zone := time.FixedZone("", -(9*3600 + 30*60))
	names := []string{"Gesendet/Ärger & Söhne", "日本", `with "quotes"`, `back\slash`, "a%b*c", "tilde~", "😀", "&-&", "it's {5}", " space ", "(parentheses)", "NIL"}
	for _, name := range names {
		ok(t, c.Create(t.Context(), name, ""))
		ok(t, c.Subscribe(t.Context(), name))
		want := []imap.AppendItem{
			item(message(1), time.Date(1999, 2, 3, 4, 5, 6, 0, zone), `\Seen`, `\Flagged`, "$Forwarded", "Work+1"),
			item(message(2), time.Date(2024, 12, 31, 23, 59, 59, 0, time.UTC)),
			item("no header at all", time.Date(2001, 1, 1, 0, 0, 0, 0, time.FixedZone("", 5*3600+45*60)), `\Deleted`, `\Draft`, `\Answered`),
		}
		for _, mode := range []imap.AppendMode{imap.Multi, imap.Pipelined, imap.Synchronising} {
			results := must[[]imap.AppendResult](t)(c.Append(t.Context(), name, want, mode))
			for i, r := range results {
				if r.Err != nil || r.UID == 0 || r.UIDValidity == 0 {
					t.Fatalf("%s, mode %d, item %d: %+v", name, mode, i, r)
				}
				want[i].Body.(*strings.Reader).Reset(map[int]string{0: message(1), 1: message(2), 2: "no header at all"}[i])
			}
		}
		s := must[imap.Selected](t)(c.Select(t.Context(), name, imap.SelectOptions{ReadOnly: true, CondStore: true}))
		if s.Exists != 9 || s.UIDNext != 10 || !s.ReadOnly || s.HighestModSeq == 0 || s.PermanentFlags == nil {
			t.Fatalf("%s: %+v", name, s)
		}
		items, bodies := all(t, c.Fetch(t.Context(), imap.FetchRequest{UIDs: imap.UIDSet{{First: 1}}, Flags: true, InternalDate: true, Size: true, Body: true, ModSeq: true}))
		if len(items) != 9 {
			t.Fatalf("%s: %d of 9 messages", name, len(items))
		}
		for i, it := range items {
			w := want[i%3]
			flags := slices.Clone(it.Flags)
			slices.Sort(flags)
			slices.Sort(w.Flags)
			if !slices.Equal(flags, w.Flags) && len(flags)+len(w.Flags) > 0 || it.ModSeq == 0 || it.UID != uint32(i+1) || it.Partial || it.DateRaw != "" {
				t.Errorf("%s: %+v, want %v", name, it, w.Flags)
			}
			if !it.InternalDate.Equal(w.Date) || bodies[i] != []string{message(1), message(2), "no header at all"}[i%3] || it.Size != w.Size || it.BodySize != w.Size {
				t.Errorf("%s, UID %d: %v (want %v), %q", name, it.UID, it.InternalDate, w.Date, bodies[i])
			}
		}
	}
	list := must[[]imap.ListItem](t)(c.List(t.Context(), "", "*", imap.ListOptions{Subscribed: true, Status: []string{"MESSAGES", "SIZE", "UIDNEXT"}}))
	for _, name := range names {
		i := slices.IndexFunc(list, func(l imap.ListItem) bool { return l.Name == name })
		if i < 0 {
			t.Fatalf("%q is not in %+v", name, list)
		}
		if l := list[i]; l.Raw != "" || !slices.Contains(l.Attributes, `\Subscribed`) || l.Status == nil || l.Status.Messages != 9 || l.Status.Size <= 0 || l.Delimiter != "/" {
			t.Errorf("%q: %+v %+v", name, l, l.Status)
		}
	}
	if got := must[[]imap.ListItem](t)(c.Lsub(t.Context(), "", "*")); len(got) < len(names) {
		t.Errorf("LSUB: %+v", got)
	}
	if c.Broken() != nil || len(c.Skipped()) > 0 {
		t.Fatal(c.Broken(), c.Skipped())
	}
	ok(t, c.Logout(t.Context()))
}

func TestZoneIsKept(t *testing.T) {
	d := counterpart.NewDovecot(t, counterpart.DovecotOptions{Format: "sdbox"})
	c := connect(t, d, nil)
	date := time.Date(1999, 2, 3, 4, 5, 6, 0, time.FixedZone("", 5*3600+30*60))
	must[[]imap.AppendResult](t)(c.Append(t.Context(), "INBOX", []imap.AppendItem{item(message(1), date)}, imap.Multi))
	must[imap.Selected](t)(c.Select(t.Context(), "INBOX", imap.SelectOptions{}))
	items, _ := all(t, c.Fetch(t.Context(), imap.FetchRequest{UIDs: imap.UIDs(1), InternalDate: true}))
	// Dovecot keeps seconds and tells them in its own zone.
	if len(items) != 1 || !items[0].InternalDate.Equal(date) {
		t.Fatalf("%v, want %v", items[0].InternalDate, date)
	}
}

func TestMultiAppendOfMany(t *testing.T) {
	d := counterpart.NewDovecot(t, counterpart.DovecotOptions{})
	c := connect(t, d, nil)
	must[imap.Selected](t)(c.Select(t.Context(), "INBOX", imap.SelectOptions{}))
	var items []imap.AppendItem
	for i := range 100 {
		items = append(items, item(message(i), time.Time{}, "$Note"))
	}
	results := must[[]imap.AppendResult](t)(c.Append(t.Context(), "INBOX", items, imap.Multi))
	for i, r := range results {
		if r.Err != nil || r.UID != uint32(i+1) {
			t.Fatalf("item %d: %+v", i, r)
		}
	}
	if c.Exists() != 100 {
		t.Errorf("the server told of %d messages", c.Exists())
	}
	_, bodies := all(t, c.Fetch(t.Context(), imap.FetchRequest{Sequence: imap.UIDSet{{First: 1, Last: 100}}, Body: true}))
	for i, body := range bodies {
		if body != message(i) {
			t.Fatalf("message %d is %q", i, body)
		}
	}
	// A folder that is not there: all or nothing, and the connection goes on.
	for _, mode := range []imap.AppendMode{imap.Multi, imap.Pipelined, imap.Synchronising} {
		for i := range items {
			items[i] = item(message(i), time.Time{})
		}
		results := must[[]imap.AppendResult](t)(c.Append(t.Context(), "Nowhere", items, mode))
		for i, r := range results {
			var status *imap.StatusError
			if failure.ClassOf(r.Err) != failure.Vanished || !errors.As(r.Err, &status) || status.Code != "TRYCREATE" || status.Command != "APPEND" {
				t.Fatalf("mode %d, item %d: %v", mode, i, r.Err)
			}
		}
		ok(t, c.Noop(t.Context()))
	}
}

func TestBrokenBodyLeavesNothing(t *testing.T) {
	d := counterpart.NewDovecot(t, counterpart.DovecotOptions{})
	big := strings.Repeat("0123456789abcde\r\n", 20000)
	for name, bad := range map[string]imap.AppendItem{
		"short":   {Size: 100, Body: strings.NewReader("too little")},
		"long":    {Size: 4, Body: strings.NewReader("too much")},
		"large":   {Size: int64(len(big)) - 1, Body: strings.NewReader(big)},
		"failing": {Size: 10, Body: io.MultiReader(strings.NewReader("12345"), failing{})},
	} {
		for _, mode := range []imap.AppendMode{imap.Multi, imap.Pipelined, imap.Synchronising} {
			c := connect(t, d, nil)
			ok(t, c.Create(t.Context(), fmt.Sprintf("%s%d", name, mode), ""))
			items := []imap.AppendItem{item(message(1), time.Time{}), item(message(2), time.Time{}), bad, item(message(3), time.Time{})}
			results, err := c.Append(t.Context(), fmt.Sprintf("%s%d", name, mode), items, mode)
			var notSent *imap.NotSent
			if !errors.As(err, &notSent) || notSent.Item != 2 || c.Broken() == nil {
				t.Fatalf("%s, mode %d: %v, %v", name, mode, err, c.Broken())
			}
			want := int64(0)
			if mode != imap.Multi {
				want = 2
			}
			if int64(len(results)) != want {
				t.Errorf("%s, mode %d: results %+v", name, mode, results)
			}
			again := connect(t, d, nil)
			status := must[[]imap.StatusResult](t)(again.Status(t.Context(), []string{fmt.Sprintf("%s%d", name, mode)}, "MESSAGES"))
			if status[0].Messages != want {
				t.Errorf("%s, mode %d: %d messages stored, want %d", name, mode, status[0].Messages, want)
			}
			if r, ok := bad.Body.(*strings.Reader); ok {
				_, _ = r.Seek(0, io.SeekStart)
			} else {
				bad.Body = io.MultiReader(strings.NewReader("12345"), failing{})
			}
		}
	}
}

type failing struct{}

func (failing) Read([]byte) (int, error) {
	return 0, failure.New(failure.Vanished, "read", "here", "test.gone", nil)
}

func TestChangesSince(t *testing.T) {
	d := counterpart.NewDovecot(t, counterpart.DovecotOptions{})
	c := connect(t, d, nil)
	var items []imap.AppendItem
	for i := range 10 {
		items = append(items, item(message(i), time.Time{}))
	}
	must[[]imap.AppendResult](t)(c.Append(t.Context(), "INBOX", items, imap.Pipelined))
	s := must[imap.Selected](t)(c.Select(t.Context(), "INBOX", imap.SelectOptions{CondStore: true}))
	changed, modified, err := c.Store(t.Context(), imap.UIDs(3, 4), "+FLAGS", []string{`\Deleted`, "later"}, s.HighestModSeq)
	if err != nil || len(modified) > 0 || len(changed) != 2 || !slices.Contains(changed[0].Flags, "later") {
		t.Fatalf("%+v, %v, %v", changed, modified, err)
	}
	if _, modified, err = c.Store(t.Context(), imap.UIDs(3, 5), "+FLAGS", []string{`\Seen`}, s.HighestModSeq); err != nil || modified.String() != "3" {
		t.Fatalf("modified %s, %v", modified, err)
	}
	ok(t, c.Expunge(t.Context(), imap.UIDs(3)))
	if c.Exists() != 9 {
		t.Errorf("%d messages", c.Exists())
	}
	if found := must[imap.UIDSet](t)(c.Search(t.Context(), "KEYWORD later")); found.String() != "4" {
		t.Errorf("found %s", found)
	}
	if found := must[imap.UIDSet](t)(c.Search(t.Context(), "ALL")); found.String() != "1:2,4:10" {
		t.Errorf("found %s", found)
	}
	other := connect(t, d, nil)
	again := must[imap.Selected](t)(other.Select(t.Context(), "INBOX", imap.SelectOptions{QResync: &imap.QResync{UIDValidity: s.UIDValidity, ModSeq: s.HighestModSeq}}))
	if again.Vanished.String() != "3" || len(again.Changed) != 2 || again.Changed[0].UID != 4 || again.Exists != 9 {
		t.Fatalf("%+v", again)
	}
	stream := other.Fetch(t.Context(), imap.FetchRequest{UIDs: imap.UIDSet{{First: 1}}, Flags: true, ChangedSince: s.HighestModSeq, Vanished: true})
	if got, _ := all(t, stream); len(got) != 2 || stream.Vanished().String() != "3" {
		t.Fatalf("%d changed, %s vanished", len(got), stream.Vanished())
	}
	ok(t, other.Create(t.Context(), "Copies", ""))
	copied := must[imap.CopyResult](t)(other.Copy(t.Context(), imap.UIDs(1, 2, 4), "Copies"))
	if copied.Source.String() != "1:2,4" || copied.Dest.String() != "1:3" || copied.UIDValidity == 0 {
		t.Errorf("copied %+v", copied)
	}
	moved := must[imap.CopyResult](t)(other.Move(t.Context(), imap.UIDs(9, 10), "Copies"))
	if moved.Dest.String() != "4:5" || other.Exists() != 7 {
		t.Errorf("moved %+v, %d left", moved, other.Exists())
	}
	ok(t, other.Unselect(t.Context()))
	if _, _, open := other.Selected(); open {
		t.Error("the mailbox is open still")
	}
	ok(t, other.Rename(t.Context(), "Copies", "Kopien"))
	ok(t, other.Delete(t.Context(), "Kopien"))
	if err := other.Delete(t.Context(), "Kopien"); failure.ClassOf(err) != failure.Vanished {
		t.Error(err)
	}
}

func TestCompress(t *testing.T) {
	d := counterpart.NewDovecot(t, counterpart.DovecotOptions{Extra: "mail_plugins = $mail_plugins\nprotocol imap {\n  mail_plugins = $mail_plugins imap_zlib\n}"})
	c := connect(t, d, nil)
	if !c.Has("COMPRESS=DEFLATE") {
		t.Skip("this Dovecot has no imap_zlib")
	}
	ok(t, c.Compress(t.Context()))
	big := strings.Repeat("0123456789 äöü\r\n", 100000)
	must[[]imap.AppendResult](t)(c.Append(t.Context(), "INBOX", []imap.AppendItem{item(message(0), time.Time{}), item(big, time.Time{}), item(message(2), time.Time{})}, imap.Multi))
	must[imap.Selected](t)(c.Select(t.Context(), "INBOX", imap.SelectOptions{}))
	_, bodies := all(t, c.Fetch(t.Context(), imap.FetchRequest{UIDs: imap.UIDSet{{First: 1}}, Body: true}))
	if !slices.Equal(bodies, []string{message(0), big, message(2)}) {
		t.Fatalf("%d bodies", len(bodies))
	}
	if err := c.Compress(t.Context()); err == nil {
		t.Error("compressed twice")
	}
}

func TestTLS(t *testing.T) {
	d := counterpart.NewDovecot(t, counterpart.DovecotOptions{TLS: true})
	pem, err := os.ReadFile(d.CAFile)
	if err != nil {
		t.Fatal(err)
	}
	roots := x509.NewCertPool()
	roots.AppendCertsFromPEM(pem)
	for _, c := range []struct {
		mode imap.TLSMode
		addr string
	}{{imap.StartTLS, d.Addr}, {imap.Implicit, d.TLSAddr}} {
		conn := connect(t, d, func(o *imap.Options) { o.Mode, o.Addr, o.TLS = c.mode, c.addr, &tls.Config{RootCAs: roots} })
		must[[]imap.AppendResult](t)(conn.Append(t.Context(), "INBOX", []imap.AppendItem{item(message(1), time.Time{})}, imap.Multi))
		ok(t, conn.Logout(t.Context()))
		if _, err := imap.Dial(t.Context(), imap.Options{Addr: c.addr, Mode: c.mode}); failure.RuleOf(err) != "imap.certificate" {
			t.Errorf("an unknown authority: %v", err)
		}
	}
	if _, err := imap.Dial(t.Context(), imap.Options{Addr: d.Addr, Mode: imap.Implicit, TLS: &tls.Config{RootCAs: roots}}); failure.RuleOf(err) != "imap.no-tls" {
		t.Errorf("TLS where there is none: %v", err)
	}
}
