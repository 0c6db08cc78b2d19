package test

import (
	"bufio"
	"io"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"waybill/connector/site"
)

// holder is another program that has a SQLite file locked for itself.
type holder struct {
	stdin io.Closer
	cmd   *exec.Cmd
}

// lockSQLite lets Python hold BEGIN EXCLUSIVE on a file.
func lockSQLite(t *testing.T, path string) *holder {
	t.Helper()
	python, err := exec.LookPath("python3")
	if err != nil {
		t.Skip("python3 is not installed")
	}
	cmd := exec.Command(python, "-c", `import sqlite3, sys
c = sqlite3.connect(sys.argv[1], isolation_level=None, timeout=30)
c.execute("BEGIN EXCLUSIVE")
print("held", flush=True)
sys.stdin.read()
c.execute("ROLLBACK")`, path)
	stdin, err := cmd.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	stdout, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	h := &holder{stdin, cmd}
	t.Cleanup(func() { _ = cmd.Process.Kill(); _ = cmd.Wait() })
	if word, err := bufio.NewReader(stdout).ReadString('\n'); word != "held\n" {
		t.Skipf("python3 cannot hold the file: %q %v", word, err)
	}
	return h
}

// release gives the lock back and returns when the holder has ended.
func (h *holder) release(t *testing.T) {
	t.Helper()
	if err := h.stdin.Close(); err != nil {
		t.Fatal(err)
	}
	if err := h.cmd.Wait(); err != nil {
		t.Fatal(err)
	}
}

// TestSiteLocked meets a site that somebody else has locked: from the start, and
// from the middle on.
func TestSiteLocked(t *testing.T) {
	t.Parallel()
	work := t.TempDir()
	want := noisy(t, filepath.Join(work, "from"), 90, 500)
	to := filepath.Join(work, "to.site")
	expect(t, 0, work, "site", "create", "to.site")
	args := []string{"migrate", "--from", "maildir:from", "--to", "site:to.site", "--workers", "1"}

	if !testing.Short() { // the program waits ten seconds before it gives up
		h := lockSQLite(t, to)
		out := expect(t, 2, work, args...)
		if !strings.Contains(out, "lock") || !strings.Contains(out, to) || strings.Contains(out, "goroutine ") {
			t.Errorf("nothing tells that the site is locked:\n%s", out)
		}
		h.release(t)
	}

	r := half(t, work, args...)
	goOn := r.hold()
	h := lockSQLite(t, to)
	goOn()
	// The program waits, or says that it waits; either way it must be through
	// once the lock is given back.
	h.release(t)
	r.ends(0)
	accounted(t, filepath.Join(work, "waybill-report"), false)
	compare(t, "after the lock", want, multiset(t, must(t)(site.Source(t.Context(), locate("site", to))), true))
}

// TestLedgerHeld starts a second migration on a ledger that is in use.
func TestLedgerHeld(t *testing.T) {
	t.Parallel()
	work := t.TempDir()
	want := noisy(t, filepath.Join(work, "from"), 90, 500)
	args := []string{"migrate", "--from", "maildir:from", "--to", "site:to.site", "--workers", "1"}
	r := half(t, work, args...)
	goOn := r.hold()
	out := expect(t, 2, work, args...)
	if !strings.Contains(out, "process") || !strings.Contains(out, "waybill --json migrate --from maildir:from") {
		t.Errorf("nobody says who holds the ledger:\n%s", out)
	}
	out = expect(t, 0, work, "status")
	if !strings.Contains(out, "anna") || !strings.Contains(out, "running") {
		t.Errorf("the status tells nothing of the run:\n%s", out)
	}
	expect(t, 0, work, "report", "--report", "meanwhile")
	accounted(t, filepath.Join(work, "meanwhile"), true)
	goOn()
	r.ends(0)
	accounted(t, filepath.Join(work, "waybill-report"), false)
	compare(t, "beside a second run", want, multiset(t, must(t)(site.Source(t.Context(), locate("site", filepath.Join(work, "to.site")))), true))
}
