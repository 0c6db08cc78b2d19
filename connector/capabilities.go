package connector

import (
	"time"

	"waybill/mail"
)

// Fidelity is what a target promises about the content of a message.
type Fidelity uint8

const (
	// Exact: the bytes that are read back are the bytes that were handed over.
	Exact Fidelity = iota
	// Canonical: the system keeps the meaning, not the bytes. Content is then
	// compared through Target.Fingerprint.
	Canonical
)

func (f Fidelity) String() string {
	if f == Canonical {
		return "canonical content"
	}
	return "exact bytes"
}

// Capabilities tell the engine what a system can hold and do. The engine
// decides by these and never by a system's name.
type Capabilities struct {
	// System is the scheme on the command line: "maildir".
	System string
	// Location is the system's address as the operator may see it, without secrets.
	Location string

	Fidelity Fidelity
	// Flags are the system flags that are kept; Keywords tells whether keywords
	// are, and MaxKeywords how many different ones a folder holds (0: no limit).
	// WhyFlags tells a person why other flags are not, and what helps; empty where
	// there is nothing to tell.
	Flags       mail.Flags
	WhyFlags    string
	Keywords    bool
	MaxKeywords int
	// DatePrecision is how exactly the internal date is kept; 0: not at all.
	DatePrecision time.Duration
	// EarliestDate and LatestDate bound the internal dates that can be kept;
	// zero: no bound.
	EarliestDate, LatestDate time.Time
	// Subscriptions, SpecialUse and EmptyFolders tell what of a folder is kept.
	Subscriptions, SpecialUse, EmptyFolders bool
	// MaxMessage is the largest message in bytes that is taken; 0: no limit.
	MaxMessage int64

	// CreateAccounts and DeleteAccounts tell whether accounts can be made and
	// removed; preflight needs both to make its canary accounts.
	CreateAccounts, DeleteAccounts bool
	// Contacts and Lists tell whether the directory holds them.
	Contacts, Lists bool
	// PublicName is the one name that a tree of public folders can have, so that no
	// canary can be made of it; empty: any.
	PublicName string
	// UniqueAddresses says that an address belongs to one recipient only.
	UniqueAddresses bool

	// BatchMessages and BatchBytes are the batch that suits the target best.
	// The engine sends no more messages at once, and no more bytes unless one
	// message alone is larger. Zero leaves the choice to the engine.
	BatchMessages int
	BatchBytes    int64
	// Settle is how long a delivery whose answer was lost may still take effect:
	// the engine looks again after it before it sends anything a second time.
	Settle time.Duration
	// Parallel is how many mailboxes may be worked on at the same time; 0: no limit.
	Parallel int
	// Lanes is how many handles on one mailbox may be open at the same time, as
	// long as no two of them work in the same folder; 0: one.
	Lanes int
}
