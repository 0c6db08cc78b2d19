//go:build unix

package files_test

import (
	"context"
	"errors"
	"io"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"waybill/connector/files"
	"waybill/failure"
)

func openDir(t *testing.T, path string) *files.Dir {
	t.Helper()
	d, err := files.OpenDir(path)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = d.Close() })
	return d
}

func TestWriteFileIsAllOrNothing(t *testing.T) {
	dir := t.TempDir()
	d := openDir(t, dir)
	say := func(s string, err error) func(io.Writer) error {
		return func(w io.Writer) error { _, _ = io.WriteString(w, s); return err }
	}
	if err := d.WriteFile("a", say("old", nil)); err != nil {
		t.Fatal(err)
	}
	broken := failure.New(failure.Full, "write", "test", "test.full", nil)
	if err := d.WriteFile("a", say("half", broken)); !errors.Is(err, broken) {
		t.Errorf("a writer that fails gives %v", err)
	}
	if b, err := os.ReadFile(filepath.Join(dir, "a")); string(b) != "old" {
		t.Errorf("after the failure the file holds %q, %v", b, err)
	}
	if err := d.WriteFile("a", say("new", nil)); err != nil {
		t.Fatal(err)
	}
	if b, err := os.ReadFile(filepath.Join(dir, "a")); string(b) != "new" {
		t.Errorf("the file holds %q, %v", b, err)
	}
	if left, _ := os.ReadDir(dir); len(left) != 1 {
		t.Errorf("files are left over: %v", left)
	}
}

func TestDirFollowsNoSymlink(t *testing.T) {
	dir, elsewhere := t.TempDir(), t.TempDir()
	for name, to := range map[string]string{"dir": elsewhere, "file": filepath.Join(elsewhere, "f"), "inside": "real"} {
		if err := os.Symlink(to, filepath.Join(dir, name)); err != nil {
			t.Fatal(err)
		}
	}
	d := openDir(t, dir)
	if _, err := d.Mkdir("real"); err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{"dir", "inside"} {
		if _, err := d.Open(name); failure.ClassOf(err) != failure.Denied {
			t.Errorf("Open(%s) gives %v", name, err)
		}
	}
	if _, err := d.Create("file"); err == nil {
		t.Error("Create writes through a symlink")
	}
	if _, err := d.Append("file"); err == nil {
		t.Error("Append writes through a symlink")
	}
	if _, err := d.Create("../x"); err == nil {
		t.Error("Create leaves the directory")
	}
	if left, _ := os.ReadDir(elsewhere); len(left) > 0 {
		t.Errorf("something was written elsewhere: %v", left)
	}
}

func TestOpenTakesRegularFilesOnly(t *testing.T) {
	dir := t.TempDir()
	path := func(name string) string { return filepath.Join(dir, name) }
	for _, err := range []error{syscall.Mkfifo(path("fifo"), 0o600), os.WriteFile(path("file"), []byte("text"), 0o600), os.Symlink("file", path("link"))} {
		if err != nil {
			t.Fatal(err)
		}
	}
	for name, class := range map[string]failure.Class{"fifo": failure.Malformed, ".": failure.Malformed, "gone": failure.Vanished, "file/x": failure.Vanished} {
		if _, err := files.Open(t.Context(), path(name)); failure.ClassOf(err) != class {
			t.Errorf("Open(%s) gives %v", name, err)
		}
	}
	r, err := files.Open(t.Context(), path("link"))
	if err != nil {
		t.Fatal(err)
	}
	if b, err := io.ReadAll(r); string(b) != "text" || err != nil {
		t.Errorf("the file reads %q, %v", b, err)
	}
	if err := errors.Join(r.Close(), r.Close()); err != nil {
		t.Error(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	r, err = files.Open(ctx, path("file"))
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = r.Close() }()
	cancel()
	if _, err := r.Read(make([]byte, 1)); failure.ClassOf(err) != failure.Cancelled {
		t.Errorf("reading after the context ended gives %v", err)
	}
}

func TestAccountsAreWholeOrNotThere(t *testing.T) {
	ctx := t.Context()
	a := files.Accounts{Dir: filepath.Join(t.TempDir(), "new"), System: "test"}
	broken := failure.New(failure.Full, "fill", "test", "test.full", nil)
	if err := a.Create(ctx, "anna", func(d *files.Dir) error { _, _ = d.Mkdir("half"); return broken }); !errors.Is(err, broken) {
		t.Errorf("filling that fails gives %v", err)
	}
	if _, err := a.Find(ctx, "anna"); failure.ClassOf(err) != failure.Vanished {
		t.Errorf("half an account is found: %v", err)
	}
	for _, id := range []string{"anna", "../anna", "a/b", strings.Repeat("x", 300)} {
		if err := a.Create(ctx, id, func(*files.Dir) error { return nil }); err != nil {
			t.Fatal(err)
		}
		if err := a.Create(ctx, id, func(*files.Dir) error { return nil }); failure.ClassOf(err) != failure.Conflict {
			t.Errorf("creating %.20q again gives %v", id, err)
		}
		if err := a.Delete(ctx, id); err != nil {
			t.Errorf("deleting %.20q: %v", id, err)
		}
	}
	if list, err := a.List(ctx); len(list) > 0 || err != nil {
		t.Errorf("accounts are left: %v, %v", list, err)
	}
	if left, _ := os.ReadDir(a.Dir); len(left) > 0 {
		t.Errorf("files are left: %v", left)
	}
}
