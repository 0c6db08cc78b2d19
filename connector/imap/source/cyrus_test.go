package source_test

import (
	"strings"
	"testing"

	imapconnector "waybill/connector/imap"
	"waybill/failure"
	"waybill/internal/counterpart"
	"waybill/mail"
	"waybill/rights"
)

func TestSourceOnCyrus(t *testing.T) {
	for name, o := range map[string]counterpart.CyrusOptions{
		"dots, in INBOX":  {},
		"slashes, beside": {UnixHierarchySep: true, AltNamespace: true},
	} {
		t.Run(name, func(t *testing.T) {
			c := counterpart.NewCyrus(t, o)
			prefix := "INBOX" + c.Separator()
			if o.AltNamespace {
				prefix = ""
			}
			users := []string{"anna", "bert"}
			for _, user := range users {
				seed(t, c.Run, user, c.Separator(), prefix)
			}
			t.Run("own logon", func(t *testing.T) {
				conformance(t, c.Location("anna"), imapconnector.Options{Password: password(t, c.Password("anna"))}, c.Run)
			})
			admin := imapconnector.Options{Password: password(t, c.AdminPassword)}
			t.Run("proxy", func(t *testing.T) {
				conformance(t, c.ProxyLocation(), admin, c.Run)
			})
			t.Run("administrator without rights", func(t *testing.T) { withoutRights(t, c, admin) })
			run := runner(c.Run)
			for _, user := range users {
				for _, folder := range [][]string{nil, {"Orders"}, {"Orders", "2003"}, {"Entw&APw-rfe"}, {"Empty"}, {"R&-D 50"}} {
					run.must(t, c.Admin, "SETACL "+counterpart.Quote(c.Root(user, folder...))+" "+c.Admin+" lr")
				}
			}
			t.Run("administrator with rights", func(t *testing.T) {
				conformance(t, c.ACLLocation(), admin, c.Run)
			})
		})
	}
}

// withoutRights is what an administrator of Cyrus gets: he sees every folder and
// may read none.
func withoutRights(t *testing.T, c *counterpart.Cyrus, o imapconnector.Options) {
	t.Helper()
	var warned string
	o.Warn = func(text string) { warned += text }
	s := openSource(t, c.ACLLocation(), o)
	if !strings.Contains(warned, `\Seen`) || s.Capabilities().Flags&mail.Seen != 0 {
		t.Errorf("the administrator's own \\Seen is taken for the owner's (warned of %q)", warned)
	}
	b, err := s.Mailbox(t.Context(), "anna")
	if err == nil {
		defer func() { _ = b.Close() }()
		for _, listed := range b.Messages(t.Context(), mail.Inbox) {
			err = listed
		}
	}
	if failure.ClassOf(err) != failure.Denied || len(rights.From(err)) == 0 {
		t.Fatalf("an administrator without rights gets %v", err)
	}
	if f := rights.From(err)[0]; !strings.Contains(f.Grant, "setacl "+c.Root("anna")+" "+c.Admin+" lrs") || !strings.HasPrefix(f.Held, "l") {
		t.Errorf("the finding is %+v", f)
	}
}

func TestNoMailboxIsNotAnEmptyOne(t *testing.T) {
	c := counterpart.NewCyrus(t, counterpart.CyrusOptions{NoMailboxes: true, UnixHierarchySep: true, AltNamespace: true})
	for name, text := range map[string]string{"own logon": c.Location("anna"), "proxy": c.ProxyLocation(), "administrator": c.ACLLocation()} {
		t.Run(name, func(t *testing.T) {
			o := imapconnector.Options{Password: password(t, c.AdminPassword), Users: userMap("anna")}
			if name == "own logon" {
				o = imapconnector.Options{Password: password(t, c.Password("anna"))}
			}
			b, err := openSource(t, text, o).Mailbox(t.Context(), "anna")
			if err == nil {
				_ = b.Close()
			}
			if failure.ClassOf(err) != failure.Vanished {
				t.Errorf("a user without a mailbox gets %v, want an error of class vanished", err)
			}
		})
	}
}
