package server

import (
	"fmt"
	"strings"
	"testing"

	"waybill/directory"
	"waybill/failure"
	"waybill/imap"
	"waybill/internal/counterpart"
)

func TestCyrusAdministrator(t *testing.T) {
	for _, o := range []counterpart.CyrusOptions{{}, {UnixHierarchySep: true}, {AltNamespace: true}, {UnixHierarchySep: true, AltNamespace: true}} {
		t.Run(fmt.Sprintf("unix=%v,alt=%v", o.UnixHierarchySep, o.AltNamespace), func(t *testing.T) {
			o.Users = map[string]string{"anna": "secret", "bert.x": "secret"}
			o.NoMailboxes = true
			c := counterpart.NewCyrus(t, o)
			name := map[string]string{"anna": c.Root("anna"), "bert.x": c.Root("bert.x")}
			if !o.UnixHierarchySep {
				name["bert.x"] = c.Root("bert^x")
			}
			for user := range name {
				if err := c.CreateMailbox(t.Context(), name[user]); err != nil {
					t.Fatal(err)
				}
			}
			s := open(t, c.ACLLocation(), Options{Password: place(t, c.AdminPassword)})
			if s.Flavour() != "cyrus" || s.Auth() != ACLAdmin || !s.Has("ACL") {
				t.Errorf("flavour %q, %v", s.Flavour(), s.Auth())
			}
			users, err := s.Users(t.Context())
			if err != nil || strings.Join(users, " ") != "anna bert.x" {
				t.Errorf("users %q, %v", users, err)
			}
			for user, want := range name {
				x := session(t, s, user)
				if x.Prefix != want || x.Delimiter != c.Separator() {
					t.Errorf("%s: prefix %q, delimiter %q; want %q", user, x.Prefix, x.Delimiter, want)
				}
				if rights, err := x.MyRights(t.Context(), x.Prefix); err != nil || !strings.Contains(rights, "a") {
					t.Errorf("rights %q, %v", rights, err)
				}
				x.Release()
				if found, err := s.Probe(t.Context(), user); !found || err != nil {
					t.Errorf("%s: %v, %v", user, found, err)
				}
			}
			if found, err := s.Probe(t.Context(), "carla"); found || err != nil {
				t.Errorf("carla: %v, %v", found, err)
			}
			if s.pool.total > 2 {
				t.Errorf("%d connections, and the administrator's serve everybody", s.pool.total)
			}
			// The mailbox that an idle connection has open is deleted and made again.
			idle, other := session(t, s, "anna"), session(t, s, "anna")
			if _, err := idle.Select(t.Context(), idle.Prefix, imap.SelectOptions{ReadOnly: true}); err == nil {
				t.Error("the administrator may read without a grant")
			}
			if err := other.SetACL(t.Context(), other.Prefix, c.Admin, "lrswipkxtea"); err != nil {
				t.Fatal(err)
			}
			if _, err := idle.Select(t.Context(), idle.Prefix, imap.SelectOptions{ReadOnly: true}); err != nil {
				t.Fatal(err)
			}
			idle.Release()
			for _, err := range []error{other.Delete(t.Context(), other.Prefix), other.Create(t.Context(), other.Prefix, ""), other.SetACL(t.Context(), other.Prefix, c.Admin, "lrswipkxtea")} {
				if err != nil {
					t.Fatal(err)
				}
			}
			again := session(t, s, "anna")
			if _, err := again.Select(t.Context(), again.Prefix, imap.SelectOptions{ReadOnly: true}); err != nil {
				t.Errorf("the idle connection is handed out dead: %v", err)
			}
			again.Release()
			other.Release()
			admin, err := s.Admin(t.Context())
			if err != nil || admin.Prefix != "" {
				t.Fatalf("%+v, %v", admin, err)
			}
			admin.Release()
		})
	}
}

func TestCyrusProxy(t *testing.T) {
	t.Parallel()
	c := counterpart.NewCyrus(t, counterpart.CyrusOptions{Extra: "proxyservers: helper", Users: map[string]string{"anna": "secret", "bert": "secret", "helper": "hunter2"}})
	for _, user := range []string{"anna", "bert"} {
		if _, err := c.Run(t.Context(), user, "CREATE "+counterpart.Quote("INBOX"+c.Separator()+"is-"+user)); err != nil {
			t.Fatal(err)
		}
	}
	who := func(x *Session) string {
		t.Helper()
		items, err := x.List(t.Context(), "", "INBOX"+x.Delimiter+"is-*", imap.ListOptions{})
		if err != nil || len(items) != 1 {
			t.Fatalf("%v, %v", items, err)
		}
		return strings.TrimPrefix(items[0].Name, "INBOX"+x.Delimiter+"is-")
	}
	s := open(t, c.ProxyLocation(), Options{Password: place(t, c.AdminPassword)})
	if users, err := s.Users(t.Context()); err != nil || strings.Join(users, " ") != "anna bert helper" {
		t.Errorf("users %q, %v", users, err)
	}
	for _, user := range []string{"anna", "bert"} {
		if got := who(session(t, s, user)); got != user {
			t.Errorf("%s reaches %s", user, got)
		}
	}
	if found, err := s.Probe(t.Context(), "anna"); !found || err != nil {
		t.Errorf("anna: %v, %v", found, err)
	}
	if found, err := s.Probe(t.Context(), "carla"); found || err != nil {
		t.Errorf("carla: %v, %v", found, err)
	}

	location := func(user string) string { return "imap://" + user + "@" + c.Addr + "/?auth=proxy&tls=none" }
	users := &directory.UserMap{Rows: []directory.MapRow{{User: "anna"}}}
	helper := open(t, location("helper"), Options{Password: place(t, "hunter2"), Users: users})
	if got := who(session(t, helper, "anna")); got != "anna" {
		t.Errorf("through a proxy that is no administrator: %s", got)
	}
	// An ordinary user's password is right, and its right is missing: that is
	// found out, though the server says the same to both.
	ordinary := open(t, location("bert"), Options{Password: place(t, "secret"), Users: users})
	_, err := ordinary.Session(t.Context(), "anna")
	wantFailure(t, err, failure.Denied, ruleProxy, "password of bert is right", "proxyservers")
	_, err = try(t, location("helper"), Options{Password: place(t, "hunter2 wrong"), Users: users}, SourceSide)
	wantFailure(t, err, failure.Denied, ruleWrong, "helper")
}
