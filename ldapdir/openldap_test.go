package ldapdir_test

import (
	"maps"
	"net/url"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"waybill/directory"
	"waybill/failure"
	"waybill/internal/counterpart"
	"waybill/ldapdir"
	"waybill/ledger"
	"waybill/rights"
	"waybill/secret"
)

// place is a directory's name with options, for a server of a test.
func place(t testing.TB, addr, base string, options map[string]string) ldapdir.Options {
	t.Helper()
	values := url.Values{}
	for k, v := range options {
		values.Set(k, v)
	}
	o, err := ldapdir.Parse("ldap://" + addr + "/" + base + "?" + values.Encode())
	if err != nil {
		t.Fatal(err)
	}
	t.Setenv("TEST_DIRECTORY_PASSWORD", "geheim")
	o.Password, err = secret.Parse("env:TEST_DIRECTORY_PASSWORD")
	if err != nil {
		t.Fatal(err)
	}
	return o
}

func openLDAP(t testing.TB, l *counterpart.OpenLDAP, more map[string]string) ldapdir.Options {
	t.Helper()
	options := map[string]string{"bind": l.Operator(), "users": "ou=People", "contacts": "ou=Contacts", "groups": "ou=Groups"}
	maps.Copy(options, more)
	return place(t, l.Addr, l.Options.Suffix, options)
}

func newLedger(t testing.TB) *ledger.Ledger {
	t.Helper()
	book, err := ledger.Open(t.Context(), filepath.Join(t.TempDir(), "ledger"), ledger.Options{})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = book.Close() })
	return book
}

// opened opens a directory; notes collects what it tells.
func opened(t testing.TB, o ldapdir.Options, book ldapdir.Memory) (d *ldapdir.Directory, notes *[]string) {
	t.Helper()
	notes = &[]string{}
	d, err := ldapdir.Open(t.Context(), o, book, func(n ldapdir.Note) { *notes = append(*notes, n.ID+": "+n.Text) })
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = d.Close() })
	return d, notes
}

func must(t testing.TB, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

func smtp(a string) directory.Address { return directory.Address{Type: directory.SMTP, Value: a} }

var anna = directory.User{ID: "anna", Name: "Anna Aal", First: "Anna", Last: "Aal",
	Addresses:  []directory.Address{smtp("anna@example.org"), smtp("a.aal@example.org"), {Type: directory.EX, Value: "/o=Org/ou=Site One/cn=Recipients/cn=anna"}, {Type: "X400", Value: "C=DE;A= ;P=Org;S=Aal"}},
	Attributes: map[string]string{"Title": "Captain", "Department": "Sea", "Shoe-Size": "42"}}

// unlike reports lines that the text lacks.
func unlike(t testing.TB, text string, lines ...string) {
	t.Helper()
	have := strings.Split(text, "\n")
	for _, line := range lines {
		if !slices.Contains(have, line) {
			t.Errorf("there is no line %q in\n%s", line, text)
		}
	}
}

func TestOpenLDAP(t *testing.T) {
	l := counterpart.NewOpenLDAP(t, counterpart.OpenLDAPOptions{})
	book := newLedger(t)
	ctx := t.Context()
	secrets := filepath.Join(t.TempDir(), "passwords")
	o := openLDAP(t, l, map[string]string{"password": "random"})
	o.Secrets = secrets
	make := func() {
		t.Helper()
		d, notes := opened(t, o, book)
		must(t, d.CreateAccount(ctx, anna))
		must(t, d.CreateAccount(ctx, directory.User{ID: "bert", Addresses: []directory.Address{smtp("bert@example.org")}}))
		must(t, d.CreateContact(ctx, directory.Contact{ID: "carla, x+y", Name: "Carla \"C\"", Addresses: []directory.Address{smtp("carla@elsewhere.example")}}))
		// A list in a list that comes later, and a cycle.
		must(t, d.CreateList(ctx, directory.List{ID: "all", Name: "Everybody", Members: []string{"crew", "bert", "carla, x+y", "SMTP:nobody@elsewhere.example", "ghost"}, Addresses: []directory.Address{smtp("all@example.org")}}))
		must(t, d.CreateList(ctx, directory.List{ID: "crew", Members: []string{"anna", "all"}}))
		must(t, d.CreateList(ctx, directory.List{ID: "empty"}))
		must(t, d.Finish(ctx))
		t.Log(*notes)
	}
	make()
	text, err := l.Search(ctx, l.Options.Suffix, "(|(uid=*)(objectClass=groupOfNames)(cn=carla*))")
	must(t, err)
	unlike(t, text, "dn: uid=anna,ou=People,dc=example,dc=org", "mail: anna@example.org", "mail: a.aal@example.org", "displayName: Anna Aal", "title: Captain",
		"departmentNumber: Sea", "labeledURI: x500:/o=Org/ou=Site%20One/cn=Recipients/cn=anna", "sn: bert",
		"member: uid=bert,ou=People,dc=example,dc=org", "member: cn=crew,ou=Groups,dc=example,dc=org", "member: cn=all,ou=Groups,dc=example,dc=org",
		"member: cn=nobody@elsewhere.example,ou=Contacts,dc=example,dc=org")
	make()
	again, err := l.Search(ctx, l.Options.Suffix, "(|(uid=*)(objectClass=groupOfNames)(cn=carla*))", "*", "+")
	must(t, err)
	if n := strings.Count(again, "modifiersName: "+l.Operator()); n == 0 {
		t.Error("nothing was made by the operator")
	}
	if strings.Count(again, "\ndn: ")+1 != strings.Count(text, "\ndn: ")+1 {
		t.Errorf("the second run changed something:\n%s", again)
	}

	// What people change stays, and what they remove is not made again.
	must(t, l.Modify(ctx, "dn: uid=anna,ou=People,dc=example,dc=org\nchangetype: modify\nreplace: title\ntitle: Admiral\n\n"+
		"dn: cn=crew,ou=Groups,dc=example,dc=org\nchangetype: modify\ndelete: member\nmember: uid=anna,ou=People,dc=example,dc=org\n\n"+
		"dn: cn=empty,ou=Groups,dc=example,dc=org\nchangetype: delete\n\n"))
	make()
	text, err = l.Search(ctx, l.Options.Suffix, "(|(uid=*)(objectClass=groupOfNames))")
	must(t, err)
	unlike(t, text, "title: Admiral")
	if strings.Contains(text, "cn=empty,") || strings.Contains(text, "member: uid=anna,") {
		t.Errorf("what people did was undone:\n%s", text)
	}

	d, _ := opened(t, o, book)
	for legacy, want := range map[string]string{"/o=Org/ou=Site One/cn=Recipients/cn=anna": "anna@example.org", "/o=Org/cn=nobody": "", "*": "", ")(uid=*": ""} {
		if got, ok := d.Resolve(ctx, legacy); got != want || ok != (want != "") {
			t.Errorf("%q is %q, %v; want %q", legacy, got, ok, want)
		}
	}
	// Somebody took the name of an entry that was ours: it stays.
	must(t, l.Modify(ctx, "dn: uid=bert,ou=People,dc=example,dc=org\nchangetype: modify\nreplace: description\ndescription: somebody else\n\n"))
	ours, err := d.Made(ctx)
	must(t, err)
	must(t, d.Remove(ctx, ours, func(r ldapdir.Removal) { t.Log(r) }))
	text, err = l.Search(ctx, l.Options.Suffix, "(|(uid=*)(objectClass=groupOfNames)(cn=carla*)(cn=nobody*))", "dn")
	must(t, err)
	if strings.TrimSpace(text) != "dn: uid=bert,ou=People,dc=example,dc=org" {
		t.Errorf("after removing there is\n%s", text)
	}
}

func TestNeverAdopts(t *testing.T) {
	l := counterpart.NewOpenLDAP(t, counterpart.OpenLDAPOptions{})
	ctx := t.Context()
	must(t, l.Modify(ctx, "dn: uid=anna,ou=People,dc=example,dc=org\nchangetype: add\nobjectClass: inetOrgPerson\ncn: Other\nsn: Other\nmail: taken@example.org\n\n"))
	d, _ := opened(t, openLDAP(t, l, nil), newLedger(t))
	for name, u := range map[string]directory.User{"same name": {ID: "anna"}, "same name, other case": {ID: "ANNA"}, "same address": {ID: "zoe", Addresses: []directory.Address{smtp("Taken@example.org")}}} {
		if err := d.CreateAccount(ctx, u); failure.ClassOf(err) != failure.Conflict || err == nil {
			t.Errorf("%s: %v", name, err)
		}
	}
	// Another migration's entry is a stranger's too.
	other, _ := opened(t, openLDAP(t, l, nil), newLedger(t))
	must(t, other.CreateAccount(ctx, directory.User{ID: "bert"}))
	if err := d.CreateAccount(ctx, directory.User{ID: "bert"}); failure.RuleOf(err) != "ldap.taken" {
		t.Error(err)
	}
	text, err := l.Search(ctx, l.Options.Suffix, "(uid=anna)", "description", "cn")
	must(t, err)
	if strings.Contains(text, "description") || !strings.Contains(text, "cn: Other") {
		t.Error(text)
	}
}

// TestRightsOfOpenLDAP does what an operator does: preflight refuses and names a
// line; the line goes into slapd's configuration; preflight passes.
func TestRightsOfOpenLDAP(t *testing.T) {
	l := counterpart.NewOpenLDAP(t, counterpart.OpenLDAPOptions{Access: []string{"access to attrs=userPassword by anonymous auth by * break"}})
	ctx := t.Context()
	need := ldapdir.Need{Accounts: true, Contacts: true, Lists: true}
	o := openLDAP(t, l, map[string]string{"password": "alias"})
	before, err := l.Search(ctx, l.Options.Suffix, "(objectClass=*)")
	must(t, err)
	book := newLedger(t)
	d, _ := opened(t, o, book)
	findings, err := d.Prove(ctx, need)
	must(t, err)
	var lines []string
	for _, f := range findings {
		if f.OK {
			continue
		}
		if !strings.HasPrefix(f.Grant, "access to dn.subtree=") {
			t.Fatalf("no grant in %s", f)
		}
		lines = append(lines, f.Grant)
	}
	if len(lines) != 3 {
		t.Fatalf("%d rights are missing: %q", len(lines), findings)
	}
	must(t, d.Close())
	l.Options.Access = append(lines, l.Options.Access...)
	must(t, l.Restart(ctx))
	d, _ = opened(t, o, book)
	passes(t, d, need)
	after, err := l.Search(ctx, l.Options.Suffix, "(objectClass=*)")
	must(t, err)
	if sorted(before) != sorted(after) {
		t.Errorf("something is left behind:\n%s", after)
	}
}

// sorted makes two searches comparable: a server gives entries in any order.
func sorted(ldif string) string {
	lines := strings.Split(ldif, "\n")
	slices.Sort(lines)
	return strings.Join(lines, "\n")
}

func passes(t testing.TB, d *ldapdir.Directory, need ldapdir.Need) []rights.Finding {
	t.Helper()
	findings, err := d.Prove(t.Context(), need)
	must(t, err)
	for _, f := range findings {
		if !f.OK {
			t.Error(f)
		}
	}
	if len(findings) == 0 {
		t.Error("nothing was proven")
	}
	return findings
}
