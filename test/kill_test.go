package test

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"waybill/bench/maildirs"
	"waybill/connector/maildir"
	"waybill/connector/site"
)

// kills is how often the one migration is killed.
const kills = 200

// TestKilledTwoHundredTimes kills one migration with SIGKILL at 200 random
// moments, starts it again each time, and compares source and target as
// multisets when it is done. New mail keeps arriving in the source, so that the
// migration does not end before its time.
func TestKilledTwoHundredTimes(t *testing.T) {
	if testing.Short() {
		t.Skip("kills a migration 200 times; left out with -short")
	}
	work := t.TempDir()
	from := filepath.Join(work, "from")
	if _, err := maildirs.Write(context.Background(), from, maildirs.Options{Mailboxes: 6, Messages: 3000, Folders: 3, Profile: "small"}); err != nil {
		t.Fatal(err)
	}
	seed := uint64(time.Now().UnixNano())
	t.Logf("seed %d", seed)
	dice := rand.New(rand.NewPCG(seed, 1))
	args := []string{"migrate", "--from", "maildir:" + from, "--to", "site:" + filepath.Join(work, "to.site")}
	started := time.Now()
	if code, out := runFor(t, work, 0, append(args, "--dry-run")...); code != 0 {
		t.Fatalf("dry run ended with %d:\n%s", code, out)
	}
	start := time.Since(started) // how long the program takes to get going here

	killed, through := 0, 0
	for n := 0; killed < kills; n++ {
		if n > 3*kills {
			t.Fatalf("only %d kills in %d runs", killed, n)
		}
		// Between nothing at all and some way into the copying.
		code, out := runFor(t, work, time.Duration(dice.Int64N(int64(5*start)))+time.Millisecond, args...)
		switch code {
		case -1:
			killed++
		case 0:
			through++
			writeMaildir(t, filepath.Join(from, fmt.Sprintf("late%03d", through)), map[string][]string{
				"":             many(200, dice),
				".Archiv.2003": many(100, dice),
			})
		default:
			t.Fatalf("run %d ended with %d:\n%s", n, code, out)
		}
	}
	expect(t, 0, work, args...)
	t.Logf("killed %d times, got through %d times", killed, through)

	// Canary accounts of killed preflights must be gone too.
	want := multiset(t, must(t)(maildir.Source(context.Background(), locate("maildir", from))), true)
	got := multiset(t, must(t)(site.Source(context.Background(), locate("site", filepath.Join(work, "to.site")))), true)
	compare(t, "after 200 kills", want, got)
	if out := expect(t, 0, work, "ls", "site:"+filepath.Join(work, "to.site")); strings.Contains(out, "canary") {
		t.Errorf("canaries are left:\n%s", out)
	}
	w := readWaybill(t, filepath.Join(work, "waybill-report"))
	if w.Totals.Verified != int64(want.total()) || w.Totals.Found != w.Totals.Verified {
		t.Errorf("totals %+v, the source holds %d", w.Totals, want.total())
	}
	expect(t, 0, work, "verify")
	expect(t, 0, work, "site", "check", filepath.Join(work, "to.site"))
}

// many makes messages, some of them equal.
func many(n int, dice *rand.Rand) []string {
	bodies := make([]string, n)
	for i := range bodies {
		bodies[i] = fmt.Sprintf("Subject: late %d\r\n\r\n%s\r\n", dice.IntN(n/2), strings.Repeat("text ", dice.IntN(100)))
	}
	return bodies
}

// runFor runs the program and kills it after d, unless d is 0 or it has ended
// before. A killed run has the code -1.
func runFor(t *testing.T, dir string, d time.Duration, args ...string) (code int, output string) {
	t.Helper()
	ctx, cancel := context.WithCancel(context.Background())
	defer cancel()
	if d > 0 {
		timer := time.AfterFunc(d, cancel) // ends the context, and so the process, with SIGKILL
		defer timer.Stop()
	}
	cmd := exec.CommandContext(ctx, program, args...)
	cmd.Dir = dir
	out, err := cmd.CombinedOutput()
	var exit *exec.ExitError
	if err != nil && !errors.As(err, &exit) && ctx.Err() == nil {
		t.Fatal(err)
	}
	if cmd.ProcessState == nil {
		return -1, ""
	}
	return cmd.ProcessState.ExitCode(), string(out)
}
