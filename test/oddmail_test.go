package test

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"waybill/internal/counterpart"
	"waybill/report"
)

// oddMove moves one mailbox, "anna", to an IMAP server, and keeps what was said.
type oddMove struct {
	t        *testing.T
	work     string
	from, to string // for --from and --to
	args     []string
	waybill  *report.Waybill
	lines    []report.Message // of messages.jsonl
	trace    string
}

const annaPassword = "secret"

// run migrates with every message in the waybill and the conversation with the
// servers on paper.
func (m *oddMove) run(codes ...int) string {
	m.t.Helper()
	secret := secretFile(m.t, m.work, "anna", annaPassword)
	args := append([]string{"migrate", "--from", m.from, "--to", m.to, "--match=name", "--all", "--trace-servers",
		"--source-password-from=file:" + secret, "--target-password-from=file:" + secret}, m.args...)
	code, out := waybill(m.t, m.work, args...)
	m.trace = out
	fits := false
	for _, c := range codes {
		fits = fits || c == code
	}
	if !fits {
		m.t.Fatalf("waybill %q ended with %d, want %v:\n%s", args, code, codes, untraced(out))
	}
	dir := filepath.Join(m.work, "waybill-report")
	m.waybill = accounted(m.t, dir, false)
	m.lines = nil
	for line, err := range report.ReadMessages(dir) {
		if err != nil {
			m.t.Fatal(err)
		}
		m.lines = append(m.lines, line)
	}
	return untraced(out)
}

var traceLine = regexp.MustCompile(`(?m)^(source|target) [CS] .*\n`)

// untraced leaves the conversation with the servers out, and what is too long.
func untraced(out string) string {
	out = traceLine.ReplaceAllString(out, "")
	return out[:min(len(out), 8000)]
}

// state counts the lines of the waybill in a state.
func (m *oddMove) state(state string) (lines []report.Message) {
	for _, l := range m.lines {
		if l.State == state {
			lines = append(lines, l)
		}
	}
	return lines
}

// noted counts the messages with a note of that kind.
func (m *oddMove) noted(kind string) (n int) {
	for _, l := range m.lines {
		for _, note := range l.Notes {
			if note.Kind == kind {
				n++
				break
			}
		}
	}
	return n
}

// repairedProperly counts the messages that were repaired, and fails the test for
// those that have not both digests.
func (m *oddMove) repairedProperly() (n int) {
	m.t.Helper()
	for _, l := range m.lines {
		if !slices.ContainsFunc(l.Notes, func(note report.Note) bool { return note.Kind == "repaired" || note.Kind == "nul-changed" }) {
			continue
		}
		n++
		if l.State != "verified" || l.SHA256 == "" || l.KeptSHA256 == "" || l.SHA256 == l.KeptSHA256 {
			m.t.Errorf("repaired, without both digests: %+v", l)
		}
	}
	return n
}

// maildirOf writes a user's Maildir++ of Dovecot before the user was ever there:
// messages by folder ("" is INBOX), in the order that they have.
func maildirOf(t *testing.T, d *counterpart.Dovecot, user string, folders map[string][][]byte) {
	t.Helper()
	home := d.Home(user)
	rawMaildir(t, filepath.Join(home, "mail"), folders)
	if os.Getuid() != 0 {
		return
	}
	owner, err := d.Doveadm(t.Context(), "user", "-f", "uid", user)
	if err != nil {
		t.Fatal(err)
	}
	group, err := d.Doveadm(t.Context(), "user", "-f", "gid", user)
	if err != nil {
		t.Fatal(err)
	}
	out, err := exec.CommandContext(t.Context(), "chown", "-R", strings.TrimSpace(owner)+":"+strings.TrimSpace(group), home).CombinedOutput()
	if err != nil {
		t.Fatalf("chown: %v %s", err, out)
	}
}

// rawMaildir writes messages into a Maildir++, byte for byte.
// It returns them by the name of their file, without flags.
func rawMaildir(t *testing.T, dir string, folders map[string][][]byte) map[string][]byte {
	t.Helper()
	files := map[string][]byte{}
	at := 0
	for _, folder := range sortedFolders(folders) {
		for _, sub := range []string{"cur", "new", "tmp"} {
			if err := os.MkdirAll(filepath.Join(dir, folder, sub), 0o755); err != nil {
				t.Fatal(err)
			}
		}
		if folder != "" {
			if err := os.WriteFile(filepath.Join(dir, folder, "maildirfolder"), nil, 0o644); err != nil {
				t.Fatal(err)
			}
		}
		for i, body := range folders[folder] {
			at++
			when := 1_000_000_000 + at*60
			base := fmt.Sprintf("%d.M%dP7.kogge", when, i)
			files[base] = body
			name := filepath.Join(dir, folder, "cur", base+":2,"+[]string{"", "S", "RS", "F"}[at%4])
			if err := os.WriteFile(name, body, 0o644); err != nil {
				t.Fatal(err)
			}
			date := time.Unix(int64(when), 0)
			if err := os.Chtimes(name, date, date); err != nil {
				t.Fatal(err)
			}
		}
	}
	return files
}

var appendCommand = regexp.MustCompile(`(?m)^target C \S+ APPEND `)

// appends counts the APPEND commands of the run.
func (m *oddMove) appends() int { return len(appendCommand.FindAllString(m.trace, -1)) }

var fetchedBody = regexp.MustCompile(`(?s)BODY\[\] \{(\d+)\}\r\n`)

// served is a message as an IMAP server gives it, found by the key that the
// waybill has for it ("UIDVALIDITY.UID").
func served(t *testing.T, d *counterpart.Dovecot, user string, line report.Message) []byte {
	t.Helper()
	_, uid, ok := strings.Cut(line.Key, ".")
	if !ok {
		t.Fatalf("key %q", line.Key)
	}
	said, err := d.Run(t.Context(), user, "EXAMINE "+counterpart.Quote(line.Folder), "UID FETCH "+uid+" BODY.PEEK[]")
	if err != nil {
		t.Fatal(err)
	}
	at := fetchedBody.FindStringSubmatchIndex(said)
	if at == nil {
		t.Fatalf("%s %s: no body in %.300q", line.Folder, line.Key, said)
	}
	size, err := strconv.Atoi(said[at[2]:at[3]])
	if err != nil || at[1]+size > len(said) {
		t.Fatalf("%s %s: %v in %.300q", line.Folder, line.Key, err, said)
	}
	body := []byte(said[at[1] : at[1]+size])
	if sum := sha256.Sum256(body); line.SHA256 != "" && hex.EncodeToString(sum[:]) != line.SHA256 {
		t.Errorf("%s %s: the waybill's digest %s is not that of what the server gives", line.Folder, line.Key, line.SHA256)
	}
	return body
}

// offered sends a message to a server without our program, and returns the words
// with which it is refused; empty when it is taken.
func offered(t *testing.T, c *counterpart.Cyrus, user, folder string, body []byte) string {
	t.Helper()
	said, err := c.Run(t.Context(), user, fmt.Sprintf("APPEND %s {%d+}\r\n%s", counterpart.Quote(folder), len(body), body))
	if err == nil {
		return ""
	}
	for line := range strings.Lines(said) {
		if _, words, ok := strings.Cut(line, " NO "); ok {
			return strings.TrimSpace(words)
		}
	}
	t.Fatalf("%v:\n%.500s", err, said)
	return ""
}

func sortedFolders(folders map[string][][]byte) []string {
	names := make([]string, 0, len(folders))
	for n := range folders {
		names = append(names, n)
	}
	slices.Sort(names)
	return names
}
