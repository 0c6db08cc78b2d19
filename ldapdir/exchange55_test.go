package ldapdir_test

import (
	"path/filepath"
	"strings"
	"testing"

	"waybill/directory"
	"waybill/internal/counterpart"
	"waybill/ldapdir"
)

const exchangeSite = `dn: o=Org
objectClass: organization
o: Org

dn: ou=Site One,o=Org
objectClass: organizationalUnit
ou: Site One

dn: cn=Recipients,ou=Site One,o=Org
objectClass: container
cn: Recipients

dn: cn=Partners,cn=Recipients,ou=Site One,o=Org
objectClass: container
cn: Partners

dn: cn=operator,o=Org
objectClass: operatorAccount
cn: operator
userPassword: geheim

dn: cn=old,cn=Recipients,ou=Site One,o=Org
objectClass: organizationalPerson
cn: old
rdn: old
uid: old
mailPreferenceOption: 0
mail: old@example.org
otherMailbox: smtp$o@example.org
`

// TestExchange55 makes recipients in a slapd with the names of Exchange 5.5.
func TestExchange55(t *testing.T) {
	schema, err := filepath.Abs("testdata/exchange55.schema")
	must(t, err)
	l := counterpart.NewOpenLDAP(t, counterpart.OpenLDAPOptions{Suffix: "o=Org", Schemas: []string{schema}, Data: exchangeSite})
	ctx := t.Context()
	recipients := "cn=Recipients,ou=Site One,o=Org"
	o := place(t, l.Addr, "o=Org", map[string]string{"schema": "exchange55", "bind": "cn=operator,o=Org", "users": recipients, "contacts": "cn=Partners," + recipients, "server": "MAIL1"})
	book := newLedger(t)
	d, notes := opened(t, o, book)
	passes(t, d, ldapdir.Need{Accounts: true, Contacts: true, Lists: true})
	user := anna
	user.Attributes = map[string]string{"Title": "Captain", "Assoc-NT-Account": "S-1-5-21-1-2-3-1001", "Extension-Attribute-1": "x", "Shoe-Size": "42"}
	must(t, d.CreateAccount(ctx, user))
	must(t, d.CreateContact(ctx, directory.Contact{ID: "carla", Name: "Carla", Addresses: []directory.Address{smtp("carla@elsewhere.example")}}))
	must(t, d.CreateList(ctx, directory.List{ID: "crew", Name: "The crew", Members: []string{"anna", "carla", "old"}, Addresses: []directory.Address{smtp("crew@example.org")}}))
	must(t, d.CreateList(ctx, directory.List{ID: "nobody", Name: "Nobody"}))
	must(t, d.Finish(ctx))
	if len(*notes) != 1 || !strings.Contains((*notes)[0], "Shoe-Size") {
		t.Error(*notes)
	}
	text, err := l.Search(ctx, recipients, "(MAPI-Recipient=*)")
	must(t, err)
	unlike(t, text, "dn: cn=anna,"+recipients, "objectClass: organizationalPerson", "cn: Anna Aal", "rdn: anna", "uid: anna", "mail: anna@example.org", "rfc822Mailbox: anna@example.org",
		"otherMailbox: smtp$a.aal@example.org", "otherMailbox: X500$/o=Org/ou=Site One/cn=Recipients/cn=anna", "textEncodedORAddress: C=DE;A= ;P=Org;S=Aal",
		"Home-MDB: cn=Microsoft Private MDB,cn=MAIL1,cn=Servers,cn=Configuration,ou=Site One,o=Org", "Home-MTA: cn=Microsoft MTA,cn=MAIL1,cn=Servers,cn=Configuration,ou=Site One,o=Org",
		"Extension-Attribute-1: x", "Assoc-NT-Account:: AQUAAAAAAAUVAAAAAQAAAAIAAAADAAAA6QMAAA==",
		"dn: cn=carla,cn=Partners,"+recipients, "Target-Address: SMTP:carla@elsewhere.example", "MAPI-Recipient: FALSE")
	all, err := d.Contents(ctx)
	must(t, err)
	if len(all.Users) != 2 || len(all.Contacts) != 1 || len(all.Lists) != 2 {
		t.Fatalf("%+v", all)
	}
	for _, u := range all.Users {
		if u.ID == "anna" && (u.Name != "Anna Aal" || u.Attributes["Assoc-NT-Account"] != "S-1-5-21-1-2-3-1001" || len(u.Addresses) != 5) {
			t.Errorf("%+v", u)
		}
	}
	for _, l := range all.Lists {
		if l.ID == "crew" && strings.Join(l.Members, " ") != "anna carla old" {
			t.Errorf("%+v", l)
		}
	}
	for legacy, want := range map[string]string{"/o=Org/ou=Site One/cn=Recipients/cn=anna": "anna@example.org", "/O=Org/OU=Site One/CN=Recipients/CN=old": "old@example.org",
		"/o=Org/ou=Site One/cn=Recipients/cn=x,uid=old": "", "/o=Org/ou=Nowhere": ""} {
		if got, ok := d.Resolve(ctx, legacy); got != want || ok != (want != "") {
			t.Errorf("%q is %q, %v", legacy, got, ok)
		}
	}
	ours, err := d.Made(ctx)
	must(t, err)
	must(t, d.Remove(ctx, ours, nil))
	text, err = l.Search(ctx, recipients, "(uid=*)", "dn")
	must(t, err)
	if strings.TrimSpace(text) != "dn: cn=old,"+recipients {
		t.Errorf("left is\n%s", text)
	}
}
