package maildir

import (
	"context"
	"os"
	"path/filepath"
	"testing"

	"waybill/connector"
	"waybill/failure"
	"waybill/mail"
)

func TestDanglingLinkIsListed(t *testing.T) {
	dir := t.TempDir()
	cur := filepath.Join(dir, "anna", "cur")
	if err := os.MkdirAll(cur, 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.Symlink("nowhere", filepath.Join(cur, "1000000000.M1P1.kogge:2,S")); err != nil {
		t.Fatal(err)
	}
	ctx := context.Background()
	source, err := Source(ctx, connector.Location{Scheme: "maildir", Path: dir})
	if err != nil {
		t.Fatal(err)
	}
	box, err := source.Mailbox(ctx, "anna")
	if err != nil {
		t.Fatal(err)
	}
	listed := 0
	for m, err := range box.Messages(ctx, mail.Inbox) {
		listed++
		if m.Key == "" || failure.ClassOf(err) != failure.Malformed || failure.RuleOf(err) != "maildir.dangling-link" {
			t.Errorf("key %q, error %v", m.Key, err)
		}
	}
	if listed != 1 {
		t.Errorf("%d entries are listed, want 1", listed)
	}
}
