package directory

import (
	"strings"
	"testing"
)

func TestParseAddress(t *testing.T) {
	for text, want := range map[string]Address{
		"SMTP:anna@example.org":       {SMTP, "anna@example.org"},
		"smtp:anna@example.org":       {SMTP, "anna@example.org"},
		" anna@example.org ":          {SMTP, "anna@example.org"},
		"a@b@c":                       {SMTP, "a@b@c"},
		"MS:NET/PO/ANNA":              {MS, "NET/PO/ANNA"},
		"X400:C=DE;A= ;P=Org;S=Berg;": {X400, "C=DE;A= ;P=Org;S=Berg;"},
		"MIGRATE:PROFS:SITE(USER)":    {Migrate, "PROFS:SITE(USER)"},
		"CCMAIL:Anna Berg at Work":    {CCMAIL, "Anna Berg at Work"},
		"EX:/o=Org/ou=Site/cn=anna":   {EX, "/o=Org/ou=Site/cn=anna"},
		"anna@[IPv6:::1]":             {SMTP, "anna@[IPv6:::1]"},
		"a b:c@d":                     {SMTP, "a b:c@d"},
		"Notes:Anna Berg/Org":         {"NOTES", "Anna Berg/Org"},
	} {
		if got, err := ParseAddress(text); err != nil || got != want {
			t.Errorf("%q: %+v, %v; want %+v", text, got, err, want)
		}
	}
	for _, text := range []string{"", " ", "anna", "@example.org", "anna@", "SMTP:", "smtp: ", ":value", "/o=Org:x", "Anna Berg"} {
		if got, err := ParseAddress(text); err == nil {
			t.Errorf("%q is taken for %+v", text, got)
		}
	}
}

func TestAddressKey(t *testing.T) {
	same := Address{SMTP, "Anna@Example.ORG"}.Key() == Address{SMTP, "anna@example.org"}.Key()
	other := Address{SMTP, "a@b"}.Key() == Address{MS, "a@b"}.Key()
	if !same || other {
		t.Errorf("case differs and the key is the same: %v; type differs and the key is the same: %v", same, other)
	}
}

func FuzzParseAddress(f *testing.F) {
	for _, s := range []string{"SMTP:a@b", "a@b", "X400:C=DE;", ":", "a:", "ſ:x", " MS: x ", "ß:@"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, text string) {
		a, err := ParseAddress(text)
		if err != nil {
			return
		}
		if a.Type == "" || a.Value == "" || a.Type != strings.ToUpper(a.Type) {
			t.Fatalf("%q: %+v", text, a)
		}
		if again, err := ParseAddress(a.String()); err != nil || again != a {
			t.Fatalf("%q: %+v, and from its own text %+v, %v", text, a, again, err)
		}
	})
}
