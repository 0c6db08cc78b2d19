package cli

import (
	"bytes"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"waybill/internal/counterpart"
)

// moving is a folder with mail to move, and a user map.
func moving(t *testing.T, users ...string) {
	t.Helper()
	dir := t.TempDir()
	t.Chdir(dir)
	var rows strings.Builder
	rows.WriteString("user,account\n")
	for _, u := range users {
		box := filepath.Join(dir, "mail", u, "cur")
		if err := os.MkdirAll(box, 0o750); err != nil {
			t.Fatal(err)
		}
		for i := range 3 {
			text := fmt.Sprintf("From: %s\r\nSubject: message %d\r\n\r\n%s\r\n", u, i, strings.Repeat("x", 1000))
			if err := os.WriteFile(filepath.Join(box, fmt.Sprintf("160000000%d.M1P1.kogge:2,S", i)), []byte(text), 0o600); err != nil {
				t.Fatal(err)
			}
		}
		fmt.Fprintf(&rows, "%s,%s\n", u, u)
	}
	if err := os.WriteFile("users.csv", []byte(rows.String()), 0o600); err != nil {
		t.Fatal(err)
	}
}

// says runs the command and checks its code and its words.
func says(t *testing.T, code int, words []string, args ...string) string {
	t.Helper()
	var out bytes.Buffer
	if got := Run(t.Context(), args, strings.NewReader(""), &out, &out); got != code {
		t.Errorf("%q ends with %d, want %d:\n%s", args, got, code, &out)
	}
	for _, w := range words {
		if !strings.Contains(out.String(), w) {
			t.Errorf("%q does not say %q:\n%s", args, w, &out)
		}
	}
	return out.String()
}

// Each of these looks like success to whoever only reads the server's answers.
func TestRefusalsOfDovecot(t *testing.T) {
	for _, c := range []struct {
		name    string
		options counterpart.DovecotOptions
		code    int
		words   []string
	}{
		{name: "all is well", words: []string{"Preflight passed"}},
		{name: "a master user without rights", options: counterpart.DovecotOptions{ACL: true}, code: exitRefused, words: []string{"refused: ", "acl_user"}},
		{name: "the cure", options: counterpart.DovecotOptions{ACL: true, ACLUserFix: true}, words: []string{"Preflight passed"}},
		{name: "a quota that is too small", options: counterpart.DovecotOptions{Quota: 2000}, code: exitRefused, words: []string{"refused: hold what is to come on anna", "bytes are to come, and of the quota of 2048 bytes 2048 are free"}},
		{name: "a quota that is large enough", options: counterpart.DovecotOptions{Quota: 1 << 20}, words: []string{"Preflight passed"}},
		{name: "everybody in one mailbox", options: counterpart.DovecotOptions{Extra: "mail_location = maildir:%h/../everybody"}, code: exitRefused,
			words: []string{`the logon for "anna" reaches the same mailbox as that for "bert"`}},
	} {
		t.Run(c.name, func(t *testing.T) {
			c.options.MasterUser, c.options.MasterPassword = "master", "geheim"
			d := counterpart.NewDovecot(t, c.options)
			moving(t, "anna", "bert")
			t.Setenv("WAYBILL_TARGET_PASSWORD", d.Password("master"))
			out := says(t, c.code, c.words, "preflight", "--from", "maildir:mail", "--to", d.MasterLocation(), "--users", "users.csv")
			if strings.Contains(out, "geheim") {
				t.Errorf("the password is shown:\n%s", out)
			}
			for _, u := range []string{"anna", "bert"} {
				left, err := d.Doveadm(t.Context(), "mailbox", "list", "-u", u)
				if err != nil || strings.Contains(left, "canary") {
					t.Errorf("%s has the folders %q, %v", u, left, err)
				}
			}
		})
	}
}

// An administrator of Cyrus makes mailboxes and may not fill them. Preflight says
// what would help; with --grant the run gives itself the right, and takes it back.
func TestGrantsOfCyrus(t *testing.T) {
	c := counterpart.NewCyrus(t, counterpart.CyrusOptions{UnixHierarchySep: true})
	moving(t, "anna", "bert")
	t.Setenv("WAYBILL_TARGET_PASSWORD", c.Password(c.Admin))
	acl := func() string {
		t.Helper()
		var all strings.Builder
		for _, u := range []string{"anna", "bert"} {
			out, err := c.Run(t.Context(), c.Admin, "GETACL "+c.Root(u))
			if err != nil {
				t.Fatal(err)
			}
			for line := range strings.Lines(out) {
				if strings.Contains(line, "* ACL") {
					all.WriteString(line)
				}
			}
		}
		return all.String()
	}
	before := acl()
	if before == "" || strings.Contains(before, c.Admin) {
		t.Fatalf("rights before: %q", before)
	}
	pair := []string{"--from", "maildir:mail", "--to", c.ACLLocation(), "--users", "users.csv"}
	says(t, exitRefused, []string{"refused: fill the mailbox", "setacl", "--grant"}, append([]string{"preflight"}, pair...)...)
	if after := acl(); after != before {
		t.Errorf("a preflight changed %q to %q", before, after)
	}
	says(t, exitProven, []string{"Preflight passed"}, append([]string{"preflight", "--grant"}, pair...)...)
	if after := acl(); after != before {
		t.Errorf("a preflight left %q instead of %q", after, before)
	}
	says(t, exitProven, []string{"6 found = 6 verified"}, append([]string{"migrate", "--grant"}, pair...)...)
	if after := acl(); after != before {
		t.Errorf("a run left %q instead of %q", after, before)
	}
	events, err := os.ReadFile(filepath.Join("waybill-report", "events.jsonl"))
	if err != nil || !strings.Contains(string(events), "W2012") || !strings.Contains(string(events), "W2013") {
		t.Errorf("the waybill does not tell of grants: %v", err)
	}
}

// Accounts in a passwd-file of Dovecot's, made by a script as the manual has it.
func TestAccountsInAPasswdFile(t *testing.T) {
	d := counterpart.NewDovecot(t, counterpart.DovecotOptions{MasterUser: "master", MasterPassword: "geheim"})
	moving(t, "cora", "dora", "emil")
	t.Setenv("WAYBILL_TARGET_PASSWORD", d.Password("master"))
	users := filepath.Join(d.Dir, "users")
	known, err := os.ReadFile(users)
	if err != nil {
		t.Fatal(err)
	}
	owner := strings.Split(string(known), ":")[2:4]
	t.Setenv("USERS_FILE", users)
	add := fmt.Sprintf(`test "$WAYBILL_ACCOUNT" != emil || { echo "emil has left" >&2; exit 1; }
grep -q "^$WAYBILL_ACCOUNT:" "$USERS_FILE" && exit 0
cp -p "$USERS_FILE" "$USERS_FILE.new"
echo "$WAYBILL_ACCOUNT:{PLAIN}x:%s:%s::%s/home/$WAYBILL_ACCOUNT::" >>"$USERS_FILE.new"
mv "$USERS_FILE.new" "$USERS_FILE"`, owner[0], owner[1], d.Dir)
	remove := `grep -v "^$WAYBILL_ACCOUNT:" "$USERS_FILE" >"$USERS_FILE.new"; cat "$USERS_FILE.new" >"$USERS_FILE"`
	out := says(t, exitIncomplete, []string{"6 found = 6 verified", "emil has left"}, "migrate", "--from", "maildir:mail", "--to", d.MasterLocation(), "--users", "users.csv",
		"--provision-command", add, "--deprovision-command", remove)
	after, err := os.ReadFile(users)
	if err != nil || strings.Count(string(after), "\n") != strings.Count(string(known), "\n")+2 || strings.Contains(string(after), "canary") {
		t.Errorf("the file has become %v\n%s\n%s", err, after, out)
	}
}
