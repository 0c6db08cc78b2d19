// Package connector is the contract between the engine and the mail systems.
//
// A connector offers a Source, a Target, or both. All rules below are checked
// by connectortest; a connector that passes it may be used by the engine.
//
// # Errors
//
// Every error carries a failure.Class; the class decides about retry, report
// and exit code. An error says where: file and offset, or folder and UID. A
// connector never retries on its own and never sleeps; it returns Transient or
// Throttled and the engine decides.
//
// # Cancellation
//
// Every call honours its context: it returns soon after the context ends, with
// an error of class Cancelled, and leaves nothing half-made that a later call
// would mistake for whole.
//
// # Concurrency
//
// Methods of Source and Target may be called from several goroutines. One
// SourceMailbox or TargetMailbox belongs to one goroutine at a time, except
// that Open may be called from several, and while Messages is being iterated.
package connector

import (
	"context"
	"io"
	"iter"

	"waybill/directory"
	"waybill/mail"
)

// Source reads one mail system. It never writes to it: no flag, lock, index or
// access time is changed by our own doing.
type Source interface {
	Capabilities() Capabilities

	// Users yields everybody who has a mailbox, ordered by ID. An error with an
	// empty ID ends the listing; an error with an ID concerns that user only,
	// and the listing goes on. Listing again yields the same.
	Users(ctx context.Context) iter.Seq2[directory.User, error]

	// Book reads contacts and distribution lists. A system without them returns
	// an empty Book.
	Book(ctx context.Context) (directory.Book, error)

	// Mailbox opens the mailbox of the user with that ID. A user who has an
	// account and no mailbox gets an error of class Vanished, never an empty
	// mailbox. The caller closes it.
	Mailbox(ctx context.Context, user string) (SourceMailbox, error)

	// Close releases what the source holds. It is called once, last.
	Close() error
}

// SourceMailbox reads one user's mailbox.
type SourceMailbox interface {
	// Folders lists every folder, empty ones and containers included, parents
	// before children, in an order that is the same each time. A folder that
	// cannot be read is listed all the same; Messages then tells why.
	Folders(ctx context.Context) ([]mail.Folder, error)

	// Census says how much is in a folder. With exact set it counts, however
	// long that takes; otherwise it may return -1 for what is not known cheaply.
	Census(ctx context.Context, folder mail.Path, exact bool) (Census, error)

	// Messages yields the messages of a folder in the order in which they are
	// to arrive in the target. Listing again yields the same keys in the same
	// order while the folder is not changed. An error together with a Message
	// that has a Key concerns that message only, and the listing goes on; an
	// error without a Key ends it.
	Messages(ctx context.Context, folder mail.Path) iter.Seq2[mail.Message, error]

	// Open gives the bytes of a message that Messages yielded, from the start,
	// as often as it is called, and the same bytes each time while the source is
	// not changed. It follows a message whose flags changed meanwhile; one that
	// is gone is an error of class Vanished, and one that changed while being
	// read is an error of class Transient from Read. The caller closes the
	// reader. Opening does not hold the message in memory.
	Open(ctx context.Context, folder mail.Path, m mail.Message) (io.ReadCloser, error)

	Close() error
}

// Census is the size of a folder.
type Census struct {
	Messages int64 // -1: not known without reading
	Bytes    int64 // of messages as they will be read, or nearly; -1: not known
	// State is a word that differs whenever the listing of the folder would
	// differ (in keys, order, flags or dates). Empty: cannot be told cheaply.
	// When State equals that of the last complete run the engine does not list
	// the folder again, so a connector that is not sure leaves it empty (for
	// instance while a time stamp is too young to be told from the next change).
	State string
}
