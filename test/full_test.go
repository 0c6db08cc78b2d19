package test

import (
	"bytes"
	"context"
	"encoding/base64"
	"fmt"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"waybill/connector"
	"waybill/connector/eml"
	"waybill/connector/maildir"
	"waybill/connector/mbox"
	"waybill/connector/site"
)

type opener func(context.Context, connector.Location) (connector.Source, error)

// sources open what targets wrote, to look at it.
var sources = map[string]opener{"site": site.Source, "maildir": maildir.Source, "mbox": mbox.Source, "eml": eml.Source}

// smallDisk mounts a disk of so many bytes and returns its directory and a
// function that changes its size. It skips the test where that cannot be done.
func smallDisk(t *testing.T, size int64) (dir string, resize func(int64)) {
	t.Helper()
	if os.Getuid() != 0 {
		t.Skip("mounting a small disk takes root")
	}
	dir = t.TempDir()
	if out, err := exec.Command("mount", "-t", "tmpfs", "-o", fmt.Sprintf("size=%d", size), "tmpfs", dir).CombinedOutput(); err != nil {
		t.Skipf("no disk can be mounted here: %v %s", err, out)
	}
	t.Cleanup(func() {
		if out, err := exec.Command("umount", dir).CombinedOutput(); err != nil {
			t.Errorf("umount: %v %s", err, out)
		}
	})
	return dir, func(size int64) {
		t.Helper()
		if out, err := exec.Command("mount", "-o", fmt.Sprintf("remount,size=%d", size), dir).CombinedOutput(); err != nil {
			t.Fatalf("remount: %v %s", err, out)
		}
	}
}

// noise is a message that cannot be compressed, of about n bytes.
func noise(dice *rand.Rand, n int) string {
	raw := make([]byte, n*3/4)
	for i := range raw {
		raw[i] = byte(dice.Uint32())
	}
	var b bytes.Buffer
	fmt.Fprintf(&b, "Subject: %x\r\nContent-Transfer-Encoding: base64\r\n\r\n", raw[:8])
	text := base64.StdEncoding.EncodeToString(raw)
	for len(text) > 76 {
		b.WriteString(text[:76] + "\r\n")
		text = text[76:]
	}
	b.WriteString(text + "\r\n")
	return b.String()
}

// noisy writes three mailboxes with messages of about size bytes.
func noisy(t *testing.T, from string, messages, size int) counted {
	t.Helper()
	dice := rand.New(rand.NewPCG(7, 7))
	for _, user := range []string{"anna", "bert", "cleo"} {
		folders := map[string][]string{}
		for i := range messages {
			folder := []string{"", ".Archiv", ".Archiv.2003"}[i%3]
			folders[folder] = append(folders[folder], noise(dice, size))
		}
		writeMaildir(t, filepath.Join(from, user), folders)
	}
	return multiset(t, must(t)(maildir.Source(t.Context(), locate("maildir", from))), true)
}

// saysFull fails the test unless the output tells that a disk is full, and what
// can be done about it.
func saysFull(t *testing.T, out string) {
	t.Helper()
	if !strings.Contains(out, "no space left") && !strings.Contains(out, "disk is full") {
		t.Errorf("nothing tells that the disk is full:\n%s", out)
	}
	if !strings.Contains(out, "make room") && !strings.Contains(out, "free space") {
		t.Errorf("nothing tells what to do about it:\n%s", out)
	}
	if strings.Contains(out, "panic") || strings.Contains(out, "goroutine ") {
		t.Errorf("the program crashed:\n%s", out)
	}
}

// TestFullTarget fills the disk of the target in the middle of a migration.
func TestFullTarget(t *testing.T) {
	t.Parallel()
	for scheme, open := range sources {
		t.Run(scheme, func(t *testing.T) {
			t.Parallel()
			disk, resize := smallDisk(t, 3<<20)
			work := t.TempDir()
			want := noisy(t, filepath.Join(work, "from"), 60, 40_000)
			to := filepath.Join(disk, "to")
			args := []string{"migrate", "--from", "maildir:from", "--to", scheme + ":" + to}
			out := expect(t, 2, work, args...)
			saysFull(t, out)
			w := accounted(t, filepath.Join(work, "waybill-report"), true)
			if w.Totals.Verified == 0 || w.Totals.Verified >= int64(want.total()) {
				t.Errorf("%d of %d messages are verified: the disk was full at no interesting moment", w.Totals.Verified, want.total())
			}
			incomplete := 0
			for _, b := range w.Mailboxes {
				if b.State == "incomplete" {
					incomplete++
					if b.Error == "" {
						t.Errorf("%s is incomplete, and the waybill does not say why", b.User)
					}
				}
			}
			if incomplete == 0 {
				t.Error("no mailbox is called incomplete")
			}
			got := multiset(t, must(t)(open(t.Context(), locate(scheme, to))), true)
			subset(t, "on the full disk", want, got)
			if int64(got.total()) < w.Totals.Verified {
				t.Errorf("%d messages are in the target, %d are said to be verified", got.total(), w.Totals.Verified)
			}

			resize(64 << 20)
			expect(t, 0, work, args...)
			accounted(t, filepath.Join(work, "waybill-report"), false)
			compare(t, "after space was made", want, multiset(t, must(t)(open(t.Context(), locate(scheme, to))), true))
			expect(t, 0, work, "verify")
		})
	}
}

// TestFullLedger fills the disk of the ledger, at several sizes, so that it
// strikes at several moments.
func TestFullLedger(t *testing.T) {
	t.Parallel()
	work := t.TempDir()
	want := noisy(t, filepath.Join(work, "from"), 1500, 200)
	for _, size := range []int64{64 << 10, 256 << 10, 512 << 10, 768 << 10} {
		t.Run(fmt.Sprint(size>>10, "KiB"), func(t *testing.T) {
			t.Parallel()
			disk, resize := smallDisk(t, size)
			own := t.TempDir()
			to := filepath.Join(own, "to.site")
			args := []string{"migrate", "--from", "maildir:" + filepath.Join(work, "from"), "--to", "site:" + to, "--ledger", filepath.Join(disk, "ledger")}
			out := expect(t, 2, own, args...)
			saysFull(t, out)
			if strings.Contains(out, "W3003") {
				t.Errorf("the target is blamed for the ledger's disk:\n%s", out)
			}
			if _, err := os.Stat(to); err == nil {
				subset(t, "with a full ledger", want, multiset(t, must(t)(site.Source(t.Context(), locate("site", to))), true))
			}
			resize(64 << 20)
			expect(t, 0, own, args...)
			accounted(t, filepath.Join(own, "waybill-report"), false)
			compare(t, "after space was made", want, multiset(t, must(t)(site.Source(t.Context(), locate("site", to))), true))
			if out := expect(t, 0, own, "ls", "site:"+to); strings.Contains(out, "canary") {
				t.Errorf("canaries are left:\n%s", out)
			}
		})
	}
}
