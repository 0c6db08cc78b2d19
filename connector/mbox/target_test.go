package mbox

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"waybill/connector"
	"waybill/directory"
	"waybill/failure"
	"waybill/mail"
)

func item(body string) connector.Item {
	return connector.Item{
		Message: mail.Message{Key: "k", Size: int64(len(body)), InternalDate: time.Unix(1310126914, 0), Flags: mail.NewFlagSet(mail.Seen, "work")},
		Open:    func(context.Context) (io.ReadCloser, error) { return io.NopCloser(strings.NewReader(body)), nil },
	}
}

// openAccount opens the mailbox of anna, who is made when she is not there.
func openAccount(t testing.TB, dir string) *targetMailbox {
	t.Helper()
	target, err := Target(t.Context(), connector.Location{Scheme: "mbox", Path: dir})
	if err != nil {
		t.Fatal(err)
	}
	if err := target.CreateAccount(t.Context(), directory.User{ID: "anna"}); err != nil && failure.ClassOf(err) != failure.Conflict {
		t.Fatal(err)
	}
	m, err := target.Mailbox(t.Context(), "anna")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = m.Close() })
	return m.(*targetMailbox)
}

func deliver(t testing.TB, m connector.TargetMailbox, items ...connector.Item) ([]connector.Receipt, error) {
	t.Helper()
	at, err := m.Position(t.Context(), mail.Inbox)
	if err != nil {
		t.Fatal(err)
	}
	return m.Append(t.Context(), mail.Inbox, at, items)
}

func mustDeliver(t testing.TB, m connector.TargetMailbox, bodies ...string) (ids []string) {
	t.Helper()
	var items []connector.Item
	for _, b := range bodies {
		items = append(items, item(b))
	}
	receipts, err := deliver(t, m, items...)
	if err != nil {
		t.Fatal(err)
	}
	for _, r := range receipts {
		if r.Err != nil {
			t.Fatal(r.Err)
		}
		ids = append(ids, r.ID)
	}
	return ids
}

// contents are the messages of the inbox as a source reads them.
func contents(t testing.TB, dir string) (bodies []string) {
	t.Helper()
	m := openMailbox(t, dir, "anna")
	for _, msg := range list(t, m, mail.Inbox) {
		body, err := read(t, m, mail.Inbox, msg)
		if err != nil {
			t.Fatal(err)
		}
		bodies = append(bodies, body)
	}
	return bodies
}

func want(t testing.TB, dir string, bodies ...string) {
	t.Helper()
	if got := contents(t, dir); fmt.Sprintf("%q", got) != fmt.Sprintf("%q", bodies) {
		t.Errorf("the inbox has %q, want %q", got, bodies)
	}
}

// TestJournal finds what a crash leaves behind.
func TestJournal(t *testing.T) {
	setup := func(t *testing.T) (dir, file, journal string, m *targetMailbox, base int64) {
		dir = t.TempDir()
		m = openAccount(t, dir)
		mustDeliver(t, m, "Subject: 1\n\none\n")
		file = filepath.Join(dir, "anna", "INBOX.mbox")
		journal = filepath.Join(dir, "anna", journalName("INBOX.mbox"))
		fi, err := os.Stat(file)
		if err != nil {
			t.Fatal(err)
		}
		return dir, file, journal, m, fi.Size()
	}
	appendTo := func(t *testing.T, file, text string) {
		f, err := os.OpenFile(file, os.O_APPEND|os.O_WRONLY, 0)
		if err != nil {
			t.Fatal(err)
		}
		if _, err = f.WriteString(text); err != nil {
			t.Fatal(err)
		}
		if err = f.Close(); err != nil {
			t.Fatal(err)
		}
	}
	for _, c := range []struct {
		name, tail, journal string // %d in the journal is the length before
		class               failure.Class
		messages            int // afterwards, when it is no error
	}{
		{"cut message", "From MAILER-DAEMON Fri Jul  8 12:08:34 2011\nX-Waybill: v=1; fields=3; size=000000000000000; nl=0; date=none; zone=+0000\nStatus:  O\nX-Sta", journalForm, 0, 1},
		{"cut From_ line", "From MAILER-DAEMON Fri J", journalForm, 0, 1},
		{"zeros", strings.Repeat("\x00", 5000), journalForm, 0, 1},
		{"nothing appended", "", journalForm, 0, 1},
		{"cut journal", "", "waybill mbox journal 1\nlength 1", 0, 1},
		{"empty journal", "", "", 0, 1},
		{"journal of a longer file", "", "waybill mbox journal 1\nlength 99999%d\nend\n", 0, 1},
		{"foreign mail", fromLine + head + "precious\n\n", journalForm, failure.Conflict, 0},
		{"foreign mail after a cut message", "From MAILER-DAEMON Fri Jul  8 12:08:34 2011\nX-Way\n\n" + fromLine + head + "precious\n\n", journalForm, failure.Conflict, 0},
	} {
		t.Run(c.name, func(t *testing.T) {
			dir, file, journal, m, base := setup(t)
			appendTo(t, file, c.tail)
			text := c.journal
			if strings.Contains(text, "%d") {
				text = fmt.Sprintf(text, base)
			}
			if err := os.WriteFile(journal, []byte(text), 0o600); err != nil {
				t.Fatal(err)
			}
			_, err := m.Position(t.Context(), mail.Inbox)
			if c.class != 0 {
				if failure.ClassOf(err) != c.class {
					t.Errorf("error is %v", err)
				}
				if b, _ := os.ReadFile(file); !bytes.Contains(b, []byte("precious")) {
					t.Error("foreign mail was cut off")
				}
				return
			}
			if err != nil {
				t.Fatal(err)
			}
			if _, err := os.Stat(journal); !errors.Is(err, os.ErrNotExist) {
				t.Error("the journal is still there")
			}
			if n := len(contents(t, dir)); n != c.messages {
				t.Errorf("%d messages are left, want %d", n, c.messages)
			}
			mustDeliver(t, m, "Subject: 2\n\ntwo\n")
			want(t, dir, "Subject: 1\n\none\n", "Subject: 2\n\ntwo\n")
		})
	}
}

// TestSourceSkipsUnfinished reads a file that is being appended to.
func TestSourceSkipsUnfinished(t *testing.T) {
	dir := t.TempDir()
	m := openAccount(t, dir)
	mustDeliver(t, m, "Subject: 1\n\n")
	slow := item("Subject: 2\n\n")
	slow.Open = func(context.Context) (io.ReadCloser, error) {
		want(t, dir, "Subject: 1\n\n")
		if _, err := openAccount(t, dir).Position(t.Context(), mail.Inbox); failure.ClassOf(err) != failure.Conflict {
			t.Errorf("a second Waybill may look into a folder that is being written: %v", err)
		}
		return io.NopCloser(strings.NewReader("Subject: 2\n\n")), nil
	}
	if _, err := deliver(t, m, item("Subject: 1b\n\n"), slow); err != nil {
		t.Fatal(err)
	}
	want(t, dir, "Subject: 1\n\n", "Subject: 1b\n\n", "Subject: 2\n\n")
}

// TestBehindForeignMail appends to files that other programs wrote.
func TestBehindForeignMail(t *testing.T) {
	for _, c := range []struct {
		name, file string
		class      failure.Class
	}{
		{"whole", fromLine + head + "theirs\n\n", 0},
		{"no empty line", fromLine + head + "theirs\n", 0},
		{"no line end", fromLine + head + "theirs", 0},
		{"CRLF", strings.ReplaceAll(fromLine+head+"theirs\n", "\n", "\r\n"), 0},
		{"CR", strings.ReplaceAll(fromLine+head+"theirs\n", "\n", "\r"), failure.Conflict},
		{"MMDF", "\x01\x01\x01\x01\n" + head + "theirs\n\x01\x01\x01\x01\n", failure.Conflict},
	} {
		t.Run(c.name, func(t *testing.T) {
			dir := t.TempDir()
			m := openAccount(t, dir)
			write(t, filepath.Join(dir, "anna", "INBOX.mbox"), c.file, 1)
			at, err := m.Position(t.Context(), mail.Inbox)
			if err != nil {
				t.Fatal(err)
			}
			receipts, err := m.Append(t.Context(), mail.Inbox, at, []connector.Item{item("From us\n")})
			if failure.ClassOf(err) != c.class || c.class == 0 && err != nil {
				t.Fatalf("error is %v", err)
			}
			got := contents(t, dir)
			if err != nil {
				if b, _ := os.ReadFile(filepath.Join(dir, "anna", "INBOX.mbox")); string(b) != c.file {
					t.Errorf("the file was changed to %q", b)
				}
				return
			}
			if len(got) != 2 || !strings.Contains(got[0], "theirs") || got[1] != "From us\n" {
				t.Errorf("the inbox has %q", got)
			}
			n := 0
			for s, err := range m.Arrived(t.Context(), mail.Inbox, at) {
				if n++; err != nil || s.ID != receipts[0].ID {
					t.Errorf("arrived %+v, %v", s, err)
				}
			}
			if n != 1 {
				t.Errorf("%d messages arrived, want 1", n)
			}
		})
	}
}

// TestReplacedFile takes a position and has the file replaced, as a mail program
// does that compacts it.
func TestReplacedFile(t *testing.T) {
	dir := t.TempDir()
	m := openAccount(t, dir)
	mustDeliver(t, m, "1", "2")
	file := filepath.Join(dir, "anna", "INBOX.mbox")
	for name, change := range map[string]func(b []byte){
		"replaced": func(b []byte) {
			write(t, file+".new", string(b), 1)
			if err := os.Rename(file+".new", file); err != nil {
				t.Fatal(err)
			}
		},
		"cut": func(b []byte) { write(t, file, string(b[:len(b)/2]), 1) },
	} {
		at, err := m.Position(t.Context(), mail.Inbox)
		if err != nil {
			t.Fatal(err)
		}
		b, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		change(b)
		if _, err := m.Append(t.Context(), mail.Inbox, at, []connector.Item{item("x")}); failure.ClassOf(err) != failure.Conflict {
			t.Errorf("%s: Append gives %v", name, err)
		}
		for _, err := range m.Arrived(t.Context(), mail.Inbox, at) {
			if failure.ClassOf(err) != failure.Conflict {
				t.Errorf("%s: Arrived gives %v", name, err)
			}
		}
	}
}

func TestRemoveAndFlags(t *testing.T) {
	dir := t.TempDir()
	m := openAccount(t, dir)
	ids := mustDeliver(t, m, "1", "2")
	if err := m.Remove(t.Context(), mail.Inbox, ids[0]); failure.ClassOf(err) != failure.Unsupported {
		t.Errorf("removing another than the last message gives %v", err)
	}
	long := mail.NewFlagSet(0, strings.Repeat("k", 500))
	if err := m.SetFlags(t.Context(), mail.Inbox, ids[0], mail.NewFlagSet(mail.Seen, "work"), long); failure.ClassOf(err) != failure.Unsupported {
		t.Errorf("flags that do not fit give %v", err)
	}
	want(t, dir, "1", "2")
}

func TestTargetLeavesNothing(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "new")
	target, err := Target(t.Context(), connector.Location{Scheme: "mbox", Path: dir})
	if err != nil {
		t.Fatal(err)
	}
	for _, id := range []string{"canary-1", "canary-2"} {
		if err := target.CreateAccount(t.Context(), directory.User{ID: id}); err != nil {
			t.Fatal(err)
		}
	}
	for _, id := range []string{"canary-1", "canary-2"} {
		if err := target.DeleteAccount(t.Context(), id); err != nil {
			t.Fatal(err)
		}
	}
	if _, err := os.Stat(dir); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("the directory that was made for canaries is still there: %v", err)
	}
}

// TestPythonJudges lets Python's mailbox module read an account.
func TestPythonJudges(t *testing.T) {
	python, err := exec.LookPath("python3")
	if err != nil {
		t.Skip("python3 is not installed")
	}
	dir := t.TempDir()
	m := openAccount(t, dir)
	mustDeliver(t, m, "Subject: one\n\nFrom me\n", "Subject: two\r\n\r\nFrom you\r\n", "Subject: three\n\nend")
	const script = `import mailbox, sys
for m in mailbox.mbox(sys.argv[1]):
    print(m['subject'], m.get_flags(), m['X-Keywords'], m.get_from(), repr(m.get_payload()))`
	out, err := exec.Command(python, "-c", script, filepath.Join(dir, "anna", "INBOX.mbox")).CombinedOutput()
	if err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	const rest = " RO work MAILER-DAEMON Fri Jul  8 12:08:34 2011 "
	wanted := "one" + rest + "'>From me\\n'\ntwo" + rest + "'>From you\\r\\n'\nthree" + rest + "'end\\n'\n"
	if string(out) != wanted {
		t.Errorf("Python reads\n%swant\n%s", out, wanted)
	}
}
