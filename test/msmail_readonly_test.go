//go:build unix

package test

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"waybill/internal/postoffice"
)

// TestPostofficeReadOnly moves a postoffice that may only be read, and as root by
// somebody else's account: nothing in it may change.
func TestPostofficeReadOnly(t *testing.T) {
	work := t.TempDir()
	postoffices := filepath.Join(work, "post")
	if _, err := postoffice.Write(postoffices, postoffice.Options{Seed: 41, LowerCase: true}); err != nil {
		t.Fatal(err)
	}
	old := time.Date(1997, 5, 1, 12, 0, 0, 0, time.UTC)
	var dirs []string
	err := filepath.WalkDir(postoffices, func(path string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		mode := fs.FileMode(0o444)
		if d.IsDir() {
			dirs = append(dirs, path)
			mode = 0o555
		}
		return errors.Join(os.Chtimes(path, old, old), os.Chmod(path, mode))
	})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { // or the test's directory cannot be removed
		for _, dir := range dirs {
			_ = os.Chmod(dir, 0o755)
		}
	})
	before := listed(t, postoffices)
	target := filepath.Join(work, "target")
	if err := os.Mkdir(target, 0o755); err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithTimeout(t.Context(), 5*time.Minute)
	defer cancel()
	for _, args := range [][]string{
		{"inspect", "msmail:" + postoffices},
		{"migrate", "--from", "msmail:" + postoffices + "?zone=UTC", "--to", "site:new.site"},
	} {
		cmd := exec.CommandContext(ctx, program, args...)
		cmd.Dir = target
		if os.Geteuid() == 0 {
			asNobody(t, cmd, work, target)
		}
		if out, err := cmd.CombinedOutput(); cmd.ProcessState.ExitCode() != 1 {
			t.Fatalf("%q: %v\n%s", args, err, out)
		}
	}
	if after := listed(t, postoffices); after != before {
		t.Error("the postoffice was changed")
	}
	if w := readWaybill(t, filepath.Join(target, "waybill-report")); w.Totals.Verified == 0 || len(w.Faults()) > 0 {
		t.Errorf("totals %+v, %v", w.Totals, w.Faults())
	}
}

// asNobody lets a command run as an account that owns nothing but the target.
func asNobody(t *testing.T, cmd *exec.Cmd, work, target string) {
	t.Helper()
	const nobody = 65534
	open := []string{filepath.Dir(program), work}
	for dir := filepath.Dir(work); strings.HasPrefix(dir, os.TempDir()); dir = filepath.Dir(dir) {
		open = append(open, dir)
	}
	for _, dir := range open {
		if dir == os.TempDir() {
			continue
		}
		if err := os.Chmod(dir, 0o755); err != nil {
			t.Fatal(err)
		}
	}
	if err := os.Chown(target, nobody, nobody); err != nil {
		t.Fatal(err)
	}
	cmd.SysProcAttr = &syscall.SysProcAttr{Credential: &syscall.Credential{Uid: nobody, Gid: nobody}}
	cmd.Env = append(os.Environ(), "HOME="+target, "TMPDIR="+target)
}

// listed is every name in a directory with size, mode and time.
func listed(t *testing.T, dir string) string {
	t.Helper()
	var b strings.Builder
	err := filepath.WalkDir(dir, func(path string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		info, err := d.Info()
		if err != nil {
			return err
		}
		fmt.Fprintln(&b, path, info.Size(), info.Mode(), info.ModTime().UnixNano())
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	return b.String()
}
