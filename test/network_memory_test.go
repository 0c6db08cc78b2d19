package test

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"waybill/internal/counterpart"
)

// TestMemoryOfTwentyMailboxes moves twenty mailboxes at once, with a message of
// 100 MB in each of four, and looks how much memory the program had.
func TestMemoryOfTwentyMailboxes(t *testing.T) {
	if testing.Short() {
		t.Skip("moves half a gigabyte; left out with -short")
	}
	const boxes, bound = 20, 110 << 20
	users := map[string]string{}
	var names []string
	for n := range boxes {
		name := fmt.Sprintf("user%02d", n)
		users[name], names = annaPassword, append(names, name)
	}
	options := counterpart.DovecotOptions{Users: users, MasterUser: "master", MasterPassword: "master-secret"}
	from, to := counterpart.NewDovecot(t, options), counterpart.NewDovecot(t, options)
	line := strings.Repeat("0123456789abcdef", 4) + "\r\n"
	for n, name := range names {
		var bodies [][]byte
		for i := range 200 {
			bodies = append(bodies, fmt.Appendf(nil, "%sSubject: %d of %s\r\n\r\n%s", oddHeader, i, name, strings.Repeat(line, 300)))
		}
		if n%5 == 0 {
			bodies = append(bodies, []byte(oddHeader+"\r\n"+strings.Repeat(line, (100<<20)/len(line))))
		}
		maildirOf(t, from, name, map[string][][]byte{"": bodies})
	}
	work := t.TempDir()
	if err := os.WriteFile(filepath.Join(work, "users.csv"), []byte("user\n"+strings.Join(names, "\n")+"\n"), 0o644); err != nil {
		t.Fatal(err)
	}
	secret := secretFile(t, work, "master", "master-secret")
	cmd := exec.CommandContext(t.Context(), program, "migrate", "--from", from.MasterLocation(), "--to", to.MasterLocation(), "--users=users.csv", "--match=name",
		"--workers=20", "--connections=40", "--source-password-from=file:"+secret, "--target-password-from=file:"+secret)
	cmd.Dir = work
	var out strings.Builder
	cmd.Stdout, cmd.Stderr = &out, &out
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	peak := highest(cmd.Process.Pid)
	err := cmd.Wait()
	most := <-peak
	if err != nil {
		t.Fatalf("%v:\n%s", err, out.String())
	}
	w := accounted(t, filepath.Join(work, "waybill-report"), false)
	if w.Totals.Verified != boxes*200+4 {
		t.Errorf("totals %+v", w.Totals)
	}
	if most == 0 {
		t.Skip("this system does not tell how much memory a program has")
	}
	if most > bound {
		t.Errorf("%d MiB of memory at the most, want no more than %d", most>>20, bound>>20)
	}
	t.Logf("%d MiB of memory at the most, %.1f s", most>>20, w.Run.Seconds)
}

// highest tells how many bytes of memory a program had at the most, when it has
// ended. What getrusage tells of it begins with the memory of whoever started it.
func highest(pid int) <-chan int64 {
	result := make(chan int64, 1)
	go func() {
		most := int64(0)
		tick := time.NewTicker(10 * time.Millisecond)
		defer tick.Stop()
		for range tick.C {
			status, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", pid))
			_, rest, found := strings.Cut(string(status), "VmHWM:")
			if err != nil || !found { // it has ended
				break
			}
			var kib int64
			if _, err := fmt.Sscan(rest, &kib); err == nil {
				most = max(most, kib<<10)
			}
		}
		result <- most
	}()
	return result
}
