package ldapdir_test

import (
	"errors"
	"maps"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	"waybill/directory"
	"waybill/failure"
	"waybill/internal/counterpart"
	"waybill/ldapdir"
	"waybill/rights"
	"waybill/secret"
)

// domain is one domain controller for all tests of the package, as starting it
// takes ten seconds.
var domain struct {
	once  sync.Once
	samba *counterpart.Samba
	err   error
}

func TestMain(m *testing.M) {
	code := m.Run()
	if domain.samba != nil {
		domain.samba.Close()
	}
	os.Exit(code)
}

// sambaUnit gives the controller, and an organizational unit for one test.
func sambaUnit(t *testing.T, name string) (*counterpart.Samba, string) {
	t.Helper()
	if testing.Short() {
		t.Skip("a domain controller takes ten seconds to start")
	}
	domain.once.Do(func() { domain.samba, domain.err = counterpart.StartSamba(t.Context()) })
	if errors.Is(domain.err, counterpart.ErrMissing) {
		t.Skip(domain.err)
	}
	must(t, domain.err)
	s := domain.samba
	if out, err := s.Tool(t.Context(), "ou", "create", "OU="+name); err != nil {
		t.Fatal(out, err)
	}
	return s, "OU=" + name + "," + s.Base
}

// adOptions are options for the domain as one of its users.
func adOptions(t *testing.T, s *counterpart.Samba, unit, bind, password string, more map[string]string) ldapdir.Options {
	t.Helper()
	options := map[string]string{"schema": "ad", "bind": bind, "users": unit, "tls": "starttls"}
	maps.Copy(options, more)
	o := place(t, s.Host, s.Base, options)
	t.Setenv("TEST_DOMAIN_PASSWORD", password)
	var err error
	if o.Password, err = secret.Parse("env:TEST_DOMAIN_PASSWORD"); err != nil {
		t.Fatal(err)
	}
	o.TLSCA = s.CAFile()
	return o
}

func TestActiveDirectory(t *testing.T) {
	s, unit := sambaUnit(t, "Moved")
	ctx := t.Context()
	if out, err := s.Tool(ctx, "user", "create", "template", "Muster-Mann-12", "--company=Example Ltd", "--department=Old"); err != nil {
		t.Fatal(out, err)
	}
	book := newLedger(t)
	o := adOptions(t, s, unit, s.Administrator(), counterpart.SambaPassword, map[string]string{"password": "random", "change": "yes", "template": "CN=template,CN=Users," + s.Base})
	o.Secrets = filepath.Join(t.TempDir(), "passwords")
	make := func() []string {
		t.Helper()
		d, notes := opened(t, o, book)
		must(t, d.CreateAccount(ctx, anna))
		must(t, d.CreateAccount(ctx, directory.User{ID: "bert.bee@waybill.test", Addresses: []directory.Address{smtp("bert@example.org")}}))
		must(t, d.CreateContact(ctx, directory.Contact{ID: "Carla, X", Name: "Carla", Addresses: []directory.Address{smtp("carla@elsewhere.example")}}))
		must(t, d.CreateList(ctx, directory.List{ID: "all", Members: []string{"crew", "bert.bee@waybill.test", "Carla, X", "SMTP:nobody@elsewhere.example"}, Addresses: []directory.Address{smtp("all@example.org")}}))
		must(t, d.CreateList(ctx, directory.List{ID: "crew", Members: []string{"anna"}}))
		must(t, d.Finish(ctx))
		return *notes
	}
	t.Log(make())
	show := func() string {
		text, err := s.Search(ctx, unit, "(|(objectClass=user)(objectClass=group)(objectClass=contact))", "*")
		must(t, err)
		return text
	}
	text := show()
	unlike(t, text, "dn: CN=anna,"+unit, "sAMAccountName: anna", "userPrincipalName: anna@waybill.test", "displayName: Anna Aal", "proxyAddresses: SMTP:anna@example.org",
		"proxyAddresses: smtp:a.aal@example.org", "proxyAddresses: X500:/o=Org/ou=Site One/cn=Recipients/cn=anna", "proxyAddresses: X400:C=DE;A= ;P=Org;S=Aal",
		"title: Captain", "department: Sea", "company: Example Ltd", "userAccountControl: 512", "pwdLastSet: 0", "userPrincipalName: bert.bee@waybill.test",
		"sAMAccountName: bert.bee", "groupType: 8", "member: CN=crew,"+unit, "member: CN=anna,"+unit, "member: CN=nobody@elsewhere.example,"+unit)
	make()
	if again := show(); sorted(again) != sorted(text) {
		t.Errorf("the second run changed something:\n%s", again)
	}

	d, _ := opened(t, o, book)
	if got, ok := d.Resolve(ctx, "/o=org/OU=site one/cn=recipients/cn=ANNA"); !ok || got != "anna@example.org" {
		t.Errorf("%q, %v", got, ok)
	}
	raw, err := os.ReadFile(o.Secrets)
	must(t, err)
	info, err := os.Stat(o.Secrets)
	must(t, err)
	if n := strings.Count(string(raw), "\n"); n != 2 || info.Mode().Perm() != 0o600 {
		t.Errorf("%d passwords, mode %o", n, info.Mode().Perm())
	}
	people := o
	people.Base, people.PageSize = unit, 2
	reader, _ := opened(t, people, nil)
	all, err := reader.Contents(ctx)
	must(t, err)
	if len(all.Users) != 2 || len(all.Contacts) != 2 || len(all.Lists) != 2 {
		t.Errorf("%+v", all)
	}
	ours, err := d.Made(ctx)
	must(t, err)
	if len(ours) != 6 {
		t.Errorf("%d entries are ours: %v", len(ours), ours)
	}
	must(t, d.Remove(ctx, ours, nil))
	if text := show(); strings.TrimSpace(text) != "" {
		t.Errorf("after removing there is\n%s", text)
	}
}

// TestRightsOfActiveDirectory has a plain user refused before anything is made,
// runs the command that the refusal names, and tries again.
func TestRightsOfActiveDirectory(t *testing.T) {
	s, unit := sambaUnit(t, "Guarded")
	ctx := t.Context()
	if out, err := s.Tool(ctx, "user", "create", "mover", "Voegel-singen-9"); err != nil {
		t.Fatal(out, err)
	}
	o := adOptions(t, s, unit, "mover@waybill.test", "Voegel-singen-9", map[string]string{"password": "random"})
	o.Secrets = filepath.Join(t.TempDir(), "passwords")
	need := ldapdir.Need{Accounts: true, Contacts: true, Lists: true}
	d, _ := opened(t, o, newLedger(t))
	findings, err := d.Prove(ctx, need)
	must(t, err)
	var missing []rights.Finding
	for _, f := range findings {
		if !f.OK {
			missing = append(missing, f)
		}
	}
	if len(missing) != 3 || len(findings) != 3 {
		t.Fatalf("%d are missing of %d: %v", len(missing), len(findings), findings)
	}
	if err := d.CreateAccount(ctx, anna); failure.ClassOf(err) != failure.Denied || len(rights.From(err)) != 1 {
		t.Errorf("without the right: %v", err)
	}
	for _, f := range missing {
		t.Log(f)
		command, _, _ := strings.Cut(f.Grant, " (Windows")
		fields := strings.Split(command, "'") // samba-tool dsacl set --objectdn='X' --sddl='Y'
		if len(fields) != 5 {
			t.Fatalf("no command in %q", f.Grant)
		}
		if out, err := s.Tool(ctx, "dsacl", "set", "--objectdn="+fields[1], "--sddl="+fields[3]); err != nil {
			t.Fatal(out, err)
		}
	}
	for _, f := range passes(t, d, need) {
		t.Log(f)
	}
	must(t, d.CreateAccount(ctx, anna))
	text, err := s.Search(ctx, unit, "(|(objectClass=user)(objectClass=group)(objectClass=contact))", "dn")
	must(t, err)
	if strings.TrimSpace(text) != "dn: CN=anna,"+unit {
		t.Errorf("canaries are left: %s", text)
	}
	ours, err := d.Made(ctx)
	must(t, err)
	must(t, d.Remove(ctx, ours, nil))
}

func TestPasswordsOfActiveDirectory(t *testing.T) {
	s, unit := sambaUnit(t, "Passwords")
	ctx := t.Context()
	// The domain wants seven characters of three kinds, which "annaxxx" is not.
	o := adOptions(t, s, unit, s.Administrator(), counterpart.SambaPassword, map[string]string{"password": "alias"})
	d, _ := opened(t, o, newLedger(t))
	findings, err := d.Prove(ctx, ldapdir.Need{Accounts: true})
	must(t, err)
	last := findings[len(findings)-1]
	if last.OK || !strings.Contains(last.Detail, "ldap.password-policy") {
		t.Errorf("%v", findings)
	}
	for id, rule := range map[string]string{"a-name-of-more-than-twenty": "ldap.name", "a/b": "ldap.name", "": "ldap.name", "Administrator": "ldap.taken"} {
		if err := d.CreateAccount(ctx, directory.User{ID: id}); failure.RuleOf(err) != rule {
			t.Errorf("%q: %v", id, err)
		}
	}
}
