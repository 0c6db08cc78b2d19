//go:build unix

package mbox

import (
	"fmt"
	"os"
	"os/exec"
	"os/user"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"

	format "waybill/format/mbox"
	"waybill/mail"
)

// dovecot speaks IMAP with Dovecot's own imap program, which needs no daemon, on
// the mbox files of a directory, and returns its answers.
func dovecot(t *testing.T, dir string, commands ...string) string {
	t.Helper()
	const program = "/usr/lib/dovecot/imap"
	if _, err := os.Stat(program); err != nil {
		t.Skip("Dovecot is not installed (Debian: dovecot-imapd)")
	}
	conf := filepath.Join(dir, "dovecot.conf")
	text := fmt.Sprintf("base_dir = %[1]s/run\nlog_path = %[1]s/log\nprotocols = imap\nssl = no\nfirst_valid_uid = 1\nmbox_write_locks = fcntl\n"+
		"mail_location = mbox:%[1]s/folders:INBOX=%[1]s/anna/INBOX.mbox:INDEX=%[1]s/index\nnamespace inbox {\n  inbox = yes\n}\n", dir)
	if err := os.WriteFile(conf, []byte(text), 0o644); err != nil {
		t.Fatal(err)
	}
	cmd := exec.CommandContext(t.Context(), program, "-c", conf)
	cmd.Env = []string{"HOME=" + dir, "USER=anna", "PATH=" + os.Getenv("PATH"), "TZ=UTC"}
	if os.Getuid() == 0 { // Dovecot refuses to work as root
		nobody, err := user.Lookup("nobody")
		if err != nil {
			t.Skip("run by root, and there is no user nobody to run Dovecot as")
		}
		uid, _ := strconv.Atoi(nobody.Uid)
		gid, _ := strconv.Atoi(nobody.Gid)
		err = filepath.WalkDir(dir, func(path string, _ os.DirEntry, err error) error {
			if err != nil {
				return err
			}
			return os.Lchown(path, uid, gid)
		})
		if err != nil {
			t.Fatal(err)
		}
		cmd.SysProcAttr = &syscall.SysProcAttr{Credential: &syscall.Credential{Uid: uint32(uid), Gid: uint32(gid)}}
	}
	cmd.Stdin = strings.NewReader(strings.Join(append(commands, "z LOGOUT", ""), "\r\n"))
	out, err := cmd.CombinedOutput()
	if err != nil || !strings.Contains(string(out), "z OK") {
		log, _ := os.ReadFile(filepath.Join(dir, "log"))
		t.Fatalf("Dovecot: %v\n%s\n%s", err, out, log)
	}
	return string(out)
}

// withoutState leaves out the header lines that mail programs keep for themselves.
func withoutState(message string) string {
	header, body, _ := strings.Cut(message, "\n\n")
	var kept []string
	for line := range strings.Lines(header + "\n") {
		if name, _, _ := strings.Cut(line, ":"); !format.IsStateField(name) {
			kept = append(kept, line)
		}
	}
	return strings.Join(kept, "") + "\n" + body
}

// TestDovecot lets Dovecot read what we wrote, change flags, deliver and expunge,
// and reads the file after that: our messages still have their content and their keys.
func TestDovecot(t *testing.T) {
	dir, err := os.MkdirTemp("", "waybill-dovecot-") // below a directory that others may enter
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = os.RemoveAll(dir) })
	if err := os.Chmod(dir, 0o755); err != nil {
		t.Fatal(err)
	}
	bodies := []string{"Subject: one\n\nFrom me\n>From you\n", "Subject: two\r\nStatus: R\r\n\r\nbody\r\n\r\n", "Subject: three\n\nno end", "Subject: four\n\nlast\n"}
	mustDeliver(t, openAccount(t, dir), bodies...)
	before := list(t, openMailbox(t, filepath.Join(dir, "anna"), "INBOX"), mail.Inbox)

	out := dovecot(t, dir, "a SELECT INBOX", "b FETCH 1:* (FLAGS INTERNALDATE BODY.PEEK[HEADER.FIELDS (SUBJECT)])")
	for _, want := range []string{"* 4 EXISTS", `FLAGS (\Seen)`, `INTERNALDATE "08-Jul-2011 12:08:34 +0000"`, "Subject: three"} {
		if !strings.Contains(out, want) {
			t.Errorf("Dovecot does not say %q:\n%s", want, out)
		}
	}
	// Dovecot has added its own fields by now (X-UID); keywords it knows only from
	// the list that it keeps in the first message.
	if got := contents(t, dir); len(got) != 4 || withoutState(got[0]) != bodies[0] || withoutState(got[2]) != bodies[2]+"\n" || withoutState(got[3]) != bodies[3] {
		t.Errorf("Dovecot has looked into the inbox, and now it has %q", got)
	}

	out = dovecot(t, dir, "a SELECT INBOX", `b STORE 1 FLAGS (\Answered later)`, `c STORE 3 +FLAGS (\Flagged)`, `d STORE 2 +FLAGS (\Deleted)`, "e EXPUNGE",
		"f APPEND INBOX {15+}\r\nSubject: five\r\n", "g CLOSE")
	if !strings.Contains(out, "g OK") || !strings.Contains(out, "f OK") {
		t.Fatalf("Dovecot refuses:\n%s", out)
	}
	got := contents(t, dir)
	if len(got) != 4 || withoutState(got[0]) != bodies[0] || withoutState(got[1]) != bodies[2]+"\n" || withoutState(got[2]) != bodies[3] || !strings.Contains(got[3], "five") {
		t.Errorf("after Dovecot the inbox has %q", got)
	}
	m := openMailbox(t, dir, "anna")
	after := list(t, m, mail.Inbox)
	if len(after) != 4 || after[0].Key != before[0].Key || after[1].Key != before[2].Key || after[2].Key != before[3].Key {
		t.Errorf("keys are %+v, were %+v", after, before)
	}
	if len(after) > 1 && (after[0].Flags.String() != `\Answered later` || after[1].Flags.String() != `\Seen \Flagged`) {
		t.Errorf("flags are %q and %q", after[0].Flags, after[1].Flags)
	}
}
