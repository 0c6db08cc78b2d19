package dbx_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"

	"waybill/failure"
	"waybill/format/dbx"
	"waybill/internal/dbxwrite"
	"waybill/mail"
)

// item is one entry as the reader gives it.
type item struct {
	dbx.Message
	text string
	err  error
}

func open(t testing.TB, b []byte) *dbx.File {
	t.Helper()
	f, err := dbx.Open(bytes.NewReader(b), int64(len(b)), "test.dbx")
	if err != nil {
		t.Fatal(err)
	}
	return f
}

func list(t testing.TB, f *dbx.File, of func(context.Context) func(func(dbx.Message, error) bool)) []item {
	t.Helper()
	var items []item
	for m, err := range of(t.Context()) {
		i := item{Message: m, err: err}
		if err == nil {
			b, err := io.ReadAll(f.Text(t.Context(), m))
			i.text, i.err = string(b), err
		}
		if err != nil && !errors.As(err, new(*failure.Error)) {
			t.Errorf("%v has no class", err)
		}
		items = append(items, i)
	}
	return items
}

func messages(t testing.TB, f *dbx.File) []item {
	return list(t, f, func(ctx context.Context) func(func(dbx.Message, error) bool) { return f.Messages(ctx) })
}

func stranded(t testing.TB, f *dbx.File) []item {
	return list(t, f, func(ctx context.Context) func(func(dbx.Message, error) bool) { return f.Stranded(ctx) })
}

var received = time.Date(2004, 5, 6, 7, 8, 9, 0, time.UTC)

func letter(n int, size int) dbxwrite.Message {
	text := fmt.Sprintf("From: a%d@example.org\r\nSubject: %d\r\n\r\n", n, n)
	return dbxwrite.Message{Index: uint32(n), Flags: 0x81, Received: received.Add(time.Duration(n) * time.Minute), Text: text + strings.Repeat("x", size)}
}

func TestMessages(t *testing.T) {
	var want []dbxwrite.Message
	for n := 1; n <= 3000; n++ {
		want = append(want, letter(n, n%7*200))
	}
	want[1].Flags = 1 | 1<<3 | 1<<5 | 1<<19 | 1<<20 | 1<<22
	f := open(t, dbxwrite.Messages(want))
	if f.Kind != dbx.Messages || f.Stated != 3000 {
		t.Errorf("the file is %s with %d entries", f.Kind, f.Stated)
	}
	got := messages(t, f)
	if len(got) != len(want) {
		t.Fatalf("%d messages, want %d", len(got), len(want))
	}
	for i, g := range got {
		w := want[i]
		if g.err != nil || g.text != w.Text || g.Index != w.Index || !g.Date.Equal(w.Received) || g.Size != int64(len(w.Text)) {
			t.Fatalf("entry %d is %d of %v with %d bytes, %v", i, g.Index, g.Date, g.Size, g.err)
		}
	}
	if got[0].Flags.System != mail.Seen || got[1].Flags.String() != mail.NewFlagSet(mail.Draft|mail.Flagged|mail.Answered|mail.Forwarded, "$Watched").String() {
		t.Errorf("flags are %s and %s", got[0].Flags, got[1].Flags)
	}
	if left := stranded(t, f); len(left) != 0 {
		t.Errorf("a whole file has %d stranded messages", len(left))
	}
}

// Whatever a folder holds comes out again, and what it does not list is found by
// looking for it.
func TestWrittenIsRead(t *testing.T) {
	rapid.Check(t, func(r *rapid.T) {
		n := rapid.IntRange(0, 70).Draw(r, "messages")
		var in []dbxwrite.Message
		for i := range n {
			m := dbxwrite.Message{Index: uint32(i + 1), Flags: uint32(rapid.SampledFrom([]int{1, 0x81}).Draw(r, "flags")), Received: received}
			m.Text = "A: " + strings.Repeat("b", rapid.IntRange(0, 1600).Draw(r, "size"))
			switch rapid.IntRange(0, 9).Draw(r, "state") {
			case 0:
				m.NoText = true
			case 1:
				m.Stranded = true
			case 2:
				m.Deleted, m.Stranded = true, true
			}
			in = append(in, m)
		}
		f := open(t, dbxwrite.Messages(in))
		var listed, lying, given []string
		for _, m := range in {
			switch {
			case m.Deleted:
				given = append(given, m.Text)
			case m.Stranded:
				lying = append(lying, m.Text)
			case m.NoText:
				listed = append(listed, "dbx.no-text")
			default:
				listed = append(listed, m.Text)
			}
		}
		var got []string
		for _, i := range messages(t, f) {
			if i.err != nil {
				i.text = failure.RuleOf(i.err)
			}
			got = append(got, i.text)
		}
		if !slices.Equal(got, listed) {
			r.Fatalf("listed are %d messages, want %d", len(got), len(listed))
		}
		var found, deleted []string
		for _, i := range stranded(t, f) {
			if i.err != nil {
				r.Fatal(i.err)
			}
			if i.Form == dbx.Deleted {
				deleted = append(deleted, i.text)
				continue
			}
			if !i.Date.Equal(received) {
				r.Fatalf("a stranded message is of %v", i.Date)
			}
			found = append(found, i.text)
		}
		for i, text := range given {
			given[i] = holes(text)
		}
		for _, l := range [][]string{found, deleted, lying, given} {
			slices.Sort(l)
		}
		if !slices.Equal(found, lying) || !slices.Equal(deleted, given) {
			r.Fatalf("found %d and %d deleted messages, want %d and %d", len(found), len(deleted), len(lying), len(given))
		}
	})
}

// holes is a text as it is after it was deleted.
func holes(text string) string {
	b := []byte(text)
	for at := 0; at < len(b); at += 512 {
		copy(b[at:], "????")
	}
	if n := len(b) % 512; n > 0 && n < 4 {
		b = append(b, "????"[n:]...)
	}
	return string(b)
}

func TestFolders(t *testing.T) {
	b := dbxwrite.Folders([]dbxwrite.Folder{
		{WithoutParent: true, Name: "Outlook Express"},
		{ID: 1, Name: "Lokale Ordner", Account: "LocalStore"},
		{ID: 4, Parent: 1, Name: "Posteingang", File: "Posteingang.dbx", Role: 1, Count: 3},
		{ID: 5, Parent: 1, Name: "Entw\xfcrfe", File: "Entw\xfcrfe.dbx", Role: 5},
		{ID: 6, Parent: 4, Name: "Sub", File: "Sub (1).dbx"},
		{ID: 7, Parent: 6, Name: "a/b", File: "ab.dbx"},
		{ID: 8, Name: "mail.example.org", Account: "00000002"},
		{ID: 9, Parent: 8, Name: "INBOX", File: "mail.example.org - INBOX.dbx"},
		{ID: 10, Parent: 11, Name: "one", File: "one.dbx"},
		{ID: 11, Parent: 10, Name: "two", File: "two.dbx"},
		{ID: 12, Parent: 99, Name: "orphan", File: "orphan.dbx"},
	})
	all, err := open(t, b).Folders(t.Context(), 1252)
	if err != nil || len(all) != 11 {
		t.Fatalf("%d folders, %v", len(all), err)
	}
	var got []string
	for _, p := range dbx.Arrange(all) {
		got = append(got, fmt.Sprintf("%s = %s %s %d", strings.Join(p.Names, " > "), p.File, p.Use, p.Messages))
	}
	want := []string{
		"Posteingang = Posteingang.dbx Inbox 3", "Entwürfe = Entwürfe.dbx Drafts 0", "Posteingang > Sub = Sub (1).dbx  0", "Posteingang > Sub > a/b = ab.dbx  0",
		"mail.example.org > INBOX = mail.example.org - INBOX.dbx  0", "one = one.dbx  0", "two = two.dbx  0", "orphan = orphan.dbx  0",
	}
	if !slices.Equal(got, want) {
		t.Errorf("folders are\n%s\nwant\n%s", strings.Join(got, "\n"), strings.Join(want, "\n"))
	}
}

func TestVersion4(t *testing.T) {
	texts := []string{"A: 1\r\n\r\none", "", strings.Repeat("B", 100_001)}
	b := dbxwrite.Version4(texts)
	check := func(b []byte, want ...string) {
		t.Helper()
		var got []string
		for _, i := range messages(t, open(t, b)) {
			if i.err != nil {
				i.text = failure.RuleOf(i.err)
			}
			got = append(got, i.text)
		}
		if !slices.Equal(got, want) {
			t.Errorf("messages are %.60q, want %.60q", got, want)
		}
	}
	check(b, texts...)
	check(b[:len(b)-10], texts[0], texts[1], "dbx.truncated")
	broken := bytes.Clone(b)
	broken[0x54] ^= 1
	check(broken, texts[1], texts[2], "dbx.lost")
	huge := bytes.Clone(b)
	copy(huge[0x54+8:], "\xff\xff\xff\x7f\xff\xff\xff\x7e")
	check(huge, "dbx.truncated", texts[1], texts[2])
}
