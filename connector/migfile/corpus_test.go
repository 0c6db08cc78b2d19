package migfile

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"testing"

	"waybill/connector"
	"waybill/connector/migfile/canon"
	"waybill/directory"
	"waybill/internal/corpus"
	"waybill/mail"
)

// TestRealMail writes every message of the collection, reads it back, and
// compares what migration files hold of it.
func TestRealMail(t *testing.T) {
	if testing.Short() {
		t.Skip("thousands of files")
	}
	for _, page := range []string{"65001", "1252", "932"} {
		t.Run(page, func(t *testing.T) { realMail(t, page) })
	}
}

func realMail(t *testing.T, page string) {
	ctx := context.Background()
	loc := location(filepath.Join(t.TempDir(), "real.pkl"), "codepage", page)
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
	var names []string
	nth := 0
	err = filepath.WalkDir(corpus.Dir(t, "eml"), func(path string, d fs.DirEntry, err error) error {
		if err == nil && d.Type().IsRegular() {
			if nth++; page == "65001" || nth%10 == 0 { // all of them once
				names = append(names, path)
			}
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	notes := map[string]int{}
	different := 0
	for len(names) > 0 {
		batch := names[:min(500, len(names))]
		names = names[len(batch):]
		at, err := box.Position(ctx, mail.Inbox)
		if err != nil {
			t.Fatal(err)
		}
		items := make([]connector.Item, len(batch))
		for i, name := range batch {
			items[i] = connector.Item{Message: mail.Message{Key: name}, Open: func(context.Context) (io.ReadCloser, error) { return os.Open(name) }}
		}
		receipts, err := box.Append(ctx, mail.Inbox, at, items)
		if err != nil {
			t.Fatal(err)
		}
		for i, r := range receipts {
			if r.Err != nil {
				t.Errorf("%s: %v", batch[i], r.Err)
				continue
			}
			for _, n := range r.Notes {
				notes[n.Kind]++
			}
			want, err := os.ReadFile(batch[i])
			if err != nil {
				t.Fatal(err)
			}
			_, body, err := box.Open(ctx, mail.Inbox, r.ID)
			if err != nil {
				t.Errorf("%s: %v", batch[i], err)
				continue
			}
			got, err := io.ReadAll(body)
			if err != nil {
				t.Errorf("%s: %v", batch[i], err)
			}
			_ = body.Close()
			a, err := target.Fingerprint(ctx, bytes.NewReader(want))
			if err != nil {
				t.Fatal(err)
			}
			b, err := target.Fingerprint(ctx, bytes.NewReader(got))
			if err != nil {
				t.Fatal(err)
			}
			if a != b {
				if different++; different <= 20 {
					t.Errorf("%s: reads back as something else: %s", batch[i], difference(t, target, want, got))
				}
			}
		}
	}
	t.Logf("notes: %v; %d differ", notes, different)
	if err := target.Close(); err != nil {
		t.Fatal(err)
	}
}

// difference names what of the content differs.
func difference(t *testing.T, to connector.Target, want, got []byte) string {
	var c [2]*canon.Content
	for i, m := range [][]byte{want, got} {
		x := &canon.Extractor{Page: to.(*target).page, Zone: to.(*target).zone}
		var err error
		if c[i], err = x.Extract(context.Background(), bytes.NewReader(m)); err != nil {
			t.Fatal(err)
		}
	}
	return describe(c[0]) + "\n became \n" + describe(c[1])
}

func describe(c *canon.Content) string {
	s := fmt.Sprintf("from %q to %q cc %q bcc %q subject %q sent %s priority %d body of %d bytes", c.Sender, c.To, c.Cc, c.Bcc, c.Subject, c.Sent, c.Priority, c.Body.Size)
	for _, a := range c.Attachments {
		s += fmt.Sprintf("; %q of %d bytes", a.Name, a.Data.Size)
	}
	return s
}
