package imap

import (
	"waybill/imap/answer"
	"waybill/imap/boxname"
	"waybill/imap/fetch"
	"waybill/imap/uidset"
)

// UIDSet is a set of UIDs or of sequence numbers (RFC 9051 9, sequence-set).
type UIDSet = uidset.Set

// UIDRange is First to Last, both included. Last 0 stands for "*", the highest
// number in the mailbox.
type UIDRange = uidset.Range

// UIDs makes a set: sorted, without duplicates and zeros, runs joined.
func UIDs(uids ...uint32) UIDSet { return uidset.Of(uids...) }

// RawName is the name of a folder by the very bytes that the server uses for it.
func RawName(raw string) string { return boxname.Raw(raw) }

// ListOptions ask for more than names. Each is a return option where the server
// offers it (RFC 5258, 6154, 5819) and is left out where it does not.
type ListOptions struct {
	Subscribed bool
	SpecialUse bool
	Status     []string // items as for Conn.Status; only with LIST-STATUS
}

// StatusResult is the answer for one of several names.
type StatusResult struct {
	Status
	Err error
}

// QResync asks for what changed since a state that the caller knows (RFC 7162 3.2.5).
type QResync struct {
	UIDValidity uint32
	ModSeq      uint64
}

// SelectOptions say how a mailbox is opened.
type SelectOptions struct {
	ReadOnly  bool     // EXAMINE
	CondStore bool     // RFC 7162 3.1.8; left out where it is not offered
	QResync   *QResync // error of class Unsupported where it is not offered
}

// Selected is the state of a mailbox as it was opened.
type Selected struct {
	Exists, Recent       int64
	UIDValidity, UIDNext uint32 // 0: not told
	HighestModSeq        uint64 // 0: not told, or the mailbox keeps none
	// Flags are known to the mailbox. PermanentFlags is nil when the server did not
	// tell (then all are permanent), and empty but not nil for "()": nothing that
	// is set will last.
	Flags, PermanentFlags []string
	ReadOnly              bool
	MailboxID             string // RFC 8474
	// Vanished and Changed answer QResync.
	Vanished UIDSet
	Changed  []FetchItem
}

// The answers of servers.
type (
	// Namespace is one prefix under which folders live (RFC 2342).
	Namespace = answer.Namespace
	// Namespaces are a user's own folders, those of other users, and shared ones.
	Namespaces = answer.Namespaces
	// ListItem is one answer to LIST or LSUB.
	ListItem = answer.ListItem
	// Status is what a server tells of a folder that is not open.
	Status = answer.Status
	// CopyResult is what COPYUID tells (RFC 4315 3).
	CopyResult = answer.Copied
	// ACLEntry is one line of an access control list (RFC 4314).
	ACLEntry = answer.ACLEntry
	// Resource is one limit of a quota root.
	Resource = answer.Resource
	// Quota is a quota root with its resources (RFC 9208).
	Quota = answer.Quota
	// FetchItem is one answer to FETCH.
	FetchItem = fetch.Item
	// FetchRequest says what to read of which messages.
	FetchRequest = fetch.Request
)
