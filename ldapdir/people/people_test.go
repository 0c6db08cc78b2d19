package people

import (
	"slices"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/go-ldap/ldap/v3"
	"pgregory.net/rapid"

	"waybill/directory"
	"waybill/failure"
)

func layout(schema string) Layout {
	return Layout{Base: "DC=example,DC=org", Schema: schema, Users: "OU=People,DC=example,DC=org", Contacts: "OU=Contacts,DC=example,DC=org", Groups: "OU=Groups,DC=example,DC=org", Marker: DefaultMarker(schema)}
}

var schemas = []string{InetOrgPerson, ActiveDirectory, Exchange55}

// kept is an entry as a directory gives it back.
func kept(dn string, a *Attributes) *ldap.Entry {
	values := map[string][]string{}
	for _, name := range a.Names {
		values[name] = a.Get(name)
	}
	return ldap.NewEntry(dn, values)
}

// TestAddressesSurvive writes people into each schema and reads them back: every
// address is there, and the primary one is the first.
func TestAddressesSurvive(t *testing.T) {
	value := rapid.StringMatching(`[a-zA-Z0-9=/;. %+-]{0,20}[a-z0-9]`)
	rapid.Check(t, func(t *rapid.T) {
		f := Facts{Kind: rapid.SampledFrom([]Kind{Account, Contact, Group}).Draw(t, "kind"), ID: rapid.StringMatching(`[a-z][a-z0-9]{0,18}`).Draw(t, "id"),
			Name: rapid.StringMatching(`[A-Z][a-zé ]{0,10}[a-z]`).Draw(t, "name"), Last: "Aal"}
		for i := range rapid.IntRange(1, 4).Draw(t, "smtp") {
			f.Addresses = append(f.Addresses, directory.Address{Type: directory.SMTP, Value: rapid.StringMatching(`[a-z]{1,5}`).Draw(t, "local") + string(rune('0'+i)) + "@example.org"})
		}
		for range rapid.IntRange(0, 3).Draw(t, "others") {
			f.Addresses = append(f.Addresses, directory.Address{Type: rapid.SampledFrom([]string{X500, directory.X400, directory.MS, "NOTES"}).Draw(t, "type"), Value: value.Draw(t, "value")})
		}
		for _, name := range schemas {
			s := Of(layout(name))
			dn, a, _, err := s.Entry(f)
			if err != nil {
				t.Fatal(err)
			}
			back, _, ok := s.Facts(kept(dn, a))
			if !ok || back.Kind != f.Kind || back.ID != f.ID {
				t.Fatalf("%s: %v %+v of %+v", name, ok, back, f)
			}
			if len(back.Addresses) == 0 || back.Addresses[0] != f.Addresses[0] {
				t.Fatalf("%s: the primary address is %v, want %v", name, back.Addresses, f.Addresses[0])
			}
			for _, want := range f.Addresses {
				if !slices.ContainsFunc(back.Addresses, func(have directory.Address) bool { return have.Key() == want.Key() }) {
					t.Fatalf("%s: %v is lost: %v", name, want, back.Addresses)
				}
			}
		}
	})
}

// TestNamesAreEscaped has hostile names end up as the value of one name, and
// never as another entry or another filter.
func TestNamesAreEscaped(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		f := Facts{Kind: Contact, ID: rapid.String().Draw(t, "id")}
		if f.Check() != nil {
			return
		}
		for _, name := range schemas {
			s := Of(layout(name))
			dn, _, _, err := s.Entry(f)
			if err != nil {
				continue
			}
			parsed, err := ldap.ParseDN(dn)
			if err != nil {
				t.Fatalf("%s: %q: %v", name, dn, err)
			}
			container, _ := ldap.ParseDN(s.Container(Contact))
			if len(parsed.RDNs) != len(container.RDNs)+1 || len(parsed.RDNs[0].Attributes) != 1 || parsed.RDNs[0].Attributes[0].Value != f.ID || !container.AncestorOfFold(parsed) {
				t.Fatalf("%s: %q became %q", name, f.ID, dn)
			}
			for _, filter := range []string{s.Identity(Facts{Kind: Account, ID: f.ID}), s.Address(directory.Address{Type: "SMTP", Value: f.ID}), s.Address(directory.Address{Type: X500, Value: f.ID})} {
				packet, err := ldap.CompileFilter(filter)
				if err != nil {
					t.Fatalf("%s: %q: %v", name, filter, err)
				}
				if strings.Count(filter, "=") > 2+2*strings.Count(f.ID, "=") || packet == nil {
					t.Fatalf("%s: %q became %q", name, f.ID, filter)
				}
			}
		}
	})
}

func TestLegacyNames(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		part := rapid.StringMatching(`[A-Za-z0-9 ,+"<>#;äß-]{0,8}[A-Za-z0-9]`)
		legacy := "/o=" + part.Draw(t, "o") + "/ou=" + part.Draw(t, "ou") + "/cn=Recipients/cn=" + part.Draw(t, "cn")
		dn := DNOf(legacy)
		if dn == "" || legacyName(dn) != legacy {
			t.Fatalf("%q is %q is %q", legacy, dn, legacyName(dn))
		}
	})
	for _, text := range []string{"", "/", "o=Org", "/o=", "/uid=x", "/o=Org/x", strings.Repeat("/o=x", 1000)} {
		if dn := DNOf(text); dn != "" {
			t.Errorf("%q is %q", text, dn)
		}
	}
}

func TestSecurityIdentifiers(t *testing.T) {
	for _, text := range []string{"S-1-5-21-3543197298-1119981388-3555758112-1107", "S-1-1-0", "S-1-5-32-544"} {
		raw, ok := parseSID(text)
		if got := SIDText([]byte(raw)); !ok || got != text {
			t.Errorf("%s is %x is %s", text, raw, got)
		}
	}
	for _, text := range []string{"", "S", "S-1", "S-1-5", "S-2-5-1", "S-1-5-x", "S-1-5-4294967296", "S-1-5" + strings.Repeat("-1", 16), "EXAMPLE\\anna"} {
		if raw, ok := parseSID(text); ok {
			t.Errorf("%q is %x", text, raw)
		}
	}
}

func TestLogonNames(t *testing.T) {
	s := Of(layout(ActiveDirectory))
	for id, want := range map[string]string{"anna": "anna@example.org", "anna.aal@corp.example": "anna.aal@corp.example", "a-name-of-twenty-chr": "a-name-of-twenty-chr@example.org",
		"a-name-of-twenty-one-": "", "a/b": "", "a,b": "", "...": "", "anna.": "", "@example.org": "", "äöü": "äöü@example.org"} {
		_, a, _, err := s.Entry(Facts{Kind: Account, ID: id})
		if want == "" {
			if failure.RuleOf(err) != "ldap.name" {
				t.Errorf("%q: %v", id, err)
			}
			continue
		}
		if err != nil || a.Get("userPrincipalName")[0] != want {
			t.Errorf("%q: %v, want %q", id, err, want)
		}
	}
}

func TestVocabulary(t *testing.T) {
	v := ParseVocabulary([]string{"( 2.5.4.4 NAME ( 'sn' 'surname' ) SUP name )", "( 0.9.2342.19200300.100.1.3 NAME ( 'mail' 'rfc822Mailbox' ) )", "( 1.2.3 NAME 'proxyAddresses' SYNTAX '1.2' )", "( 1.2 DESC 'NAME' )", ""})
	if !v.Knows("SurName") || !v.Same("MAIL", "rfc822mailbox") || v.Same("mail", "sn") || v.Knows("otherMailbox") || !v.Knows("PROXYADDRESSES") {
		t.Errorf("%v", v)
	}
	if all := (Vocabulary{}); !all.Knows("anything") || all.Same("a", "b") {
		t.Error("a server that tells nothing must be taken to know everything")
	}
}

func FuzzVocabulary(f *testing.F) {
	f.Add("( 2.5.4.4 NAME ( 'sn' 'surname' ) SUP name )")
	f.Add("NAME ( 'a' 'b'")
	f.Add("NAME 'x")
	f.Fuzz(func(t *testing.T, text string) {
		for name, first := range ParseVocabulary([]string{text}) {
			if name == "" || first == "" || !strings.Contains(strings.ToLower(text), first) {
				t.Fatalf("%q has %q, %q", text, name, first)
			}
		}
	})
}

// FuzzEntry reads entries of any content.
func FuzzEntry(f *testing.F) {
	f.Add("cn=anna,o=Org", "proxyAddresses", "SMTP:anna@example.org", "smtp:anna@example.org")
	f.Add("cn=anna", "otherMailbox", "X400$c=de;a= ;", "$")
	f.Add("", "labeledURI", "x500:/o=Org%20One", "http://example.org label")
	f.Add("uid=x", "Assoc-NT-Account", "\x01\x01\x00\x00\x00\x00\x00\x05\x20\x00\x00\x00", "\x01\x0f")
	f.Fuzz(func(t *testing.T, dn, name, one, two string) {
		for _, schema := range schemas {
			e := ldap.NewEntry(dn, map[string][]string{name: {one, two}, "objectClass": {"organizationalPerson"}, "mail": {two}})
			facts, members, ok := Of(layout(schema)).Facts(e)
			if ok && facts.ID == "" {
				t.Fatal("somebody without a name")
			}
			if len(members) > 2 {
				t.Fatalf("%d members", len(members))
			}
			for _, a := range facts.Addresses {
				if a.Type == "" || a.Value == "" && a.Type != directory.SMTP {
					t.Fatalf("%s: address %+v of %q, %q", schema, a, one, two)
				}
			}
		}
		if DNOf(one) != "" && !utf8.ValidString(one) && utf8.ValidString(DNOf(one)) {
			t.Log("broken text was mended")
		}
	})
}
