package provider

import (
	"strings"
	"testing"
	"testing/fstest"
	"time"

	"waybill/failure"
)

func TestEmbeddedFiles(t *testing.T) {
	all, err := All()
	if err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{"gmail", "exchange-online", "outlook", "yahoo", "icloud", "gmx", "dovecot", "cyrus", "courier", "zimbra", "fastmail", "generic"} {
		f, ok := all[name]
		if !ok {
			t.Errorf("nothing is known of %s", name)
		} else if f.Name != name || name != "generic" && len(f.Match.Hosts)+len(f.Match.ID)+len(f.Match.Capabilities) == 0 {
			t.Errorf("%s: %q cannot be recognised", name, f.Name)
		}
	}
}

func TestBrokenFiles(t *testing.T) {
	const good = "title: x\nflavour: other\nsources: [{fact: a, from: b, date: 2026-11-22}]\n"
	for name, text := range map[string]string{
		"unknown key":          good + "conections: 3\n",
		"unknown nested key":   good + "labels: {polcy: one}\n",
		"no title":             strings.Replace(good, "title: x\n", "", 1),
		"no flavour":           strings.Replace(good, "flavour: other\n", "", 1),
		"no source":            "title: x\nflavour: other\n",
		"source without date":  "title: x\nflavour: other\nsources: [{fact: a, from: b}]\n",
		"bad pattern":          good + "throttling: [{text: '(', wait: 1s}]\n",
		"unknown group":        good + "throttling: [{text: '(?P<h>.)'}]\n",
		"no wait":              good + "throttling: [{text: 'x'}]\n",
		"two waits":            good + "throttling: [{text: '(?P<s>.)', wait: 1s}]\n",
		"empty entry":          good + "throttling: [{wait: 1s}]\n",
		"small code":           good + "throttling: [{code: limit, wait: 1s}]\n",
		"negative limit":       good + "connections: -1\n",
		"unknown policy":       good + "labels: {policy: two}\n",
		"refusal without rule": good + "refusals: [{text: x, meaning: m, needed: n, grant: g}]\n",
		"unknown auth":         good + "refusals: [{text: x, rule: imap.login.x, meaning: m, needed: n, grant: g, auth: [kerberos]}]\n",
		"no YAML":              "{",
	} {
		if f, err := parse("x", []byte(text)); failure.RuleOf(err) != "provider.file" {
			t.Errorf("%s: %+v, %v", name, f, err)
		}
	}
	if _, err := parse("x", []byte(good)); err != nil {
		t.Errorf("the good file: %v", err)
	}
	if _, err := loadAll(fstest.MapFS{}); failure.RuleOf(err) != "provider.missing" {
		t.Error(err)
	}
	if _, err := loadAll(fstest.MapFS{"data/x.yaml": {Data: []byte(good)}}); failure.RuleOf(err) != "provider.missing" {
		t.Error(err)
	}
}

func TestRecognise(t *testing.T) {
	for _, c := range []struct{ host, id, caps, want string }{
		{"imap.gmail.com", "", "", "gmail"},
		{"IMAP.GMAIL.COM.", "", "", "gmail"},
		{"notgmail.com", "", "", "generic"},
		{"gateway.example", "", "X-GM-EXT-1", "gmail"},
		{"gateway.example", "GImap", "", "gmail"},
		{"outlook.office365.com", "", "", "exchange-online"},
		{"imap-mail.outlook.com", "Microsoft.Exchange.Imap4", "CLIENTACCESSRULES", "outlook"},
		{"mail.example", "Microsoft.Exchange.Imap4.Imap4Server", "", "exchange-online"},
		{"imap.mail.yahoo.com", "", "", "yahoo"},
		{"imap.mail.me.com", "", "", "icloud"},
		{"imap.gmx.net", "Dovecot", "", "gmx"},
		{"imap.web.de", "", "", "gmx"},
		{"mail.example", "Dovecot", "", "dovecot"},
		{"127.0.0.1", "Cyrus IMAP", "", "cyrus"},
		{"127.0.0.1", "", "MAILBOX-REFERRALS RIGHTS=kxten", "cyrus"},
		{"127.0.0.1", "", "RIGHTS=kxten", "generic"},
		{"imap.fastmail.com", "Cyrus IMAP", "", "fastmail"},
		{"mail.example", "Courier-IMAP", "", "courier"},
		{"mail.example", "Zimbra", "", "zimbra"},
		{"", "", "", "generic"},
	} {
		var has func(string) bool
		if c.caps != "" {
			has = func(name string) bool { return strings.Contains(" "+c.caps+" ", " "+name+" ") }
		}
		f, err := Recognise(c.host, map[string]string{"name": c.id}, has)
		if err != nil || f.Name != c.want {
			t.Errorf("%+v: %q, %v", c, f.Name, err)
		}
	}
}

func TestThrottled(t *testing.T) {
	for _, c := range []struct {
		provider, code, text string
		wait                 time.Duration
		fewer                bool
	}{
		{"exchange-online", "", "Request is throttled. Suggested Backoff Time: 201317 milliseconds", 201317 * time.Millisecond, false},
		{"generic", "", "BAD Request is throttled. Suggested Backoff Time: 0 milliseconds", time.Second, false},
		{"generic", "", "Suggested Backoff Time: 99999999999999999999999 milliseconds", 24 * time.Hour, false},
		{"exchange-online", "", "Request is throttled.", 5 * time.Minute, false},
		{"gmail", "OVERQUOTA", "Account exceeded command or bandwidth limits. (Failure)", time.Hour, false},
		{"gmail", "ALERT", "Too many simultaneous connections. (Failure)", time.Minute, true},
		{"dovecot", "UNAVAILABLE", "Maximum number of connections from user+IP exceeded (mail_max_userip_connections=10)", 10 * time.Second, true},
		{"yahoo", "LIMIT", "UID FETCH Rate limit hit.", 10 * time.Minute, false},
		{"yahoo", "UNAVAILABLE", "UID FETCH Server error - Please try again later", 2 * time.Minute, false},
		{"generic", "UNAVAILABLE", "whatever", 30 * time.Second, false},
		{"generic", "", "Please try again in 90 seconds", 90 * time.Second, false},
		{"cyrus", "", "Too many open connections for this user", 30 * time.Second, true},
		{"courier", "", "Maximum connection limit reached for ::ffff:127.0.0.1", time.Minute, true},
	} {
		all, err := All()
		if err != nil {
			t.Fatal(err)
		}
		wait, fewer, ok := all[c.provider].Throttled(c.code, c.text, false)
		if !ok || wait != c.wait || fewer != c.fewer {
			t.Errorf("%s %s %q: %v, %v, %v", c.provider, c.code, c.text, wait, fewer, ok)
		}
	}
	all, _ := All()
	if wait, _, ok := all["exchange-online"].Throttled("", "User is authenticated but not connected.", true); !ok || wait != 5*time.Minute {
		t.Errorf("in the middle of a session: %v, %v", wait, ok)
	}
	for _, c := range []struct{ provider, code, text string }{
		{"exchange-online", "", "User is authenticated but not connected."},
		{"generic", "OVERQUOTA", "Quota exceeded (mailbox for user is full)"},
		{"gmail", "OVERQUOTA", "Not enough space"},
		{"generic", "LIMIT", "Too many keywords"},
		{"generic", "", "Mailbox does not exist"},
		{"generic", "AUTHENTICATIONFAILED", "Authentication failed."},
		{"cyrus", "", "Message contains NUL characters"},
		{"exchange-online", "", "LOGIN failed."},
	} {
		all, _ := All()
		if wait, _, ok := all[c.provider].Throttled(c.code, c.text, false); ok {
			t.Errorf("%s %s %q is taken for throttling, %v", c.provider, c.code, c.text, wait)
		}
	}
}

func TestRefused(t *testing.T) {
	for _, c := range []struct{ provider, code, text, auth, rule string }{
		{"gmail", "ALERT", "Application-specific password required: https://support.google.com/accounts/answer/185833 (Failure)", "plain", "imap.login.app-password"},
		{"gmail", "ALERT", "Please log in via your web browser: https://support.google.com/mail/accounts/answer/78754 (Failure)", "plain", "imap.login.web-login"},
		{"gmail", "AUTHENTICATIONFAILED", "Invalid credentials (Failure)", "oauth2", "imap.login.token"},
		{"exchange-online", "", "AUTHENTICATE failed.", "oauth2", "imap.login.token"},
		{"exchange-online", "", "LOGIN failed.", "plain", "imap.login.basic-off"},
		{"exchange-online", "", "User is authenticated but not connected.", "oauth2", "imap.login.no-mailbox-right"},
		{"exchange-online", "", "User is authenticated but not connected.", "plain", "imap.login.wrong-password"},
		{"dovecot", "AUTHENTICATIONFAILED", "Authentication failed.", "dovecot-master", "imap.login.master"},
		{"dovecot", "AUTHORIZATIONFAILED", "x", "dovecot-master", "imap.login.unknown-user"},
		{"gmx", "", "authentication failed", "plain", "imap.login.imap-off"},
		{"generic", "EXPIRED", "x", "plain", "imap.login.expired"},
		{"generic", "PRIVACYREQUIRED", "x", "plain", "imap.login.plaintext"},
		{"generic", "", "Plaintext authentication disallowed on non-secure (SSL/TLS) connections.", "plain", "imap.login.plaintext"},
		{"generic", "", "Account is locked", "plain", "imap.login.locked"},
		{"generic", "AUTHENTICATIONFAILED", "Authentication failed.", "plain", ""},
		{"cyrus", "", "authentication failure", "proxy", ""},
	} {
		all, _ := All()
		if r, ok := all[c.provider].Refused(c.code, c.text, c.auth); r.Rule != c.rule || ok != (c.rule != "") {
			t.Errorf("%+v: %q, %v", c, r.Rule, ok)
		}
	}
}

func TestReserved(t *testing.T) {
	all, _ := All()
	for name, want := range map[string]bool{"[Gmail]": true, "[gmail]/Sent Mail": true, "chats": true, "Chats/x": false, "Projects": false, "[Gmail": false} {
		if got := all["gmail"].IsReserved(name); got != want {
			t.Errorf("%q: %v", name, got)
		}
	}
}

func FuzzThrottled(f *testing.F) {
	f.Add("OVERQUOTA", "Suggested Backoff Time: 12 milliseconds")
	f.Add("", "try again after 999999999999 minutes")
	all, err := All()
	if err != nil {
		f.Fatal(err)
	}
	f.Fuzz(func(t *testing.T, code, text string) {
		for name, facts := range all {
			if wait, _, ok := facts.Throttled(code, text, true); ok && (wait < time.Second || wait > 24*time.Hour) {
				t.Fatalf("%s: wait %v", name, wait)
			}
			facts.Refused(code, text, "plain")
			facts.IsReserved(text)
		}
	})
}
