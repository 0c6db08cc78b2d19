// Package engine moves an organisation: it plans, proves rights, provisions,
// copies, reads back and accounts. It knows connectors only by their
// Capabilities and messages only by their content.
package engine

import (
	"context"
	"log/slog"
	"time"

	"waybill/connector"
	"waybill/directory"
	"waybill/event"
	"waybill/failure"
	"waybill/ledger"
)

// Migration is everything that a run needs. Source, Target and Ledger stay the
// caller's to close.
type Migration struct {
	Source connector.Source
	Target connector.Target
	Ledger *ledger.Ledger
	// Queue hands out the mailboxes; nil means Ledger.
	Queue ledger.Queue

	Options Options
	// Events receives what there is to tell; nil discards.
	Events event.Sink
	// Progress is told how the copying goes; nil means nobody looks.
	Progress Progress
	// Log gets the steps, for -v; nil discards.
	Log *slog.Logger
	// Clock is replaced in tests; the zero value is the real one.
	Clock Clock
}

// Options are the operator's choices.
type Options struct {
	Users *directory.UserMap
	Match directory.MatchKey
	// Workers is how many mailboxes are worked on at the same time; 0 means 4.
	Workers int
	// BatchMessages and BatchBytes bound what is sent at once; 0 leaves it to
	// the target's Capabilities, then to 200 messages and 8 MiB.
	BatchMessages int
	BatchBytes    int64
	// AcceptTrace allows a preflight that cannot remove its canary accounts, and
	// lets a run go on without users whose account is in conflict.
	AcceptTrace bool
	// Attempts is how often a transient failure is tried in all; 0 means 5.
	Attempts int
	// RetryExceptions also tries messages again that were quarantined or refused
	// for a reason that does not pass by itself.
	RetryExceptions bool
}

// Clock tells and passes time.
type Clock struct {
	Now func() time.Time
	// Sleep waits, or returns early with the context's error.
	Sleep func(ctx context.Context, d time.Duration) error
}

func (c Clock) now() time.Time {
	if c.Now != nil {
		return c.Now()
	}
	return time.Now()
}

func (c Clock) sleep(ctx context.Context, d time.Duration) error {
	if c.Sleep != nil {
		return c.Sleep(ctx, d)
	}
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

func (m *Migration) queue() ledger.Queue {
	if m.Queue != nil {
		return m.Queue
	}
	return m.Ledger
}

func (m *Migration) workers() int {
	n := m.Options.Workers
	if n <= 0 {
		n = 4
	}
	for _, limit := range []int{m.Source.Capabilities().Parallel, m.Target.Capabilities().Parallel} {
		if limit > 0 && n > limit {
			n = limit
		}
	}
	return n
}

func (m *Migration) batchLimits() (messages int, bytes int64) {
	caps := m.Target.Capabilities()
	messages, bytes = m.Options.BatchMessages, m.Options.BatchBytes
	if messages <= 0 {
		messages = caps.BatchMessages
	}
	if messages <= 0 {
		messages = 200
	}
	if bytes <= 0 {
		bytes = caps.BatchBytes
	}
	if bytes <= 0 {
		bytes = 8 << 20
	}
	return messages, bytes
}

func (m *Migration) emit(e event.Event) {
	if m.Events == nil {
		return
	}
	if e.Time.IsZero() {
		e.Time = m.Clock.now()
	}
	m.Events.Emit(e)
}

func (m *Migration) step(ctx context.Context, text string, args ...any) {
	if m.Log != nil {
		m.Log.InfoContext(ctx, text, args...)
	}
}

// Progress is told how a run goes. Methods are called from several goroutines
// and must return quickly.
type Progress interface {
	// Planned tells the work ahead; messages is -1 when it cannot be known yet.
	Planned(mailboxes int, messages, bytes int64)
	// MailboxStarted begins or resumes a mailbox.
	MailboxStarted(user string, messages, bytes int64)
	// Advanced tells that messages of a mailbox got their outcome.
	Advanced(user string, messages, bytes int64)
	// Waiting tells that a mailbox waits, and for what; an empty reason ends it.
	Waiting(user, reason string)
	// MailboxFinished ends a mailbox; err is nil when all of it has an outcome.
	MailboxFinished(user string, err error)
}

type noProgress struct{}

func (noProgress) Planned(int, int64, int64)           {}
func (noProgress) MailboxStarted(string, int64, int64) {}
func (noProgress) Advanced(string, int64, int64)       {}
func (noProgress) Waiting(string, string)              {}
func (noProgress) MailboxFinished(string, error)       {}

func (m *Migration) progress() Progress {
	if m.Progress == nil {
		return noProgress{}
	}
	return m.Progress
}

// stops reports whether err ends the whole run rather than one mailbox.
func stops(err error) bool { return failure.ClassOf(err) == failure.Cancelled }
