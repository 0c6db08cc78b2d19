package test

import (
	"crypto/sha256"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"waybill/connector/maildir"
	"waybill/connector/mbox"
	"waybill/connector/site"
)

// TestSourceChangesMeanwhile lets messages vanish, arrive, be rewritten and get
// other flags while their mailbox is being moved, before and after they had
// their turn. The run in which that happens ends with a waybill that adds up;
// the next one brings what is there now, and nothing is there twice.
func TestSourceChangesMeanwhile(t *testing.T) {
	t.Parallel()
	for _, moment := range []string{"folder", "finished"} {
		t.Run(moment, func(t *testing.T) {
			t.Parallel()
			work := t.TempDir()
			from, to := filepath.Join(work, "from"), filepath.Join(work, "to.site")
			start0 := noisy(t, from, 300, 1000)
			args := []string{"migrate", "--from", "maildir:from", "--to", "site:to.site", "--workers", "1"}
			r := half(t, work, args...)
			if moment == "finished" {
				r.until("the end of the second mailbox", func(l line) bool { return l.Type == "progress" && l.Phase == "finished" })
			}
			goOn := r.hold()
			var rewritten []string
			for _, user := range []string{"anna", "bert", "cleo"} {
				rewritten = append(rewritten, disturb(t, filepath.Join(from, user))...)
			}
			goOn()
			code, out := r.end()
			if code > 2 || strings.Contains(out, "goroutine ") {
				t.Fatalf("the run ended with %d:\n%s", code, out)
			}
			w := accounted(t, filepath.Join(work, "waybill-report"), code == 2)
			if code == 0 && w.Totals.Verified < int64(start0.total())-6 {
				t.Errorf("exit code 0 with %+v", w.Totals)
			}

			code, out = waybill(t, work, args...)
			if code > 1 {
				t.Fatalf("the next run ended with %d:\n%s", code, out)
			}
			accounted(t, filepath.Join(work, "waybill-report"), false)
			now := multiset(t, must(t)(maildir.Source(t.Context(), locate("maildir", from))), true)
			got := multiset(t, must(t)(site.Source(t.Context(), locate("site", to))), true)
			// Everything is there but what was rewritten under its old name after it
			// had been moved, which no reader of a Maildir looks for.
			// How far the run had got when it was held differs from run to run, so it
			// is the content that tells them from a loss.
			for k, n := range now {
				if got[k] < n && !slices.ContainsFunc(rewritten, func(digest string) bool { return strings.Contains(k, digest) }) {
					t.Errorf("%q is %d times in the source and %d times in the target, and was not rewritten", k, n, got[k])
				}
			}
			// Beyond that there may be what was moved before it vanished or was rewritten.
			for k, n := range got {
				if n > now[k] && n-now[k] > start0[k] {
					t.Errorf("%q is %d times in the target, never more than %d times in the source", k, n, max(now[k], start0[k]))
				}
			}
			if extra := got.total() - now.total(); extra > 9 {
				t.Errorf("%d messages too many are in the target", extra)
			}
			expect(t, 0, work, "site", "check", to)
		})
	}
}

// disturb lets one message vanish, one grow, one shrink, one move from new to
// cur with another flag, and a new one arrive. It returns the SHA-256 of what was
// rewritten under its old name.
func disturb(t *testing.T, dir string) []string {
	t.Helper()
	cur := filepath.Join(dir, ".Archiv.2003", "cur")
	entries, err := os.ReadDir(cur)
	if err != nil || len(entries) < 10 {
		t.Fatal(err, len(entries))
	}
	name := func(n int) string { return filepath.Join(cur, entries[len(entries)-n].Name()) }
	body, err := os.ReadFile(name(2))
	check := func(err error) {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
	}
	check(err)
	check(os.Remove(name(1)))
	check(os.WriteFile(name(2), append(body, "grown\r\n"...), 0o644))
	check(os.Truncate(name(3), 100))
	check(os.Rename(name(4), strings.TrimSuffix(name(4), ":2,S")+":2,FRS"))
	cut, err := os.ReadFile(name(3))
	check(err)
	check(os.WriteFile(filepath.Join(dir, ".Archiv.2003", "new", "1999999999.M1P1.kogge"), []byte("Subject: late\r\n\r\nText\r\n"), 0o644))
	digest := func(b []byte) string { return fmt.Sprintf("%x", sha256.Sum256(b)) }
	return []string{digest(append(body, "grown\r\n"...)), digest(cut)}
}

// TestFlagChangesAfterwards renames messages from new to cur and changes flags
// between two runs: flags follow, nothing is delivered again.
func TestFlagChangesAfterwards(t *testing.T) {
	t.Parallel()
	work := t.TempDir()
	from, to := filepath.Join(work, "from"), filepath.Join(work, "to.site")
	want := noisy(t, from, 30, 500)
	fresh := filepath.Join(from, "anna", "new", "1200000000.M1P1.kogge")
	if err := os.WriteFile(fresh, []byte("Subject: unread\r\n\r\nText\r\n"), 0o644); err != nil {
		t.Fatal(err)
	}
	args := []string{"migrate", "--from", "maildir:from", "--to", "site:to.site"}
	expect(t, 0, work, args...)
	if err := os.Rename(fresh, filepath.Join(from, "anna", "cur", "1200000000.M1P1.kogge:2,FRS")); err != nil {
		t.Fatal(err)
	}
	expect(t, 0, work, args...)
	w := accounted(t, filepath.Join(work, "waybill-report"), false)
	if w.Totals.Verified != int64(want.total())+1 {
		t.Errorf("totals %+v, want %d verified", w.Totals, want.total()+1)
	}
	compare(t, "after a change of flags", multiset(t, must(t)(maildir.Source(t.Context(), locate("maildir", from))), true),
		multiset(t, must(t)(site.Source(t.Context(), locate("site", to))), true))
}

// TestMboxChangesMeanwhile cuts one mbox file short, lets one grow and takes one
// away while another is being moved.
func TestMboxChangesMeanwhile(t *testing.T) {
	t.Parallel()
	work := t.TempDir()
	from, to := filepath.Join(work, "from"), filepath.Join(work, "to.site")
	users := []string{"anna", "bert", "cleo", "dora"}
	for _, user := range users {
		var b strings.Builder
		for i := range 300 {
			fmt.Fprintf(&b, "From %s@example.org Mon Jan  5 10:%02d:%02d 2004\nSubject: %d\n\n%s\n\n", user, i/60, i%60, i, strings.Repeat("line of text\n", 50))
		}
		if err := os.MkdirAll(from, 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(filepath.Join(from, user+".mbox"), []byte(b.String()), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	before := multiset(t, must(t)(mbox.Source(t.Context(), locate("mbox", from))), true)
	args := []string{"migrate", "--from", "mbox:from", "--to", "site:to.site", "--workers", "1"}
	r := half(t, work, args...)
	goOn := r.hold()
	if err := os.Truncate(filepath.Join(from, "bert.mbox"), 40_000); err != nil {
		t.Fatal(err)
	}
	f, err := os.OpenFile(filepath.Join(from, "cleo.mbox"), os.O_APPEND|os.O_WRONLY, 0)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := f.WriteString("From x@example.org Mon Jan  5 11:00:00 2004\nSubject: late\n\nText\n\n"); err != nil {
		t.Fatal(err)
	}
	if err := f.Close(); err != nil {
		t.Fatal(err)
	}
	if err := os.Remove(filepath.Join(from, "dora.mbox")); err != nil {
		t.Fatal(err)
	}
	goOn()
	out := r.ends(2)
	if !strings.Contains(out, "dora") {
		t.Errorf("nobody tells of the mailbox that is gone:\n%s", out)
	}
	accounted(t, filepath.Join(work, "waybill-report"), true)
	// A mailbox that was never moved and is gone stays a failure.
	if out := expect(t, 2, work, args...); !strings.Contains(out, "1 of 4 mailboxes is not complete") {
		t.Errorf("more than the mailbox that is gone is amiss:\n%s", out)
	}
	now := multiset(t, must(t)(mbox.Source(t.Context(), locate("mbox", from))), true)
	got := multiset(t, must(t)(site.Source(t.Context(), locate("site", to))), true)
	subset(t, "what is in the source now is in the target", got, now)
	for k, n := range got {
		if n > max(now[k], before[k]) {
			t.Errorf("%q is %d times in the target, never more than %d times in the source", k, n, max(now[k], before[k]))
		}
	}
}
