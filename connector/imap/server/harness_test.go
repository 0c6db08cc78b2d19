package server

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"go.uber.org/goleak"

	"waybill/connector"
	"waybill/failure"
	"waybill/imap"
	"waybill/internal/counterpart"
	"waybill/secret"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// place puts a secret into a file and gives its place.
func place(t *testing.T, text string) secret.Ref {
	t.Helper()
	name := filepath.Join(t.TempDir(), "secret")
	if err := os.WriteFile(name, []byte(text+"\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	r, err := secret.Parse("file:" + name)
	if err != nil {
		t.Fatal(err)
	}
	return r
}

func configure(t *testing.T, location string, o Options, side Side) (*Config, error) {
	t.Helper()
	loc, err := connector.ParseLocation(location)
	if err != nil {
		t.Fatal(err)
	}
	return Configure(loc, o, side)
}

// try opens a server; what fails comes as an error.
func try(t *testing.T, location string, o Options, side Side) (*Server, error) {
	t.Helper()
	c, err := configure(t, location, o, side)
	if err != nil {
		return nil, err
	}
	s, err := Open(t.Context(), c)
	if err == nil {
		t.Cleanup(func() { _ = s.Close() })
	}
	return s, err
}

func open(t *testing.T, location string, o Options) *Server {
	t.Helper()
	s, err := try(t, location, o, SourceSide)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

func session(t *testing.T, s *Server, user string) *Session {
	t.Helper()
	x, err := s.Session(t.Context(), user)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(x.Release)
	return x
}

// whose tells whose mailbox a session works on, by a folder that is named so.
func whose(t *testing.T, x *Session) string {
	t.Helper()
	items, err := x.List(t.Context(), "", "is-*", imap.ListOptions{})
	if err != nil || len(items) != 1 {
		t.Fatalf("%d folders, %v", len(items), err)
	}
	return strings.TrimPrefix(items[0].Name, "is-")
}

// mark makes that folder.
func mark(t *testing.T, d *counterpart.Dovecot, users ...string) {
	t.Helper()
	for _, u := range users {
		if _, err := d.Doveadm(t.Context(), "mailbox", "create", "-u", u, "is-"+u); err != nil {
			t.Fatal(err)
		}
	}
}

func wantFailure(t *testing.T, err error, class failure.Class, rule string, words ...string) {
	t.Helper()
	if err == nil || failure.ClassOf(err) != class || failure.RuleOf(err) != rule {
		t.Fatalf("%v %v: %v; want %v %v", failure.ClassOf(err), failure.RuleOf(err), err, class, rule)
	}
	text := err.Error()
	if f, ok := errors.AsType[*failure.Error](err); ok {
		text += f.Remedy
	}
	for _, w := range words {
		if !strings.Contains(text, w) {
			t.Errorf("%q is not in: %s", w, text)
		}
	}
	if strings.Contains(text, "hunter2") {
		t.Errorf("the password shows: %s", text)
	}
}
