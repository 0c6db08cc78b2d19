// Package mai reads and writes the messages of Microsoft Mail (.MAI files): a
// binary message of FIPS PUB 98, also printed as RFC 841, whose strings are
// encrypted.
//
// That the container is FIPS PUB 98 is documented (KB Q93239, Q87379), the order of
// fields too. How the elements look in a file was read off the one published dump
// (KB Q104423): tags, lengths and integers are clear, the contents of strings are
// not, and integers in vendor elements are little-endian, unlike the standard's.
//
// The cipher was read off the same dump. Its key is not known to this package: it
// is derived from the messages of a postoffice, see Derive, and believed only
// where it explains them.
package mai

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"slices"

	"waybill/failure"
)

// Identifier octets (RFC 841 appendix B), without the bit that announces a property
// list.
const (
	EndOfConstructor byte = 0x01
	ASCIIString      byte = 0x02
	Sequence         byte = 0x0A
	Set              byte = 0x0B
	Integer          byte = 0x20
	PropertyList     byte = 0x24
	Date             byte = 0x28
	Encrypted        byte = 0x47
	Field            byte = 0x4C
	MessageElement   byte = 0x4D
	VendorDefined    byte = 0x7F
)

// Fields (RFC 841 appendix A).
const (
	FieldFrom        = 0x01
	FieldPostedDate  = 0x02
	FieldText        = 0x04
	FieldTo          = 0x05
	FieldCc          = 0x06
	FieldSubject     = 0x07
	FieldAttachments = 0x08
	FieldBcc         = 0x0D
	FieldDate        = 0x11
	FieldPrecedence  = 0x18
)

const (
	properties   = 0x80 // of an identifier: a property list follows
	qualified    = 0x40 // of an identifier: a qualifier follows
	indefinite   = 0x80 // as a length: until EndOfConstructor
	maxDepth     = 16
	maxQualifier = 1 << 30
)

// Element is one data element.
type Element struct {
	ID        byte
	Qualifier uint32 // field id, message type, or vendor's id
	Offset    int64  // of the identifier
	Content   int64  // where the contents begin
	Length    int64  // of the contents; -1 when indefinite
	Depth     int    // 0 for the outermost
	// Constructed says that the contents are elements; they come next.
	Constructed bool
}

// End is where the contents end.
func (e Element) End() int64 { return e.Content + max(e.Length, 0) }

// Scanner reads elements one after another, parents before their children. It
// holds nothing but a buffer. Lengths that reach beyond the parent or the file are
// cut there and kept as a defect.
type Scanner struct {
	r       *bufio.Reader
	name    string
	size    int64
	off     int64
	stack   []int64 // ends of the open constructors; -1 for indefinite
	current int64   // end of the current primitive
	defects []*failure.Error
}

// NewScanner reads from r, a file of that name and size.
func NewScanner(r io.Reader, name string, size int64) *Scanner {
	return &Scanner{r: bufio.NewReaderSize(r, 8<<10), name: name, size: size}
}

// Defects are the rules that were found broken so far: "mai.truncated",
// "mai.length", "mai.depth". At most a hundred are kept.
func (s *Scanner) Defects() []*failure.Error { return s.defects }

// Offset is how far the file was read.
func (s *Scanner) Offset() int64 { return s.off }

func (s *Scanner) defect(rule, format string, args ...any) {
	if len(s.defects) < 100 {
		s.defects = append(s.defects, failure.New(failure.Malformed, "read message", fmt.Sprintf("%s offset %d", s.name, s.off), rule, fmt.Errorf(format, args...)))
	}
}

// limit is the innermost definite end.
func (s *Scanner) limit() int64 {
	for _, end := range slices.Backward(s.stack) {
		if end >= 0 {
			return end
		}
	}
	return s.size
}

// Next gives the next element, io.EOF behind the last one.
func (s *Scanner) Next() (Element, error) {
	if err := s.skipTo(s.current); err != nil {
		return Element{}, err
	}
	for {
		for n := len(s.stack); n > 0 && s.off >= s.limit(); n = len(s.stack) {
			s.stack = s.stack[:n-1]
		}
		if s.off >= s.size {
			return Element{}, io.EOF
		}
		start := s.off
		id, err := s.octet()
		if err != nil {
			return Element{}, err
		}
		if id == EndOfConstructor && len(s.stack) > 0 && s.stack[len(s.stack)-1] < 0 {
			s.stack = s.stack[:len(s.stack)-1]
			continue
		}
		e := Element{ID: id &^ properties, Offset: start, Depth: len(s.stack)}
		if err := s.header(&e, id); err != nil {
			return Element{}, err
		}
		return e, nil
	}
}

func (s *Scanner) header(e *Element, id byte) error {
	length, err := s.number()
	if err != nil {
		return err
	}
	lengthEnd := s.off
	if id&qualified != 0 {
		q, err := s.number()
		if err != nil {
			return err
		}
		e.Qualifier = uint32(min(max(q, 0), maxQualifier))
	}
	end := int64(-1)
	if length >= 0 {
		if length > s.limit()-lengthEnd {
			rule := "mai.length"
			if s.limit() == s.size {
				rule = "mai.truncated"
			}
			s.defect(rule, "an element of %d bytes where %d are left", length, s.limit()-lengthEnd)
			length = s.limit() - lengthEnd
		}
		end = max(lengthEnd+length, s.off)
	}
	e.Content, e.Length = s.off, -1
	if end >= 0 {
		e.Length = end - s.off
	}
	if id&properties != 0 {
		s.skipProperties(e)
	}
	switch e.ID {
	case Sequence, Set, Field, MessageElement:
		e.Constructed = true
	case VendorDefined:
		e.Constructed = e.Length < 0 || s.looksConstructed(e.Length)
	default:
		if e.Length < 0 { // a primitive has a length (RFC 841 4.2.2); take the rest
			s.defect("mai.length", "element %#02x has no length", e.ID)
			e.Length = s.limit() - s.off
		}
	}
	if e.Constructed && len(s.stack) >= maxDepth {
		s.defect("mai.depth", "elements lie more than %d deep", maxDepth)
		e.Constructed = false
		e.Length = max(e.Length, 0)
	}
	if e.Constructed {
		s.stack = append(s.stack, end)
		s.current = s.off
	} else {
		s.current = e.End()
	}
	return nil
}

// skipProperties steps over the property list before the contents.
func (s *Scanner) skipProperties(e *Element) {
	head, _ := s.r.Peek(2)
	if len(head) < 2 || head[0] != PropertyList || head[1] >= 0x80 || e.Length >= 0 && int64(head[1])+2 > e.Length {
		return
	}
	n := int64(head[1]) + 2
	if s.skipTo(s.off+n) == nil {
		e.Content += n
		if e.Length >= 0 {
			e.Length -= n
		}
	}
}

// looksConstructed tells whether a vendor's contents begin with an element that
// fits: a vendor may put anything there.
func (s *Scanner) looksConstructed(length int64) bool {
	head, _ := s.r.Peek(2)
	if len(head) < 2 || length < 2 {
		return false
	}
	switch head[0] {
	case ASCIIString, Integer, Date, Sequence, Set, Field:
		return head[1] > 0x80 && head[1] <= 0x84 || int64(head[1])+2 <= length && head[1] < 0x80
	}
	return false
}

// number reads a length or a qualifier: one octet below 0x80, or 0x80+n and n
// octets, highest first (RFC 841 4.2.2). -1 is the indefinite form.
func (s *Scanner) number() (int64, error) {
	first, err := s.octet()
	if err != nil || first < 0x80 {
		return int64(first), err
	}
	if first == indefinite {
		return -1, nil
	}
	n := int64(0)
	for range first &^ 0x80 {
		b, err := s.octet()
		if err != nil {
			return 0, err
		}
		if n > s.size { // larger than the file already; the caller cuts it
			continue
		}
		n = n<<8 | int64(b)
	}
	return n, nil
}

func (s *Scanner) octet() (byte, error) {
	b, err := s.r.ReadByte()
	if err != nil {
		return 0, s.ended(err)
	}
	s.off++
	return b, nil
}

// ended turns the end of the file inside of an element into a defect and io.EOF.
func (s *Scanner) ended(err error) error {
	if errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) {
		s.defect("mai.truncated", "the file ends inside of an element")
		s.size = min(s.size, s.off)
		return io.EOF
	}
	if _, known := errors.AsType[*failure.Error](err); known {
		return err
	}
	return failure.New(failure.ClassOf(err), "read message", fmt.Sprintf("%s offset %d", s.name, s.off), "mai.read", err)
}

func (s *Scanner) skipTo(at int64) error {
	for s.off < at {
		n, err := s.r.Discard(int(min(at-s.off, 1<<20)))
		s.off += int64(n)
		if err != nil {
			return s.ended(err)
		}
	}
	return nil
}

// Bytes reads the contents of the current primitive, at most limit bytes of them.
func (s *Scanner) Bytes(limit int64) ([]byte, error) {
	n := min(s.current-s.off, limit)
	if n <= 0 {
		return nil, nil
	}
	b := make([]byte, min(n, 64<<10))
	var out []byte
	for n > 0 {
		k, err := io.ReadFull(s.r, b[:min(n, int64(len(b)))])
		s.off += int64(k)
		n -= int64(k)
		out = append(out, b[:k]...)
		if err != nil {
			if err = s.ended(err); errors.Is(err, io.EOF) {
				return out, nil
			}
			return out, err
		}
	}
	return out, nil
}
