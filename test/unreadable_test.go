package test

import (
	"os"
	"os/exec"
	"os/user"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"

	"waybill/connector/site"
)

// nobody lets a command run as the user nobody when we are root, to whom every
// file is readable. dir is made writable for it.
func nobody(t *testing.T, dir string) func(*exec.Cmd) {
	t.Helper()
	if os.Getuid() != 0 {
		return func(*exec.Cmd) {}
	}
	who, err := user.Lookup("nobody")
	if err != nil {
		t.Skip("there is no user nobody, and to root every file is readable")
	}
	uid, _ := strconv.ParseUint(who.Uid, 10, 32)
	gid, _ := strconv.ParseUint(who.Gid, 10, 32)
	// Temporary directories are their maker's alone.
	open := []string{filepath.Dir(program)}
	for up := dir; strings.HasPrefix(up, os.TempDir()+"/"); up = filepath.Dir(up) {
		open = append(open, up)
	}
	for _, path := range open {
		if err := os.Chmod(path, 0o755); err != nil {
			t.Fatal(err)
		}
	}
	if err := os.Chown(dir, int(uid), int(gid)); err != nil {
		t.Fatal(err)
	}
	return func(c *exec.Cmd) {
		c.SysProcAttr = &syscall.SysProcAttr{Credential: &syscall.Credential{Uid: uint32(uid), Gid: uint32(gid)}}
		c.Env = append(os.Environ(), "HOME="+dir)
	}
}

// TestUnreadable meets a message, a folder and a mailbox that it may not read.
func TestUnreadable(t *testing.T) {
	t.Parallel()
	work := t.TempDir()
	from, to := filepath.Join(work, "from"), filepath.Join(work, "to.site")
	want := noisy(t, from, 30, 500)
	as := nobody(t, work)
	file := filepath.Join(from, "anna", "cur", "1000000000.M0P7.kogge:2,S")
	locked := map[string]os.FileMode{file: 0o644, filepath.Join(from, "bert", ".Archiv", "cur"): 0o755, filepath.Join(from, "cleo"): 0o755}
	for path := range locked {
		if err := os.Chmod(path, 0); err != nil {
			t.Fatal(err)
		}
	}
	t.Cleanup(func() {
		for path, mode := range locked {
			_ = os.Chmod(path, mode)
		}
	})
	args := []string{"migrate", "--from", "maildir:from", "--to", "site:to.site"}
	// What the source denies is told before anything is changed.
	if out := start(t, work, as, args...).ends(3); !strings.Contains(out, "cleo") {
		t.Errorf("the refusal does not name the mailbox:\n%s", out)
	}
	args = append(args, "--yes")
	out := start(t, work, as, args...).ends(2)
	if strings.Contains(out, "goroutine ") {
		t.Errorf("the program crashed:\n%s", out)
	}
	w := accounted(t, filepath.Join(work, "waybill-report"), true)
	told := strings.Builder{}
	for _, b := range w.Mailboxes {
		told.WriteString(b.User + ": " + b.Error + "\n")
		for _, f := range b.Folders {
			told.WriteString(b.User + " " + f.Path + ": " + f.Error + "\n")
			if b.User == "bert" && f.Path == "Archiv/2003" && f.Count.Verified != 10 {
				t.Errorf("the folder beside the unreadable one has %+v", f.Count)
			}
		}
	}
	for _, e := range w.Exceptions {
		told.WriteString(e.User + " " + e.Folder + " " + e.Key + ": " + e.Reason + "\n")
	}
	for path := range locked {
		if !strings.Contains(told.String(), strings.TrimSuffix(path, ":2,S")) {
			t.Errorf("the waybill does not name %s:\n%s", path, told.String())
		}
	}
	got := multiset(t, must(t)(site.Source(t.Context(), locate("site", to))), true)
	subset(t, "with unreadable parts", want, got)
	if got.total() != 90-1-10-30 {
		t.Errorf("%d messages were moved, want all but 41 of 90:\n%s", got.total(), told.String())
	}
	for path, mode := range locked {
		if err := os.Chmod(path, mode); err != nil {
			t.Fatal(err)
		}
	}
	start(t, work, as, args...).ends(0)
	accounted(t, filepath.Join(work, "waybill-report"), false)
	compare(t, "once it could be read", want, multiset(t, must(t)(site.Source(t.Context(), locate("site", to))), true))
}
