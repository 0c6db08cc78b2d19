package siteimap_test

import (
	"bytes"
	"context"
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"waybill/mail"
	"waybill/siteimap"
)

// oddMessages are what mail programs are not prepared for.
func oddMessages() []string {
	return []string{"", "no header at all", "\r\nonly a body\r\n", "Subject: nul\r\n\r\na\x00b\xff\xfe\r\n", "Bare: line feeds\n\nbody\nno end",
		"Subject: \xe4\xf6\xfc\r\nFrom: \xff\r\n\r\n\xc3\xa4\r\n", "Content-Type: multipart/mixed; boundary=b\r\n\r\nnot a part\r\n", strings.Repeat("\r\n", 50),
		"Content-Type: multipart/mixed; boundary=b\r\n\r\n--b\r\n--b\r\n\r\n--b--", "\x00", strings.Repeat("Long: x\r\n ", 3000) + "\r\n\r\nbody"}
}

func program(t *testing.T, name string) string {
	t.Helper()
	path, err := exec.LookPath(name)
	if err != nil {
		t.Skipf("%s is not installed", name)
	}
	return path
}

func run(t *testing.T, name string, args ...string) string {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 2*time.Minute)
	defer cancel()
	command := exec.CommandContext(ctx, name, args...)
	command.Env = append(os.Environ(), "HOME="+t.TempDir())
	out, err := command.CombinedOutput()
	if err != nil {
		t.Fatalf("%s: %v\n%s", name, err, out)
	}
	return string(out)
}

// TestImaplib has Python's client, which shares no code with this package, go
// through every command.
func TestImaplib(t *testing.T) {
	python := program(t, "python3")
	store := newSite(t, "anna", "o*k")
	fill(t, store, "anna", "Odd", oddMessages()...)
	host, port, _ := net.SplitHostPort(serve(t, siteimap.Options{Store: store}, false))
	t.Log(run(t, python, "testdata/imaplib_session.py", host, port, password))
}

// TestMbsync pulls a whole account into a Maildir, pushes changes back, and does
// nothing when there is nothing to do.
func TestMbsync(t *testing.T) {
	mbsync := program(t, "mbsync")
	store := newSite(t, "anna")
	var bodies []string
	for i := range 200 {
		bodies = append(bodies, fmt.Sprintf("Message-ID: <%d@x>\r\nSubject: message %d\r\n\r\n%s\r\n", i, i, strings.Repeat("text ", i*20)))
	}
	folders := []mail.Path{mail.Inbox, "Work", "Work/Old", "Grüße & Küsse", mail.NewPath(`a\b`)}
	for _, f := range folders {
		fill(t, store, "anna", f, bodies...)
	}
	host, port, _ := net.SplitHostPort(serve(t, siteimap.Options{Store: store}, false))
	dir := t.TempDir()
	config := filepath.Join(dir, "mbsyncrc")
	text := fmt.Sprintf(`IMAPAccount site
Host %s
Port %s
User anna
Pass %q
SSLType None
AuthMechs PLAIN

IMAPStore far
Account site

MaildirStore near
SubFolders Verbatim
Path %s/
Inbox %s/INBOX

Channel all
Far :far:
Near :near:
Patterns *
Create Both
Remove None
Expunge Both
CopyArrivalDate yes
SyncState *
`, host, port, password, filepath.Join(dir, "mail"), filepath.Join(dir, "mail"))
	if err := os.WriteFile(config, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	if err := os.Mkdir(filepath.Join(dir, "mail"), 0o700); err != nil {
		t.Fatal(err)
	}
	run(t, mbsync, "-c", config, "-a")
	for _, f := range []string{"INBOX", "Work", "Work/Old"} {
		got := maildir(t, filepath.Join(dir, "mail", f))
		want := slices.Clone(bodies)
		slices.Sort(want)
		if !slices.Equal(got, want) {
			t.Errorf("%s: %d messages, not the same as %d in the site", f, len(got), len(want))
		}
	}
	before := states(t, dir)
	run(t, mbsync, "-c", config, "-a")
	if after := states(t, dir); after != before {
		t.Error("a second run found something to do")
	}
	// Back again: a new message, a read one, a deleted one.
	box := filepath.Join(dir, "mail", "Work")
	if err := os.WriteFile(filepath.Join(box, "new", "1.fresh.host"), []byte("Message-ID: <fresh@x>\nSubject: fresh\n\nbody\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	names, err := filepath.Glob(filepath.Join(box, "cur", "*:2,*"))
	if err != nil {
		t.Fatal(err)
	}
	more, _ := filepath.Glob(filepath.Join(box, "new", "*U=*"))
	names = append(names, more...)
	slices.Sort(names)
	mark := func(name, flags string) {
		base, _, _ := strings.Cut(filepath.Base(name), ":")
		if err := os.Rename(name, filepath.Join(box, "cur", base+":2,"+flags)); err != nil {
			t.Fatal(err)
		}
	}
	mark(names[0], "S")
	mark(names[1], "T")
	run(t, mbsync, "-c", config, "-a")
	c := logon(t, net.JoinHostPort(host, port), "anna")
	if got := c.ok("STATUS Work (MESSAGES UNSEEN DELETED)"); got[0] != `* STATUS "Work" (MESSAGES 200 UNSEEN 199 DELETED 0)` {
		t.Error(got)
	}
	c.ok("SELECT Work")
	if got := c.ok("SEARCH SUBJECT fresh"); got[0] != "* SEARCH 200" {
		t.Error(got)
	}
}

// maildir reads the messages of a Maildir, with the line ends and without the
// header field that mbsync changed.
func maildir(t *testing.T, dir string) []string {
	t.Helper()
	var all []string
	for _, sub := range []string{"new", "cur"} {
		names, err := filepath.Glob(filepath.Join(dir, sub, "*"))
		if err != nil {
			t.Fatal(err)
		}
		for _, name := range names {
			b, err := os.ReadFile(name)
			if err != nil {
				t.Fatal(err)
			}
			text := strings.ReplaceAll(string(bytes.ReplaceAll(b, []byte("\r\n"), []byte("\n"))), "\n", "\r\n")
			lines := strings.SplitAfter(text, "\r\n")
			lines = slices.DeleteFunc(lines, func(l string) bool { return strings.HasPrefix(l, "X-TUID: ") })
			all = append(all, strings.Join(lines, ""))
		}
	}
	slices.Sort(all)
	return all
}

// states is what mbsync keeps, and the names of all files.
func states(t *testing.T, dir string) string {
	t.Helper()
	var b strings.Builder
	err := filepath.WalkDir(filepath.Join(dir, "mail"), func(path string, d os.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		_, _ = fmt.Fprintln(&b, path)
		if strings.Contains(d.Name(), "mbsyncstate") {
			text, err := os.ReadFile(path)
			b.Write(text)
			return err
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	return b.String()
}
