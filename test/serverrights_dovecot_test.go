package test

import (
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"waybill/internal/counterpart"
)

var doveadmLine = regexp.MustCompile(`grant it with: doveadm (acl set -u anna INBOX owner [a-z -]+)`)

func dovecotWith(t *testing.T, o counterpart.DovecotOptions, users ...string) *counterpart.Dovecot {
	t.Helper()
	o.Users = map[string]string{}
	for _, u := range users {
		o.Users[u] = "secret"
	}
	o.MasterUser, o.MasterPassword = "master", "geheim"
	return counterpart.NewDovecot(t, o)
}

// TestServerRightsDovecotMaster is what Dovecot's acl plugin does to master
// users: it lets them log on, shows an empty inbox, and says of all that is
// there that it is not.
func TestServerRightsDovecotMaster(t *testing.T) {
	t.Parallel()
	d := dovecotWith(t, counterpart.DovecotOptions{ACL: true}, "anna", "bert", "cora", "dora")
	seeded := 0
	for i, u := range []string{"anna", "bert"} {
		seeded += d.Seed(t, u, counterpart.SeedOptions{Seed: i, Messages: 20, Folders: 4}).Messages
	}
	as := []string{"WAYBILL_SOURCE_PASSWORD=geheim", "WAYBILL_TARGET_PASSWORD=geheim"}
	from, to := newErrand(t, "anna", "bert"), newErrand(t, "cora", "dora")
	from.env, to.env = as, as
	source := func(words []string, code int, more ...string) string {
		t.Helper()
		return from.ends(code, words, append([]string{"migrate", "--from", d.MasterLocation(), "--to", "maildir:out", "--users", "users.csv"}, more...)...)
	}
	words := []string{"acl_user = %u", "master_user=%u", "refused: "}
	same := unchanged(t, owners(d.Addr), "anna", "bert", "cora", "dora")

	to.ends(3, words, to.to(d.MasterLocation())...)
	out := source(words, 3)
	if strings.Contains(out, "Complete:") {
		t.Errorf("an empty success:\n%s", out)
	}
	if left, err := os.ReadDir(filepath.Join(from.dir, "out")); err == nil && len(left) > 0 {
		t.Errorf("the target was changed: %v", left)
	}
	// Listing a source that shows nothing must not look like an empty one.
	from.ends(2, []string{"acl_user"}, "ls", d.MasterLocation(), "anna")
	same("after refusals")

	// The cure that was printed, and the same commands again.
	d.Options.ACLUserFix = true
	if err := d.Restart(t.Context()); err != nil {
		t.Fatal(err)
	}
	to.ends(0, []string{"12 found = 12 verified"}, to.to(d.MasterLocation())...)
	to.moved(owners(d.Addr), counterpart.CompareOptions{})
	source([]string{fmt.Sprintf("%d found = %d verified", seeded, seeded)}, 0)
	counterpart.Compare(t, owners(d.Addr), counterpart.Maildir(filepath.Join(from.dir, "out", "{user}")), counterpart.CompareOptions{Users: from.users, Dovecot: true, CRLF: true})
}

// TestServerRightsDovecotInbox gives the owner less than all on the inbox, by
// Dovecot's files of rights. The canary's own folder has all rights, so only a
// look at the inbox itself shows it.
func TestServerRightsDovecotInbox(t *testing.T) {
	t.Parallel()
	cases := []struct {
		rights string
		words  []string
	}{
		{"lr", []string{"on anna"}},
		{"lri", []string{"on anna", "drops the flag"}},
		{"lrk", []string{"on anna"}},
		{"lrp", []string{"on anna"}},
		{"lrsi", []string{"on anna", "drops the flag"}},
	}
	d := dovecotWith(t, counterpart.DovecotOptions{ACL: true, ACLUserFix: true}, "anna", "bert")
	for _, c := range cases {
		t.Run(c.rights, func(t *testing.T) {
			e := newErrand(t, "anna", "bert")
			e.env = []string{"WAYBILL_TARGET_PASSWORD=geheim"}
			if _, err := d.Run(t.Context(), "anna", "LIST \"\" *"); err != nil {
				t.Fatal(err)
			}
			file := filepath.Join(d.Home("anna"), "mail", "dovecot-acl")
			if err := os.WriteFile(file, []byte("owner "+c.rights+"\n"), 0o644); err != nil {
				t.Fatal(err)
			}
			same := unchanged(t, owners(d.Addr), "anna", "bert")
			out := e.ends(3, append(c.words, "holds "+c.rights), e.to(d.MasterLocation())...)
			same("after a refusal")
			// The command that was printed, by the server's own tool.
			command := doveadmLine.FindStringSubmatch(out)
			if command == nil {
				t.Fatalf("no command is printed:\n%s", out)
			}
			if _, err := d.Doveadm(t.Context(), strings.Fields(command[1])...); err != nil {
				t.Fatal(err)
			}
			e.ends(0, []string{"12 found = 12 verified"}, e.to(d.MasterLocation())...)
		})
	}
}
