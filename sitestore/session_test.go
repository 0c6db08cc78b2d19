package sitestore_test

import (
	"bytes"
	"slices"
	"strings"
	"testing"

	"waybill/directory"
	"waybill/failure"
	"waybill/mail"
	"waybill/rights"
	"waybill/sitestore"
	"waybill/sitestore/acl"
)

var levels = []string{"organization", "site", "configuration"}

func grant(t *testing.T, s *sitestore.Store, who, role string, on ...string) {
	t.Helper()
	for _, o := range on {
		if err := s.Grant(t.Context(), who, role, o, 0); err != nil {
			t.Fatalf("grant %s on %s: %v", role, o, err)
		}
	}
}

func session(t *testing.T, s *sitestore.Store, operator string) *sitestore.Session {
	t.Helper()
	n, err := s.Session(operator, "")
	if err != nil {
		t.Fatal(err)
	}
	return n
}

// granted takes from each finding the object that its command names.
func granted(findings []rights.Finding) []string {
	var on []string
	for _, f := range findings {
		_, object, _ := strings.Cut(f.Grant, " --on ")
		if !slices.Contains(on, object) {
			on = append(on, object)
		}
	}
	return on
}

// TestWhoMayDoWhat tries every role at every level against what a migration
// does.
func TestWhoMayDoWhat(t *testing.T) {
	type allowed struct{ logon, create, remove, entry, open bool }
	everything := allowed{true, true, true, true, true}
	for _, c := range []struct {
		name, role string
		on         []string
		want       allowed
	}{
		{"nobody", "", nil, allowed{}},
		{"pa3", "Permissions Admin", levels, everything},
		{"pa-site", "Permissions Admin", []string{"site"}, allowed{true, true, true, true, false}},
		{"pa-org-config", "Permissions Admin", []string{"organization", "configuration"}, allowed{}},
		{"pa-site-config", "Permissions Admin", []string{"site", "configuration"}, allowed{true, true, true, true, false}},
		{"pa-org-site", "Permissions Admin", []string{"organization", "site"}, allowed{true, true, true, true, false}},
		{"admin3", "Admin", levels, allowed{true, true, true, true, false}},
		{"saa-site", "Service Account Admin", []string{"site"}, everything},
		{"saa3", "Service Account Admin", levels, everything},
		{"saa-config", "Service Account Admin", []string{"configuration"}, allowed{}},
		{"user-site", "User", []string{"site"}, allowed{}}, // owner of every mailbox, and no logon rights
		{"viewer", "View Only Admin", []string{"site"}, allowed{logon: true}},
		{"sender", "Send As", []string{"site"}, allowed{}},
	} {
		t.Run(c.name, func(t *testing.T) {
			s := newSite(t, "anna")
			grant(t, s, c.name, c.role, c.on...)
			n := session(t, s, c.name)
			m, err := n.Mailbox(t.Context(), "anna", true)
			if err == nil {
				defer m.Close()
			}
			for what, got := range map[string]struct {
				err  error
				want bool
			}{
				"log on":         {n.Logon(t.Context()), c.want.logon},
				"create account": {n.MayCreateAccount(t.Context(), directory.Person), c.want.create},
				"delete account": {n.MayDeleteAccount(t.Context()), c.want.remove},
				"create contact": {n.MayCreateEntry(t.Context()), c.want.entry},
				"open mailbox":   {err, c.want.open},
			} {
				if (got.err == nil) != got.want {
					t.Errorf("%s: %v, want allowed %v", what, got.err, got.want)
				}
				if got.err != nil && (failure.ClassOf(got.err) != failure.Denied || len(rights.From(got.err)) == 0) {
					t.Errorf("%s: a refusal without findings: %v", what, got.err)
				}
			}
		})
	}
}

// TestGrantingWhatIsMissing follows the commands of a refusal until nothing is
// refused any more.
func TestGrantingWhatIsMissing(t *testing.T) {
	s := newSite(t, "anna")
	n := session(t, s, "mary o'neill")
	n.Shown("my site.db")
	_, err := n.Mailbox(t.Context(), "anna", true)
	found := rights.From(err)
	if len(found) != 1 || found[0].Needed != "Logon Rights" || found[0].Held != "nothing" {
		t.Fatalf("findings %v", found)
	}
	want := `waybill site grant 'my site.db' --to 'mary o'\''neill' --role "Permissions Admin" --on site`
	if found[0].Grant != want {
		t.Errorf("command %s\nwant    %s", found[0].Grant, want)
	}
	grant(t, s, "Mary O'Neill", "permissions-admin", "site")
	_, err = n.Mailbox(t.Context(), "anna", true)
	if on := granted(rights.From(err)); !slices.Equal(on, []string{"organization", "configuration"}) {
		t.Fatalf("after the first grant %v is missing: %v", on, err)
	}
	grant(t, s, "mary o'neill", "Permissions Admin", "organization", "configuration")
	m, err := n.Mailbox(t.Context(), "anna", true)
	if err != nil {
		t.Fatal(err)
	}
	_ = m.Close()
}

func TestOwnMailbox(t *testing.T) {
	s := newSite(t, "anna", "bert")
	n := session(t, s, "anna")
	m, err := n.Mailbox(t.Context(), "anna", true)
	if err != nil {
		t.Fatalf("anna may not open her own mailbox: %v", err)
	}
	_ = m.Close()
	if _, err = n.Mailbox(t.Context(), "bert", false); failure.ClassOf(err) != failure.Denied {
		t.Errorf("anna opens bert's mailbox: %v", err)
	}
	grant(t, s, "anna", "User", "mailbox:bert")
	grant(t, s, "anna", "View Only Admin", "site")
	if m, err = n.Mailbox(t.Context(), "bert", true); err != nil {
		t.Fatalf("anna holds User on bert's mailbox: %v", err)
	}
	_ = m.Close()
}

func TestPublicFolders(t *testing.T) {
	s := newSite(t, "anna")
	grant(t, s, "boss", "Permissions Admin", levels...)
	grant(t, s, "anna", "Permissions Admin", levels...)
	may := func(who string) error {
		return session(t, s, who).MayCreateAccount(t.Context(), directory.Public)
	}
	if err := may("boss"); err != nil {
		t.Errorf("everybody is in the list: %v", err)
	}
	if err := s.Revoke(t.Context(), acl.Everybody, sitestore.TopLevelFolders, "configuration"); err != nil {
		t.Fatal(err)
	}
	for _, who := range []string{"boss", "anna"} {
		grant(t, s, who, sitestore.TopLevelFolders, "configuration")
	}
	if err := may("anna"); err != nil {
		t.Errorf("anna is in the list and has a mailbox: %v", err)
	}
	err := may("boss")
	found := rights.From(err)
	if len(found) != 1 || !strings.Contains(found[0].Grant, "--to Everybody") {
		t.Errorf("boss is in the list and has no mailbox, and gets %v", err)
	}
}

func TestGrantIsRefused(t *testing.T) {
	s := newSite(t, "anna")
	for _, c := range []struct{ role, on, rule string }{
		{"View Only Admin", "organization", "site.role-not-offered"},
		{"Search", "site", "site.role-not-offered"},
		{"Service Account Admin", "mailbox:anna", "site.role-not-offered"},
		{"Owner", "site", "site.role"},
		{"Custom", "site", "site.custom-empty"},
		{"Admin", "universe", "site.object"},
		{"Admin", "mailbox:bert", "site.no-such-recipient"},
	} {
		if err := s.Grant(t.Context(), "x", c.role, c.on, 0); failure.RuleOf(err) != c.rule {
			t.Errorf("%s on %s: %v, want rule %s", c.role, c.on, err, c.rule)
		}
	}
	if err := s.Revoke(t.Context(), "x", "Admin", "site"); failure.ClassOf(err) != failure.Vanished {
		t.Errorf("revoking what is not there: %v", err)
	}
}

func TestLastEntryRevokedOpensTheSite(t *testing.T) {
	s := newSite(t, "anna")
	n := session(t, s, "stranger")
	if err := n.Logon(t.Context()); err == nil {
		t.Fatal("a stranger may log on")
	}
	if err := s.Revoke(t.Context(), s.Info().Creator, "", "site"); err != nil {
		t.Fatal(err)
	}
	if err := n.MayDeleteAccount(t.Context()); err != nil {
		t.Errorf("the site has no entries and is closed: %v", err)
	}
	e, err := s.Effective(t.Context(), "stranger", s.Info().ServerDN())
	if err != nil || e.Rights != 0 {
		t.Errorf("the configuration was opened too: %v, %v", e, err)
	}
}

// TestQ255888 replays the founding failure.
func TestQ255888(t *testing.T) {
	for _, c := range []struct {
		role    string
		on      []string
		trapped bool
	}{
		{"Service Account Admin", levels, true},
		{"Service Account Admin", []string{"site"}, true},
		{"Permissions Admin", levels, false},
	} {
		s := newSite(t, "anna", "bert")
		grant(t, s, "op", c.role, c.on...)
		if err := s.SetBehaviour(t.Context(), sitestore.Q255888); err != nil {
			t.Fatal(err)
		}
		if err := session(t, s, "op").MayCreateAccount(t.Context(), directory.Person); err != nil {
			t.Errorf("%s may not create accounts: %v", c.role, err)
		}
		other, err := sitestore.Open(t.Context(), s.Path(), sitestore.Options{})
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { _ = other.Close() })
		first, second := open(t, s, "op", "anna"), open(t, other, "op", "bert")
		one := []sitestore.Incoming{incoming(body(1, 100))}
		if _, err := first.Append(t.Context(), mail.Inbox, 0, one); err != nil {
			t.Errorf("%s: the first mailbox takes no mail: %v", c.role, err)
		}
		_, err = second.Append(t.Context(), mail.Inbox, 0, one)
		if !c.trapped {
			if err != nil {
				t.Errorf("%s: the second mailbox takes no mail: %v", c.role, err)
			}
			continue
		}
		if failure.ClassOf(err) != failure.Denied || failure.RuleOf(err) != "site.q255888" {
			t.Fatalf("%s: the second mailbox answers %v", c.role, err)
		}
		if on := granted(rights.From(err)); !slices.Equal(on, levels) {
			t.Errorf("commands grant on %v", on)
		}
		for _, word := range []string{"7044", "80004005", "Permissions Admin"} {
			if !strings.Contains(err.Error(), word) {
				t.Errorf("the refusal does not say %s: %v", word, err)
			}
		}
		if f, err := second.Folder(t.Context(), mail.Inbox); err != nil || f.Messages != 0 {
			t.Errorf("the second mailbox is not empty: %d, %v", f.Messages, err)
		}
		// One after the other is fine, and so is what the findings say to do.
		if err := first.Close(); err != nil {
			t.Fatal(err)
		}
		if _, err := second.Append(t.Context(), mail.Inbox, 0, one); err != nil {
			t.Errorf("after the first mailbox was closed: %v", err)
		}
		grant(t, s, "op", "Permissions Admin", levels...)
		third, fourth := open(t, s, "op", "anna"), open(t, s, "op", "bert")
		for _, m := range []*sitestore.Mailbox{third, fourth} {
			if _, err := m.Append(t.Context(), mail.Inbox, 0, one); err != nil {
				t.Errorf("after the grants: %v", err)
			}
		}
	}
}

func TestProbeSaysWhereRightsComeFrom(t *testing.T) {
	s := newSite(t)
	found, err := session(t, s, "").Probe(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	for _, f := range found {
		if !f.OK || f.Held == "" {
			t.Errorf("the creator is refused: %v", f)
		}
	}
	found, err = session(t, s, "nobody").Probe(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	if on := granted(found); !slices.Contains(on, "organization") || !slices.Contains(on, "site") || !slices.Contains(on, "configuration") {
		t.Errorf("commands grant on %v", on)
	}
}

func TestProxyAddressesAreUnique(t *testing.T) {
	s := newSite(t)
	a := []directory.Address{{Type: "SMTP", Value: "Anna@Example.org"}, {Type: "SMTP", Value: "anna@example.ORG"}, {Type: "MS", Value: "NET/PO/ANNA"}}
	if err := s.AddAccount(t.Context(), directory.User{ID: "anna", Addresses: a}); err != nil {
		t.Fatal(err)
	}
	err := s.AddContact(t.Context(), directory.Contact{ID: "anna2", Addresses: []directory.Address{{Type: "SMTP", Value: "anna@example.org"}}})
	if failure.RuleOf(err) != "site.address-taken" || failure.ClassOf(err) != failure.Conflict {
		t.Errorf("an address belongs to two: %v", err)
	}
	if book, err := s.Book(t.Context()); err != nil || len(book.Contacts) != 0 {
		t.Errorf("half a contact is left: %v, %v", book, err)
	}
	if err := s.Remove(t.Context(), "anna"); err != nil {
		t.Fatal(err)
	}
	if err := s.AddContact(t.Context(), directory.Contact{ID: "anna2", Addresses: a[:1]}); err != nil {
		t.Errorf("the address is free again: %v", err)
	}
}

func TestUnreadableItemLosesOnlyItself(t *testing.T) {
	s := newSite(t, "anna")
	m := open(t, s, "", "anna")
	large := body(7, 3<<20)
	items := []sitestore.Incoming{incoming(body(1, 500)), broken(body(2, 500)), incoming(large), broken(body(3, 4<<20)), incoming(body(4, 800))}
	out, err := m.Append(t.Context(), mail.Inbox, 0, items)
	if err != nil {
		t.Fatal(err)
	}
	var uids []uint32
	for _, o := range out {
		uids = append(uids, o.UID)
	}
	if !slices.Equal(uids, []uint32{1, 0, 2, 0, 3}) || out[1].Err == nil || out[3].Err == nil {
		t.Fatalf("outcomes %+v", out)
	}
	if _, got := read(t, m, mail.Inbox, 2); !bytes.Equal(got, large) {
		t.Error("the large message differs")
	}
	sound(t, s)
}
