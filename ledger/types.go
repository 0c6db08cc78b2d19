// Package ledger is the durable memory of a migration: which mailboxes, folders
// and messages there are, what was about to be sent, what arrived, and what was
// proven. It is one SQLite file that survives SIGKILL, power loss and a full disk.
//
// A ledger belongs to one source and one target. One process writes it, which
// it proves by holding a lock beside the file; others may read meanwhile.
//
// # Messages
//
// A message is planned while the ledger knows nothing of it; sent while its key
// is named by an open Intent; then it has a row with its outcome. So there is
// never more than one row per message.
package ledger

import (
	"context"
	"errors"
	"time"

	"waybill/directory"
	"waybill/failure"
	"waybill/mail"
)

// State is where a message is on its way.
type State uint8

// The states. Planned and Sent have no row. Delivered is a message that arrived
// and was not yet read back; the last four are final for a run.
const (
	Planned State = iota
	Sent
	Delivered
	Verified
	Quarantined // broke a rule; set aside with the reason
	Refused     // the target did not take it; its words are the reason
	Skipped     // left out by a rule that the operator gave
)

var stateNames = [...]string{"planned", "sent", "delivered", "verified", "quarantined", "refused", "skipped"}

func (s State) String() string {
	if int(s) < len(stateNames) {
		return stateNames[s]
	}
	return "unknown"
}

// Row is what the ledger keeps of one message.
type Row struct {
	Key   string // the source's key
	State State
	// Size and Digest are of the bytes that the source gave.
	Size   int64
	Digest mail.Digest
	// Fingerprint is the target's canonical digest, where the target does not
	// keep bytes; zero otherwise.
	Fingerprint mail.Digest
	// Date and Flags are as the source had them when the message was delivered.
	// Dates are kept to the second, in UTC.
	Date  time.Time
	Flags mail.FlagSet
	// Target is the message's ID in the target folder.
	Target string
	// Rule, Reason and Class tell why a message is not verified.
	Rule   string
	Reason string
	Class  failure.Class
	Notes  []mail.Note
}

// Intent says what is about to be appended to a folder. It is in the ledger
// before the first byte is sent and is closed together with the outcomes.
type Intent struct {
	Seq      int64  // unique within the folder, rising
	Position string // connector.Position taken just before
	Keys     []string
}

// Change is what one checkpoint writes about one folder, in one transaction.
type Change struct {
	Folder int64
	// Settled are rows with their outcome; a row with the same key is replaced.
	Settled []Row
	// Close lists the intents whose outcome is settled by this change.
	Close []int64
	// Open is a new intent, or nil.
	Open *Intent
	// Rekey gives rows a new key where the source moved its keys (a new
	// UIDVALIDITY, a compacted mbox) and the content proves the identity.
	Rekey []Rekey
	// Complete, when set, says that a listing went through to its end and
	// everything in it has a row; it keeps the census state for the next run.
	Complete *Complete
}

// Rekey renames a row.
type Rekey struct{ Old, New string }

// Complete ends a pass over a folder.
type Complete struct {
	// Census is connector.Census.State, taken before the listing began.
	Census string
	// Found is how many messages the listing held, FoundBytes how much they were,
	// as far as their sizes were known.
	Found, FoundBytes int64
}

// Mailbox is one user's mailbox and the job of moving it.
type Mailbox struct {
	ID      int64
	User    string // ID in the source
	Kind    directory.Kind
	Name    string
	Account string // ID in the target
	Action  string // create, existing, skip, conflict: what the plan says of the account

	State   JobState
	Attempt int64
	Until   time.Time // when a snoozed job may be claimed again
	Error   string    // why the last attempt failed
	Class   failure.Class
}

// JobState is the state of a mailbox's job.
type JobState uint8

// The states of a job. Running jobs become Queued when a ledger is opened for
// writing: whoever ran them is dead.
const (
	Idle JobState = iota // known, and not asked for in this run
	Queued
	Running
	Snoozed
	Done
	Failed
	Cancelled
)

var jobNames = [...]string{"idle", "queued", "running", "snoozed", "done", "failed", "cancelled"}

func (s JobState) String() string {
	if int(s) < len(jobNames) {
		return jobNames[s]
	}
	return "unknown"
}

// Lease is the right to work on a mailbox: the job and the attempt. Writing
// under a lease that is no longer the newest fails with ErrFenced and changes
// nothing.
type Lease struct {
	Mailbox int64
	Attempt int64
}

// ErrFenced is returned to a worker that lost its lease.
var ErrFenced = errors.New("the lease on this mailbox has passed to another worker, or was cancelled")

// Queue is the port through which the engine gets its work. State of the job
// and state of the messages change in one transaction. All methods are safe for
// concurrent use and safe to repeat; queuetest holds the conformance suite.
type Queue interface {
	// Enqueue makes mailboxes ready to be claimed, whatever state they were in
	// except Running. Enqueuing a mailbox twice is the same as once.
	Enqueue(ctx context.Context, mailboxes []int64) error
	// Claim hands out one ready mailbox, oldest first, with a new attempt number,
	// and false when none is ready now.
	Claim(ctx context.Context) (Mailbox, Lease, bool, error)
	// NextReady tells when the earliest snoozed job becomes ready; false when
	// nothing is snoozed.
	NextReady(ctx context.Context) (time.Time, bool, error)
	// Checkpoint writes changes under the lease, all or none. When it returns,
	// they survive the end of this process; with a new intent among them they
	// survive a loss of power too. Other changes become durable with the next
	// intent, or with EndRun: a loss of power before that leaves their intents
	// open, and the next run looks what became of them.
	Checkpoint(ctx context.Context, lease Lease, changes ...Change) error
	// Finish ends a job: Done, or Failed with a reason.
	Finish(ctx context.Context, lease Lease, state JobState, class failure.Class, reason string) error
	// Snooze puts a job back until a moment. It does not count as a failure.
	Snooze(ctx context.Context, lease Lease, until time.Time, reason string) error
	// Cancel takes a mailbox away from whoever works on it.
	Cancel(ctx context.Context, mailbox int64) error
	// List returns all mailboxes, ordered by user.
	List(ctx context.Context) ([]Mailbox, error)
}

// Folder is one folder of a mailbox and its state.
type Folder struct {
	ID      int64
	Mailbox int64
	Path    mail.Path // in the source
	Target  mail.Path // in the target
	Use     mail.SpecialUse
	// Census is the state after the last complete pass; empty when there was
	// none, or when something in the folder is to be tried again.
	Census   string
	Complete bool
	Found    int64 // messages in the last complete listing
	// FoundBytes is how much these were, as far as their sizes were known.
	FoundBytes int64
	// Error tells why the last pass did not go through; empty otherwise.
	Error string
	Class failure.Class
}

// Tally counts the rows of one folder by state.
type Tally struct {
	Folder
	Messages [7]int64 // indexed by State; Sent counts keys in open intents without a row
	Bytes    [7]int64 // Sent has none: sizes are known with the outcome
}

// Run is one start of the program on a ledger.
type Run struct {
	ID      int64
	Started time.Time
	Ended   time.Time // zero while running, and for ever if it was killed
	Command string
	Host    string
	PID     int
	Exit    int // meaningful when Ended is set
}

// Sample is a point of the throughput curve.
type Sample struct {
	Time     time.Time
	Messages int64 // verified so far in this run
	Bytes    int64
}

// Exception is a message that did not end verified, with its place.
type Exception struct {
	User, Account  string
	Folder, Target mail.Path
	Row            Row
}

// Options change how a ledger is opened.
type Options struct {
	// ReadOnly opens it beside a running migration, for status and reports.
	ReadOnly bool
	// Command is kept with the lock so that others can be told who holds it.
	Command string
	// Now is the clock; nil means time.Now.
	Now func() time.Time
}
