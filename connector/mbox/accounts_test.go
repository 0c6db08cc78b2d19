package mbox

import (
	"os"
	"path/filepath"
	"slices"
	"testing"

	"waybill/connector"
	"waybill/directory"
	"waybill/failure"
)

func openTarget(t *testing.T, dir string) connector.Target {
	t.Helper()
	target, err := Target(t.Context(), connector.Location{Scheme: "mbox", Path: dir})
	if err != nil {
		t.Fatal(err)
	}
	return target
}

func accountsOf(t *testing.T, target connector.Target) (ids []string) {
	t.Helper()
	for u, err := range target.Accounts(t.Context()) {
		if err != nil {
			t.Fatal(err)
		}
		ids = append(ids, u.ID)
	}
	return ids
}

// TestDeleteAfterCrash deletes an account whose predecessor of the same name was
// half deleted when the program was killed.
func TestDeleteAfterCrash(t *testing.T) {
	dir := t.TempDir()
	target := openTarget(t, dir)
	create := func() {
		t.Helper()
		if err := target.CreateAccount(t.Context(), directory.User{ID: "anna"}); err != nil {
			t.Fatal(err)
		}
	}
	create()
	if err := os.Rename(filepath.Join(dir, "anna"), filepath.Join(dir, removing+"anna")); err != nil {
		t.Fatal(err)
	}
	if ids := accountsOf(t, target); len(ids) != 0 {
		t.Errorf("half deleted, and listed: %q", ids)
	}
	create()
	if err := target.DeleteAccount(t.Context(), "anna"); err != nil {
		t.Fatal(err)
	}
	if left, err := os.ReadDir(dir); err != nil || len(left) != 0 {
		t.Errorf("%v is left, %v", left, err)
	}
	if err := target.DeleteAccount(t.Context(), "anna"); failure.ClassOf(err) != failure.Vanished {
		t.Errorf("deleted twice: %v", err)
	}
}

// TestAccountNames opens and deletes every account that is listed, whoever named
// its directory.
func TestAccountNames(t *testing.T) {
	dir := t.TempDir()
	target := openTarget(t, dir)
	want := []string{"50%", "a/b", "anna", "lists.mbox", "notes.sbd", "theirs.sbd"}
	for _, id := range []string{"a/b", "anna", "lists.mbox", "notes.sbd"} {
		if err := target.CreateAccount(t.Context(), directory.User{ID: id}); err != nil {
			t.Fatal(err)
		}
	}
	for _, name := range []string{"50%", "theirs.sbd", "notes.sbd"} { // the last one twice
		if err := os.Mkdir(filepath.Join(dir, name), 0o700); err != nil {
			t.Fatal(err)
		}
	}
	if ids := accountsOf(t, target); !slices.Equal(ids, want) {
		t.Fatalf("the accounts are %q, want %q", ids, want)
	}
	for _, id := range want {
		m, err := target.Mailbox(t.Context(), id)
		if err != nil {
			t.Fatal(err)
		}
		if err := m.Close(); err != nil {
			t.Error(err)
		}
		if err := target.DeleteAccount(t.Context(), id); err != nil {
			t.Errorf("%q: %v", id, err)
		}
	}
	// What we make comes before what others made.
	if _, err := os.Stat(filepath.Join(dir, "notes.sbd")); err != nil {
		t.Errorf("the wrong one of two directories was removed: %v", err)
	}
}

// TestDeleteFollowsNoSymlink leaves alone what lies elsewhere.
func TestDeleteFollowsNoSymlink(t *testing.T) {
	dir, elsewhere := t.TempDir(), t.TempDir()
	if err := os.Symlink(elsewhere, filepath.Join(dir, "anna")); err != nil {
		t.Skip("no symlinks here:", err)
	}
	write(t, filepath.Join(elsewhere, "INBOX.mbox"), "precious", 1)
	if err := openTarget(t, dir).DeleteAccount(t.Context(), "anna"); failure.ClassOf(err) != failure.Denied {
		t.Errorf("error is %v", err)
	}
	for _, path := range []string{filepath.Join(dir, "anna"), filepath.Join(elsewhere, "INBOX.mbox")} {
		if _, err := os.Lstat(path); err != nil {
			t.Error(err)
		}
	}
}
