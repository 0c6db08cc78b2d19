package test

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"waybill/internal/counterpart"
)

// line is a migration from Dovecot to Dovecot in which both sides stand behind
// lines that can be broken.
type brokenLine struct {
	t        *testing.T
	work     string
	from, to *counterpart.Dovecot
	out, in  *counterpart.Proxy // before the source, before the target
	silence  int                // seconds
	args     []string
}

// newBrokenLine prepares a migration of anna's mailbox: some hundred messages
// with all flags, and large ones of that many bytes.
func newBrokenLine(t *testing.T, messages int, large ...int) *brokenLine {
	t.Helper()
	return brokenLineOf(t, counterpart.DovecotOptions{}, counterpart.DovecotOptions{Format: "sdbox"}, messages, large...)
}

func brokenLineOf(t *testing.T, from, to counterpart.DovecotOptions, messages int, large ...int) *brokenLine {
	t.Helper()
	b := &brokenLine{t: t, work: t.TempDir(), from: counterpart.NewDovecot(t, from), to: counterpart.NewDovecot(t, to), silence: 3}
	folders := map[string][][]byte{"": nil, ".Sent": nil, ".Entw&APw-rfe": nil}
	for n := range messages {
		folder := []string{"", ".Sent", ".Entw&APw-rfe"}[n%3]
		folders[folder] = append(folders[folder], fmt.Appendf(nil, "%sSubject: %d\r\n\r\n%s", oddHeader, n/2*2, strings.Repeat("cargo\r\n", 100)))
	}
	for n, size := range large {
		folders[".Sent"] = append(folders[".Sent"], fmt.Appendf(nil, "%sSubject: large %d\r\n\r\n%s", oddHeader, n, strings.Repeat("0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef\r\n", size/66)))
	}
	maildirOf(t, b.from, "anna", folders)
	b.out, b.in = counterpart.NewProxy(t, b.from.Addr), counterpart.NewProxy(t, b.to.Addr)
	return b
}

func (b *brokenLine) command() []string {
	secret := secretFile(b.t, b.work, "anna", annaPassword)
	end := fmt.Sprintf("/?tls=none&silence=%d", b.silence)
	return append([]string{"migrate", "--from", "imap://anna@" + b.out.Addr + end, "--to", "imap://anna@" + b.in.Addr + end, "--match=name", "--verbose",
		"--source-password-from=file:" + secret, "--target-password-from=file:" + secret}, b.args...)
}

// run migrates while trouble goes on beside it; trouble ends with its context.
func (b *brokenLine) run(trouble func(ctx context.Context) error) (code int, out string) {
	b.t.Helper()
	ctx, cancel := context.WithTimeout(b.t.Context(), 3*time.Minute)
	defer cancel()
	done := make(chan error, 1)
	go func() { done <- trouble(ctx) }()
	cmd := exec.CommandContext(ctx, program, b.command()...)
	cmd.Dir = b.work
	said, err := cmd.CombinedOutput()
	var exit *exec.ExitError
	if err != nil && !errors.As(err, &exit) {
		b.t.Fatal(err)
	}
	code, out = cmd.ProcessState.ExitCode(), string(said)
	if code < 0 || strings.Contains(out, "goroutine ") {
		b.t.Fatalf("ended with %d:\n%s", code, out)
	}
	cancel()
	if err := <-done; err != nil {
		b.t.Errorf("%v; the run ended with %d:\n%s", err, code, out)
	}
	return code, out
}

func quiet(context.Context) error { return nil }

// proven runs once more over lines that are sound, where the first run did not
// get through, and compares both servers without our code.
func (b *brokenLine) proven(code int, out string) {
	b.t.Helper()
	if code != 0 {
		b.out.Heal()
		b.in.Heal()
		again, said := b.run(quiet)
		if again != 0 {
			b.t.Fatalf("again, over a sound line: ended with %d:\n%s\nbefore that, with %d:\n%s", again, said, code, out)
		}
	}
	verdict := counterpart.Compare(b.t, b.from.System("anna"), b.to.System("anna"), counterpart.CompareOptions{})
	w := accounted(b.t, filepath.Join(b.work, "waybill-report"), false)
	if int64(verdict.Counts["messages in a"]) != w.Totals.Verified || w.Totals.Verified == 0 {
		b.t.Errorf("totals %+v, the judge: %v", w.Totals, verdict.Counts)
	}
}

// lasts is how long an outage goes on, or until the run is over.
func lasts(ctx context.Context, d time.Duration) {
	select {
	case <-ctx.Done():
	case <-time.After(d):
	}
}

// slowed makes the target's line so slow that there is a middle of the run.
func (b *brokenLine) slowed() *brokenLine {
	b.in.Bandwidth(1500, counterpart.ToServer)
	return b
}

// stored reports whether messages have begun to arrive in the target.
func (b *brokenLine) arriving(ctx context.Context) error {
	tick := time.NewTicker(20 * time.Millisecond)
	defer tick.Stop()
	for {
		found, _ := filepath.Glob(filepath.Join(b.to.Home("anna"), "mail", "mailboxes", "*", "dbox-Mails", "u.*"))
		if len(found) > 20 {
			return nil
		}
		select {
		case <-ctx.Done():
			return errors.New("the run was over before anything happened to the line")
		case <-tick.C:
		}
	}
}

// TestBrokenLines breaks the lines between the program and two servers in every
// way that lines break.
func TestBrokenLines(t *testing.T) {
	if testing.Short() {
		t.Skip("breaks lines for minutes; left out with -short")
	}
	t.Parallel()
	const large = 3 << 20
	for name, test := range map[string]func(t *testing.T){
		"cut in a literal of FETCH": func(t *testing.T) {
			b := newBrokenLine(t, 60, large, large)
			b.out.Cut(large/2, counterpart.ToClient)
			code, out := b.run(quiet)
			if code == 0 {
				t.Errorf("nothing was cut:\n%s", out)
			}
			b.proven(code, out)
		},
		"cut in a literal of APPEND": func(t *testing.T) {
			b := newBrokenLine(t, 60, large, large)
			b.in.Cut(large/2, counterpart.ToServer)
			code, out := b.run(quiet)
			if code == 0 {
				t.Errorf("nothing was cut:\n%s", out)
			}
			b.proven(code, out)
		},
		"cut reading back": func(t *testing.T) {
			b := newBrokenLine(t, 60, large, large)
			b.in.Cut(large/2, counterpart.ToClient)
			b.proven(b.run(quiet))
		},
		"target starts again": func(t *testing.T) {
			b := newBrokenLine(t, 300, large, large).slowed()
			b.proven(b.run(func(ctx context.Context) error {
				return errors.Join(b.arriving(ctx), b.to.Restart(t.Context()))
			}))
		},
		"source starts again": func(t *testing.T) {
			b := newBrokenLine(t, 300, large, large).slowed()
			b.proven(b.run(func(ctx context.Context) error {
				return errors.Join(b.arriving(ctx), b.from.Restart(t.Context()))
			}))
		},
		"target refuses connections for a while": func(t *testing.T) {
			b := newBrokenLine(t, 300, large, large).slowed()
			b.proven(b.run(func(ctx context.Context) error {
				err := b.arriving(ctx)
				b.in.Down()
				lasts(ctx, time.Second)
				b.in.Up()
				return err
			}))
		},
		"target falls silent": func(t *testing.T) {
			fallsSilent(t, func(b *brokenLine) *counterpart.Proxy { return b.in }, counterpart.ToClient)
		},
		"target hears nothing": func(t *testing.T) {
			fallsSilent(t, func(b *brokenLine) *counterpart.Proxy { return b.in }, counterpart.ToServer)
		},
		"source falls silent": func(t *testing.T) {
			fallsSilent(t, func(b *brokenLine) *counterpart.Proxy { return b.out }, counterpart.ToClient)
		},
		"slow line": func(t *testing.T) {
			// Each message takes longer than the longest silence that is put up with.
			b := newBrokenLine(t, 20, 2<<20)
			rate, silence := int64(600), 2
			if os.Getenv("WAYBILL_SLOW_LINE") != "" {
				rate, silence = 64, 20
			}
			b.silence = silence
			b.in.Bandwidth(rate, counterpart.ToServer)
			b.out.Bandwidth(rate, counterpart.ToClient)
			began := time.Now()
			code, out := b.run(quiet)
			if code != 0 || strings.Contains(out, "silent") {
				t.Errorf("a slow line was taken for a dead one: ended with %d:\n%s", code, out)
			}
			b.proven(code, out)
			t.Logf("%d KB/s: %s", rate, time.Since(began).Round(time.Millisecond))
		},
		"200 ms of latency": func(t *testing.T) {
			b := newBrokenLine(t, 60, 100_000)
			for _, p := range []*counterpart.Proxy{b.in, b.out} {
				p.Latency(100*time.Millisecond, counterpart.ToServer)
				p.Latency(100*time.Millisecond, counterpart.ToClient)
			}
			code, out := b.run(quiet)
			if code != 0 {
				t.Errorf("ended with %d:\n%s", code, out)
			}
			b.proven(code, out)
		},
		"one connection at a time": func(t *testing.T) {
			b := brokenLineOf(t, counterpart.DovecotOptions{MaxUserIPConnections: 1}, counterpart.DovecotOptions{Format: "sdbox", MaxUserIPConnections: 1}, 300, 500_000)
			code, out := b.run(quiet)
			if code != 0 {
				t.Errorf("ended with %d:\n%s", code, out)
			}
			b.proven(code, out)
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			test(t)
		})
	}
}

// fallsSilent loses what goes in one direction in the middle of a run, for
// longer than silence is put up with, while the connections stay open.
func fallsSilent(t *testing.T, which func(*brokenLine) *counterpart.Proxy, d counterpart.Direction) {
	b := newBrokenLine(t, 300, 3<<20, 3<<20).slowed()
	b.silence = 2
	b.proven(b.run(func(ctx context.Context) error {
		err := b.arriving(ctx)
		which(b).Stall(d)
		lasts(ctx, 4*time.Second)
		which(b).Heal()
		return err
	}))
}
