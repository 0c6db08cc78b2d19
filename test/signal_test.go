package test

import (
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"waybill/connector/maildir"
	"waybill/connector/site"
)

// TestInterrupted presses Ctrl-C in the middle: the waybill is written, the exit
// code is 130, and the same command goes on.
func TestInterrupted(t *testing.T) {
	t.Parallel()
	for name, signal := range map[string]syscall.Signal{"SIGINT": syscall.SIGINT, "SIGTERM": syscall.SIGTERM} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			work := t.TempDir()
			from, to := filepath.Join(work, "from"), filepath.Join(work, "to.site")
			want := noisy(t, from, 300, 2000)
			args := []string{"migrate", "--from", "maildir:from", "--to", "site:to.site", "--workers", "1"}
			r := half(t, work, args...)
			if err := r.cmd.Process.Signal(signal); err != nil {
				t.Fatal(err)
			}
			out := r.ends(130)
			if strings.Contains(out, "goroutine ") {
				t.Errorf("the program crashed:\n%s", out)
			}
			w := accounted(t, filepath.Join(work, "waybill-report"), true)
			if w.Run.Exit != 130 || w.Run.Ended.IsZero() || w.Totals.Verified == 0 || w.Totals.Verified == int64(want.total()) {
				t.Errorf("the waybill has exit code %d, end %s and %d of %d messages verified", w.Run.Exit, w.Run.Ended, w.Totals.Verified, want.total())
			}
			got := multiset(t, must(t)(site.Source(t.Context(), locate("site", to))), true)
			subset(t, "after the interruption", want, got)
			if int64(got.total()) < w.Totals.Verified {
				t.Errorf("%d messages are in the target, %d are said to be verified", got.total(), w.Totals.Verified)
			}
			expect(t, 0, work, args...)
			w = accounted(t, filepath.Join(work, "waybill-report"), false)
			if len(w.Runs) != 2 || w.Runs[0].Exit != 130 || w.Run.Exit != 0 {
				t.Errorf("the waybill tells of the runs %+v", w.Runs)
			}
			compare(t, "after going on", multiset(t, must(t)(maildir.Source(t.Context(), locate("maildir", from))), true),
				multiset(t, must(t)(site.Source(t.Context(), locate("site", to))), true))
		})
	}
}
