package target

import (
	"regexp"
	"strings"
	"testing"

	"waybill/connector"
	"waybill/connector/imap/server"
	"waybill/directory"
	"waybill/failure"
	"waybill/internal/counterpart"
	"waybill/mail"
	"waybill/rights"
)

func itemsOf(items ...connector.Item) []connector.Item { return items }

// aclOf is what the server says of an identity on a folder; "" for no entry.
func aclOf(t testing.TB, c *counterpart.Cyrus, folder, identity string) string {
	t.Helper()
	out, err := c.Run(t.Context(), c.Admin, "GETACL "+counterpart.Quote(folder))
	if err != nil {
		t.Fatal(err)
	}
	line := regexp.MustCompile(`(?m)^\* ACL .*$`).FindString(out)
	fields := strings.Fields(line)
	for i := 3; i+1 < len(fields); i += 2 {
		if fields[i] == identity {
			return fields[i+1]
		}
	}
	return ""
}

// A grant fills a mailbox with all its folders, and nothing of it is left.
func TestGrants(t *testing.T) {
	for _, unix := range []bool{false, true} {
		c := counterpart.NewCyrus(t, counterpart.CyrusOptions{UnixHierarchySep: unix, AltNamespace: unix})
		inbox, sent, deep, mine := c.Root("anna"), c.Root("anna", "Sent"), c.Root("anna", "Sent", "2003"), c.Root("anna", "Mine")
		for _, folder := range []string{sent, deep, mine} {
			if err := c.CreateMailbox(t.Context(), folder); err != nil {
				t.Fatal(err)
			}
		}
		if err := c.SetACL(t.Context(), mine, c.Admin, "lr"); err != nil {
			t.Fatal(err)
		}
		tg := openTarget(t, c.ACLLocation(), server.Options{Password: given(t, c.AdminPassword)})
		needs := grantAll(t, tg, "anna")
		before := map[string]string{}
		for _, g := range needs {
			before[g.Object] = g.Before
		}
		if len(needs) != 4 || before[mine] != "lr" || before[inbox] != "" || needs[0].Identity != "cyrus" {
			t.Errorf("needs %v", needs)
		}
		if again, err := tg.Needs(t.Context(), "anna"); err != nil || len(again) != 0 {
			t.Errorf("needs after granting: %v, %v", again, err)
		}
		b := openBox(t, tg, "anna")
		for _, folder := range []mail.Path{mail.Inbox, "Sent", "Sent/2003", "Mine"} {
			if _, r := deliver(t, b, folder, itemOf("1", letter(1), `\Flagged`)); r[0].Err != nil {
				t.Errorf("%s: %v", folder, r[0].Err)
			}
		}
		if err := b.CreateFolder(t.Context(), mail.Folder{Path: "Sent/New"}); err != nil {
			t.Fatal(err)
		}
		if err := b.CreateFolder(t.Context(), mail.Folder{Path: "Rubbish", Use: mail.UseJunk}); err != nil {
			t.Fatal(err)
		}
		if got := aclOf(t, c, c.Root("anna", "Sent", "New"), c.Admin); got == "" {
			t.Fatal("a new folder does not inherit, and the test shows nothing")
		}
		for range 2 {
			for _, g := range needs {
				if err := tg.Withdraw(t.Context(), g); err != nil {
					t.Fatal(err)
				}
			}
			for folder, want := range map[string]string{inbox: "", sent: "", deep: "", mine: "lr", c.Root("anna", "Sent", "New"): ""} {
				if got := aclOf(t, c, folder, c.Admin); !sameRights(got, want) {
					t.Errorf("%s: %q is left, want %q", folder, got, want)
				}
			}
		}
		if out, err := c.Run(t.Context(), "anna", `LIST (SPECIAL-USE) "" "*"`); err != nil || !strings.Contains(out, `\Junk`) {
			t.Errorf("the owner does not see the folder's role: %v\n%s", err, out)
		}
		gone := rights.Grant{Account: "nobody", Object: c.Root("nobody"), Identity: c.Admin, Given: fillRights}
		if err := tg.Withdraw(t.Context(), gone); err != nil {
			t.Errorf("withdraw from a mailbox that is gone: %v", err)
		}
		if _, err := tg.Needs(t.Context(), "nobody"); failure.ClassOf(err) != failure.Vanished {
			t.Errorf("needs of nobody: %v", err)
		}
	}
}

func TestAccountsOfCyrus(t *testing.T) {
	c := counterpart.NewCyrus(t, counterpart.CyrusOptions{})
	tg := openTarget(t, c.ACLLocation(), server.Options{Password: given(t, c.AdminPassword)})
	cora := directory.User{ID: "cora", Attributes: map[string]string{"quota": "10M"}}
	if err := tg.CreateAccount(t.Context(), cora); err != nil {
		t.Fatal(err)
	}
	if err := tg.CreateAccount(t.Context(), cora); failure.ClassOf(err) != failure.Conflict {
		t.Errorf("created twice: %v", err)
	}
	if out, err := c.Run(t.Context(), c.Admin, "GETQUOTA user.cora"); err != nil || !strings.Contains(out, "STORAGE 0 10240") {
		t.Errorf("quota: %v\n%s", err, out)
	}
	grantAll(t, tg, "cora")
	b := openBox(t, tg, "cora")
	if room, err := b.Room(t.Context()); err != nil || room.Quota != 10<<20 {
		t.Errorf("room %+v, %v", room, err)
	}
	if id, err := b.Identity(t.Context()); err != nil || !strings.HasPrefix(id, "mailboxid ") {
		t.Errorf("identity %q, %v", id, err)
	}
	if _, found, err := tg.FindAccount(t.Context(), "cora"); err != nil || !found {
		t.Errorf("cora: found %v, %v", found, err)
	}
	if _, found, err := tg.FindAccount(t.Context(), "dora"); err != nil || found {
		t.Errorf("dora: found %v, %v", found, err)
	}
	if err := tg.CreateAccount(t.Context(), directory.User{ID: "dora", Attributes: map[string]string{"Quota": "much"}}); failure.ClassOf(err) != failure.Usage {
		t.Errorf("a quota that is none: %v", err)
	}
	if err := b.Close(); err != nil {
		t.Fatal(err)
	}
	if err := tg.DeleteAccount(t.Context(), "cora"); err != nil {
		t.Fatal(err)
	}
	if err := tg.DeleteAccount(t.Context(), "cora"); failure.ClassOf(err) != failure.Vanished {
		t.Errorf("deleted twice: %v", err)
	}
}

func TestQuotaOfUser(t *testing.T) {
	for text, want := range map[string]int64{"": -1, "0": 0, "1": 1, "1024": 1, "1025": 2, "500M": 512000, "2 GB": 2 << 20, "3gib": 3 << 20, "10k": 10} {
		got, err := quotaOf(directory.User{Attributes: map[string]string{"QUOTA": text}})
		if err != nil || got != want {
			t.Errorf("%q is %d KiB, %v; want %d", text, got, err, want)
		}
	}
	for _, text := range []string{"x", "-1", "9999999999999G", "1.5M"} {
		if got, err := quotaOf(directory.User{Attributes: map[string]string{"quota": text}}); err == nil {
			t.Errorf("%q is %d KiB", text, got)
		}
	}
}
