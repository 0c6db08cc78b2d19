package target

import (
	"context"
	"errors"
	"fmt"
	"os"
	"strings"
	"testing"
	"time"

	"waybill/connector"
	"waybill/connector/connectortest"
	"waybill/connector/imap/server"
	"waybill/directory"
	"waybill/failure"
	"waybill/internal/counterpart"
	"waybill/secret"
)

// given makes a password that is found where an operator would keep it.
func given(t testing.TB, password string) secret.Ref {
	t.Helper()
	name := "WAYBILL_TEST_" + fmt.Sprintf("%X", password)
	t.Setenv(name, password)
	ref, err := secret.Parse("env:" + name)
	if err != nil {
		t.Fatal(err)
	}
	return ref
}

func userMap(users ...string) *directory.UserMap {
	m := &directory.UserMap{File: "users.csv"}
	for i, u := range users {
		m.Rows = append(m.Rows, directory.MapRow{Line: i + 2, User: u})
	}
	return m
}

func location(t testing.TB, text string) connector.Location {
	t.Helper()
	loc, err := connector.ParseLocation(text)
	if err != nil {
		t.Fatal(err)
	}
	return loc
}

// hangUp closes connections as the operating system does for a killed process.
func hangUp(dropped connector.Target) {
	if g, ok := dropped.(*grantingTarget); ok {
		dropped = g.target
	}
	_ = dropped.(*target).server.Close()
}

func TestTargetOnDovecot(t *testing.T) {
	for _, format := range []string{"maildir", "sdbox"} {
		t.Run(format, func(t *testing.T) {
			d := counterpart.NewDovecot(t, counterpart.DovecotOptions{Format: format, MasterUser: "master", MasterPassword: "mastersecret"})
			o := server.Options{Users: userMap("anna", "bert"), Password: given(t, "mastersecret"), Connections: 8}
			loc := location(t, d.MasterLocation())
			used := 0
			connectortest.RunTarget(t, connectortest.TargetConfig{
				NewTarget: func(t *testing.T) func(context.Context) (connector.Target, error) {
					used++
					for user := range d.Options.Users {
						// The old one out of the way is faster than emptied.
						if err := os.Rename(d.Home(user), fmt.Sprintf("%s.%d", d.Home(user), used)); err != nil && !os.IsNotExist(err) {
							t.Fatal(err)
						}
					}
					return func(ctx context.Context) (connector.Target, error) { return Open(ctx, loc, o) }
				},
				Options: connectortest.Options{
					Accounts: []string{"anna", "bert"},
					Crashed:  hangUp,
					Refuses:  map[string]string{"content/empty": "Dovecot takes no empty message"},
				},
			})
		})
	}
}

var cyrusRefuses = map[string]string{
	"content/empty":          "Cyrus takes no empty message",
	"content/one-byte":       "no header",
	"content/NUL":            "Cyrus takes no NUL",
	"content/no-header-text": "no header",
	"content/header-cut":     "the header does not end",
	"content/CR-lines":       "no header",
}

// The other style of names is the administrator's, below.
func TestTargetOnCyrus(t *testing.T) {
	c := counterpart.NewCyrus(t, counterpart.CyrusOptions{UnixHierarchySep: true, AltNamespace: true, NoMailboxes: true, Extra: "delete_mode: immediate"})
	o := server.Options{Users: userMap("anna", "bert"), Password: given(t, c.AdminPassword), Connections: 8}
	loc := location(t, c.ProxyLocation())
	connectortest.RunTarget(t, connectortest.TargetConfig{
		NewTarget: func(t *testing.T) func(context.Context) (connector.Target, error) {
			for user := range c.Options.Users {
				root := counterpart.Quote(c.Root(user))
				if out, err := c.Run(t.Context(), c.Admin, "SETACL "+root+" "+c.Admin+" lrswipkxtea", "DELETE "+root); err != nil && !strings.Contains(err.Error(), "does not exist") {
					t.Fatal(err, out)
				}
				if err := c.CreateMailbox(t.Context(), c.Root(user)); err != nil {
					t.Fatal(err)
				}
			}
			return func(ctx context.Context) (connector.Target, error) { return Open(ctx, loc, o) }
		},
		Options: connectortest.Options{Accounts: []string{"anna", "bert"}, Crashed: hangUp, Refuses: cyrusRefuses},
	})
}

// grantingTarget gives the administrator rights on each account that it makes,
// as a run with --grant does.
type grantingTarget struct{ *target }

func (g *grantingTarget) CreateAccount(ctx context.Context, u directory.User) error {
	if err := g.target.CreateAccount(ctx, u); err != nil {
		return err
	}
	needs, err := g.Needs(ctx, u.ID)
	if err != nil {
		return err
	}
	for _, n := range needs {
		if err := g.Grant(ctx, n); err != nil {
			return err
		}
	}
	return nil
}

// DeleteAccount is tried again as the engine does: Cyrus keeps what was deleted
// under a name with the second in it.
func (g *grantingTarget) DeleteAccount(ctx context.Context, id string) error {
	for range 100 {
		err := g.target.DeleteAccount(ctx, id)
		if failure.ClassOf(err) != failure.Transient {
			return err
		}
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-time.After(50 * time.Millisecond):
		}
	}
	return errors.New("the account cannot be deleted")
}

func TestTargetAsCyrusAdministrator(t *testing.T) {
	connectortest.RunTarget(t, connectortest.TargetConfig{
		NewTarget: func(t *testing.T) func(context.Context) (connector.Target, error) {
			c := counterpart.NewCyrus(t, counterpart.CyrusOptions{NoMailboxes: true})
			o := server.Options{Password: given(t, c.AdminPassword), Connections: 8}
			loc := location(t, c.ACLLocation())
			return func(ctx context.Context) (connector.Target, error) {
				made, err := Open(ctx, loc, o)
				if err != nil {
					return nil, err
				}
				return &grantingTarget{made.(*target)}, nil
			}
		},
		Options: connectortest.Options{Crashed: hangUp, Refuses: cyrusRefuses,
			Skip: map[string]string{"folders/use": "the role that an administrator gives a folder is seen by its owner alone"}},
	})
}
