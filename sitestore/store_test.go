package sitestore_test

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"path/filepath"
	"testing"
	"time"

	"waybill/directory"
	"waybill/mail"
	"waybill/sitestore"
)

// newSite makes a site with accounts for a test.
func newSite(t testing.TB, accounts ...string) *sitestore.Store {
	t.Helper()
	s, err := sitestore.Create(t.Context(), filepath.Join(t.TempDir(), "test.site"), sitestore.CreateOptions{Organization: "Org", Site: "Site"})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := s.Close(); err != nil {
			t.Error(err)
		}
	})
	for _, a := range accounts {
		if err := s.AddAccount(t.Context(), directory.User{ID: a, Name: "Name of " + a}); err != nil {
			t.Fatal(err)
		}
	}
	return s
}

// open opens a mailbox for writing.
func open(t testing.TB, s *sitestore.Store, operator, account string) *sitestore.Mailbox {
	t.Helper()
	n, err := s.Session(operator, "")
	if err != nil {
		t.Fatal(err)
	}
	m, err := n.Mailbox(t.Context(), account, true)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := m.Close(); err != nil {
			t.Error(err)
		}
	})
	return m
}

// incoming makes an item of bytes.
func incoming(body []byte, flags ...string) sitestore.Incoming {
	return sitestore.Incoming{Flags: mail.NewFlagSet(0, flags...), Date: time.Date(2001, 2, 3, 4, 5, 6, 0, time.FixedZone("", -9*3600-1800)),
		Open: func(context.Context) (io.ReadCloser, error) { return io.NopCloser(bytes.NewReader(body)), nil }}
}

// body makes a message that compresses about as well as mail does.
func body(n, size int) []byte {
	var b bytes.Buffer
	fmt.Fprintf(&b, "From: somebody%d@example.org\r\nTo: somebody else <%d@example.net>\r\nSubject: message %d\r\nDate: Sat, 03 Feb 2001 04:05:06 -0930\r\n\r\n", n, n*7, n)
	words := []string{"the", "waybill", "lists", "every", "piece", "of", "freight", "and", "travels", "with", "it", "until", "all", "is", "received"}
	x := uint64(n)*2654435761 + 12345
	for b.Len() < size {
		if b.Len() > 64<<10 {
			// Large bodies repeat themselves, so that tests need not wait for them.
			b.Write(b.Bytes())
			continue
		}
		x = x*6364136223846793005 + 1442695040888963407
		fmt.Fprintf(&b, "%s %x ", words[(x>>33)%uint64(len(words))], (x>>40)&0xffff)
		if x>>60 == 0 {
			b.WriteString("\r\n")
		}
	}
	return b.Bytes()[:size]
}

func read(t testing.TB, m *sitestore.Mailbox, folder mail.Path, uid uint32) (sitestore.Message, []byte) {
	t.Helper()
	msg, r, err := m.Open(t.Context(), folder, uid)
	if err != nil {
		t.Fatal(err)
	}
	defer r.Close()
	b, err := io.ReadAll(r)
	if err != nil {
		t.Fatal(err)
	}
	return msg, b
}

func TestAppendAndRead(t *testing.T) {
	s := newSite(t, "anna")
	m := open(t, s, "", "anna")
	items := []sitestore.Incoming{incoming(body(1, 5000), `\Seen`, "Work", "$Important"), incoming(nil), incoming(body(3, 3<<20), `\Deleted`)}
	out, err := m.Append(t.Context(), mail.Inbox, 0, items)
	if err != nil {
		t.Fatal(err)
	}
	for i, want := range [][]byte{body(1, 5000), {}, body(3, 3<<20)} {
		if out[i].Err != nil || out[i].UID != uint32(i+1) {
			t.Fatalf("outcome %d: %+v", i, out[i])
		}
		msg, got := read(t, m, mail.Inbox, out[i].UID)
		if !bytes.Equal(got, want) || msg.Size != int64(len(want)) {
			t.Errorf("message %d: read %d bytes, want %d", i, len(got), len(want))
		}
		if !msg.Flags.Equal(items[i].Flags) || !msg.Date.Equal(items[i].Date) {
			t.Errorf("message %d: flags %v date %v", i, msg.Flags, msg.Date)
		}
		if _, offset := msg.Date.Zone(); offset != -9*3600-1800 {
			t.Errorf("message %d: zone %d", i, offset)
		}
	}
}
