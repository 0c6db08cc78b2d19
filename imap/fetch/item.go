package fetch

import (
	"bytes"
	"io"
	"math"
	"strconv"
	"time"

	"waybill/imap/answer"
	"waybill/imap/uidset"
	"waybill/imap/wire"
)

// Item is one answer to FETCH.
type Item struct {
	Seq, UID uint32
	Flags    []string // nil: not told
	// InternalDate keeps the server's zone. It is zero when absent or unreadable;
	// DateRaw holds the server's words when they are not in the form that the
	// protocol prescribes, whether they could be read or not.
	InternalDate      time.Time
	DateRaw           string
	Size              int64 // RFC822.SIZE; -1: not told
	ModSeq            uint64
	EmailID, ThreadID string
	GmailMsgID        uint64
	GmailLabels       []string
	// Body is the stream itself and valid until the next call of Next. It is nil,
	// and BodySize -1, when no body came: NIL, or none at all (then Partial is set
	// when one was asked for).
	Body     io.Reader
	BodySize int64
	// Partial says that the answer lacks something that was asked for: a change of
	// flags that the server tells in between, or one of several answers for the
	// same message.
	Partial bool
}

// Want is a set of what an answer may tell.
type Want uint16

// What an answer may tell. A Header is some of its lines, too.
const (
	UID Want = 1 << iota
	Flags
	Date
	Size
	ModSeq
	EmailID
	ThreadID
	GmailID
	Labels
	Body
	Header
	other Want = 0
)

// itemOf tells which item a name stands for.
func itemOf(name []byte) Want {
	switch len(name) {
	case 3:
		if wire.Is(name, "UID") {
			return UID
		}
	case 5:
		if wire.Is(name, "FLAGS") {
			return Flags
		}
	case 6:
		switch {
		case wire.Is(name, "BODY[]"), wire.Is(name, "RFC822"):
			return Body
		case wire.Is(name, "MODSEQ"):
			return ModSeq
		}
	case 7:
		if wire.Is(name, "EMAILID") {
			return EmailID
		}
	case 8:
		if wire.Is(name, "THREADID") {
			return ThreadID
		}
	case 9:
		if wire.Is(name, "BODY[]<0>") {
			return Body
		}
	case 10:
		if wire.Is(name, "X-GM-MSGID") {
			return GmailID
		}
	case 11:
		switch {
		case wire.Is(name, "RFC822.SIZE"):
			return Size
		case wire.Is(name, "X-GM-LABELS"):
			return Labels
		}
	case 12:
		if wire.Is(name, "INTERNALDATE") {
			return Date
		}
	case 13:
		if wire.Is(name, "RFC822.HEADER") {
			return Header
		}
	}
	if len(name) >= 12 && wire.Is(name[:11], "BODY[HEADER") && (name[11] == ']' || name[11] == '.') {
		return Header
	}
	return other
}

// BodyTaker is offered the literal of a body, with what was told before it. It
// returns true when it will read the literal later, and the rest of the answer is
// not looked at.
type BodyTaker func(have Want) (later bool, err error)

// reading is one answer that is being read.
type reading struct {
	r    *answer.Reader
	it   *Item
	take BodyTaker
	odd  func(error)
}

// Read reads "(item value item value)" into it and tells what was there. wanted
// says which of body and header is offered to take; nil passes over literals.
// Values that cannot be read are told to odd, and the rest goes on.
func Read(r *answer.Reader, it *Item, wanted Want, take BodyTaker, odd func(error)) (have Want, err error) {
	a := reading{r, it, take, odd}
	it.Size, it.BodySize = -1, -1
	if err := r.TooLong(); err != nil {
		return 0, err
	}
	r.Space()
	if !r.Take('(') {
		return 0, r.Wrong("a list of items")
	}
	for range wire.MaxElements {
		r.Space()
		if r.Take(')') || !r.More() {
			return have, nil
		}
		name := r.ItemName()
		if len(name) == 0 {
			return have, r.Wrong("an item")
		}
		item := itemOf(name)
		if item == other {
			if uid, ok := glued(name); ok {
				it.UID = uid
				have |= UID
				continue
			}
		}
		r.Space()
		if item&(Body|Header) != 0 {
			if item&wanted == 0 || have&item != 0 {
				item = other
			} else {
				later, err := a.bodyValue(have)
				if have |= item; later || err != nil {
					return have, err
				}
				continue
			}
		}
		ok, err := a.value(item)
		if err != nil {
			return have, err
		}
		if ok {
			have |= item
		}
	}
	return have, r.Wrong("fewer items")
}

// glued reads "UID7", a name and its number with no space in between.
func glued(name []byte) (uint32, bool) {
	if len(name) < 4 || !wire.Is(name[:3], "UID") {
		return 0, false
	}
	return uidset.ParseUID(string(name[3:]))
}

// value reads what belongs to item. ok is false when it could not be read and the
// answer goes on all the same.
func (a *reading) value(item Want) (ok bool, err error) {
	r, it := a.r, a.it
	switch item {
	case UID:
		uid, err := number(r, math.MaxUint32)
		if err != nil || uid == 0 {
			return false, &wire.SyntaxError{Want: "a UID", Have: string(r.Rest()[:min(len(r.Rest()), 80)])}
		}
		it.UID = uint32(uid)
	case Size:
		size, err := number(r, math.MaxInt64)
		if err != nil {
			a.odd(err)
			return false, r.SkipValue()
		}
		it.Size = int64(size)
	case Flags:
		it.Flags, err = r.Flags()
	case Date:
		at, raw, failed := r.Date()
		if err = failed; !at.IsZero() {
			it.InternalDate = at
		}
		if raw != "" {
			it.DateRaw = raw
		}
	case ModSeq:
		text, err := r.Enclosed()
		if err != nil {
			return false, err
		}
		if it.ModSeq, err = strconv.ParseUint(text, 10, 64); err != nil {
			a.odd(oddValue("a mod-sequence", text))
			return false, nil
		}
	case EmailID:
		it.EmailID, err = r.Enclosed()
	case ThreadID:
		it.ThreadID, err = r.Enclosed()
	case GmailID:
		text := string(r.Atom())
		if it.GmailMsgID, err = strconv.ParseUint(text, 10, 64); err != nil {
			a.odd(oddValue("a message number", text))
			return false, nil
		}
	case Labels:
		it.GmailLabels = []string{}
		err = r.List(func() error {
			label, _, err := r.String()
			if err == nil {
				name, _ := r.Name(label) // labels are spelled as folders are
				it.GmailLabels = append(it.GmailLabels, name)
			}
			return err
		})
	default:
		err = r.SkipValue()
	}
	return err == nil, err
}

// oddValue is the error for a value that is not what it should be.
func oddValue(want, have string) error {
	return &wire.SyntaxError{Want: want, Have: have[:min(len(have), 80)]}
}

// number reads a number of at most limit, in quotes or not.
func number(r *answer.Reader, limit uint64) (uint64, error) {
	quoted := r.Take('"')
	n, err := r.Number()
	if err == nil && n > limit {
		return 0, r.Wrong("a smaller number")
	}
	if quoted {
		r.Take('"')
	}
	return n, err
}

// bodyValue reads a body: a literal that take decides about, a quoted string, or
// NIL.
func (a *reading) bodyValue(have Want) (later bool, err error) {
	r, it := a.r, a.it
	if r.Peek() == '{' {
		if a.take == nil {
			return false, r.SkipValue()
		}
		return a.take(have)
	}
	text, ok, err := r.String()
	if err != nil || !ok {
		return false, err
	}
	it.Body, it.BodySize = bytes.NewReader(bytes.Clone(text)), int64(len(text))
	return false, nil
}
