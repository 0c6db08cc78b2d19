package engine

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"time"

	"waybill/event"
	"waybill/failure"
)

// snooze asks to put the whole mailbox aside until the other side is ready.
type snooze struct {
	wait  time.Duration
	cause error
}

func (s *snooze) Error() string {
	return fmt.Sprintf("waiting %s: %v", s.wait.Round(time.Second), s.cause)
}

func (s *snooze) Unwrap() error { return s.cause }

// pace decides how long to wait before the same thing is tried again.
type pace struct {
	clock Clock
}

const (
	firstPause = 100 * time.Millisecond
	lastPause  = 10 * time.Second
	// longestWait is how long a worker waits itself; longer waits put the
	// mailbox aside so that the worker can do another.
	longestWait = 20 * time.Second
	// defaultThrottle is for a server that says "slow down" and not for how long.
	defaultThrottle = 5 * time.Second
)

func newPace(clock Clock) *pace { return &pace{clock: clock} }

func (p *pace) pause(attempt int) time.Duration {
	d := min(firstPause<<min(attempt, 10), lastPause)
	// Jitter keeps workers from returning all at once.
	return d/2 + rand.N(d/2+1)
}

// try calls f until it succeeds, fails for good, or attempts are used up.
// Throttling does not use up attempts.
func (r *run) try(ctx context.Context, user, what string, f func() error) error {
	attempts := r.Options.Attempts
	if attempts <= 0 {
		attempts = 5
	}
	for n := 0; ; {
		err := f()
		if err == nil || ctx.Err() != nil {
			return err
		}
		switch class := failure.ClassOf(err); {
		case class == failure.Throttled:
			wait := defaultThrottle
			var e *failure.Error
			if errors.As(err, &e) && e.RetryAfter > 0 {
				wait = e.RetryAfter
			}
			if wait > longestWait {
				return &snooze{wait: wait, cause: err}
			}
			r.emit(event.Event{Code: event.Throttled, User: user, Detail: fmt.Sprintf("%s for %s: %v", what, wait, err)})
			r.progress().Waiting(user, fmt.Sprintf("asked to wait %s", wait.Round(time.Second)))
			if err := r.Clock.sleep(ctx, wait); err != nil {
				return err
			}
			r.progress().Waiting(user, "")
		case class == failure.Transient && n+1 < attempts:
			pause := r.pace.pause(n)
			n++
			r.emit(event.Event{Code: event.Retrying, User: user, Detail: fmt.Sprintf("%s, attempt %d of %d: %v", what, n+1, attempts, err)})
			if err := r.Clock.sleep(ctx, pause); err != nil {
				return err
			}
		default:
			return err
		}
	}
}
