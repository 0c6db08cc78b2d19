package server

import (
	"context"
	"net/netip"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"waybill/connector"
	"waybill/directory"
	"waybill/failure"
	"waybill/imap"
)

func TestConfigure(t *testing.T) {
	t.Setenv("WAYBILL_TEST", "hunter2")
	pw := place(t, "x")
	for location, want := range map[string]struct {
		addr string
		mode imap.TLSMode
		auth Auth
	}{
		"imap://anna@mail.example.org":                                                  {"mail.example.org:143", imap.StartTLS, Plain},
		"imap://anna@mail.example.org/?tls=starttls":                                    {"mail.example.org:143", imap.StartTLS, Plain},
		"imaps://anna@mail.example.org":                                                 {"mail.example.org:993", imap.Implicit, Plain},
		"IMAPS://anna%40example.org@mail.example.org:1993/":                             {"mail.example.org:1993", imap.Implicit, Plain},
		"imap://anna@127.0.0.1:1143/?tls=none":                                          {"127.0.0.1:1143", imap.Plain, Plain},
		"imap://anna@[::1]/?tls=none":                                                   {"[::1]:143", imap.Plain, Plain},
		"imap://anna@localhost/?tls=none":                                               {"localhost:143", imap.Plain, Plain},
		"imaps://cyrus@mail.example.org/?auth=proxy&compress=no":                        {"mail.example.org:993", imap.Implicit, Proxy},
		"imaps://boss@mail.example.org/?auth=dovecot-master&separator=%25&compress=yes": {"mail.example.org:993", imap.Implicit, DovecotMaster},
		"imaps://cyrus@mail.example.org/?auth=acl-admin":                                {"mail.example.org:993", imap.Implicit, ACLAdmin},
		"imaps://anna@mail.example.org/?auth=oauth2&compress=auto":                      {"mail.example.org:993", imap.Implicit, OAuth2},
	} {
		c, err := configure(t, location, Options{Password: pw}, SourceSide)
		if err != nil || c.addr != want.addr || c.mode != want.mode || c.auth != want.auth {
			t.Errorf("%s: %+v, %v", location, c, err)
		}
	}
	for location, words := range map[string]string{
		"imap://anna@h/?tls=ssl":               "tls=ssl",
		"imaps://anna@h/?tls=none":             "imaps://",
		"imap://anna@192.0.2.1/?tls=none":      "in the clear",
		"imap://anna@[2001:db8::1]/?tls=none":  "in the clear",
		"imap://anna@h/?auth=kerberos":         "kerberos",
		"imap://anna@h/?comprss=yes":           "comprss",
		"imap://anna@h/?compress=maybe":        "compress=maybe",
		"imap://anna@h/?silence=0":             "silence=0",
		"imap://anna@h/?silence=long":          "silence=long",
		"imap://anna@h/?auth=plain&auth=proxy": "twice",
		"imap://anna@h/INBOX":                  "/INBOX",
		"imap://anna@h:0":                      "port",
		"imap://anna@h:70000":                  "port",
		"imap://h":                             "USER@h",
		"imap://h/?auth=proxy":                 "ADMIN@h",
		"imap://anna@h/?separator=%2B":         "dovecot-master",
		"jmap+https://anna@h":                  "imap://",
		"maildir:/srv":                         "imap://",
	} {
		_, err := configure(t, location, Options{Password: pw}, SourceSide)
		if failure.ClassOf(err) != failure.Usage || !strings.Contains(err.Error(), words) {
			t.Errorf("%s: %v", location, err)
		}
	}
	if _, err := configure(t, "imap://anna@192.0.2.1/?tls=none", Options{Password: pw, PlainForced: true}, SourceSide); err != nil {
		t.Error("forced:", err)
	}
	_, err := configure(t, "imaps://anna@h", Options{}, TargetSide)
	wantFailure(t, err, failure.Usage, "usage.password", "WAYBILL_TARGET_PASSWORD")
	_, err = configure(t, "imaps://anna@h/?auth=oauth2", Options{}, TargetSide)
	wantFailure(t, err, failure.Usage, "usage.oauth", "--target-oauth")
	_, err = configure(t, "imaps://anna@h/?auth=plain", Options{Password: pw, OAuth: "x.yaml"}, SourceSide)
	wantFailure(t, err, failure.Usage, "usage.location", "--source-oauth")
	_, err = configure(t, "imaps://anna@h", Options{OAuth: "none.yaml"}, SourceSide)
	wantFailure(t, err, failure.Usage, "oauth.file", "none.yaml")
	_, err = configure(t, "imaps://anna@h", Options{Password: pw, Connections: -1}, SourceSide)
	wantFailure(t, err, failure.Usage, "usage.location")
	_, err = configure(t, "imaps://anna@h", Options{Password: pw, TLSCA: "none.pem"}, SourceSide)
	wantFailure(t, err, failure.Usage, "usage.tls-ca", "none.pem")
	empty := filepath.Join(t.TempDir(), "empty.pem")
	if err := os.WriteFile(empty, []byte("nothing"), 0o600); err != nil {
		t.Fatal(err)
	}
	_, err = configure(t, "imaps://anna@h", Options{Password: pw, TLSCA: empty}, SourceSide)
	wantFailure(t, err, failure.Usage, "usage.tls-ca", "no certificate")
}

func TestConfigureMap(t *testing.T) {
	rows := func(r ...directory.MapRow) *directory.UserMap {
		for i := range r {
			r[i].Line = i + 2
		}
		return &directory.UserMap{File: "map.csv", Rows: r}
	}
	for name, c := range map[string]struct {
		location string
		users    *directory.UserMap
		words    []string
	}{
		"all rows are looked at": {"imaps://h", rows(directory.MapRow{User: "a"}, directory.MapRow{User: "b", SourcePassword: "env:X"}, directory.MapRow{User: "c"}), []string{"line 2", "line 4"}},
		"a password in the map":  {"imaps://h", rows(directory.MapRow{User: "a", SourcePassword: "hunter2"}), []string{"line 2", "a place"}},
		"a proxy and passwords":  {"imaps://boss@h/?auth=proxy", rows(directory.MapRow{User: "a", SourcePassword: "env:X"}), []string{"line 2", "auth=proxy"}},
		"somebody is skipped":    {"imaps://h", rows(directory.MapRow{User: "a", Action: "skip"}, directory.MapRow{User: "b", SourcePassword: "env:X"}), nil},
		"tokens need none":       {"imaps://h/?auth=oauth2", rows(directory.MapRow{User: "a"}), []string{"line 2"}},
	} {
		_, err := configure(t, c.location, Options{Users: c.users, Password: place(t, "x")}, SourceSide)
		if len(c.words) == 0 {
			if err != nil {
				t.Errorf("%s: %v", name, err)
			}
			continue
		}
		wantFailure(t, err, failure.Usage, "map.password", c.words...)
	}
}

func TestPlainNeedsLoopback(t *testing.T) {
	for text, ok := range map[string]bool{"127.0.0.1": true, "127.0.0.1 ::1": true, "127.0.0.1 192.0.2.1": false, "192.0.2.1": false, "::ffff:127.0.0.1": true} {
		c, err := configure(t, "imap://anna@mail.test/?tls=none", Options{Password: place(t, "x")}, SourceSide)
		if err != nil {
			t.Fatal(err)
		}
		c.resolve = func(context.Context, string) (list []netip.Addr, _ error) {
			for a := range strings.FieldsSeq(text) {
				list = append(list, netip.MustParseAddr(a))
			}
			return list, nil
		}
		if err := c.mustBeLocal(t.Context()); (err == nil) != ok {
			t.Errorf("%s: %v", text, err)
		}
	}
	c, err := configure(t, "imap://anna@no-such-host.invalid/?tls=none", Options{Password: place(t, "x")}, SourceSide)
	if err != nil {
		t.Fatal(err)
	}
	_, err = Open(t.Context(), c)
	if failure.ClassOf(err) != failure.Transient || !strings.HasPrefix(failure.RuleOf(err), "imap.dns") {
		t.Errorf("%v", err)
	}
}

func TestIdentity(t *testing.T) {
	for location, want := range map[string]string{
		"imap://anna@Mail.Example.ORG":                            "imap://anna@mail.example.org:143",
		"imaps://anna@mail.example.org/?compress=yes":             "imap://anna@mail.example.org:993",
		"imaps://anna@mail.example.org/?silence=300":              "imap://anna@mail.example.org:993",
		"imaps://an%40na@mail.example.org:1/":                     "imap://an%40na@mail.example.org:1",
		"imaps://cyrus@mail.example.org/?auth=proxy":              "imap://mail.example.org:993",
		"imaps://boss@mail.example.org/?auth=dovecot-master":      "imap://mail.example.org:993",
		"imaps://mail.example.org":                                "imap://mail.example.org:993",
		"imap://anna@[::1]:1143/?tls=none":                        "imap://anna@[::1]:1143",
		"imaps://anna@mail.example.org/?auth=oauth2&compress=yes": "imap://anna@mail.example.org:993",
	} {
		loc, err := connector.ParseLocation(location)
		if err != nil {
			t.Fatal(err)
		}
		if got := Identity(loc); got != want {
			t.Errorf("%s: %s, want %s", location, got, want)
		}
	}
}

func TestFail(t *testing.T) {
	s := &Server{}
	if s.Fail("x", "y", nil) != nil {
		t.Error("no error becomes one")
	}
	inner := failure.New(failure.Full, "do APPEND", "127.0.0.1:143", "imap.over-quota", &imap.StatusError{Kind: "NO", Code: "OVERQUOTA", Text: "full"}).WithRemedy("raise it")
	err := s.Fail("append", "INBOX 7", inner)
	f, _ := err.(*failure.Error)
	if f == nil || f.Class != failure.Full || f.Rule != "imap.over-quota" || f.Remedy != "raise it" || f.Where != "INBOX 7 on 127.0.0.1:143" || f.Op != "append" || inner.Op != "do APPEND" {
		t.Errorf("%+v", f)
	}
	waiting := failure.New(failure.Throttled, "wait", "", "imap.bytes-per-day", nil)
	waiting.RetryAfter = 7
	lost := failure.New(failure.Transient, "read", "x", "imap.lost", waiting)
	if f, _ := s.Fail("fetch", "INBOX", lost).(*failure.Error); f == nil || f.Class != failure.Throttled || f.RetryAfter != 7 || f.Rule != "imap.bytes-per-day" {
		t.Errorf("%+v", f)
	}
	if got := failure.ClassOf(s.Fail("fetch", "INBOX", context.Canceled)); got != failure.Cancelled {
		t.Errorf("%v", got)
	}
}
