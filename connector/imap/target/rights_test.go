package target

import (
	"strings"
	"testing"

	"waybill/connector/imap/server"
	"waybill/failure"
	"waybill/internal/counterpart"
	"waybill/mail"
	"waybill/rights"
)

// wantRefusal wants an error of class Denied whose finding says all of these.
func wantRefusal(t testing.TB, err error, words ...string) {
	t.Helper()
	found := rights.From(err)
	if failure.ClassOf(err) != failure.Denied || len(found) == 0 {
		t.Errorf("want a refusal with findings: %v", err)
		return
	}
	for _, w := range words {
		if !strings.Contains(err.Error(), w) {
			t.Errorf("the refusal does not say %q: %v", w, err)
		}
	}
}

// The founding problem: an administrator of Cyrus may make a mailbox, and the
// server says of it that it does not exist when he wants to fill it.
func TestAdministratorMayNotFill(t *testing.T) {
	c := counterpart.NewCyrus(t, counterpart.CyrusOptions{})
	tg := openTarget(t, c.ACLLocation(), server.Options{Password: given(t, c.AdminPassword)})
	findings, err := tg.Probe(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	var seen, fill bool
	for _, f := range findings {
		seen = seen || !f.OK && strings.Contains(f.Detail, `\Seen`) && strings.Contains(f.Grant, "auth=proxy")
		fill = fill || !f.OK && strings.Contains(f.Grant, "setacl user.anna cyrus lrswipkxtea")
	}
	if !seen || !fill {
		t.Errorf("findings do not say all: %v", findings)
	}
	b := openBox(t, tg, "anna")
	_, err = b.Position(t.Context(), mail.Inbox)
	wantRefusal(t, err, "holds la", "lrswipkxtea", "setacl user.anna cyrus", "--grant", "auth=proxy")
	if tg.Capabilities().Flags&mail.Seen != 0 {
		t.Error("the target promises to keep \\Seen")
	}

	// With i alone APPEND works and drops what it cannot keep; nothing may be sent.
	for held, word := range map[string]string{"lri": "drops the flag", "lrwit": ""} {
		if err := c.SetACL(t.Context(), c.Root("anna"), c.Admin, held); err != nil {
			t.Fatal(err)
		}
		b := openBox(t, tg, "anna")
		at, err := b.Position(t.Context(), mail.Inbox)
		if err != nil {
			t.Fatal(err)
		}
		receipts, err := b.Append(t.Context(), mail.Inbox, at, itemsOf(itemOf("1", letter(1), `\Flagged`)))
		if word == "" {
			// s is not needed where \Seen is not promised.
			if err != nil || receipts[0].Err != nil {
				t.Errorf("with %s: %v, %+v", held, err, receipts)
			}
			continue
		}
		wantRefusal(t, err, word, "holds "+held)
	}
}

// Dovecot with its acl plugin hides everything from a master user.
func TestMasterUserMayNotFill(t *testing.T) {
	for _, cured := range []bool{false, true} {
		d := counterpart.NewDovecot(t, counterpart.DovecotOptions{ACL: true, ACLUserFix: cured, MasterUser: "master", MasterPassword: "mastersecret"})
		tg := openTarget(t, d.MasterLocation(), server.Options{Users: userMap("anna", "bert"), Password: given(t, "mastersecret")})
		box, err := tg.Mailbox(t.Context(), "anna")
		if err == nil {
			_, err = box.Position(t.Context(), mail.Inbox)
			_ = box.Close()
		}
		if cured {
			if err != nil {
				t.Error(err)
			}
			continue
		}
		wantRefusal(t, err, "acl_user = %u", "master user")
	}
}

// A folder of others with too few rights says so before anything is dropped.
func TestFolderThatDropsFlags(t *testing.T) {
	d := counterpart.NewDovecot(t, counterpart.DovecotOptions{ACL: true, MasterUser: "master", MasterPassword: "mastersecret"})
	if out, err := d.Run(t.Context(), "anna", "CREATE Poor", "SETACL Poor master lri", "CREATE None", "SETACL None master lr", "SETACL INBOX master lrswipkxtea"); err != nil {
		t.Fatal(err, out)
	}
	tg := openTarget(t, d.MasterLocation(), server.Options{Users: userMap("anna"), Password: given(t, "mastersecret")})
	b := openBox(t, tg, "anna")
	for folder, words := range map[mail.Path][]string{"Poor": {"drops the flag", "holds "}, "None": {"lrswipkxtea"}} {
		at, err := b.Position(t.Context(), folder)
		if err == nil {
			_, err = b.Append(t.Context(), folder, at, itemsOf(itemOf("1", letter(1), `\Seen`)))
		}
		wantRefusal(t, err, words...)
	}
	_, receipts := deliver(t, b, mail.Inbox, itemOf("1", letter(1), `\Seen`))
	if receipts[0].Err != nil {
		t.Error(receipts[0].Err)
	}
}

// What an administrator delivers is read for the owner, where sharedseen is set.
func TestSharedSeen(t *testing.T) {
	c := counterpart.NewCyrus(t, counterpart.CyrusOptions{})
	for _, shared := range []bool{false, true} {
		warned := 0
		tg := openTarget(t, c.ACLLocation(), server.Options{Password: given(t, c.AdminPassword), SharedSeen: shared, Warn: func(text string) {
			if strings.Contains(text, "sharedseen") {
				warned++
			}
		}})
		grantAll(t, tg, "anna")
		b := openBox(t, tg, "anna")
		_, receipts := deliver(t, b, mail.Inbox, itemOf("1", letter(1), `\Seen`, `\Flagged`))
		if receipts[0].Err != nil {
			t.Fatal(receipts[0].Err)
		}
		out, err := c.Run(t.Context(), "anna", "SELECT INBOX", "UID FETCH "+receipts[0].ID+" (FLAGS)")
		if err != nil {
			t.Fatal(err)
		}
		fetched := out[strings.Index(out, "FETCH ("):]
		if strings.Contains(fetched, `\Seen`) != shared || !strings.Contains(fetched, `\Flagged`) {
			t.Errorf("sharedseen %v: the owner finds %s", shared, fetched)
		}
		if shared != (warned > 0) || shared != (tg.Capabilities().Flags&mail.Seen != 0) || shared == strings.Contains(kinds(receipts[0].Notes), "flag-not-kept") {
			t.Errorf("sharedseen %v: warned %d times, promises %v, notes %v", shared, warned, tg.Capabilities().Flags, receipts[0].Notes)
		}
	}
}

// What is read is decided when a folder is opened: one that was looked at before
// sharedseen was set is opened again.
func TestSharedSeenOfOpenFolder(t *testing.T) {
	c := counterpart.NewCyrus(t, counterpart.CyrusOptions{})
	for account, connections := range map[string]int{"anna": 0, "bert": 1} {
		tg := openTarget(t, c.ACLLocation(), server.Options{Password: given(t, c.AdminPassword), SharedSeen: true, Connections: connections})
		grantAll(t, tg, account)
		b := openBox(t, tg, account)
		at, err := b.Position(t.Context(), mail.Inbox)
		if err != nil {
			t.Fatal(err)
		}
		if n := len(arrivals(t, b, mail.Inbox, at)); n > 0 {
			t.Fatalf("%d messages arrived already", n)
		}
		_, receipts := deliver(t, b, mail.Inbox, itemOf("1", letter(1), `\Seen`, `\Flagged`))
		if receipts[0].Err != nil {
			t.Fatal(receipts[0].Err)
		}
		stored, r, err := b.Open(t.Context(), mail.Inbox, receipts[0].ID)
		if err != nil {
			t.Fatal(err)
		}
		_ = r.Close()
		if want := mail.NewFlagSet(0, `\Seen`, `\Flagged`); !stored.Flags.Equal(want) {
			t.Errorf("%d connections: read back with %s, want %s", connections, stored.Flags, want)
		}
	}
}

func grantAll(t testing.TB, tg *target, account string) []rights.Grant {
	t.Helper()
	needs, err := tg.Needs(t.Context(), account)
	if err != nil {
		t.Fatal(err)
	}
	for _, g := range needs {
		if err := tg.Grant(t.Context(), g); err != nil {
			t.Fatal(err)
		}
	}
	return needs
}

func TestMissingRights(t *testing.T) {
	for _, c := range []struct{ held, needed, want string }{
		{"la", fillRights, "rswipkxte"}, {"lrswipkxtea", fillRights, ""}, {"lrswipcda", fillRights, ""}, {"", "s", "s"}, {"lrswipkxtecda", "kxte", ""}, {"lrsc", "te", "te"},
	} {
		if got := missing(c.held, c.needed); got != c.want {
			t.Errorf("%q lacks %q of %q, want %q", c.held, got, c.needed, c.want)
		}
	}
}
