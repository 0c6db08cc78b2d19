package dbx

import (
	"context"
	"errors"
	"fmt"
	"iter"
	"time"

	"waybill/failure"
	"waybill/mail"
)

// Values of a message's object ([oedbx] message info).
const (
	messageIndex    = 0x00
	messageFlags    = 0x01
	messageSent     = 0x02
	messageFirst    = 0x04
	messageSaved    = 0x06
	messageLength   = 0x11
	messageReceived = 0x12
)

// Bits of the value messageFlags ([oedbx] message info).
const (
	flagDownloaded = 1 << 0
	flagDraft      = 1 << 3
	flagMarked     = 1 << 5
	flagRead       = 1 << 7
	flagAnswered   = 1 << 19
	flagForwarded  = 1 << 20
	flagWatched    = 1 << 22
	flagIgnored    = 1 << 23
)

// Message is one entry of a folder, without its text.
type Message struct {
	// Index is the entry's number, which no other of the folder has, and Offset
	// where its facts are.
	Index  uint32
	Offset int64
	// First is where the text begins, Size its length in bytes.
	First, Size int64
	Flags       mail.FlagSet
	// Date is when the message was received, or else when it was put into the
	// folder, or sent; the zero time when nothing is known.
	Date  time.Time
	Notes []mail.Note
	// Lost numbers entries that the file says to have and that cannot be found,
	// from 1; it is 0 for all others.
	Lost int64

	// Form says how the text is kept.
	Form Form
}

// Form says how a message's text is kept.
type Form uint8

// The forms of texts.
const (
	Chained Form = iota // in segments
	Deleted             // in segments that were given up
	Plain               // in one piece (version 4)
)

// Messages lists the entries of a folder in the order of its tree, and then
// those that the file states and the tree does not give. An error that comes
// with an Offset or a Lost concerns that entry; one without ends the listing.
//
// The text of each is walked over, so that Size is exact and what Text cannot
// give is known: dbx.segment where its chain is broken, dbx.shared where it leads
// into another message, dbx.no-text where the text was never fetched from a
// server.
func (f *File) Messages(ctx context.Context) iter.Seq2[Message, error] {
	if f.Kind == Version4 {
		return f.messages4(ctx)
	}
	return func(yield func(Message, error) bool) {
		if f.Kind != Messages {
			return
		}
		w, segments := f.window(16<<10), f.window(windowSize)
		own, err := f.owners(ctx, w)
		if err != nil {
			yield(Message{}, err)
			return
		}
		t := f.tree()
		more, err := t.walk(ctx, f.root, 0, func(at int64) bool {
			m, err := f.message(w, at)
			if err == nil {
				m.Size, err = f.measure(ctx, segments, m.First, own)
			}
			if err != nil && failure.ClassOf(err) != failure.Malformed {
				yield(Message{}, err)
				return false
			}
			if m.Size >= 0 && err == nil {
				m.noteLength(w, f)
			}
			return yield(m, err)
		})
		if err != nil {
			yield(Message{}, err)
		}
		if more && err == nil {
			f.lost(t, yield)
		}
	}
}

// lost yields what the file states beyond what was found.
func (f *File) lost(t *tree, yield func(Message, error) bool) {
	missing := f.Stated - t.values
	cause := errors.Join(t.broken...)
	if most := f.size/segmentSize + 1; missing > most {
		cause = errors.Join(cause, fmt.Errorf("the file states %d entries, more than fit into it", f.Stated))
		missing = 1
	}
	if missing <= 0 && len(t.broken) > 0 {
		missing = 1
	}
	if cause == nil {
		cause = fmt.Errorf("the file states %d entries, and its tree has %d", f.Stated, t.values)
	}
	for n := int64(1); n <= missing; n++ {
		err := failure.New(failure.Malformed, "list messages", f.name, "dbx.lost", cause).
			WithRemedy("read the file with recover=1, which looks for messages in all of it")
		if !yield(Message{Lost: n, Size: -1}, err) {
			return
		}
	}
}

// message reads the facts of an entry. What is known comes with the error.
func (f *File) message(w *window, at int64) (Message, error) {
	m := Message{Offset: at, Size: -1}
	i, err := f.info(w, at)
	if err != nil {
		return m, err
	}
	m.Index, _ = i.number(messageIndex)
	bits, _ := i.number(messageFlags)
	m.Flags = flags(bits)
	for _, id := range []int{messageReceived, messageSaved, messageSent} {
		if m.Date.IsZero() {
			m.Date = i.time(id)
		}
	}
	first, ok := i.number(messageFirst)
	if !ok || first == 0 {
		return m, failure.New(failure.Malformed, "read message", fmt.Sprintf("%s, offset %#x", f.name, at), "dbx.no-text",
			errors.New("the folder has only the facts of the message, and not its text")).WithRemedy("read this message from the server")
	}
	m.First = int64(first)
	return m, nil
}

// noteLength tells of a text that is shorter than its object says. The number
// is known to be wrong at times, so it is no error.
func (m *Message) noteLength(w *window, f *File) {
	i, err := f.info(w, m.Offset)
	if err != nil {
		return
	}
	if stated, ok := i.number(messageLength); ok && int64(stated) > m.Size {
		m.Notes = append(m.Notes, mail.Note{Kind: "dbx.shorter", Text: fmt.Sprintf("The message has %d bytes where its folder says %d.", m.Size, stated)})
	}
}

func flags(bits uint32) mail.FlagSet {
	var system mail.Flags
	for _, b := range []struct {
		bit  uint32
		flag mail.Flags
	}{{flagRead, mail.Seen}, {flagAnswered, mail.Answered}, {flagMarked, mail.Flagged}, {flagDraft, mail.Draft}, {flagForwarded, mail.Forwarded}} {
		if bits&b.bit != 0 {
			system |= b.flag
		}
	}
	var words []string
	if bits&flagWatched != 0 {
		words = append(words, "$Watched")
	}
	if bits&flagIgnored != 0 {
		words = append(words, "$Ignored")
	}
	return mail.NewFlagSet(system, words...)
}
