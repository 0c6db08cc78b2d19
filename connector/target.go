package connector

import (
	"context"
	"io"
	"iter"
	"time"

	"waybill/directory"
	"waybill/mail"
	"waybill/rights"
)

// Target writes one mail system.
type Target interface {
	Capabilities() Capabilities

	// Accounts yields every account, ordered by ID.
	Accounts(ctx context.Context) iter.Seq2[directory.User, error]

	// CreateAccount makes an account with an empty mailbox. An account with that
	// ID that exists already is an error of class Conflict and is left as it is.
	// After a crash the account is there whole or not at all, or a second call
	// completes it.
	CreateAccount(ctx context.Context, u directory.User) error

	// DeleteAccount removes an account that CreateAccount made, with its
	// mailbox. The engine calls it only for its own canaries.
	DeleteAccount(ctx context.Context, id string) error

	// CreateContact and CreateList add to the directory. An entry with the same
	// ID and the same content is left alone without error; one with other
	// content is an error of class Conflict. A list may name members that do not
	// exist yet; a member that no call ever makes is the engine's to report.
	CreateContact(ctx context.Context, c directory.Contact) error
	CreateList(ctx context.Context, l directory.List) error

	// FolderName tells how the folder will be called in the target, without
	// asking the system: stored is the Path under which TargetMailbox.Folders
	// will list it, shown is the name as the target's own tools write it. Notes
	// say what had to be changed. Different paths never get the same name; names
	// that differ in letter case alone may clash where the system ignores case,
	// and the engine then asks again with attempt 1, 2, ..., for which another
	// name is returned.
	FolderName(path mail.Path, attempt int) (stored mail.Path, shown string, notes []mail.Note)

	// Probe tells which rights are held, as far as that can be seen without
	// changing anything. It is a help for the operator, never the proof.
	Probe(ctx context.Context) ([]rights.Finding, error)

	// Fingerprint digests the content of a message as far as this target keeps
	// it: the SHA-256 of all bytes for an Exact target. Equal fingerprints of
	// what was handed over and what is read back prove the delivery.
	Fingerprint(ctx context.Context, message io.Reader) (mail.Digest, error)

	// Mailbox opens the mailbox of an account. The caller closes it. A refusal
	// carries rights.Findings.
	Mailbox(ctx context.Context, account string) (TargetMailbox, error)

	// Close releases what the target holds. It is called once, last.
	Close() error
}

// Position marks a moment in a folder of a target: whatever is appended later
// is yielded by Arrived. Only the connector that made it can read it.
type Position string

// TargetMailbox writes one account's mailbox.
type TargetMailbox interface {
	// Folders lists every folder, as SourceMailbox.Folders does.
	Folders(ctx context.Context) ([]mail.Folder, error)

	// CreateFolder makes a folder and its missing parents; f.Path is a path that
	// FolderName returned as stored. A folder that exists is left as it is,
	// without error.
	CreateFolder(ctx context.Context, f mail.Folder) error

	// DeleteFolder removes an empty folder; the engine calls it for its own
	// canary only. A folder with messages in it is an error of class Conflict.
	DeleteFolder(ctx context.Context, folder mail.Path) error

	// Position marks the present moment in a folder. The engine writes it to the
	// ledger before each Append. It stays usable after a crash of either side.
	// Where a folder's identity is lost (a new UIDVALIDITY) Arrived says so with
	// an error of class Conflict.
	Position(ctx context.Context, folder mail.Path) (Position, error)

	// Append delivers items in order, after the given position, which is the one
	// that the last call of Position returned for this folder. It returns one
	// receipt for each item. What a receipt reports as delivered is durable: it
	// survives a crash of this program and, where the system permits, of the
	// machine. An item that fails does not keep others from being delivered; it
	// is not stored, not even in part. An item whose reader fails has that error
	// in its receipt.
	//
	// The error return is for a batch as a whole (lost connection, full disk):
	// then the outcome of every item without receipt is unknown, and the engine
	// looks with Arrived.
	Append(ctx context.Context, folder mail.Path, at Position, items []Item) ([]Receipt, error)

	// Arrived yields what was appended to the folder after the position, in
	// order. Pieces of an append that was cut off are not yielded, and are
	// cleared away before Arrived returns or by the next Append.
	Arrived(ctx context.Context, folder mail.Path, since Position) iter.Seq2[Stored, error]

	// Open reads a message back as its owner would see it. An ID that is not
	// there is an error of class Vanished. The caller closes the reader. Open is
	// called while Append is under way on the same mailbox, too.
	Open(ctx context.Context, folder mail.Path, id string) (Stored, io.ReadCloser, error)

	// SetFlags replaces flags and keywords of a message, provided they still
	// equal was; otherwise nothing is changed and the error's class is Conflict.
	SetFlags(ctx context.Context, folder mail.Path, id string, was, want mail.FlagSet) error

	// Remove takes a message out of the folder; the engine calls it for its own
	// canary only.
	Remove(ctx context.Context, folder mail.Path, id string) error

	Close() error
}

// Item is a message on its way to a target.
type Item struct {
	mail.Message
	// Open gives the message's bytes from the start; it may be called again
	// after a failure. Its reader ends with io.EOF only when all was read.
	Open func(ctx context.Context) (io.ReadCloser, error)
}

// Receipt tells what became of one item.
type Receipt struct {
	// ID is the message's place in the target folder: a UID, a file name. Empty
	// when the target does not say; the engine then finds it with Arrived. At
	// most 255 bytes.
	ID string
	// Err is set when the item was not stored. Classes Denied, TooLarge, Full,
	// Malformed and Unsupported are refusals by the target.
	Err   error
	Notes []mail.Note
}

// Stored is a message as the target holds it.
type Stored struct {
	ID           string
	Size         int64
	InternalDate time.Time
	Flags        mail.FlagSet
}
