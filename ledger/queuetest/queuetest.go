// Package queuetest is the conformance suite for ledger.Queue and the state
// that is written through it. Every keeper of that state passes it: the file on
// one machine, and the database that several machines share.
package queuetest

import (
	"context"
	"errors"
	"fmt"
	"iter"
	"sync"
	"testing"
	"time"

	"waybill/failure"
	"waybill/ledger"
	"waybill/mail"
)

// Store is what the suite needs: the queue, and the means to see what it wrote.
type Store interface {
	ledger.Queue
	PutMailbox(ctx context.Context, m ledger.Mailbox) (ledger.Mailbox, error)
	PutFolder(ctx context.Context, lease ledger.Lease, f ledger.Folder) (ledger.Folder, error)
	FailFolder(ctx context.Context, lease ledger.Lease, folder int64, class failure.Class, reason string) error
	Folders(ctx context.Context, mailbox int64) ([]ledger.Folder, error)
	Lookup(ctx context.Context, folder int64, keys []string) ([]ledger.Row, error)
	Rows(ctx context.Context, folder int64, states ...ledger.State) iter.Seq2[ledger.Row, error]
	Intents(ctx context.Context, folder int64) ([]ledger.Intent, error)
	Tallies(ctx context.Context, mailbox int64) ([]ledger.Tally, error)
	NoteCounts(ctx context.Context, mailbox int64) (map[string]int64, error)
}

// Clock is the clock that a Store is opened with; tests turn it.
type Clock struct {
	mu sync.Mutex
	t  time.Time
}

// Now tells the time.
func (c *Clock) Now() time.Time {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.t
}

// Turn moves the hands, back too.
func (c *Clock) Turn(d time.Duration) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.t = c.t.Add(d)
}

// Opener makes an empty Store that goes by the clock and is closed by t.Cleanup.
type Opener func(t *testing.T, now func() time.Time) Store

// Run runs the suite. Each test gets a Store of its own.
func Run(t *testing.T, open Opener) {
	for _, test := range []struct {
		name string
		run  func(*suite)
	}{
		{"claims go oldest first", (*suite).claimOrder},
		{"enqueuing twice is once", (*suite).enqueueTwice},
		{"enqueuing an unknown mailbox changes nothing", (*suite).enqueueUnknown},
		{"every job is claimed once", (*suite).claimConcurrently},
		{"attempts rise", (*suite).attempts},
		{"finish is kept and repeatable", (*suite).finish},
		{"snooze waits for its moment", (*suite).snooze},
		{"a clock turned back does not freeze a snooze", (*suite).clockBack},
		{"cancel takes the lease", (*suite).cancel},
		{"a fenced worker writes nothing", (*suite).fenced},
		{"a checkpoint is all or none", (*suite).allOrNone},
		{"checkpoints run side by side", (*suite).checkpointConcurrently},
		{"a checkpoint may be repeated", (*suite).repeat},
		{"intents open and close", (*suite).intents},
		{"rows get new keys as if at once", (*suite).rekey},
		{"a pass is completed and failed", (*suite).complete},
		{"what has rows does not move", (*suite).fixed},
		{"tallies count by state", (*suite).tallies},
		{"mailboxes are listed by user", (*suite).list},
	} {
		t.Run(test.name, func(t *testing.T) {
			clock := &Clock{t: time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)}
			test.run(&suite{T: t, ctx: t.Context(), clock: clock, Store: open(t, clock.Now)})
		})
	}
}

type suite struct {
	*testing.T
	Store
	ctx   context.Context
	clock *Clock
}

func (s *suite) must(err error) {
	s.Helper()
	if err != nil {
		s.Fatal(err)
	}
}

func (s *suite) wantFenced(err error) {
	s.Helper()
	if !errors.Is(err, ledger.ErrFenced) {
		s.Fatalf("got %v, want ErrFenced", err)
	}
}

func (s *suite) wantClass(err error, class failure.Class) {
	s.Helper()
	if err == nil || failure.ClassOf(err) != class {
		s.Fatalf("got %v (%v), want class %v", err, failure.ClassOf(err), class)
	}
}

// mailbox adds a mailbox, not yet enqueued.
func (s *suite) mailbox(user string) int64 {
	s.Helper()
	m, err := s.PutMailbox(s.ctx, ledger.Mailbox{User: user, Name: "Name of " + user, Account: user + "@new", Action: "create"})
	s.must(err)
	return m.ID
}

// claim claims a job, which must be there.
func (s *suite) claim() (ledger.Mailbox, ledger.Lease) {
	s.Helper()
	m, lease, ok, err := s.Claim(s.ctx)
	s.must(err)
	if !ok {
		s.Fatal("nothing to claim")
	}
	return m, lease
}

func (s *suite) noClaim() {
	s.Helper()
	if m, _, ok, err := s.Claim(s.ctx); err != nil || ok {
		s.Fatalf("claimed %q, %v, %v; want nothing", m.User, ok, err)
	}
}

// working makes a mailbox with an inbox and claims it.
func (s *suite) working(user string) (ledger.Lease, ledger.Folder) {
	s.Helper()
	s.must(s.Enqueue(s.ctx, []int64{s.mailbox(user)}))
	_, lease := s.claim()
	f, err := s.PutFolder(s.ctx, lease, ledger.Folder{Path: mail.Inbox, Target: mail.Inbox, Use: mail.UseInbox})
	s.must(err)
	return lease, f
}

// job finds a mailbox in the list.
func (s *suite) job(id int64) ledger.Mailbox {
	s.Helper()
	list, err := s.List(s.ctx)
	s.must(err)
	for _, m := range list {
		if m.ID == id {
			return m
		}
	}
	s.Fatalf("mailbox %d is not listed", id)
	return ledger.Mailbox{}
}

// keys lists the keys of a folder's rows.
func (s *suite) keys(folder int64) []string {
	s.Helper()
	var keys []string
	for r, err := range s.Rows(s.ctx, folder) {
		s.must(err)
		keys = append(keys, r.Key)
	}
	return keys
}

func rows(state ledger.State, keys ...string) []ledger.Row {
	var list []ledger.Row
	for i, k := range keys {
		list = append(list, ledger.Row{Key: k, State: state, Size: int64(100 + i), Digest: mail.Digest{byte(i + 1)}})
	}
	return list
}

func (s *suite) wantKeys(got []string, want ...string) {
	s.Helper()
	if fmt.Sprintf("%q", got) != fmt.Sprintf("%q", want) {
		s.Fatalf("got keys %q, want %q", got, want)
	}
}
