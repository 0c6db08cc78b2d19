//go:build unix

package provisioner_test

import (
	"bufio"
	"bytes"
	"encoding/base64"
	"errors"
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"waybill/engine/provisioner"
	"waybill/internal/counterpart"
)

// scripts are the worked examples of the manual, by chapter and by name.
func scripts(t *testing.T) map[string]string {
	t.Helper()
	text, err := os.ReadFile(filepath.Join("..", "..", "docs", "provisioning.md"))
	if err != nil {
		t.Fatal(err)
	}
	all := map[string]string{}
	chapter, name, inside := "", "", false
	for line := range strings.Lines(string(text)) {
		if title, ok := strings.CutPrefix(line, "## "); ok {
			chapter = strings.TrimSpace(title)
		}
		if i := strings.LastIndex(line, "`/etc/mail/"); i >= 0 && strings.HasSuffix(strings.TrimSpace(line), ":") {
			name = strings.TrimRight(line[i+len("`/etc/mail/"):], "`:\n")
		}
		code, indented := strings.CutPrefix(line, "    ")
		switch {
		case indented && strings.HasPrefix(code, "#!/bin/sh"):
			inside = true
		case !indented && strings.TrimSpace(line) != "":
			inside = false
		}
		if inside {
			if !indented {
				code = "\n"
			}
			all[chapter+"/"+name] += code
		}
	}
	return all
}

// TestExamplesAreShell has the shell read every example of the manual.
func TestExamplesAreShell(t *testing.T) {
	all := scripts(t)
	if len(all) != 5 {
		t.Errorf("%d examples are found, want 5", len(all))
	}
	for name, text := range all {
		cmd := exec.CommandContext(t.Context(), "sh", "-n")
		cmd.Stdin = strings.NewReader(text)
		if out, err := cmd.CombinedOutput(); err != nil {
			t.Errorf("%s: %v: %s\n%s", name, err, out, text)
		}
	}
}

// TestPasswdFileOfDovecot makes users of a real Dovecot with the manual's scripts:
// many at once, each twice, and hostile names among them.
func TestPasswdFileOfDovecot(t *testing.T) {
	for _, program := range []string{"flock", "openssl", "awk"} {
		if _, err := exec.LookPath(program); err != nil {
			t.Skip("the manual's scripts need", program)
		}
	}
	d := counterpart.NewDovecot(t, counterpart.DovecotOptions{MasterUser: "master", MasterPassword: "geheim"})
	all := scripts(t)
	dir := t.TempDir()
	for _, name := range []string{"add-user", "remove-user"} {
		text := all["A passwd-file of Dovecot's/"+name]
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o700); err != nil {
			t.Fatal(err)
		}
	}
	users := filepath.Join(d.Dir, "users")
	before, err := os.ReadFile(users)
	if err != nil {
		t.Fatal(err)
	}
	fields := strings.Split(strings.SplitN(string(before), "\n", 2)[0], ":")
	t.Setenv("USERS_FILE", users)
	t.Setenv("HOMES", filepath.Join(d.Dir, "home"))
	t.Setenv("OWNER", fields[2]+":"+fields[3])
	add := provisioner.Command{Line: filepath.Join(dir, "add-user")}
	remove := provisioner.Command{Line: filepath.Join(dir, "remove-user")}

	var group sync.WaitGroup
	const many = 20
	for i := range 2 * many {
		group.Go(func() {
			account := fmt.Sprintf("user.%02d@example.org", i%many)
			if err := add.Run(t.Context(), provisioner.Facts{User: account, Account: account, Again: i >= many}); err != nil {
				t.Error(err)
			}
		})
	}
	group.Wait()
	for _, hostile := range []string{"a b", "x:{PLAIN}x:0:0::/", "../root", "-rf", "$(touch owned)", ".", "Ünal", `a\nb`} {
		if err := add.Run(t.Context(), provisioner.Facts{Account: hostile}); err == nil {
			t.Errorf("the script took the name %q", hostile)
		}
	}
	const canary = "waybill-canary-0123456789-1"
	if err := add.Run(t.Context(), provisioner.Facts{Account: canary}); err != nil {
		t.Fatal(err)
	}
	after, err := os.ReadFile(users)
	if err != nil {
		t.Fatal(err)
	}
	if !bytes.HasPrefix(after, before) || strings.Count(string(after), "\n") != strings.Count(string(before), "\n")+many+1 {
		t.Errorf("the file has become\n%s", after)
	}
	if mode(t, users) != 0o600 && mode(t, users) != 0o644 {
		t.Errorf("the file has mode %o", mode(t, users))
	}
	logsOn(t, d, "user.07@example.org", true)
	logsOn(t, d, canary, true)
	// Only canaries are removed, also when somebody asks for others.
	for _, other := range []string{"anna", "waybill-canary-", "waybill-canary-/../anna", "waybill-canary-X"} {
		if err := remove.Run(t.Context(), provisioner.Facts{Account: other}); err == nil {
			t.Errorf("the script removed %q", other)
		}
	}
	for range 2 {
		if err := remove.Run(t.Context(), provisioner.Facts{Account: canary}); err != nil {
			t.Fatal(err)
		}
	}
	if _, err := os.Stat(d.Home(canary)); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("the canary's mail is left: %v", err)
	}
	logsOn(t, d, canary, false)
	logsOn(t, d, "anna", true)
}

func mode(t *testing.T, path string) os.FileMode {
	t.Helper()
	info, err := os.Stat(path)
	if err != nil {
		t.Fatal(err)
	}
	return info.Mode().Perm()
}

// logsOn waits until the master user can, or cannot, log on to an account and
// deliver to it; the server looks at its users once a second.
func logsOn(t *testing.T, d *counterpart.Dovecot, account string, want bool) {
	t.Helper()
	answer := ""
	for end := time.Now().Add(30 * time.Second); time.Now().Before(end); {
		if answer = delivers(t, d, account); strings.HasPrefix(answer, "b OK") == want {
			return
		}
	}
	t.Errorf("%s: the server says %q", account, answer)
}

func delivers(t *testing.T, d *counterpart.Dovecot, account string) string {
	t.Helper()
	conn, err := net.Dial("tcp", d.Addr)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = conn.Close() }()
	_ = conn.SetDeadline(time.Now().Add(20 * time.Second))
	in := bufio.NewReader(conn)
	sasl := base64.StdEncoding.EncodeToString([]byte(account + "\x00master\x00geheim"))
	_, _ = fmt.Fprintf(conn, "a AUTHENTICATE PLAIN %s\r\n", sasl)
	for {
		line, err := in.ReadString('\n')
		switch {
		case err != nil:
			return err.Error()
		case strings.HasPrefix(line, "a OK"):
			_, _ = fmt.Fprintf(conn, "b APPEND INBOX {4+}\r\na: b\r\n")
		case strings.HasPrefix(line, "a "), strings.HasPrefix(line, "b "):
			return line
		}
	}
}
