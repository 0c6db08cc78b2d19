package test

import (
	"bufio"
	"encoding/base64"
	"fmt"
	"io"
	"net"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"sync"
	"testing"

	"waybill/internal/counterpart"
)

// between starts a proxy that changes lines on their way: what the client says by
// up, what the server says by down; nil leaves them as they are. It stands for
// servers that cannot be had here.
func between(t *testing.T, upstream string, up, down func(line string) string) (addr string) {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	var group sync.WaitGroup
	t.Cleanup(func() { _ = l.Close(); group.Wait() })
	pass := func(to, from net.Conn, change func(string) string) {
		defer to.Close()
		r := bufio.NewReader(from)
		for {
			line, err := r.ReadString('\n')
			if change != nil {
				line = change(line)
			}
			if _, failed := io.WriteString(to, line); failed != nil || err != nil {
				return
			}
		}
	}
	group.Go(func() {
		for {
			client, err := l.Accept()
			if err != nil {
				return
			}
			server, err := net.Dial("tcp", upstream)
			if err != nil {
				_ = client.Close()
				continue
			}
			group.Go(func() { pass(server, client, up) })
			group.Go(func() { pass(client, server, down) })
		}
	})
	return l.Addr().String()
}

var (
	internalDate = regexp.MustCompile(`"[ \d]\d-[A-Z][a-z]{2}-\d{4} \d\d:\d\d:\d\d [+-]\d{4}" (~?\{)`)
	plainAnswer  = regexp.MustCompile(`^(\S+ AUTHENTICATE PLAIN )?([A-Za-z0-9+/]+=*)(\r\n)$`)
	keywordLess  = regexp.MustCompile(`(PERMANENTFLAGS \([^)]*?) ?\\\*\)`)
)

// ownSelf takes the authorisation identity out of a logon, as a server does that
// does not know it.
func ownSelf(line string) string {
	m := plainAnswer.FindStringSubmatch(line)
	if m == nil {
		return line
	}
	text, err := base64.StdEncoding.DecodeString(m[2])
	_, rest, ok := strings.Cut(string(text), "\x00")
	if err != nil || !ok || strings.Count(rest, "\x00") != 1 {
		return line
	}
	return m[1] + base64.StdEncoding.EncodeToString([]byte("\x00"+rest)) + m[3]
}

// TestServerRightsOddTargets refuses servers that say OK and do something else.
func TestServerRightsOddTargets(t *testing.T) {
	t.Parallel()
	c := cyrusWith(t, counterpart.CyrusOptions{}, "anna", "bert")
	if err := c.CreateMailbox(t.Context(), c.Root(c.Admin)); err != nil {
		t.Fatal(err)
	}
	d := dovecotWith(t, counterpart.DovecotOptions{}, "anna", "bert")
	for _, tc := range []struct {
		name     string
		location string
		upstream string
		up, down func(string) string
		words    []string
	}{
		{name: "the date is dropped", location: d.MasterLocation(), upstream: d.Addr, up: func(l string) string { return internalDate.ReplaceAllString(l, "$1") },
			words: []string{"internal date is", "want 1999-12-31T21:30:15Z"}},
		{name: "everything goes to the administrator", location: c.ProxyLocation(), upstream: c.Addr, up: ownSelf,
			words: []string{`the logon for "anna" reaches the same mailbox as that for "bert"`}},
	} {
		t.Run(tc.name, func(t *testing.T) {
			e := newErrand(t, "anna", "bert")
			e.env = []string{"WAYBILL_TARGET_PASSWORD=geheim"}
			if tc.upstream == c.Addr {
				e.env = []string{"WAYBILL_TARGET_PASSWORD=" + c.AdminPassword}
			}
			addr := between(t, tc.upstream, tc.up, tc.down)
			same := unchanged(t, owners(tc.upstream), "anna", "bert")
			e.ends(3, tc.words, e.to(strings.Replace(tc.location, tc.upstream, addr, 1))...)
			same("after a refusal")
			if left, err := c.Run(t.Context(), c.Admin, `LIST "" "INBOX*"`); err != nil || strings.Contains(left, "canary") {
				t.Errorf("the administrator has %q, %v", left, err)
			}
		})
	}
	t.Run("keywords do not last", func(t *testing.T) {
		e := newErrand(t, "anna", "bert")
		e.env = []string{"WAYBILL_TARGET_PASSWORD=geheim"}
		addr := between(t, d.Addr, nil, func(l string) string { return keywordLess.ReplaceAllString(l, "$1)") })
		same := unchanged(t, owners(d.Addr), "anna", "bert")
		e.ends(3, []string{"WaybillCanary", "flags are ("}, e.to(strings.Replace(d.MasterLocation(), d.Addr, addr, 1))...)
		same("after a refusal")
	})
}

// TestServerRightsRoom tells beforehand what will not fit: all of it, or one
// message.
func TestServerRightsRoom(t *testing.T) {
	t.Parallel()
	d := dovecotWith(t, counterpart.DovecotOptions{Quota: 30_000, Capability: "+APPENDLIMIT=20000"}, "anna", "bert")
	e := newErrand(t, "anna", "bert")
	e.env = []string{"WAYBILL_TARGET_PASSWORD=geheim"}
	big := func(n int) {
		e.write("mail/anna/cur/1500000050.M50P1.kogge:2,S", "Subject: large\r\n\r\n"+strings.Repeat("cargo\r\n", n/7))
	}
	same := unchanged(t, owners(d.Addr), "anna", "bert")
	big(60_000)
	e.ends(3, []string{"hold what is to come on anna", "bytes are to come, and of the quota of"}, e.to(d.MasterLocation())...)
	same("after a refusal")
	big(22_000)
	out := e.ends(0, []string{"have more than the 20000 bytes"}, append([]string{"preflight"}, e.to(d.MasterLocation())[1:]...)...)
	same("after a preflight")
	out += e.ends(1, []string{"12 verified + 0 quarantined + 1 refused"}, e.to(d.MasterLocation())...)
	if !strings.Contains(out, "20000") {
		t.Errorf("the limit is not told:\n%s", out)
	}
}

// TestServerRightsAllAccounts tries thirty accounts, of which one cannot be
// written to.
func TestServerRightsAllAccounts(t *testing.T) {
	t.Parallel()
	var users []string
	for i := range 30 {
		users = append(users, fmt.Sprintf("user%02d", i))
	}
	d := dovecotWith(t, counterpart.DovecotOptions{ACL: true, ACLUserFix: true}, users...)
	const broken = "user17"
	if _, err := d.Run(t.Context(), broken, `LIST "" *`); err != nil {
		t.Fatal(err)
	}
	at := filepath.Join(d.Home(broken), "mail", "dovecot-acl")
	if err := os.WriteFile(at, []byte("owner lr\n"), 0o644); err != nil {
		t.Fatal(err)
	}
	e := newErrand(t, users...)
	e.env = []string{"WAYBILL_TARGET_PASSWORD=geheim"}
	out := e.ends(3, []string{"on " + broken + " INBOX", "27 of 28 mailboxes"}, e.to(d.MasterLocation(), "--preflight=all")...)
	for _, u := range users {
		if u != broken && strings.Contains(out, "refused: ") && strings.Contains(out, " on "+u+" ") {
			t.Errorf("%s is told:\n%s", u, out)
		}
		if left, err := d.Doveadm(t.Context(), "mailbox", "list", "-u", u); err != nil || strings.TrimSpace(left) != "INBOX" {
			t.Errorf("%s has %q, %v", u, left, err)
		}
	}
	if err := os.Remove(at); err != nil {
		t.Fatal(err)
	}
	e.ends(0, []string{"180 found = 180 verified"}, e.to(d.MasterLocation(), "--preflight=all")...)
	e.moved(owners(d.Addr), counterpart.CompareOptions{})
}
