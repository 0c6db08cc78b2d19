// Package canon knows what IMAP servers make of a message's bytes: what has to
// be changed before it is sent, what a server then changes on its own, and what
// it will refuse.
//
// Two forms of a message x matter. As sent, every line ends in CRLF, because
// RFC 9051 2.2 wants it so; and where the operator asked for repairs, whatever
// the server would refuse is changed, as little as possible. As kept, the
// server's own changes are made too. Both are idempotent, so that the
// fingerprint of what is read back equals that of what was handed over:
// SHA-256 of kept(sent(x)) in either case.
package canon

// Rules are what one server does with the bytes of messages.
type Rules struct {
	// RepairNUL, RepairHeader and RepairEmpty change what the server would
	// refuse; they act on the sent form.
	RepairNUL, RepairHeader, RepairEmpty bool
	// RefuseNUL, RefuseHeader and RefuseEmpty say what the server does not take.
	RefuseNUL, RefuseHeader, RefuseEmpty bool

	// nulAs80 is Dovecot's habit of storing NUL as 0x80, and oneCR that of
	// storing CR CR LF as CR LF, and no CR at a message's end; eightBitAsX is Cyrus' munge8bit. They act on the
	// kept form alone.
	nulAs80, oneCR, eightBitAsX bool
}

// For gives the rules of a server by its flavour ("cyrus", "dovecot", ...). A
// server that is not known is believed to keep what it takes.
func For(flavour string, repair bool) Rules {
	switch flavour {
	case "cyrus":
		// imapd takes a message through a strict copy: no NUL, no line of the
		// header without a name, no empty message; 8-bit bytes of the header
		// become X unless the administrator set munge8bit to no.
		return Rules{RefuseNUL: !repair, RefuseHeader: !repair, RefuseEmpty: !repair,
			RepairNUL: repair, RepairHeader: repair, RepairEmpty: repair, eightBitAsX: true}
	case "dovecot":
		return Rules{RefuseEmpty: !repair, RepairEmpty: repair, nulAs80: true, oneCR: true}
	default:
		return Rules{}
	}
}

// Findings are what was seen in a message while it passed. Offsets count bytes
// of the original; they are -1 when there is nothing of the kind.
type Findings struct {
	Size       int64 // bytes of the original
	CRLF, Bare int64 // lines that end in CRLF, and in LF alone
	Doubled    int64 // lines that end in more than one CR before the LF
	EndCR      bool  // the message ends in CR
	NUL        int64 // NUL bytes
	NULAt      int64 // the first of them
	EightBit   int64 // raw 8-bit bytes in the header
	EightBitAt int64
	// HeaderAt is the first line of the header that has no proper name, and
	// HeaderFault says what is wrong with it.
	HeaderAt    int64
	HeaderFault HeaderFault
	// Repaired counts changes that only repairing made.
	Repaired int64
}

// HeaderFault says why a server refuses a message's header.
type HeaderFault uint8

// The faults of a header.
const (
	HeaderFine HeaderFault = iota
	SpaceBeforeColon
	NoName
	HeaderCut // the message ends within a line of the header
)

func (h HeaderFault) String() string {
	switch h {
	case SpaceBeforeColon:
		return "a line of the header has a space before its colon"
	case NoName:
		return "a line of the header has no name"
	case HeaderCut:
		return "the message ends within a line of its header"
	default:
		return "the header is fine"
	}
}
