package connector

import (
	"maps"
	"net/url"
	"reflect"
	"strings"
	"testing"

	"waybill/failure"
)

func TestParseLocation(t *testing.T) {
	for _, c := range []struct {
		text, scheme, path, host string
		options                  url.Values
		shown                    string // when it is not text
	}{
		{text: "maildir:/srv/mail", scheme: "maildir", path: "/srv/mail"},
		{text: "MBOX:mail", scheme: "mbox", path: "mail", shown: "mbox:mail"},
		{text: "site:new.site?operator=migration", scheme: "site", path: "new.site", options: url.Values{"operator": {"migration"}}},
		{text: "site:x?b=2&a=1&a=0", scheme: "site", path: "x", options: url.Values{"a": {"1", "0"}, "b": {"2"}}, shown: "site:x?a=1&a=0&b=2"},
		{text: "eml:what?", scheme: "eml", path: "what?"},
		{text: "eml:what?/a=b?c", scheme: "eml", path: "what?/a=b?c"},
		{text: "eml:a=b?c=d", scheme: "eml", path: "a=b", options: url.Values{"c": {"d"}}},
		{text: `pst:C:\mail\anna.pst`, scheme: "pst", path: `C:\mail\anna.pst`},
		{text: "maildir:/srv/a@b:c", scheme: "maildir", path: "/srv/a@b:c"},
		{text: "imaps://mail.example.org:993", scheme: "imaps", host: "mail.example.org:993"},
		{text: "IMAPS://anna@mail.example.org", scheme: "imaps", host: "mail.example.org", shown: "imaps://anna@mail.example.org"},
		{text: "jmap+https://example.org?as=admin", scheme: "jmap+https", host: "example.org", options: url.Values{"as": {"admin"}}},
		{text: "imap://[::1]:143", scheme: "imap", host: "[::1]:143"},
	} {
		loc, err := ParseLocation(c.text)
		if err != nil {
			t.Errorf("%q: %v", c.text, err)
			continue
		}
		host := ""
		if loc.URL != nil {
			host = loc.URL.Host
		}
		if loc.Scheme != c.scheme || loc.Path != c.path || host != c.host || len(loc.Options)+len(c.options) > 0 && !reflect.DeepEqual(loc.Options, c.options) {
			t.Errorf("%q: %+v", c.text, loc)
		}
		if c.shown == "" {
			c.shown = c.text
		}
		if loc.String() != c.shown {
			t.Errorf("%q is shown as %q, want %q", c.text, loc, c.shown)
		}
	}
}

func TestWrongLocations(t *testing.T) {
	for _, text := range []string{"", ":", "maildir", "maildir:", ":/srv", "site:?a=b", "site:x?a=%zz", "site:x?a=b;c", "imap://", "imap://:143", "imap:///path",
		"imap://host:port", "imap://host#x", "imap://host?a=%zz", "imap://host?%zz", "1map://host", "imap://ho st"} {
		loc, err := ParseLocation(text)
		if failure.ClassOf(err) != failure.Usage || failure.RuleOf(err) != "usage.location" {
			t.Errorf("%q: %+v, %v", text, loc, err)
		}
	}
}

// A password on the command line is in the shell's history and in the list of
// processes; it must not get into ledger and report as well.
func TestPasswordsAreNeitherTakenNorShown(t *testing.T) {
	for _, text := range []string{"imaps://anna:s3cret@host", "IMAPS://anna:s3cret@host:993/x?a=b", "imap://anna:s3cret@host:port", "imap://anna:s3cret@", "imap://:s3cret@host",
		"imap://anna:s3/cret@host", "imap://anna:s3@cret@host", "imap://anna:s3cret@host?a=%zz", "imap://anna:s3%cret@host", "imap://anna:s3#cret@host",
		"imap://anna:s3?cret=@host", "imap:////anna:s3cret@host", "imap://an na:s3cret@host"} {
		loc, err := ParseLocation(text)
		if err == nil {
			t.Errorf("%q is taken: %s", text, loc)
			continue
		}
		if strings.Contains(err.Error(), "s3") || strings.Contains(err.Error(), "cret@") {
			t.Errorf("%q: shown in %v", text, err)
		}
	}
}

func TestRejectOptions(t *testing.T) {
	loc, err := ParseLocation("site:x?operator=o&youth=2")
	if err != nil {
		t.Fatal(err)
	}
	if err := loc.RejectOptions("youth", "operator", "other"); err != nil {
		t.Error(err)
	}
	for _, known := range [][]string{nil, {"youth"}, {"Operator", "youth"}} {
		err := loc.RejectOptions(known...)
		if failure.ClassOf(err) != failure.Usage || failure.RuleOf(err) != "usage.option" || !strings.Contains(err.Error(), strings.Join(known, ", ")) {
			t.Errorf("with %q: %v", known, err)
		}
	}
	if err := (Location{Scheme: "site", Path: "x"}).RejectOptions(); err != nil {
		t.Error(err)
	}
}

func FuzzParseLocation(f *testing.F) {
	for _, s := range []string{"maildir:/srv/mail", "site:x?a=b&c=d", "eml:a?b", "imaps://anna@host:993/p?x=y", "imap://a:b@h", "imap://[::1%25eth0]", "X:?=", "İ:x", "a://h/%2f?a=b?c=d"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, text string) {
		loc, err := ParseLocation(text)
		if err != nil {
			if failure.ClassOf(err) != failure.Usage {
				t.Fatalf("%q: %v", text, err)
			}
			return
		}
		if loc.Scheme == "" || (loc.Path == "") == (loc.URL == nil) {
			t.Fatalf("%q: %+v", text, loc)
		}
		if loc.URL != nil {
			if _, secret := loc.URL.User.Password(); secret {
				t.Fatalf("%q: a password was taken", text)
			}
		}
		shown := loc.String()
		again, err := ParseLocation(shown)
		if err != nil {
			t.Fatalf("%q is shown as %q: %v", text, shown, err)
		}
		same := maps.EqualFunc(again.Options, loc.Options, func(a, b []string) bool { return reflect.DeepEqual(a, b) })
		if again.Scheme != loc.Scheme || again.Path != loc.Path || !same || again.String() != shown {
			t.Fatalf("%q: %+v, and from %q %+v", text, loc, shown, again)
		}
	})
}
