// Package mbox reads and writes mbox files: many messages in one file, each after
// a line "From sender date" (RFC 4155 and its unwritten relatives mboxo, mboxrd,
// mboxcl and mboxcl2), and MMDF files, where lines of four ^A stand between the
// messages.
//
// # What begins a message
//
// A line "From " begins a message at the start of the file; after an empty line,
// if it has a date, or if nothing but an address or "-" follows and the next line
// looks like a header field; and after a line that is not empty, if it has a
// sender and a ctime date (or is the bare "From -" of Mozilla programs) and the
// next line looks like a header field. Real files taught these rules: archives
// with undated From_ lines (From 1844347792267117879@xxx), archives whose
// messages have no header at all, bodies with "From Russia with love" above
// "Year: 1963", exports and Netscape files without empty lines between messages.
//
// # What belongs to the message
//
// The empty line before a From_ line, or at the end of the file, belongs to the
// format. A Content-Length is believed only if a From_ line or the end of the
// file stands where it says. ">From " is unquoted in files that prove to be
// mboxrd; anywhere else nobody can tell a quoted line from a line that somebody
// wrote so, and the bytes stay as they are.
package mbox

import (
	"bytes"
	"context"
	"io"

	"waybill/failure"
	"waybill/mail"
)

// Kind says what a piece of the file is.
type Kind uint8

// The kinds of entries.
const (
	Message Kind = iota
	// Internal is a message that a mail program keeps for itself.
	Internal
	// Damaged is a piece that belongs to no message; Entry.Err tells more.
	Damaged
)

// Entry is a piece of the file: a message with what stands around it. Entries
// follow each other without gap: one's End is the next one's Offset.
type Entry struct {
	Kind        Kind
	Offset, End int64
	// From is the place and length of the From_ line with its line end; length 0
	// where there is none (MMDF).
	From, FromLength int64
	// Start and Length are the stored bytes of the message.
	Start, Length int64
	// FromLine is the From_ line's content.
	FromLine
	Fields Fields
	// Marker is set for messages that Waybill wrote.
	Marker *Marker
	// Declared says that the message's end was found by a Content-Length that
	// proved true.
	Declared bool
	// Quoted counts lines ">From ", ">>From " and so on in the body (for
	// messages that Waybill wrote, anywhere after the added fields).
	Quoted int
	Notes  []mail.Note
	Err    error

	cr   bool  // lines end with CR alone
	body int64 // where the header has ended; the message's end without body
}

// Reader iterates over a file.
type Reader struct {
	s     *scanner
	stats Stats
	begun bool
	first bool // no message was seen yet
	mmdf  bool
	next  line // the From_ line of the message to come
	lead  int64
	have  bool
	head  [headSize]byte
}

// Options change how a file is read.
type Options struct {
	// Name is the file's name for errors.
	Name string
	// From is the Offset of an entry to begin at, or the end of the file as it was
	// at some time.
	From int64
	// CR says that lines end with CR alone. It is found out by the reader itself
	// when From is 0.
	CR bool
	// Buffer is how many bytes are read at once; 0 is right for whole files, and
	// less for a single message.
	Buffer int
}

// NewReader reads the size bytes of r. Bytes after them are not looked at.
func NewReader(r io.ReaderAt, size int64, opt Options) *Reader {
	if opt.Buffer <= 0 {
		opt.Buffer = bufferSize
	}
	return &Reader{s: newScanner(r, size, min(opt.From, size), opt), first: opt.From == 0, lead: opt.From}
}

// Reset makes r read another file, or the same from elsewhere, with the memory
// that it has. The entries that it gave remain valid.
func (r *Reader) Reset(file io.ReaderAt, size int64, opt Options) {
	s := r.s
	*s = scanner{r: file, size: size, name: opt.Name, cr: opt.CR, pos: min(opt.From, size), base: min(opt.From, size), room: s.room}
	r.stats, r.begun, r.first, r.mmdf, r.have, r.lead = Stats{}, false, opt.From == 0, false, false, opt.From
}

// CR reports whether lines end with CR alone; it is known after the first Next.
func (r *Reader) CR() bool { return r.s.cr }

// Stats returns what the entries so far tell about the file's dialect.
func (r *Reader) Stats() Stats { return r.stats }

// Next returns the next entry, io.EOF after the last. An entry of kind Damaged is
// no end: the next call goes on behind it. Other errors are *failure.Error, of
// the file's own class or Transient, and end the file.
func (r *Reader) Next(ctx context.Context) (Entry, error) {
	if err := ctx.Err(); err != nil {
		return Entry{}, failure.New(failure.Cancelled, "read mbox", place(r.s.name, r.s.pos), "cancelled", err)
	}
	if !r.begun {
		r.begun = true
		if e, found, err := r.begin(ctx); found || err != nil {
			return e, err
		}
	}
	if !r.have {
		return Entry{}, io.EOF
	}
	if r.mmdf {
		return r.mmdfMessage(ctx)
	}
	return r.message(ctx)
}

// begin finds the first From_ line; what stands before it is a Damaged entry.
func (r *Reader) begin(ctx context.Context) (e Entry, found bool, err error) {
	s := r.s
	start, err := s.peek(s.pos, headSize)
	if err != nil {
		return e, false, err
	}
	sample := append([]byte(nil), start[:min(len(start), 64)]...)
	origin := s.pos
	if origin == 0 {
		if err = r.guessLineEnd(); err != nil {
			return e, false, err
		}
	}
	if origin == 0 && bytes.HasPrefix(sample, []byte("\xef\xbb\xbfFrom ")) {
		s.seek(3) // a byte order mark that an editor left
	}
	previous := beforeFirst
	garbage := int64(-1)
	for {
		l, ok, err := s.next(ctx)
		if err != nil {
			return e, false, err
		}
		if !ok {
			break
		}
		if garbage < 0 && isMMDF(l) {
			r.mmdf, r.have, r.lead = true, true, origin
			s.seek(l.off)
			return e, false, nil
		}
		isSep, err := r.separates(l, previous)
		if err != nil {
			return e, false, err
		}
		if isSep {
			r.await(l)
			if garbage < 0 {
				r.lead = origin
				return e, false, nil
			}
			return Entry{Kind: Damaged, Offset: origin, End: l.off, Start: origin, Length: l.off - origin,
				Err: preambleFailure(s.name, garbage, l.off-garbage)}, true, nil
		}
		if l.empty() && previous == beforeFirst {
			continue // empty lines at the head of the file are harmless
		}
		if garbage < 0 {
			garbage = l.off
		}
		previous = afterText
		if l.empty() {
			previous = afterEmpty
		}
	}
	if garbage < 0 {
		return e, false, nil
	}
	return Entry{Kind: Damaged, Offset: origin, End: s.size, Start: origin, Length: s.size - origin,
		Err: recognise(s.name, garbage, sample)}, true, nil
}

// guessLineEnd makes CR the line end if the first 64 kB have CR and no LF.
func (r *Reader) guessLineEnd() error {
	near, err := r.s.peek(r.s.pos, headSize)
	if err != nil || bytes.IndexByte(near, '\n') >= 0 {
		return err
	}
	probe := make([]byte, min(64<<10, r.s.size-r.s.pos))
	n, err := readFull(r.s.r, probe, r.s.pos)
	if err != nil {
		return readFailure(r.s.name, r.s.pos, err)
	}
	r.s.cr = bytes.IndexByte(probe[:n], '\n') < 0 && bytes.IndexByte(probe[:n], '\r') >= 0
	return nil
}

// await keeps the From_ line of the next message.
func (r *Reader) await(l line) {
	r.next, r.have, r.lead = l, true, l.off
	r.next.head = r.head[:copy(r.head[:], l.head)]
}

// message reads up to the next From_ line or the end of the file.
func (r *Reader) message(ctx context.Context) (Entry, error) {
	s, from := r.s, r.next
	e := Entry{Offset: r.lead, From: from.off, FromLength: from.n, Start: from.end(), FromLine: ParseFromLine(from.head)}
	r.have = false
	m := builder{e: &e, r: r, header: true}
	for {
		l, ok, err := s.next(ctx)
		if err != nil {
			return Entry{}, err
		}
		if !ok {
			e.End = s.size
			break
		}
		isSep, err := r.separates(l, m.previous())
		if err != nil {
			return Entry{}, err
		}
		if isSep {
			r.await(l)
			e.End = l.off
			break
		}
		declared, err := m.line(ctx, l)
		if err != nil {
			return Entry{}, err
		}
		if declared { // the end is found, and the scanner stands behind it
			break
		}
	}
	m.finish()
	return e, nil
}

// prior is what stands before a line.
type prior uint8

const (
	beforeFirst prior = iota
	afterEmpty
	afterText
	afterFrom // directly after a From_ line
)

var fromWord = []byte("From ")

// separates reports whether l begins a message.
func (r *Reader) separates(l line, before prior) (bool, error) {
	if len(l.head) < 5 || l.head[0] != 'F' || !bytes.HasPrefix(l.head, fromWord) {
		return false, nil
	}
	if before == beforeFirst {
		return true, nil
	}
	f := ParseFromLine(l.head)
	mozilla := f.Sender == "-" && !f.dated
	if before == afterEmpty && f.dated && !f.rest && (f.plain() || f.Sender == "") {
		return true, nil
	}
	if before == afterEmpty && !f.dated && !f.address() && f.Sender != "" && !mozilla {
		return false, nil
	}
	if before != afterEmpty && !mozilla && !(f.dated && f.weekday && f.plain() && !f.rest) {
		return false, nil
	}
	next, err := r.s.peek(l.end(), 128)
	return err == nil && looksLikeField(next), err
}

// quoted reports whether l is ">From ", ">>From " and so on, with any number of
// ">", and how many of them there are up to two.
func (s *scanner) quoted(l line) (marks int, err error) {
	if len(l.head) == 0 || l.head[0] != '>' {
		return 0, nil
	}
	rest := bytes.TrimLeft(l.head, ">")
	marks = min(len(l.head)-len(rest), 2)
	// The head may end before the marks do, or in the middle of "From ".
	if at := l.off + int64(len(l.head)-len(rest)); len(rest) < len(fromWord) && int64(len(l.head)) < l.n-l.eol {
		for {
			text, err := s.peek(at, 1<<10)
			if err != nil {
				return 0, err
			}
			rest = bytes.TrimLeft(text, ">")
			at += int64(len(text) - len(rest))
			if len(text) == 0 || len(rest) >= len(fromWord) || at+int64(len(rest)) == s.size {
				break
			}
		}
	}
	if !bytes.HasPrefix(rest, fromWord) {
		return 0, nil
	}
	return marks, nil
}
