package setup

import (
	"context"
	"time"

	"waybill/directory"
)

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
	// MirrorDeletions removes from the target what Waybill delivered, nobody
	// changed there, and the source has no more.
	MirrorDeletions bool
	// MirrorShare is how much of a mailbox may be removed at once, in percent of
	// the messages that were moved; 0 means 50. What lies in another folder of the
	// source now does not count.
	MirrorShare int
	// MirrorSure permits what looks like a fault: more than MirrorShare, a folder
	// of which nothing is left, a folder that is gone.
	MirrorSure bool
	// RetryExceptions also tries messages again that were quarantined or refused
	// for a reason that does not pass by itself.
	RetryExceptions bool
	// ProvisionCommand makes an account instead of the target, and
	// DeprovisionCommand removes one that it made; see package provisioner. Empty:
	// the target does so itself, where it can.
	ProvisionCommand, DeprovisionCommand string
	// ProvisionTimeout bounds one such command; 0 means a minute.
	ProvisionTimeout time.Duration
	// Grant lets the run give itself rights for its time.
	Grant bool
	// PreflightAll tries every account instead of a sample.
	PreflightAll bool
	// Dates bounds which messages are moved; the others are skipped.
	Dates DateRange
}

// Clock tells and passes time.
type Clock struct {
	Now func() time.Time
	// Sleep waits, or returns early with the context's error.
	Sleep func(ctx context.Context, d time.Duration) error
}

// Time is Now, or the real time.
func (c Clock) Time() time.Time {
	if c.Now != nil {
		return c.Now()
	}
	return time.Now()
}

// Wait is Sleep, or really waits.
func (c Clock) Wait(ctx context.Context, d time.Duration) error {
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
