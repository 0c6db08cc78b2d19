package test

import (
	"context"
	"errors"
	"os/exec"
	"strings"
	"sync"
	"testing"
	"time"

	"waybill/internal/counterpart"
)

// fault is what a proxy before the target does to one delivery, when it is told
// to. It tells each time on done.
type fault struct {
	mu    sync.Mutex
	wait  int // so many deliveries pass before it strikes; below 0: never
	done  chan struct{}
	total int
}

func newFault() *fault { return &fault{wait: -1, done: make(chan struct{}, 1)} }

// arm lets the fault strike once, after so many deliveries.
func (f *fault) arm(after int) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.wait = after
	select {
	case <-f.done:
	default:
	}
}

// strikes counts a delivery and reports whether it is the one.
func (f *fault) strikes() bool {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.wait--; f.wait != -1 {
		f.wait = max(f.wait, -2)
		return false
	}
	f.total++
	return true
}

// struck tells whoever waits that the fault is done.
func (f *fault) struck() {
	select {
	case f.done <- struct{}{}:
	default:
	}
}

// TestServersLostAnswers loses the target's answer to a delivery: the server
// has stored the messages, and the program never learns. WAYBILL_LOST says how
// often (3), every other time the program is killed at that moment.
func TestServersLostAnswers(t *testing.T) {
	onFaultyTargets(t, func(t *testing.T, addr string, f *fault) string {
		return counterpart.CutAnswer(t, addr, func(command, answer string) bool {
			if !delivers(command) || !strings.HasPrefix(answer, "OK") || !f.strikes() {
				return false
			}
			f.struck()
			return true
		}).Addr
	})
}

// TestServersStoreLate cuts the connection before the target has seen a
// delivery, and gives it to the target a second later: what is not there when
// the program looks may still arrive.
func TestServersStoreLate(t *testing.T) {
	onFaultyTargets(t, lateProxy)
}

// TestServersAnyAnswerLost loses the answer to a command of any kind on its way
// from the source or from the target: to a logon, a SELECT, a CREATE, a FETCH, a
// STORE, to preflight's canary. The program finds its way, or the next run does.
func TestServersAnyAnswerLost(t *testing.T) {
	if testing.Short() {
		t.Skip("breaks connections between servers; left out with -short")
	}
	for name, target := range faultyTargets() {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			f, lost := newFault(), map[string]int{}
			var mu sync.Mutex
			lose := func(command, _ string) bool {
				verb, _, _ := strings.Cut(strings.TrimPrefix(command, "UID "), " ")
				if verb == "LOGOUT" || !f.strikes() {
					return false
				}
				mu.Lock()
				defer mu.Unlock()
				lost[verb]++
				return true
			}
			from, to := dovecotServer(t, "mdbox", false), target(t)
			for _, s := range []*mailServer{from, to} {
				s.location = strings.Replace(s.location, s.addr, counterpart.CutAnswer(t, s.addr, lose).Addr, 1)
			}
			m := newServerMove(t, t.ArtifactDir(), from, to, "--match=name")
			m.arrive(10, 0, func() {})
			for range countFrom(t, "WAYBILL_LOST", 3) {
				m.arrive(10, 3, func() {})
				f.arm(m.dice.IntN(250))
				code, out := waybill(t, m.work, m.args("migrate")...)
				if code != 0 && code != 2 && code != 3 {
					t.Fatalf("a run ended with %d:\n%s", code, out)
				}
				if code != 0 {
					t.Logf("a run ended with %d; lost so far: %v", code, lost)
					m.ends("migrate")
				}
			}
			f.arm(-1)
			m.arrive(5, 3, func() {})
			m.ends("migrate")
			m.proven()
			m.ends("verify")
			t.Logf("lost: %v", lost)
		})
	}
}

// delivers reports whether a command delivers mail, and not preflight's canary.
func delivers(command string) bool {
	return strings.HasPrefix(command, "APPEND ") && !strings.Contains(command, "canary")
}

func faultyTargets() map[string]func(t *testing.T) *mailServer {
	return map[string]func(t *testing.T) *mailServer{
		"dovecot": func(t *testing.T) *mailServer { return dovecotServer(t, "maildir", false) },
		"cyrus":   func(t *testing.T) *mailServer { return cyrusServer(t, true, false) },
	}
}

// onFaultyTargets moves growing mail into a Dovecot and a Cyrus through a proxy
// with a fault, and compares when all is done.
func onFaultyTargets(t *testing.T, through func(t *testing.T, addr string, f *fault) string) {
	t.Helper()
	if testing.Short() {
		t.Skip("breaks connections between servers; left out with -short")
	}
	for name, target := range faultyTargets() {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			to, f := target(t), newFault()
			to.location = strings.Replace(to.location, to.addr, through(t, to.addr, f), 1)
			m := newServerMove(t, t.ArtifactDir(), dovecotServer(t, "maildir", false), to, "--match=name")
			rounds := countFrom(t, "WAYBILL_LOST", 3)
			for n := range rounds {
				m.arrive(20, 3, func() {})
				f.arm(m.dice.IntN(8))
				m.throughFault(f, n, n%2 == 1)
			}
			m.arrive(5, 3, func() {})
			m.ends("migrate")
			if f.total < rounds {
				t.Errorf("the fault struck %d times only", f.total)
			}
			m.proven()
			m.ends("verify")
			n := m.interrupted()
			t.Logf("the fault struck %d times; %d times a later run found a folder with a delivery without an outcome", f.total, n)
			if n < rounds/2 {
				t.Errorf("%d times the program was killed with a delivery under way, and %d times a later run found it", rounds/2, n)
			}
		})
	}
}

// throughFault runs the migration into the fault and kills it there, or lets it
// find its own way out.
func (m *serverMove) throughFault(f *fault, round int, kill bool) {
	m.t.Helper()
	ctx, cancel := context.WithTimeout(m.t.Context(), 2*time.Minute)
	defer cancel()
	cmd := exec.CommandContext(ctx, program, m.args("migrate")...)
	cmd.Dir = m.work
	var out strings.Builder
	cmd.Stdout, cmd.Stderr = &out, &out
	if err := cmd.Start(); err != nil {
		m.t.Fatal(err)
	}
	ended := make(chan error, 1)
	go func() { ended <- cmd.Wait() }()
	var err error
	if kill {
		select {
		case <-f.done:
			_ = cmd.Process.Kill()
			err = <-ended
		case err = <-ended:
		}
	} else {
		err = <-ended
	}
	var exit *exec.ExitError
	switch {
	case err == nil:
	case kill && errors.As(err, &exit) && exit.ExitCode() == -1 && ctx.Err() == nil:
		m.ends("migrate")
	default:
		m.t.Fatalf("round %d ended with %v:\n%s", round, err, out.String())
	}
}
