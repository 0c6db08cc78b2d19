package site_test

import (
	"context"
	"io"
	"net/url"
	"path/filepath"
	"strings"
	"testing"

	"waybill/connector"
	"waybill/connector/connectortest"
	"waybill/connector/site"
	"waybill/directory"
	"waybill/failure"
	"waybill/mail"
	"waybill/rights"
	"waybill/sitestore"
)

func location(t testing.TB, options ...string) connector.Location {
	t.Helper()
	loc := connector.Location{Scheme: "site", Path: filepath.Join(t.TempDir(), "test.site"), Options: url.Values{}}
	for i := 0; i+1 < len(options); i += 2 {
		loc.Options.Set(options[i], options[i+1])
	}
	return loc
}

func TestConformance(t *testing.T) {
	connectortest.Run(t, connectortest.Config{NewStore: func(t *testing.T) connectortest.Store {
		loc := location(t)
		return connectortest.Store{
			OpenTarget: func(ctx context.Context) (connector.Target, error) { return site.Target(ctx, loc) },
			OpenSource: func(ctx context.Context) (connector.Source, error) { return site.Source(ctx, loc) },
			Dir:        filepath.Dir(loc.Path),
		}
	}})
}

func open(t *testing.T, loc connector.Location) connector.Target {
	t.Helper()
	target, err := site.Target(t.Context(), loc)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = target.Close() })
	return target
}

func mailbox(t *testing.T, target connector.Target, account string) connector.TargetMailbox {
	t.Helper()
	m, err := target.Mailbox(t.Context(), account)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = m.Close() })
	return m
}

func deliver(ctx context.Context, m connector.TargetMailbox, text string) error {
	at, err := m.Position(ctx, mail.Inbox)
	if err != nil {
		return err
	}
	receipts, err := m.Append(ctx, mail.Inbox, at, []connector.Item{{Open: func(context.Context) (io.ReadCloser, error) {
		return io.NopCloser(strings.NewReader(text)), nil
	}}})
	if err == nil {
		err = receipts[0].Err
	}
	return err
}

// TestFoundingFailure creates accounts as a Service Account Admin and fills two
// mailboxes at a time, which the site refuses when told to.
func TestFoundingFailure(t *testing.T) {
	loc := location(t)
	target := open(t, loc)
	for _, id := range []string{"anna", "bert"} {
		if err := target.CreateAccount(t.Context(), directory.User{ID: id}); err != nil {
			t.Fatal(err)
		}
	}
	store, err := sitestore.Open(t.Context(), loc.Path, sitestore.Options{})
	if err != nil {
		t.Fatal(err)
	}
	defer store.Close()
	for _, level := range []string{"organization", "site", "configuration"} {
		if err := store.Grant(t.Context(), "svc", "Service Account Admin", level, 0); err != nil {
			t.Fatal(err)
		}
	}
	loc.Options.Set("operator", "svc")
	if err := deliver(t.Context(), mailbox(t, open(t, loc), "anna"), "without the behaviour"); err != nil {
		t.Fatal(err)
	}
	loc.Options.Set("behave", "q255888")
	target = open(t, loc)
	if err := target.CreateAccount(t.Context(), directory.User{ID: "cora"}); err != nil {
		t.Errorf("accounts cannot be made: %v", err)
	}
	anna, bert := mailbox(t, target, "anna"), mailbox(t, target, "bert")
	if err := deliver(t.Context(), anna, "one"); err != nil {
		t.Errorf("the first mailbox: %v", err)
	}
	err = deliver(t.Context(), bert, "two")
	if failure.ClassOf(err) != failure.Denied || failure.RuleOf(err) != "site.q255888" || len(rights.From(err)) != 3 {
		t.Errorf("the second mailbox: %v", err)
	}
	for _, f := range rights.From(err) {
		if !strings.HasPrefix(f.Grant, "waybill site grant "+loc.Path+" --to svc --role \"Permissions Admin\" --on ") {
			t.Errorf("command %s", f.Grant)
		}
	}
}

// TestSourceSeesWhatIsWrittenLater opens a site that nobody writes, and then
// somebody does.
func TestSourceSeesWhatIsWrittenLater(t *testing.T) {
	loc := location(t)
	target := open(t, loc)
	if err := target.CreateAccount(t.Context(), directory.User{ID: "anna"}); err != nil {
		t.Fatal(err)
	}
	if err := target.Close(); err != nil {
		t.Fatal(err)
	}
	source, err := site.Source(t.Context(), loc)
	if err != nil {
		t.Fatal(err)
	}
	defer source.Close()
	m, err := source.Mailbox(t.Context(), "anna")
	if err != nil {
		t.Fatal(err)
	}
	defer m.Close()
	count := func() (n int64) {
		c, err := m.Census(t.Context(), mail.Inbox, true)
		if err != nil {
			t.Fatal(err)
		}
		for _, err := range m.Messages(t.Context(), mail.Inbox) {
			if n++; err != nil {
				t.Fatal(err)
			}
		}
		if n != c.Messages {
			t.Errorf("census %d, listed %d", c.Messages, n)
		}
		return n
	}
	if n := count(); n != 0 {
		t.Errorf("%d messages", n)
	}
	target = open(t, loc)
	for want := int64(1); want <= 3; want++ {
		if err := deliver(t.Context(), mailbox(t, target, "anna"), "text"); err != nil {
			t.Fatal(err)
		}
		if n := count(); n != want {
			t.Errorf("%d messages, want %d", n, want)
		}
	}
}

func TestLocations(t *testing.T) {
	missing := location(t)
	if _, err := site.Source(t.Context(), missing); failure.ClassOf(err) != failure.Vanished {
		t.Errorf("a source that is not there: %v", err)
	}
	if _, err := site.Target(t.Context(), location(t, "user", "x")); failure.ClassOf(err) != failure.Usage {
		t.Errorf("an unknown option: %v", err)
	}
	if _, err := site.Target(t.Context(), location(t, "behave", "badly")); failure.ClassOf(err) != failure.Usage {
		t.Errorf("an unknown behaviour: %v", err)
	}
	target := open(t, location(t, "operator", "nobody"))
	err := target.CreateAccount(t.Context(), directory.User{ID: "anna"})
	if failure.ClassOf(err) != failure.Denied || len(rights.From(err)) != 4 {
		t.Errorf("an unknown operator makes an account: %v", err)
	}
	found, err := target.Probe(t.Context())
	if err != nil || len(found) < 10 {
		t.Errorf("findings %v, %v", found, err)
	}
}

func FuzzPosition(f *testing.F) {
	for _, s := range []string{"", "1/1", "0/0", "4294967295/4294967295", "1/", "/1", "-1/2", "1/2/3", "99999999999/1"} {
		f.Add(s)
	}
	target, err := site.Target(f.Context(), location(f))
	if err != nil {
		f.Fatal(err)
	}
	f.Cleanup(func() { _ = target.Close() })
	if err := target.CreateAccount(f.Context(), directory.User{ID: "anna"}); err != nil {
		f.Fatal(err)
	}
	m, err := target.Mailbox(f.Context(), "anna")
	if err != nil {
		f.Fatal(err)
	}
	f.Cleanup(func() { _ = m.Close() })
	f.Fuzz(func(t *testing.T, s string) {
		for _, err := range m.Arrived(t.Context(), mail.Inbox, connector.Position(s)) {
			if c := failure.ClassOf(err); err == nil || c != failure.Usage && c != failure.Conflict {
				t.Fatalf("position %q: %v", s, err)
			}
		}
	})
}
