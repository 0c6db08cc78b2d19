package test

import (
	"testing"
	"time"
)

// TestServersKilled kills one migration between servers with SIGKILL at random
// moments, as often as WAYBILL_KILLS says (6), starts it again each time, and
// has the judge compare both servers when it is done. Mail keeps arriving in
// the source between the runs and during them, and flags change.
func TestServersKilled(t *testing.T) {
	if testing.Short() {
		t.Skip("kills migrations between servers; left out with -short")
	}
	pairs := []struct {
		name string
		move func(t *testing.T, work string) *serverMove
	}{
		{"dovecot-to-dovecot", func(t *testing.T, work string) *serverMove {
			return newServerMove(t, work, dovecotServer(t, "maildir", false), dovecotServer(t, "mdbox", false), "--match=name")
		}},
		{"dovecot-to-cyrus", func(t *testing.T, work string) *serverMove {
			return newServerMove(t, work, dovecotServer(t, "sdbox", true), cyrusServer(t, false, false), "--match=name")
		}},
		{"dovecot-to-cyrus-granted", func(t *testing.T, work string) *serverMove {
			m := newServerMove(t, work, dovecotServer(t, "maildir", false), cyrusServer(t, true, true), "--grant", "--shared-seen")
			m.looking = []string{"--grant"}
			return m
		}},
		{"cyrus-to-site", func(t *testing.T, work string) *serverMove {
			m := newServerMove(t, work, cyrusServer(t, false, false), siteServer(t, work, nil))
			m.options.Zone = true
			return m
		}},
		{"site-to-dovecot", func(t *testing.T, work string) *serverMove {
			return newServerMove(t, work, siteServer(t, work, movers), dovecotServer(t, "maildir", true), "--match=name")
		}},
	}
	for _, pair := range pairs {
		t.Run(pair.name, func(t *testing.T) {
			t.Parallel()
			work := t.ArtifactDir()
			m := pair.move(t, work)
			m.arrive(100, 0, func() {})
			kills := countFrom(t, "WAYBILL_KILLS", 6)
			m.killed(kills)
			m.arrive(5, 5, func() {})
			m.ends("migrate")
			m.proven()
			m.ends("verify")
			n := m.interrupted()
			t.Logf("%d times a run found a folder with a delivery without an outcome", n)
			if n == 0 && kills >= 50 {
				t.Errorf("%d kills, and none of them within a delivery", kills)
			}
			// And over to the new system, with what arrived at the last moment.
			m.arrive(5, 5, func() {})
			m.ends("cutover", "--full")
			m.proven()
			m.ends("verify")
		})
	}
}

// killedCopying kills a run some time after it has begun to copy.
func (m *serverMove) killedCopying(after time.Duration, args []string) (code int, output string) {
	m.t.Helper()
	r := start(m.t, m.work, nil, args...)
	for {
		l, more := r.next()
		if !more {
			break
		}
		if l.Type == "progress" && l.Phase == "started" {
			timer := time.AfterFunc(after, func() { _ = r.cmd.Process.Kill() })
			defer timer.Stop()
			break
		}
	}
	return r.end()
}

// killed starts the migration and kills it until that happened kills times.
func (m *serverMove) killed(kills int) {
	m.t.Helper()
	args := m.args("migrate")
	began := time.Now()
	expect(m.t, 0, m.work, append(args, "--dry-run")...)
	// Between nothing at all and a whole run, which takes longer the more there
	// is to do.
	whole := 4 * time.Since(began)
	killed, through, inRow := 0, 0, 0
	for n := 0; killed < kills; n++ {
		if n > 4*kills+10 {
			m.t.Fatalf("only %d kills in %d runs", killed, n)
		}
		var code int
		var out string
		delay := time.Duration(m.dice.Int64N(int64(whole))) + time.Millisecond
		run := func() { code, out = runFor(m.t, m.work, delay, args...) }
		if m.dice.IntN(2) == 0 {
			// Within the delivery, which is a small part of a run.
			m.arrive(8, 0, func() {})
			run = func() { code, out = m.killedCopying(delay/8, args) }
		}
		started := time.Now()
		if m.dice.IntN(2) == 0 {
			m.arrive(2, 2, run)
		} else {
			run()
			m.arrive(1, 2, func() {})
		}
		switch code {
		case -1:
			killed++
			if inRow++; inRow > 4 {
				whole, inRow = whole*3/2, 0
			}
		case 0:
			through++
			whole, inRow = max(time.Since(started), whole/2), 0
			m.arrive(50, 4, func() {})
		default:
			m.t.Fatalf("run %d ended with %d:\n%s", n, code, out)
		}
	}
	m.t.Logf("killed %d times, got through %d times, in %s", killed, through, time.Since(began).Round(time.Second))
}
