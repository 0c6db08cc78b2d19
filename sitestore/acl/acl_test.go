package acl_test

import (
	"slices"
	"strings"
	"testing"

	"pgregory.net/rapid"

	. "waybill/sitestore/acl"
)

// short are the abbreviations of KB Q168753's table.
var short = map[string]Rights{"AC": AddChild, "MU": ModifyUser, "MA": ModifyAdmin, "D": Delete, "LR": Logon,
	"MP": ModifyPermissions, "RP": Replication, "MO": MailboxOwner, "SA": SendAs, "SE": Search}

func TestRightsOfRoles(t *testing.T) {
	const none = "not offered"
	for _, row := range []struct {
		role                              Role
		organization, site, configuration string
	}{
		{Admin, "AC MU MA D", "AC MU MA D LR", "AC MU MA D"},
		{PermissionsAdmin, "AC MU MA D MP", "AC MU MA D LR MP", "AC MU MA D MP"},
		{ServiceAccountAdmin, "AC MU MA D RP MP", "AC MU MA D SA MO LR RP MP", "AC MU MA D RP MP"},
		{User, "MU", "MU SA MO", "MU"},
		{SendAsRole, none, "SA", "SA"},
		{ViewOnlyAdmin, none, "LR", none},
		{SearchRole, "SE", none, none},
	} {
		for level, want := range map[Level]string{Organization: row.organization, Site: row.site, Configuration: row.configuration} {
			got, offered := RightsOf(row.role, level)
			if offered != (want != none) {
				t.Errorf("%s at %s: offered %v", row.role, level, offered)
				continue
			}
			var rights Rights
			if offered {
				for s := range strings.FieldsSeq(want) {
					rights |= short[s]
				}
			}
			if got != rights {
				t.Errorf("%s at %s: %v, want %v", row.role, level, got, rights)
			}
		}
	}
	for _, level := range append(Levels(), Object) {
		if rights, offered := RightsOf(Custom, level); rights != 0 || !offered {
			t.Errorf("Custom at %s: %v, %v", level, rights, offered)
		}
	}
	// The paradox of Q255888: by the table, Service Account Admin lacks nothing
	// that Permissions Admin has.
	for _, level := range Levels() {
		service, _ := RightsOf(ServiceAccountAdmin, level)
		if !service.Has(Prescribed(level)) {
			t.Errorf("at %s Service Account Admin lacks rights of Permissions Admin", level)
		}
	}
}

const (
	org     = DN("/o=Org")
	site    = DN("/o=Org/ou=Site")
	config  = DN("/o=Org/ou=Site/cn=Configuration")
	mailbox = DN("/o=Org/ou=Site/cn=Recipients/cn=anna")
	server  = DN("/o=Org/ou=Site/cn=Configuration/cn=Servers/cn=ONE")
)

// guard gives every context an entry of somebody else, so that none is open.
func guard(more ...Entry) []Entry {
	for _, dn := range []DN{org, site, config} {
		more = append(more, Entry{Object: dn, Principal: "other", Role: Custom, Rights: Logon})
	}
	return more
}

func TestContextsAreSeparate(t *testing.T) {
	objects := []DN{org, site, config, mailbox, server, site.Child("Recipients")}
	for root, reaches := range map[DN][]DN{
		org:    {org},
		site:   {site, mailbox, site.Child("Recipients")},
		config: {config, server},
	} {
		entries := guard(Entry{Object: root, Principal: "op", Role: Custom, Rights: All})
		for _, o := range objects {
			got := Evaluate(entries, "OP", o)
			want := Rights(0)
			if slices.Contains(reaches, o) {
				want = All
			}
			if got.Rights != want {
				t.Errorf("rights on %s give %v on %s, want %v", root, got.Rights, o, want)
			}
			if want != 0 && (len(got.Why(MailboxOwner)) != 1 || got.Origins[0].Object != root || got.Origins[0].Inherited != (o != root)) {
				t.Errorf("rights on %s come from %v", o, got.Origins)
			}
		}
	}
}

func TestEmptyContextIsOpenToEverybody(t *testing.T) {
	entries := slices.DeleteFunc(guard(), func(e Entry) bool { return e.Object == site })
	for o, want := range map[DN]Rights{org: 0, site: All, mailbox: All, config: 0, server: 0} {
		got := Evaluate(entries, "stranger", o)
		if got.Rights != want {
			t.Errorf("%s: %v, want %v", o, got.Rights, want)
		}
		if want == All && !got.Origins[0].Open {
			t.Errorf("%s does not say that it is open: %v", o, got.Origins)
		}
	}
	// An object below a root without entries of its own is nothing special.
	if got := Evaluate(guard(), "stranger", mailbox); got.Rights != 0 || got.Held() != "nothing" {
		t.Errorf("a stranger holds %v: %s", got.Rights, got.Held())
	}
}

func TestRolesAddUp(t *testing.T) {
	entries := guard(
		Entry{Object: site, Principal: "op", Role: ViewOnlyAdmin, Rights: Logon},
		Entry{Object: mailbox, Principal: "op", Role: User, Rights: ModifyUser | SendAs | MailboxOwner},
		Entry{Object: site, Principal: Everybody, Role: SearchRole, Rights: Search},
	)
	got := Evaluate(entries, "op", mailbox)
	if want := Logon | ModifyUser | SendAs | MailboxOwner | Search; got.Rights != want {
		t.Errorf("%v, want %v", got.Rights, want)
	}
	if why := got.Why(MailboxOwner); len(why) != 1 || why[0].Role != User || why[0].Inherited {
		t.Errorf("Mailbox Owner comes from %v", why)
	}
}

func TestNames(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		name := rapid.StringMatching(`[a-zA-Z0-9/\\= .ü]{1,12}`)
		o, s, c, m := name.Draw(t, "o"), name.Draw(t, "s"), name.Draw(t, "c"), name.Draw(t, "m")
		if c == "Configuration" {
			t.Skip("that container is the third context")
		}
		dn := SiteDN(o, s).Child(c).Child(m)
		want := []DN{dn, SiteDN(o, s).Child(c), SiteDN(o, s)}
		if got := dn.Chain(); !slices.Equal(got, want) {
			t.Fatalf("chain of %s: %q, want %q", dn, got, want)
		}
		if dn.Context() != SiteDN(o, s) || dn.Level() != Object {
			t.Fatalf("%s: context %s, level %s", dn, dn.Context(), dn.Level())
		}
		below := ConfigurationDN(o, s).Child(m)
		if below.Context() != ConfigurationDN(o, s) || below.Context().Level() != Configuration || OrganizationDN(o).Level() != Organization {
			t.Fatalf("%s: context %s", below, below.Context())
		}
	})
}

func TestParse(t *testing.T) {
	for _, r := range Roles() {
		for _, spelling := range []string{string(r), strings.ToLower(string(r)), strings.ReplaceAll(string(r), " ", "-")} {
			if got, err := ParseRole(spelling); got != r || err != nil {
				t.Errorf("%q: %v, %v", spelling, got, err)
			}
		}
	}
	if _, err := ParseRole("Owner"); err == nil {
		t.Error("a role called Owner was found")
	}
	all, err := ParseRights(strings.ToLower(strings.Join(All.Names(), " , ")))
	if all != All || err != nil {
		t.Errorf("%v, %v", all, err)
	}
	if _, err := ParseRights("Add Child,"); err == nil {
		t.Error("an empty right was found")
	}
}

func FuzzDN(f *testing.F) {
	for _, s := range []string{"", "/", "o=x", string(mailbox), string(config), `/o=a\/b/ou=\`, "//", `/o=\\/x`} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		chain := DN(s).Chain()
		if len(chain) == 0 || chain[len(chain)-1] != DN(s).Context() {
			t.Fatalf("%q: chain %q, context %q", s, chain, DN(s).Context())
		}
		Evaluate(guard(), "x", DN(s))
	})
}
