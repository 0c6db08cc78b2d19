package test

import (
	"context"
	"errors"
	"fmt"
	"path/filepath"
	"sync"
	"testing"
	"time"

	"waybill/connector/fake"
	"waybill/directory"
	"waybill/engine"
	"waybill/failure"
	"waybill/ledger"
	"waybill/mail"
)

// TestClockJumps lets the clock leap by years while mailboxes wait: the engine
// is asked itself, because a program without libc cannot be given another time.
// Waiting goes on, and the dates of messages are the source's.
func TestClockJumps(t *testing.T) {
	t.Parallel()
	for name, jump := range map[string]time.Duration{"back": -10 * 365 * 24 * time.Hour, "ahead": 10 * 365 * 24 * time.Hour} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			var mu sync.Mutex
			now, slept, jumped := time.Date(2026, time.March, 1, 12, 0, 0, 0, time.UTC), 0, false
			tell := func() time.Time { mu.Lock(); defer mu.Unlock(); return now }
			clock := engine.Clock{Now: tell, Sleep: func(ctx context.Context, d time.Duration) error {
				mu.Lock()
				defer mu.Unlock()
				if slept++; slept > 10_000 {
					return errors.New("waiting for ever")
				}
				if now = now.Add(d); !jumped {
					now, jumped = now.Add(jump), true
				}
				return ctx.Err()
			}}
			from, to := fake.New(fake.Options{}), fake.New(fake.Options{})
			want := map[string]time.Time{}
			for u := range 3 {
				user := fmt.Sprint("user", u)
				from.AddUser(directory.User{ID: user})
				for i := range 20 {
					m := fake.Message{Body: fmt.Appendf(nil, "Subject: %s %d\r\n\r\nText\r\n", user, i), Date: time.Date(1995+i, time.May, 1, 2, 3, 4, 0, time.UTC)}
					from.AddMessage(user, mail.Inbox, m)
					want[string(m.Body)] = m.Date
				}
			}
			book, err := ledger.Open(t.Context(), filepath.Join(t.TempDir(), "ledger"), ledger.Options{Now: tell})
			if err != nil {
				t.Fatal(err)
			}
			defer book.Close()
			// Longer than a worker waits itself: the mailbox is snoozed.
			later := failure.New(failure.Throttled, "append", "", "fake.throttled", errors.New("come back later"))
			later.RetryAfter = 10 * time.Minute
			m := &engine.Migration{Source: from.Source(), Target: to.Target(), Ledger: book, Clock: clock, Options: engine.Options{Workers: 1}}
			plan, err := m.MakePlan(t.Context(), false)
			if err != nil {
				t.Fatal(err)
			}
			if _, err := m.Provision(t.Context(), plan); err != nil {
				t.Fatal(err)
			}
			run, _, err := book.BeginRun(t.Context(), "test")
			if err != nil {
				t.Fatal(err)
			}
			to.Inject(fake.Fault{Call: "target.Append", N: 1, Err: later})
			result, err := m.Copy(t.Context(), plan, run.ID)
			if err != nil || result.Failed != 0 {
				t.Fatalf("%+v, %v", result, err)
			}
			if !jumped {
				t.Error("nobody waited, so the clock did not jump")
			}
			got := 0
			for u := range 3 {
				for _, m := range to.Messages(fmt.Sprint("user", u), mail.Inbox) {
					got++
					if !m.Date.Equal(want[string(m.Body)]) {
						t.Errorf("%q has the date %s, want %s", m.Body, m.Date, want[string(m.Body)])
					}
				}
			}
			if got != len(want) {
				t.Errorf("%d messages in the target, want %d", got, len(want))
			}
		})
	}
}
