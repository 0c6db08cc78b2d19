package eml

import (
	"context"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"waybill/connector"
	"waybill/directory"
	"waybill/mail"
)

// A target gives bare cards and calendars the endings by which other programs know
// them, and a source reads them; cards that somebody else put there stay aside.
func TestCardsAndCalendars(t *testing.T) {
	ctx, dir := t.Context(), t.TempDir()
	loc := connector.Location{Scheme: scheme, Path: dir}
	target, err := Target(ctx, loc)
	if err != nil {
		t.Fatal(err)
	}
	if err := target.CreateAccount(ctx, directory.User{ID: "anna"}); err != nil {
		t.Fatal(err)
	}
	box, err := target.Mailbox(ctx, "anna")
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = box.Close() }()
	texts := map[string]string{
		"BEGIN:VCARD\r\nVERSION:4.0\r\nFN:Anna\r\nEND:VCARD\r\n": ".vcf",
		"\xEF\xBB\xBFbegin:vcalendar\nEND:VCALENDAR\n":           ".ics",
		"Subject: BEGIN:VCARD\r\n\r\nBEGIN:VCARD\r\n":            ".eml",
		"BEGIN:VCARDIGAN\r\nno card\r\n":                         ".eml",
		"BEGIN:VCARD":                                            ".eml", "": ".eml", "BEGIN:VCALENDAR\r\nX: y\r\n\r\nz\r\n": ".ics",
	}
	at, err := box.Position(ctx, mail.Inbox)
	if err != nil {
		t.Fatal(err)
	}
	var items []connector.Item
	var want []string
	for text, ending := range texts {
		want = append(want, ending)
		items = append(items, connector.Item{Open: func(context.Context) (io.ReadCloser, error) { return io.NopCloser(strings.NewReader(text)), nil }})
	}
	receipts, err := box.Append(ctx, mail.Inbox, at, items)
	if err != nil {
		t.Fatal(err)
	}
	for i, r := range receipts {
		if r.Err != nil || filepath.Ext(r.ID) != want[i] {
			t.Errorf("a file is called %s, want %s; %v", r.ID, want[i], r.Err)
		}
	}
	arrived := 0
	for _, err := range box.Arrived(ctx, mail.Inbox, at) {
		if arrived++; err != nil {
			t.Fatal(err)
		}
	}
	if err := os.WriteFile(filepath.Join(dir, "anna", "mine.vcf"), []byte("BEGIN:VCARD\r\nEND:VCARD\r\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	source := openBox(t, dir, "anna")
	listed := 0
	for m, err := range source.Messages(ctx, mail.Inbox) {
		if err != nil {
			t.Fatal(err)
		}
		listed++
		r, err := source.Open(ctx, mail.Inbox, m)
		if err != nil {
			t.Fatal(err)
		}
		b, err := io.ReadAll(r)
		if _ = r.Close(); err != nil || texts[string(b)] != filepath.Ext(m.Key) {
			t.Errorf("%s holds %q, %v", m.Key, b, err)
		}
	}
	if listed != len(texts) || arrived != len(texts) {
		t.Errorf("%d files are listed and %d arrived, want %d", listed, arrived, len(texts))
	}
}
