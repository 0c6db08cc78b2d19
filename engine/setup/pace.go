package setup

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"time"

	"waybill/event"
	"waybill/failure"
)

// Snooze asks to put the whole mailbox aside until the other side is ready.
type Snooze struct {
	Wait  time.Duration
	cause error
}

func (s *Snooze) Error() string {
	return fmt.Sprintf("waiting %s: %v", s.Wait.Round(time.Second), s.cause)
}

func (s *Snooze) Unwrap() error { return s.cause }

const (
	firstPause = 100 * time.Millisecond
	lastPause  = 10 * time.Second
	// longestWait is how long a worker waits itself; longer waits put the
	// mailbox aside so that the worker can do another.
	longestWait = 20 * time.Second
	// defaultThrottle is for a server that says "slow down" and not for how long.
	defaultThrottle = 5 * time.Second
)

// Pause is how long to wait before the same thing is tried again.
func Pause(attempt int) time.Duration {
	d := min(firstPause<<min(attempt, 10), lastPause)
	// Jitter keeps workers from returning all at once.
	return d/2 + rand.N(d/2+1)
}

// Try calls f until it succeeds, fails for good, or attempts are used up.
// Throttling does not use up attempts.
func (s *Setup) Try(ctx context.Context, user, what string, f func() error) error {
	attempts := s.Options.Attempts
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
				return &Snooze{Wait: wait, cause: err}
			}
			s.Emit(event.Event{Code: event.Throttled, User: user, Detail: fmt.Sprintf("%s for %s: %v", what, wait, err)})
			s.Progress.Waiting(user, fmt.Sprintf("asked to wait %s", wait.Round(time.Second)))
			if err := s.Clock.Wait(ctx, wait); err != nil {
				return err
			}
			s.Progress.Waiting(user, "")
		case class == failure.Transient && n+1 < attempts:
			pause := Pause(n)
			n++
			s.Emit(event.Event{Code: event.Retrying, User: user, Detail: fmt.Sprintf("%s, attempt %d of %d: %v", what, n+1, attempts, err)})
			if err := s.Clock.Wait(ctx, pause); err != nil {
				return err
			}
		default:
			return err
		}
	}
}
