package connector

import (
	"context"
	"io"

	"waybill/directory"
	"waybill/mail"
	"waybill/rights"
)

// What follows is optional: the engine asks with a type assertion whether a
// connector offers it, and does without where it does not.

// Announcer is a SourceMailbox that reads faster when it knows what comes next.
type Announcer interface {
	// Announce says that these messages of a folder will be opened soon, in this
	// order. It is a hint: it may ask the system for all of them at once, it
	// returns without waiting for an answer, and what goes wrong shows when a
	// message is opened. Opening others, in another order, twice or not at all
	// stays permitted. At most two announcements are outstanding at a time.
	Announce(ctx context.Context, folder mail.Path, messages []mail.Message)
}

// StoredAnnouncer is a TargetMailbox that reads back faster when it knows what
// comes next. The rules are those of Announcer.
type StoredAnnouncer interface {
	AnnounceStored(ctx context.Context, folder mail.Path, ids []string)
}

// Sized is a reader that knows how many bytes it gives in all. A target that
// must state a message's length before its bytes asks for it; -1: not known.
type Sized interface {
	io.Reader
	Size() int64
}

// Noted is a reader that knows only after reading what had to be changed of a
// message. Notes that are known when a message is listed belong to mail.Message.
type Noted interface {
	io.Reader
	// Notes is asked for once the reader was read to its end; closing it changes
	// nothing. The same bytes have the same notes.
	Notes() []mail.Note
}

// Digester is a Target of Canonical fidelity whose fingerprint can be taken
// while the bytes go by, so that a message is read once.
type Digester interface {
	// NewDigest starts a digest. Its fingerprint equals that of
	// Target.Fingerprint over the same bytes.
	NewDigest() Digest
}

// Digest digests one message. Reset starts the next one.
type Digest interface {
	io.Writer
	// Sum returns the SHA-256 of the bytes, and the fingerprint of what the
	// target keeps of them. Nothing may be written after it but by Reset.
	Sum() (bytes, kept mail.Digest)
	Reset()
}

// AccountFinder is a Target that cannot list all its accounts and can tell of
// one whether it is there. Target.Accounts then yields those it knows of.
type AccountFinder interface {
	// FindAccount tells whether the account exists, by logging on to it where
	// there is no better way. An error of class Denied says that this cannot be
	// told from a wrong password or a missing right.
	FindAccount(ctx context.Context, id string) (account directory.User, found bool, err error)
}

// Identified is a mailbox, of a source or of a target, that can tell which one
// it is.
type Identified interface {
	// Identity is a word that two logons have in common only when they reached
	// the same mailbox; empty when this cannot be told.
	Identity(ctx context.Context) (string, error)
}

// Room is what a mailbox can still take. -1 stands for not known or no limit.
type Room struct {
	Quota, Used int64 // bytes
	MaxMessage  int64 // bytes
}

// RoomTeller is a TargetMailbox that knows its limits before they are met.
type RoomTeller interface {
	Room(ctx context.Context) (Room, error)
}

// LargeFinder is a SourceMailbox that counts large messages without reading
// them: those with more bytes than given.
type LargeFinder interface {
	Larger(ctx context.Context, folder mail.Path, than int64) (messages int64, err error)
}

// FillTeller is a TargetMailbox that knows, without changing anything, whether a
// folder may be filled. What was tried in a folder of one's own says nothing of
// folders that were there before.
type FillTeller interface {
	// MayFill returns an error of class Denied that tells what is missing. A
	// folder that is not there yet is no fault.
	MayFill(ctx context.Context, folder mail.Path) error
}

// MarkReader is a TargetMailbox that tells a message's marks without its bytes.
type MarkReader interface {
	// Marks is Open without the reader.
	Marks(ctx context.Context, folder mail.Path, id string) (Stored, error)
}

// Subscriber is a TargetMailbox that can subscribe to a folder that exists.
// Doing so twice is no error.
type Subscriber interface {
	Subscribe(ctx context.Context, folder mail.Path) error
}

// Granter is a Target on which the identity that works may give itself rights
// for the time of a run.
type Granter interface {
	// Needs lists what has to be granted before the account's mailbox can be
	// filled; nothing when all is there. It changes nothing.
	Needs(ctx context.Context, account string) ([]rights.Grant, error)
	// Grant grants; granting twice is no error.
	Grant(ctx context.Context, g rights.Grant) error
	// Withdraw puts back what was there before. It is safe to repeat, and no
	// error when the object or the grant is gone.
	Withdraw(ctx context.Context, g rights.Grant) error
}

// ChangeLister is a SourceMailbox that can list only what changed in a folder.
type ChangeLister interface {
	// Changes tells what differs from a listing at the time when Census returned
	// since as State: messages that came or whose marks changed, in the order of
	// Messages, and the keys of those that are gone. ok is false, and nothing
	// else counts, when the system cannot tell any more: then the folder is
	// listed in full.
	Changes(ctx context.Context, folder mail.Path, since string) (changed []mail.Message, gone []string, ok bool, err error)
}

// RawFile is a file of a source that an item lies in.
type RawFile struct {
	Name string // in the words of the source, with "/" between its parts
	// Leave says that the file is not to be copied, because it is useless without
	// the rest of the source.
	Leave bool
}

// RawKeeper is a Source that can give the files of an item that could not be read,
// so that they are kept for later.
type RawKeeper interface {
	// RawFiles names the files of what Messages listed with that key.
	RawFiles(ctx context.Context, user string, folder mail.Path, key string) ([]RawFile, error)
	// CopyRaw writes a file as it is and returns its size.
	CopyRaw(ctx context.Context, w io.Writer, name string) (int64, error)
}
