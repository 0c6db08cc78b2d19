package ldapdir_test

import (
	"context"
	"fmt"
	"io"
	"net"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/go-ldap/ldap/v3"

	"waybill/directory"
	"waybill/failure"
	"waybill/internal/counterpart"
	"waybill/ldapdir"
)

// TestBrokenConnections breaks every connection after so many bytes, at many
// places, and has the next run repair what that left.
func TestBrokenConnections(t *testing.T) {
	l := counterpart.NewOpenLDAP(t, counterpart.OpenLDAPOptions{})
	proxy := counterpart.NewProxy(t, l.Addr)
	ctx := t.Context()
	broke, survived := 0, 0
	for at := int64(1); at < 420; at += 23 {
		id := fmt.Sprintf("user%d", at)
		book := newLedger(t)
		o := place(t, proxy.Addr, l.Options.Suffix, map[string]string{"bind": l.Operator(), "users": "ou=People", "groups": "ou=Groups", "password": "random"})
		o.Secrets = filepath.Join(t.TempDir(), "passwords")
		make := func() error {
			d, err := ldapdir.Open(ctx, o, book, nil)
			if err != nil {
				return err
			}
			defer d.Close()
			if err := d.CreateAccount(ctx, directory.User{ID: id, Addresses: []directory.Address{smtp(id + "@example.org")}}); err != nil {
				return err
			}
			if err := d.CreateList(ctx, directory.List{ID: "list" + id, Members: []string{id, "late" + id}}); err != nil {
				return err
			}
			if err := d.CreateList(ctx, directory.List{ID: "late" + id}); err != nil {
				return err
			}
			return d.Finish(ctx)
		}
		d, err := ldapdir.Open(ctx, o, book, nil) // the schema is longer than all the rest
		must(t, err)
		proxy.Cut(at, counterpart.ToClient)
		err = d.CreateAccount(ctx, directory.User{ID: id, Addresses: []directory.Address{smtp(id + "@example.org")}})
		if err == nil {
			err = d.CreateList(ctx, directory.List{ID: "list" + id, Members: []string{id, "late" + id}})
		}
		_ = d.Close()
		proxy.Heal()
		if err == nil {
			survived++
		} else if broke++; failure.ClassOf(err) != failure.Transient {
			t.Errorf("cut after %d bytes: %v", at, err)
		}
		must(t, make())
		text, err := l.Search(ctx, l.Options.Suffix, "(|(uid="+id+")(cn=list"+id+")(cn=late"+id+"))", "uid", "cn", "userPassword", "member")
		must(t, err)
		if strings.Count(text, "dn: ") != 3 || strings.Count(text, "userPassword:: e1NTSEF9") != 1 || strings.Count(text, "\nmember: ") != 2 {
			t.Errorf("cut after %d bytes (%v), and then:\n%s", at, err, text)
		}
		raw, err := os.ReadFile(o.Secrets)
		must(t, err)
		account, password, _ := strings.Cut(strings.TrimSpace(string(raw)), ",")
		c, err := ldap.DialURL("ldap://" + l.Addr)
		must(t, err)
		if err := c.Bind("uid="+account+",ou=People,"+l.Options.Suffix, password); err != nil {
			t.Errorf("cut after %d bytes: %q does not let %q in: %v", at, password, account, err)
		}
		_ = c.Close()
	}
	if broke < 8 {
		t.Errorf("only %d of %d were broken", broke, broke+survived)
	}
	t.Logf("%d broken, %d survived", broke, survived)
}

func TestTLS(t *testing.T) {
	l := counterpart.NewOpenLDAP(t, counterpart.OpenLDAPOptions{TLS: true})
	other := counterpart.NewOpenLDAP(t, counterpart.OpenLDAPOptions{TLS: true})
	for _, c := range []struct {
		name, scheme, addr, tls, authority string
		rule                               string
	}{
		{"StartTLS", "ldap", l.Addr, "starttls", l.CAFile, ""},
		{"TLS from the start", "ldaps", l.TLSAddr, "", l.CAFile, ""},
		{"StartTLS, another authority", "ldap", l.Addr, "starttls", other.CAFile, "ldap.certificate"},
		{"TLS from the start, another authority", "ldaps", l.TLSAddr, "", other.CAFile, "ldap.certificate"},
		{"TLS from the start, the system's authorities", "ldaps", l.TLSAddr, "", "", "ldap.certificate"},
		{"a file that is no authority", "ldap", l.Addr, "starttls", filepath.Join(l.Dir, "slapd.conf"), "ldap.authority"},
	} {
		text := c.scheme + "://" + c.addr + "/" + l.Options.Suffix + "?bind=" + l.Operator()
		if c.tls != "" {
			text += "&tls=" + c.tls
		}
		o, err := ldapdir.Parse(text)
		must(t, err)
		o.Password, o.TLSCA = openLDAP(t, l, nil).Password, c.authority
		d, err := ldapdir.Open(t.Context(), o, nil, nil)
		if err == nil {
			_ = d.Close()
		}
		if c.rule == "" && err != nil || c.rule != "" && failure.RuleOf(err) != c.rule {
			t.Errorf("%s: %v", c.name, err)
		}
	}
	o := openLDAP(t, l, nil)
	o.Host = "192.0.2.1" // never asked: the passwords would go in the clear
	if _, err := ldapdir.Open(t.Context(), o, nil, nil); failure.RuleOf(err) != "ldap.plain" {
		t.Error(err)
	}
	plain := counterpart.NewOpenLDAP(t, counterpart.OpenLDAPOptions{})
	o = openLDAP(t, plain, map[string]string{"tls": "starttls"})
	if _, err := ldapdir.Open(t.Context(), o, nil, nil); failure.RuleOf(err) != "ldap.starttls" {
		t.Error(err)
	}
	o = openLDAP(t, plain, nil)
	t.Setenv("TEST_DIRECTORY_PASSWORD", "wrong-one")
	if _, err := ldapdir.Open(t.Context(), o, nil, nil); failure.RuleOf(err) != "ldap.credentials" || strings.Contains(err.Error(), "wrong-one") {
		t.Error(err)
	}
}

// TestLimits has a server that gives no more than so many entries: a short list
// is an error, and pages are asked for.
func TestLimits(t *testing.T) {
	l := counterpart.NewOpenLDAP(t, counterpart.OpenLDAPOptions{Limits: "sizelimit size.soft=40 size.hard=40 size.pr=20 size.prtotal=unlimited"})
	ctx := t.Context()
	var ldif strings.Builder
	for i := range 130 {
		fmt.Fprintf(&ldif, "dn: uid=u%d,ou=People,dc=example,dc=org\nchangetype: add\nobjectClass: inetOrgPerson\nuid: u%d\ncn: User\nsn: User\nmail: u%d@example.org\n\n", i, i, i)
	}
	ldif.WriteString("dn: cn=away,dc=example,dc=org\nchangetype: add\nobjectClass: referral\nobjectClass: extensibleObject\ncn: away\nref: ldap://elsewhere.example/dc=away\n\n")
	must(t, l.Modify(ctx, ldif.String()))
	d, _ := opened(t, openLDAP(t, l, map[string]string{"page": "20"}), nil)
	all, err := d.Contents(ctx)
	must(t, err)
	if len(all.Users) != 130 || len(all.Referrals) != 1 || !strings.HasPrefix(all.Referrals[0], "ldap://elsewhere.example/") {
		t.Errorf("%d users, referrals %q", len(all.Users), all.Referrals)
	}
	l.Options.Limits = "sizelimit size.soft=40 size.hard=40 size.prtotal=40"
	must(t, l.Restart(ctx))
	if _, err := d.Contents(ctx); failure.ClassOf(err) != failure.TooLarge && failure.ClassOf(err) != failure.Transient {
		t.Errorf("a short list: %v", err)
	}
	if _, err := d.Contents(ctx); failure.ClassOf(err) != failure.TooLarge {
		t.Errorf("a short list: %v", err)
	}
}

func TestForcedChange(t *testing.T) {
	l := counterpart.NewOpenLDAP(t, counterpart.OpenLDAPOptions{Policy: true})
	o := openLDAP(t, l, map[string]string{"password": "alias", "change": "yes"})
	o.Secrets = filepath.Join(t.TempDir(), "passwords")
	d, notes := opened(t, o, newLedger(t))
	passes(t, d, ldapdir.Need{Accounts: true})
	must(t, d.CreateAccount(t.Context(), directory.User{ID: "anna"}))
	text, err := l.Search(t.Context(), l.Options.Suffix, "(uid=anna)", "pwdReset")
	must(t, err)
	unlike(t, text, "pwdReset: TRUE")
	if raw, err := os.ReadFile(o.Secrets); err != nil || string(raw) != "anna,annaxxxx\n" || len(*notes) != 1 {
		t.Errorf("%q, %v, %q", raw, err, *notes)
	}
	without := counterpart.NewOpenLDAP(t, counterpart.OpenLDAPOptions{})
	d, _ = opened(t, openLDAP(t, without, map[string]string{"password": "alias", "change": "yes"}), newLedger(t))
	findings, err := d.Prove(t.Context(), ldapdir.Need{Accounts: true})
	must(t, err)
	if last := findings[len(findings)-1]; last.OK || !strings.Contains(last.Detail, "ldap.no-policy") {
		t.Errorf("%v", findings)
	}
}

// TestSweep leaves a canary as a killed preflight does, and finds it gone after
// the next. One that only has a canary's name stays.
func TestSweep(t *testing.T) {
	l := counterpart.NewOpenLDAP(t, counterpart.OpenLDAPOptions{})
	proxy := counterpart.NewProxy(t, l.Addr)
	ctx := t.Context()
	book := newLedger(t)
	o := place(t, proxy.Addr, l.Options.Suffix, map[string]string{"bind": l.Operator(), "users": "ou=People"})
	must(t, l.Modify(ctx, "dn: uid=wbcanary-00000000,ou=People,dc=example,dc=org\nchangetype: add\nobjectClass: inetOrgPerson\nuid: wbcanary-00000000\ncn: Old\nsn: Old\n\n"))
	left := 0
	for at := int64(20); at < 500; at += 37 {
		d, err := ldapdir.Open(ctx, o, book, nil)
		must(t, err)
		proxy.Cut(at, counterpart.ToClient)
		_, err = d.Prove(ctx, ldapdir.Need{Accounts: true})
		if err != nil && failure.ClassOf(err) != failure.Transient {
			t.Error(err)
		}
		_ = d.Close()
		proxy.Heal()
		text, err := l.Search(ctx, l.Options.Suffix, "(uid=wbcanary-*)", "dn")
		must(t, err)
		left += strings.Count(text, "dn: ") - 1
	}
	if left == 0 {
		t.Error("no canary was ever left, so nothing was tried")
	}
	d, _ := opened(t, o, book)
	passes(t, d, ldapdir.Need{Accounts: true})
	text, err := l.Search(ctx, l.Options.Suffix, "(uid=wbcanary-*)", "dn")
	must(t, err)
	if strings.TrimSpace(text) != "dn: uid=wbcanary-00000000,ou=People,dc=example,dc=org" {
		t.Errorf("there is %s", text)
	}
}

// TestHostileServers answers with bytes that are no LDAP, or never.
func TestHostileServers(t *testing.T) {
	for name, answer := range map[string]string{"nothing": "", "text": "220 welcome\r\n", "a length of two gigabytes": "0\x84\x7f\xff\xff\xff\x02\x01\x01", "an endless length": "0\x80\x02\x01\x01",
		"nesting": strings.Repeat("0\x80", 5000), "an answer to nobody": "0\x0c\x02\x01\x63a\x07\x0a\x01\x00\x04\x00\x04\x00", "a long length": "0\x88\xff\xff\xff\xff\xff\xff\xff\xff"} {
		listener, err := net.Listen("tcp", "127.0.0.1:0")
		must(t, err)
		go func() {
			for {
				c, err := listener.Accept()
				if err != nil {
					return
				}
				b := make([]byte, 512)
				_, _ = c.Read(b)
				_, _ = io.WriteString(c, answer)
				_ = c.Close()
			}
		}()
		o := place(t, listener.Addr().String(), "dc=example,dc=org", map[string]string{"bind": "cn=x"})
		if _, err := ldapdir.Open(t.Context(), o, nil, nil); err == nil || failure.ClassOf(err) == failure.Internal {
			t.Errorf("%s: %v", name, err)
		}
		_ = listener.Close()
	}
	// One that never answers ends with the context.
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	must(t, err)
	defer listener.Close()
	ctx, cancel := context.WithCancel(t.Context())
	go func() {
		c, err := listener.Accept()
		if err == nil {
			b := make([]byte, 512)
			_, _ = c.Read(b)
			cancel()
			_, _ = c.Read(b)
			_ = c.Close()
		}
	}()
	o := place(t, listener.Addr().String(), "dc=example,dc=org", map[string]string{"bind": "cn=x"})
	if _, err := ldapdir.Open(ctx, o, nil, nil); failure.ClassOf(err) != failure.Cancelled {
		t.Error(err)
	}
}
