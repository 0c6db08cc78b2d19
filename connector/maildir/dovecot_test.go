//go:build unix

package maildir

import (
	"bufio"
	"bytes"
	"fmt"
	"io"
	"os"
	"os/exec"
	"os/user"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"syscall"
	"testing"
)

// dovecot is an IMAP session with Dovecot's own imap program on one Maildir,
// without its daemon: it speaks on standard input and output.
type dovecot struct {
	t   *testing.T
	in  io.WriteCloser
	out *bufio.Reader
	n   int
}

// dovecotDir makes a directory whose mail Dovecot may read and write: it refuses
// to work as root.
func dovecotDir(t *testing.T) (dir string, uid, gid int) {
	t.Helper()
	if _, err := os.Stat("/usr/lib/dovecot/imap"); err != nil {
		t.Skip("Dovecot is not installed (Debian: dovecot-imapd)")
	}
	dir, err := os.MkdirTemp("", "waybill-dovecot-")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = os.RemoveAll(dir) })
	uid, gid = os.Getuid(), os.Getgid()
	if uid == 0 {
		nobody, err := user.Lookup("nobody")
		if err != nil {
			t.Skip("run by root, and there is no user nobody to run Dovecot as")
		}
		uid, _ = strconv.Atoi(nobody.Uid)
		gid, _ = strconv.Atoi(nobody.Gid)
	}
	for _, err := range []error{os.Chmod(dir, 0o755), os.Chown(dir, uid, gid)} {
		if err != nil {
			t.Fatal(err)
		}
	}
	return dir, uid, gid
}

// openDovecot starts a session on a Maildir below dir. settings are lines more
// for its configuration.
func openDovecot(t *testing.T, dir, box, settings string) *dovecot {
	t.Helper()
	var uid, gid int
	if fi, err := os.Stat(dir); err == nil {
		uid, gid = int(fi.Sys().(*syscall.Stat_t).Uid), int(fi.Sys().(*syscall.Stat_t).Gid)
	}
	conf := filepath.Join(t.TempDir(), "dovecot.conf")
	text := fmt.Sprintf("base_dir = %s/run\nlog_path = %s/log\nprotocols = imap\nssl = no\nmail_fsync = never\nmail_location = maildir:%s\n"+
		"namespace inbox {\n  inbox = yes\n  separator = /\n}\n%s\n", dir, dir, box, settings)
	if err := os.WriteFile(conf, []byte(text), 0o644); err != nil {
		t.Fatal(err)
	}
	for at := filepath.Dir(conf); at != os.TempDir() && at != "/"; at = filepath.Dir(at) {
		if err := os.Chmod(at, 0o755); err != nil {
			t.Fatal(err)
		}
	}
	cmd := exec.CommandContext(t.Context(), "/usr/lib/dovecot/imap", "-c", conf)
	cmd.Env = []string{"HOME=" + box, "USER=anna", "PATH=" + os.Getenv("PATH")}
	if os.Getuid() == 0 {
		cmd.SysProcAttr = &syscall.SysProcAttr{Credential: &syscall.Credential{Uid: uint32(uid), Gid: uint32(gid)}}
	}
	var complaints bytes.Buffer
	cmd.Stderr = &complaints
	in, err := cmd.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		_ = in.Close()
		_, _ = io.Copy(io.Discard, out)
		_ = cmd.Wait()
	})
	d := &dovecot{t: t, in: in, out: bufio.NewReader(out)}
	if greeting, err := d.out.ReadString('\n'); err != nil || !strings.HasPrefix(greeting, "* PREAUTH") {
		t.Fatalf("Dovecot greets with %q (%v): %s", greeting, err, complaints.String())
	}
	return d
}

// do sends a command, with a literal behind it unless that is nil, and returns
// the lines of the answer; literals stand in their lines as they came.
func (d *dovecot) do(command string, literal []byte) []string {
	d.t.Helper()
	d.n++
	tag := fmt.Sprintf("t%d", d.n)
	text := tag + " " + command
	if literal != nil {
		text += fmt.Sprintf(" {%d+}\r\n%s", len(literal), literal)
	}
	if _, err := io.WriteString(d.in, text+"\r\n"); err != nil {
		d.t.Fatalf("%s: %v", command, err)
	}
	var lines []string
	for {
		line := d.line()
		if rest, ok := strings.CutPrefix(line, tag+" "); ok {
			if !strings.HasPrefix(rest, "OK") {
				d.t.Fatalf("%s: %s", command, rest)
			}
			return lines
		}
		lines = append(lines, line)
	}
}

var literalEnd = regexp.MustCompile(`\{(\d+)\}\r\n$`)

func (d *dovecot) line() string {
	d.t.Helper()
	var whole strings.Builder
	for {
		line, err := d.out.ReadString('\n')
		if err != nil {
			d.t.Fatalf("Dovecot broke off after %q: %v", whole.String()+line, err)
		}
		m := literalEnd.FindStringSubmatch(line)
		if m == nil {
			whole.WriteString(strings.TrimSuffix(line, "\r\n"))
			return whole.String()
		}
		n, _ := strconv.Atoi(m[1])
		literal := make([]byte, n)
		if _, err := io.ReadFull(d.out, literal); err != nil {
			d.t.Fatal(err)
		}
		whole.WriteString(line[:len(line)-len(m[0])] + "\x00" + string(literal) + "\x00")
	}
}

// seen is a message as Dovecot shows it.
type seen struct {
	flags, date, body string
}

var fetched = regexp.MustCompile(`(?s)^\* \d+ FETCH \(UID \d+ FLAGS \(([^)]*)\) INTERNALDATE "([^"]*)" BODY\[\] \x00(.*)\x00\)$`)

func (d *dovecot) fetch(folder string) []seen {
	d.t.Helper()
	d.do(`EXAMINE "`+folder+`"`, nil)
	var list []seen
	for _, line := range d.do("UID FETCH 1:* (FLAGS INTERNALDATE BODY.PEEK[])", nil) {
		if m := fetched.FindStringSubmatch(line); m != nil {
			list = append(list, seen{flags: m[1], date: m[2], body: m[3]})
		}
	}
	return list
}
