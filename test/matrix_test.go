package test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"waybill/connector"
	"waybill/connector/eml"
	"waybill/connector/maildir"
	"waybill/connector/mbox"
	"waybill/connector/migfile"
	"waybill/connector/site"
	"waybill/directory"
	"waybill/mail"
)

// kind is a system that can be both ends of a migration.
type kind struct {
	scheme, file string
	source       opener
	target       func(context.Context, connector.Location) (connector.Target, error)
}

var kinds = []kind{
	{"maildir", "mail", maildir.Source, maildir.Target},
	{"mbox", "mail", mbox.Source, mbox.Target},
	{"eml", "mail", eml.Source, eml.Target},
	{"migfile", "mail.pkl", migfile.Source, migfile.Target},
	{"site", "mail.site", site.Source, site.Target},
}

// oddFolders are names that one system or another must escape.
var oddFolders = []mail.Path{mail.Inbox, mail.NewPath("Entwürfe"), mail.NewPath("a.b/c", "ärger & Töne"), mail.NewPath("mail.mbox"),
	mail.NewPath("%2E"), mail.NewPath(".hidden"), mail.NewPath("x", "x", "x"), mail.NewPath("\u65e5\u672c\u8a9e"), mail.NewPath(`quote"and'back\slash`)}

// fill writes users with every flag, keywords and dates through a target of the
// kind.
func (k kind) fill(t *testing.T, path string, folders []mail.Path) {
	t.Helper()
	ctx := t.Context()
	target, err := k.target(ctx, locate(k.scheme, path))
	if err != nil {
		t.Fatal(err)
	}
	caps := target.Capabilities()
	for _, user := range []string{"anna", "o'neil & söhne"} {
		if err := target.CreateAccount(ctx, directory.User{ID: user, Name: user}); err != nil {
			t.Fatal(err)
		}
		box, err := target.Mailbox(ctx, user)
		if err != nil {
			t.Fatal(err)
		}
		for n, name := range folders {
			folder, _, _ := target.FolderName(name, 0)
			if err := box.CreateFolder(ctx, mail.Folder{Path: folder}); err != nil {
				t.Fatal(err)
			}
			at, err := box.Position(ctx, folder)
			if err != nil {
				t.Fatal(err)
			}
			receipts, err := box.Append(ctx, folder, at, letters(user, n, caps))
			if err != nil {
				t.Fatal(err)
			}
			for _, r := range receipts {
				if r.Err != nil {
					t.Fatal(r.Err)
				}
			}
		}
		if err := box.Close(); err != nil {
			t.Fatal(err)
		}
	}
	if err := target.Close(); err != nil {
		t.Fatal(err)
	}
}

// letters are the messages of one folder, two of which are equal.
func letters(user string, n int, caps connector.Capabilities) (items []connector.Item) {
	for i := range 24 {
		system := mail.Flags(i*5+n) & caps.Flags
		var keywords []string
		if caps.Keywords && i%3 == 0 {
			keywords = []string{"$Work", fmt.Sprint("label", i%2)}
		}
		subject := i
		if i == 23 {
			subject = 22
			system, keywords = items[22].Flags.System, items[22].Flags.Keywords
		}
		when := time.Date(1994+n, time.March, 1+subject, 4, 5, 6, 0, time.UTC)
		body := fmt.Sprintf("From: =?utf-8?q?Jos=C3=A9?= <jose@example.org>\r\nTo: %s\r\nSubject: letter %d of %d\r\nDate: %s\r\nMessage-ID: <same@example.org>\r\n"+
			"MIME-Version: 1.0\r\nContent-Type: text/plain; charset=utf-8\r\n\r\nFrom here on\r\n.\r\n>From there, gr\u00fc\u00dfe\r\n%s\r\n",
			"list@example.org", subject, n, when.Format(time.RFC1123Z), strings.Repeat("line of "+user+"\r\n", 60*(subject%5)))
		items = append(items, connector.Item{
			Message: mail.Message{Key: fmt.Sprint(i), Size: int64(len(body)), InternalDate: when, Flags: mail.NewFlagSet(system, keywords...)},
			Open:    func(context.Context) (io.ReadCloser, error) { return io.NopCloser(strings.NewReader(body)), nil },
		})
	}
	return items
}

// contents reads a system as the target "to" keeps it: what that one cannot hold
// of flags, keywords and dates does not count, and where isSource is set folders
// are named as they will be called there.
func contents(t *testing.T, k kind, path string, to connector.Target, isSource bool) counted {
	t.Helper()
	ctx := t.Context()
	caps := to.Capabilities()
	source := must(t)(k.source(ctx, locate(k.scheme, path)))
	all := counted{}
	for u, err := range source.Users(ctx) {
		if err != nil {
			t.Fatal(err)
		}
		box, err := source.Mailbox(ctx, u.ID)
		if err != nil {
			t.Fatal(err)
		}
		folders, err := box.Folders(ctx)
		if err != nil {
			t.Fatal(err)
		}
		for _, f := range folders {
			if f.Container {
				continue
			}
			name := f.Path
			if isSource {
				name, _, _ = to.FolderName(f.Path, 0)
			}
			for m, err := range box.Messages(ctx, f.Path) {
				if err != nil {
					t.Fatal(err)
				}
				r, err := box.Open(ctx, f.Path, m)
				if err != nil {
					t.Fatal(err)
				}
				digest, err := to.Fingerprint(ctx, r)
				if err = errors.Join(err, r.Close()); err != nil {
					t.Fatal(err)
				}
				keywords := m.Flags.Keywords
				if !caps.Keywords {
					keywords = nil
				}
				date := int64(0)
				if caps.DatePrecision > 0 {
					date = m.InternalDate.Truncate(max(caps.DatePrecision, time.Second)).Unix()
				}
				all[fmt.Sprintf("%s %s %s (%s) %d", u.ID, name, digest, mail.NewFlagSet(m.Flags.System&caps.Flags, keywords...), date)]++
			}
		}
		if err := box.Close(); err != nil {
			t.Fatal(err)
		}
	}
	if err := source.Close(); err != nil {
		t.Fatal(err)
	}
	return all
}

// TestEveryPair moves from every system to every system, is killed in the middle
// of the copying, goes on, and compares both ends.
func TestEveryPair(t *testing.T) {
	t.Parallel()
	for _, from := range kinds {
		dir := t.TempDir()
		start := filepath.Join(dir, from.file)
		from.fill(t, start, oddFolders)
		for _, to := range kinds {
			t.Run(from.scheme+" to "+to.scheme, func(t *testing.T) {
				if testing.Short() && from.scheme != "maildir" {
					t.Skip("one source has to do with -short")
				}
				t.Parallel()
				work := t.TempDir()
				end := filepath.Join(work, to.file)
				args := []string{"migrate", "--from", from.scheme + ":" + start, "--to", to.scheme + ":" + end, "--workers", "1", "--all"}

				r := half(t, work, args...)
				r.kill()

				expect(t, 0, work, args...)
				w := accounted(t, filepath.Join(work, "waybill-report"), false)
				if w.Lines["verified"] != w.Totals.Verified {
					t.Errorf("messages.jsonl has %d verified messages, the totals say %d", w.Lines["verified"], w.Totals.Verified)
				}
				like, err := to.target(t.Context(), locate(to.scheme, filepath.Join(t.TempDir(), to.file)))
				if err != nil {
					t.Fatal(err)
				}
				defer like.Close()
				want, got := contents(t, from, start, like, true), contents(t, to, end, like, false)
				if want.total() != 2*len(oddFolders)*24 || w.Totals.Verified != int64(want.total()) || w.Totals.Found != w.Totals.Verified {
					t.Errorf("the source holds %d messages; totals %+v", want.total(), w.Totals)
				}
				compare(t, from.scheme+" to "+to.scheme, want, got)
				expect(t, 0, work, "verify")
				before := w.Totals
				expect(t, 0, work, args...)
				if again := accounted(t, filepath.Join(work, "waybill-report"), false); again.Totals != before {
					t.Errorf("a further run: totals %+v, before %+v", again.Totals, before)
				}
				compare(t, "after a further run", got, contents(t, to, end, like, false))
			})
		}
	}
}

// half runs the program until one mailbox is through and the next is being
// worked on.
func half(t *testing.T, work string, args ...string) *running {
	t.Helper()
	r := start(t, work, func(c *exec.Cmd) { c.Args = append(c.Args, "-v") }, args...)
	r.until("the second mailbox", func(l line) bool { return l.Type == "progress" && l.Phase == "finished" })
	r.until("its first folder", func(l line) bool { return l.Msg == "folder" })
	return r
}

// kill ends the run with SIGKILL.
func (r *running) kill() {
	_ = r.cmd.Process.Kill()
	_, _ = r.end()
}
