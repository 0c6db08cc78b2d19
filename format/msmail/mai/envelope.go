package mai

import (
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"math"

	"waybill/failure"
)

// Bounds of what is held of one message in memory; text and unknown elements are
// never held.
const (
	maxString  = 64 << 10 // one string of a header field
	maxParties = 1 << 16  // senders and recipients
	maxHeader  = 16 << 20 // all strings of header fields
	maxFiles   = 4096     // attachments
	maxSpans   = 1 << 16  // strings of the text
	sampleText = 64 << 10 // of the text, for Derive
)

// Span is a place in the file.
type Span struct{ Offset, Length int64 }

// Envelope is a message with its strings as they are in the file, encrypted.
type Envelope struct {
	Name string // of the file
	Size int64
	// Count is how many users still have the message (KB Q104423, derived); it is
	// wrong in practice and only a hint. -1 when it was not found.
	Count int
	// Numbers are the integers of vendor elements, by the vendor's id. 0x33 and
	// 0x37 are 10 in the published dump, which is the default hop count.
	Numbers           map[uint32]uint32
	From, To, Cc, Bcc [][]byte
	Subject           []byte
	// Dates are the contents of date fields in the order found.
	Dates [][]byte
	// Precedence is the content of the Precedence field: a string, or a number.
	Precedence       []byte
	PrecedenceNumber bool
	Files            []File
	Text             []Span
	TextHead         []byte // the beginning of the text's first string
	// Unknown counts fields that are carried by no other member.
	Unknown int
	// Defects are the rules that the file breaks; a message that has one is not whole.
	Defects []*failure.Error
}

// File is what a message says of an attachment (hypothesis: strings, a date and a
// number in a Sequence; in whatever order).
type File struct {
	Strings [][]byte
	Dates   [][]byte
	Number  int64 // the largest; -1 when there is none
	Offset  int64
	// Vendor marks strings of a vendor element, which need not be an attachment.
	Vendor bool
}

// ReadEnvelope reads a message's structure from r, a file of that size. It fails
// when r fails, when ctx ends, and when there is no message in the file (rule
// "mai.container"); every other trouble is in Defects.
func ReadEnvelope(ctx context.Context, r io.Reader, name string, size int64) (*Envelope, error) {
	s := NewScanner(r, name, size)
	e := &Envelope{Name: name, Size: size, Count: -1, Numbers: map[uint32]uint32{}}
	top, err := s.Next()
	if err != nil && !errors.Is(err, io.EOF) {
		return nil, err
	}
	if err != nil || top.ID != MessageElement {
		rule, remedy := "mai.container", "the file is no message, or is encrypted as a whole; keep it aside"
		if size == 0 {
			rule, remedy = "mai.empty", "the file was cut to nothing; the message is only in a backup"
		}
		return nil, failure.New(failure.Malformed, "read message", name+" offset 0", rule, fmt.Errorf("a message begins with element 0x4D, not %#02x", top.ID)).WithRemedy(remedy)
	}
	w := walk{s: s, e: e}
	for n := 0; ; n++ {
		if n%1024 == 0 && ctx.Err() != nil {
			return nil, failure.New(failure.Cancelled, "read message", name, "", ctx.Err())
		}
		el, err := s.Next()
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			return nil, err
		}
		if el.Depth == 0 {
			s.defect("mai.trailing", "%d bytes follow the message", size-el.Offset)
			break
		}
		if err := w.element(el); err != nil && !errors.Is(err, io.EOF) {
			return nil, err
		}
	}
	e.Defects = s.Defects()
	return e, nil
}

// walk puts the elements of a message where they belong.
type walk struct {
	s      *Scanner
	e      *Envelope
	field  uint32 // the open field; 0 for none
	vendor uint32 // the open vendor element
	inside bool   // a vendor element is open
	end    int64  // of the open vendor element
	opened bool   // the vendor element may be an attachment
	held   int64
	group  int64 // end of the open sequence in Attachments
}

func (w *walk) element(el Element) error {
	if el.Depth == 1 {
		w.field = 0
	}
	if w.inside && el.Offset >= w.end {
		w.inside = false
	}
	switch {
	case el.ID == Field && el.Depth == 1:
		w.field = el.Qualifier
		if el.Qualifier == FieldAttachments {
			w.group = -1
		}
		switch w.field {
		case FieldFrom, FieldTo, FieldCc, FieldBcc, FieldSubject, FieldText, FieldAttachments, FieldDate, FieldPostedDate, FieldPrecedence:
		default:
			w.e.Unknown++
		}
		return nil
	case el.ID == VendorDefined:
		w.vendor, w.inside, w.end = el.Qualifier, true, reach(el)
		w.opened = false
		return nil
	case w.inside && w.field == 0 && (el.ID == ASCIIString || el.ID == Date):
		// References to attachments may be vendor elements (KB Q148515).
		if !w.opened {
			if err := w.newFile(el); err != nil || len(w.e.Files) == 0 {
				return err
			}
			w.e.Files[len(w.e.Files)-1].Vendor = true
			w.opened, w.group = true, w.end
		}
		return w.file(el)
	case el.ID == Sequence && w.field == FieldAttachments:
		return w.newFile(el)
	case el.Constructed:
		return nil
	case w.inside && el.ID == Integer:
		n, err := w.integer(el)
		if err != nil {
			return err
		}
		if el.Length == 2 && w.e.Count < 0 && len(w.e.Numbers) == 0 {
			w.e.Count = int(n) // the first of them, before all fields
		}
		if len(w.e.Numbers) < 1024 {
			w.e.Numbers[w.vendor] = uint32(n)
		}
		return nil
	}
	return w.content(el)
}

func (w *walk) content(el Element) (err error) {
	switch w.field {
	case FieldFrom:
		err = w.party(el, &w.e.From)
	case FieldTo:
		err = w.party(el, &w.e.To)
	case FieldCc:
		err = w.party(el, &w.e.Cc)
	case FieldBcc:
		err = w.party(el, &w.e.Bcc)
	case FieldSubject:
		if el.ID == ASCIIString && w.e.Subject == nil {
			w.e.Subject, err = w.bytes(el)
		}
	case FieldDate, FieldPostedDate:
		if len(w.e.Dates) < 16 {
			var b []byte
			if b, err = w.bytes(el); err == nil {
				w.e.Dates = append(w.e.Dates, b)
			}
		}
	case FieldPrecedence:
		w.e.Precedence, err = w.bytes(el)
		w.e.PrecedenceNumber = el.ID == Integer
	case FieldAttachments:
		err = w.file(el)
	case FieldText:
		err = w.text(el)
	}
	return err
}

func (w *walk) party(el Element, list *[][]byte) error {
	if el.ID != ASCIIString {
		return nil
	}
	if len(w.e.From)+len(w.e.To)+len(w.e.Cc)+len(w.e.Bcc) >= maxParties {
		w.s.defect("mai.recipients", "more than %d addresses", maxParties)
		return nil
	}
	b, err := w.bytes(el)
	if err == nil {
		*list = append(*list, b)
	}
	return err
}

func (w *walk) text(el Element) error {
	if el.ID != ASCIIString {
		return nil
	}
	if len(w.e.Text) >= maxSpans {
		w.s.defect("mai.text", "the text is in more than %d pieces", maxSpans)
		return nil
	}
	w.e.Text = append(w.e.Text, Span{el.Content, el.Length})
	if w.e.TextHead != nil {
		return nil
	}
	head, err := w.s.Bytes(sampleText)
	w.e.TextHead = head
	return err
}

func (w *walk) newFile(el Element) error {
	if len(w.e.Files) >= maxFiles {
		w.s.defect("mai.attachments", "more than %d attachments", maxFiles)
		return nil
	}
	w.e.Files = append(w.e.Files, File{Number: -1, Offset: el.Offset})
	w.group = reach(el)
	return nil
}

// reach is where an element ends; one of indefinite length is believed to have no
// end.
func reach(el Element) int64 {
	if el.Length < 0 {
		return math.MaxInt64
	}
	return el.End()
}

func (w *walk) file(el Element) error {
	if len(w.e.Files) == 0 || w.group >= 0 && el.Offset >= w.group { // no sequence round it
		if err := w.newFile(el); err != nil || len(w.e.Files) == 0 {
			return err
		}
		w.group = -1
	}
	f := &w.e.Files[len(w.e.Files)-1]
	switch el.ID {
	case ASCIIString, Date:
		b, err := w.bytes(el)
		if err != nil {
			return err
		}
		switch {
		case len(f.Strings)+len(f.Dates) >= 16:
		case el.ID == Date:
			f.Dates = append(f.Dates, b)
		default:
			f.Strings = append(f.Strings, b)
		}
	case Integer:
		n, err := w.integer(el)
		if err != nil {
			return err
		}
		f.Number = max(f.Number, n)
	}
	return nil
}

// integer reads a number, lowest octet first (derived, KB Q104423).
func (w *walk) integer(el Element) (int64, error) {
	b, err := w.s.Bytes(8)
	if err != nil {
		return 0, err
	}
	var full [8]byte
	copy(full[:], b)
	if el.Length > 8 || full[7]&0x80 != 0 {
		return -1, nil
	}
	return int64(binary.LittleEndian.Uint64(full[:])), nil
}

func (w *walk) bytes(el Element) ([]byte, error) {
	switch {
	case el.Length > maxString:
		w.s.defect("mai.string", "a string of %d bytes in a header field; at most %d are read", el.Length, maxString)
	case w.held > maxHeader:
		w.s.defect("mai.header", "more than %d bytes in header fields", maxHeader)
		return []byte{}, nil
	}
	b, err := w.s.Bytes(maxString)
	w.held += int64(len(b)) + 64
	if b == nil {
		b = []byte{}
	}
	return b, err
}
