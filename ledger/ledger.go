package ledger

import (
	"context"
	"errors"
	"iter"
	"time"

	"waybill/event"
	"waybill/failure"
	"waybill/mail"
)

var errTODO = errors.New("to be written")

// Ledger is an open ledger. It implements Queue.
type Ledger struct{}

var _ Queue = (*Ledger)(nil)

// Open opens the ledger at path, making it if it is not there. A ledger that
// another process writes is refused with failure.Conflict and the holder's name,
// unless it is opened read-only.
func Open(ctx context.Context, path string, opt Options) (*Ledger, error) { return nil, errTODO }

// Close gives the lock back.
func (l *Ledger) Close() error { return errTODO }

// Bind ties the ledger to a source and a target on first use and refuses any
// other pair later, with failure.Conflict.
func (l *Ledger) Bind(ctx context.Context, source, target string) error { return errTODO }

// Pair returns what the ledger is bound to; empty strings before Bind.
func (l *Ledger) Pair(ctx context.Context) (source, target string, err error) { return "", "", errTODO }

// BeginRun records the start of a run. previous is the last run if it did not end.
func (l *Ledger) BeginRun(ctx context.Context, command string) (run Run, previous *Run, err error) {
	return Run{}, nil, errTODO
}

// EndRun records a run's exit code.
func (l *Ledger) EndRun(ctx context.Context, run int64, exit int) error { return errTODO }

// Runs lists all runs, oldest first.
func (l *Ledger) Runs(ctx context.Context) ([]Run, error) { return nil, errTODO }

// PutMailbox adds or updates what the plan says of a mailbox (user, kind, name,
// account, action), found by User, and returns it with its ID. It does not touch
// the job. Changing the account of a mailbox that has rows is failure.Conflict.
func (l *Ledger) PutMailbox(ctx context.Context, m Mailbox) (Mailbox, error) { return m, errTODO }

func (l *Ledger) Enqueue(ctx context.Context, mailboxes []int64) error { return errTODO }
func (l *Ledger) Claim(ctx context.Context) (Mailbox, Lease, bool, error) {
	return Mailbox{}, Lease{}, false, errTODO
}
func (l *Ledger) NextReady(ctx context.Context) (time.Time, bool, error) {
	return time.Time{}, false, errTODO
}
func (l *Ledger) Checkpoint(ctx context.Context, lease Lease, changes ...Change) error {
	return errTODO
}
func (l *Ledger) Finish(ctx context.Context, lease Lease, state JobState, class failure.Class, reason string) error {
	return errTODO
}
func (l *Ledger) Snooze(ctx context.Context, lease Lease, until time.Time, reason string) error {
	return errTODO
}
func (l *Ledger) Cancel(ctx context.Context, mailbox int64) error { return errTODO }
func (l *Ledger) List(ctx context.Context) ([]Mailbox, error)     { return nil, errTODO }

// PutFolder adds or updates a folder (target path, use), found by mailbox and
// Path, under the lease, and returns it with its ID and recorded state. The
// target path of a folder that has rows never changes: the recorded one is
// returned.
func (l *Ledger) PutFolder(ctx context.Context, lease Lease, f Folder) (Folder, error) {
	return f, errTODO
}

// FailFolder records why a pass over a folder did not go through.
func (l *Ledger) FailFolder(ctx context.Context, lease Lease, folder int64, class failure.Class, reason string) error {
	return errTODO
}

// Folders lists the folders of a mailbox in the order of their making.
func (l *Ledger) Folders(ctx context.Context, mailbox int64) ([]Folder, error) { return nil, errTODO }

// Lookup returns the rows for keys, in the order of keys; a key without a row
// gives a Row in state Planned.
func (l *Ledger) Lookup(ctx context.Context, folder int64, keys []string) ([]Row, error) {
	return nil, errTODO
}

// Rows yields the rows of a folder in one of the states (all when none are
// given), ordered by key, with Notes.
func (l *Ledger) Rows(ctx context.Context, folder int64, states ...State) iter.Seq2[Row, error] {
	return nil
}

// Intents lists the open intents of a folder, oldest first.
func (l *Ledger) Intents(ctx context.Context, folder int64) ([]Intent, error) { return nil, errTODO }

// Tallies counts rows per folder of all mailboxes (or one, when mailbox is not 0).
func (l *Ledger) Tallies(ctx context.Context, mailbox int64) ([]Tally, error) { return nil, errTODO }

// Exceptions yields every message that has a row and is not Verified (every
// message, with all set), ordered by user, folder and key.
func (l *Ledger) Exceptions(ctx context.Context, all bool) iter.Seq2[Exception, error] { return nil }

// NoteCounts counts notes by kind, for one mailbox or (0) for all.
func (l *Ledger) NoteCounts(ctx context.Context, mailbox int64) (map[string]int64, error) {
	return nil, errTODO
}

// AddEvents keeps events of a run.
func (l *Ledger) AddEvents(ctx context.Context, run int64, events []event.Event) error {
	return errTODO
}

// Events yields the events of a run (all runs when run is 0), oldest first.
func (l *Ledger) Events(ctx context.Context, run int64) iter.Seq2[event.Event, error] { return nil }

// AddSample keeps a point of the throughput curve.
func (l *Ledger) AddSample(ctx context.Context, run int64, s Sample) error { return errTODO }

// Samples lists the curve of a run.
func (l *Ledger) Samples(ctx context.Context, run int64) ([]Sample, error) { return nil, errTODO }

// SetProvisioned remembers that this migration made something in the target:
// kind is "account", "contact" or "list". It is called before the making
// (state "intended") and after it ("made"), so that after a crash our own
// account is known from a stranger's of the same name.
func (l *Ledger) SetProvisioned(ctx context.Context, kind, id, state string) error { return errTODO }

// Provisioned returns id -> state for a kind.
func (l *Ledger) Provisioned(ctx context.Context, kind string) (map[string]string, error) {
	return nil, errTODO
}

// PutDocument keeps a small document (a plan, findings as JSON) under a name.
func (l *Ledger) PutDocument(ctx context.Context, name string, body []byte) error { return errTODO }

// Document returns a document, nil when there is none.
func (l *Ledger) Document(ctx context.Context, name string) ([]byte, error) { return nil, errTODO }

// BlockedTime is how long callers waited for Checkpoint since Open, in total.
func (l *Ledger) BlockedTime() time.Duration { return 0 }

var _ = mail.Inbox
