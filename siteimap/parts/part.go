package parts

import (
	"bufio"
	"bytes"
	"errors"
	"io"
	"slices"
	"strings"
)

// Bounds of what is taken apart. Beyond them a part is one piece of data.
const (
	maxParts    = 2000
	MaxDepth    = 40
	maxHeader   = 256 << 10 // bytes of one part's header that are looked at
	maxHeaders  = 8 << 20   // of all headers together
	maxBoundary = 256       // RFC 2046 5.1.1 says 70
)

// Part is a message or a part of one (RFC 2045), found by its place: bytes are
// never copied, so that they are sent as they were stored. A header reaches to
// its first empty line, that line included, whatever its lines look like.
type Part struct {
	Header, Body Span
	Raw          []byte  // the header, cut at maxHeader
	Children     []*Part // of a multipart
	Message      *Part   // of a message/rfc822

	kind  mediaType
	lines int64 // line ends in the body
}

// Parse takes a message of size bytes apart in one pass.
func Parse(r io.Reader, size int64) (*Part, error) {
	root, _, err := newParser(r, size).entity(plainText(), nil, 0)
	return root, err
}

// ParseTop reads no more than the header of a message of size bytes: the part
// has no parts inside.
func ParseTop(r io.Reader, size int64) (*Part, error) {
	p := newParser(r, min(size, 16<<10))
	e := &Part{}
	err := p.readHeader(e, nil)
	e.Header.End, e.Body = p.offset, Span{p.offset, size}
	return e, err
}

func newParser(r io.Reader, size int64) *parser {
	return &parser{in: bufio.NewReaderSize(r, int(min(max(size, 1<<10), 64<<10)))}
}

func plainText() mediaType { return mediaType{primary: "text", sub: "plain"} }

type parser struct {
	in      *bufio.Reader
	offset  int64
	lines   int64 // line ends so far
	lineEnd int64 // length of the last one, 0 in the middle of a line
	parts   int
	headers int

	line    []byte // read and not used yet
	pending bool
	atStart bool // line begins at the start of a line
	inside  bool // the piece before did not end its line
	ended   bool
}

// next gives a line, or a piece of a long one; false at the end.
func (p *parser) next() ([]byte, bool, error) {
	if p.pending {
		return p.line, true, nil
	}
	if p.ended {
		return nil, false, nil
	}
	piece, err := p.in.ReadSlice('\n')
	if errors.Is(err, io.EOF) {
		p.ended, err = true, nil
	}
	if errors.Is(err, bufio.ErrBufferFull) {
		err = nil
	}
	if err != nil || len(piece) == 0 {
		return nil, false, err
	}
	p.atStart = !p.inside
	p.inside = piece[len(piece)-1] != '\n'
	p.line, p.pending = piece, true
	return piece, true, nil
}

func (p *parser) use() {
	p.offset += int64(len(p.line))
	p.lineEnd = 0
	switch {
	case bytes.HasSuffix(p.line, []byte("\r\n")):
		p.lineEnd = 2
	case bytes.HasSuffix(p.line, []byte("\n")):
		p.lineEnd = 1
	}
	if p.lineEnd > 0 {
		p.lines++
	}
	p.pending = false
}

// delimits tells which of the open boundaries a line is (RFC 2046 5.1.1): its
// place among them, -1 for none, and whether it is the last one.
func delimits(line []byte, open []string) (at int, last bool) {
	if len(line) < 3 || line[0] != '-' || line[1] != '-' {
		return -1, false
	}
	text := bytes.TrimRight(line[2:], " \t\r\n")
	for i, boundary := range slices.Backward(open) {
		rest, ok := bytes.CutPrefix(text, []byte(boundary))
		if ok && (len(rest) == 0 || string(rest) == "--") {
			return i, len(rest) > 0
		}
	}
	return -1, false
}

// entity reads a header and a body up to a line that is one of the open
// boundaries. It returns where the line end before that boundary begins, which
// belongs to the boundary.
func (p *parser) entity(kind mediaType, open []string, depth int) (*Part, int64, error) {
	e := &Part{}
	e.Header.Start = p.offset
	p.parts++
	if err := p.readHeader(e, open); err != nil {
		return nil, 0, err
	}
	e.Header.End, e.Body.Start = p.offset, p.offset
	first := p.lines
	e.kind = contentType(e.Raw, kind)
	var end int64
	var err error
	boundary := e.kind.param("boundary")
	switch {
	case depth >= MaxDepth || p.parts >= maxParts:
		e.kind = e.kind.opaque()
		end, err = p.skip(open)
	case e.kind.primary == "multipart" && boundary != "" && len(boundary) <= maxBoundary:
		end, err = p.multipart(e, boundary, open, depth)
		if len(e.Children) == 0 {
			// No part was found: it is one piece of text.
			e.kind = plainText()
		}
	case e.kind.primary == "multipart":
		e.kind = plainText()
		end, err = p.skip(open)
	case e.kind.isMessage() && plainEncoding(field(e.Raw, "Content-Transfer-Encoding")):
		e.Message, end, err = p.entity(plainText(), open, depth+1)
	default:
		end, err = p.skip(open)
	}
	e.Body.End = max(end, e.Body.Start)
	e.lines = p.lines - first
	if end < p.offset && e.lines > 0 {
		e.lines-- // the line end before the boundary
	}
	return e, e.Body.End, err
}

// plainEncoding reports whether a body can be looked into without decoding it.
func plainEncoding(encoding string) bool {
	switch strings.ToLower(strings.TrimSpace(encoding)) {
	case "", "7bit", "8bit", "binary":
		return true
	}
	return false
}

// readHeader reads up to the first empty line. A boundary ends a header that
// has none.
func (p *parser) readHeader(e *Part, open []string) error {
	for {
		line, more, err := p.next()
		if err != nil || !more {
			return err
		}
		if p.atStart {
			if at, _ := delimits(line, open); at >= 0 {
				return nil
			}
		}
		if room := min(maxHeader-len(e.Raw), maxHeaders-p.headers); room > 0 {
			n := min(room, len(line))
			e.Raw = append(e.Raw, line[:n]...)
			p.headers += n
		}
		empty := p.atStart && len(bytes.TrimRight(line, "\r\n")) == 0
		p.use()
		if empty {
			return nil
		}
	}
}

// skip reads a body and returns its end.
func (p *parser) skip(open []string) (int64, error) {
	for {
		line, more, err := p.next()
		if err != nil || !more {
			return p.offset, err
		}
		if p.atStart {
			if at, _ := delimits(line, open); at >= 0 {
				return p.offset - p.lineEnd, nil
			}
		}
		p.use()
	}
}

// multipart reads the parts of a multipart.
func (p *parser) multipart(e *Part, boundary string, open []string, depth int) (int64, error) {
	inner := append(slices.Clone(open), boundary)
	end, err := p.skip(inner) // the preamble
	kind := plainText()
	if e.kind.sub == "digest" {
		kind = mediaType{primary: "message", sub: "rfc822"}
	}
	for err == nil {
		line, more, nextErr := p.next()
		if nextErr != nil || !more {
			return p.offset, nextErr
		}
		at, last := delimits(line, inner)
		if at < len(inner)-1 {
			return end, nil // a boundary of a multipart around this one
		}
		p.use()
		if last {
			return p.skip(open) // the epilogue
		}
		if p.parts >= maxParts {
			return p.skip(open)
		}
		var child *Part
		child, end, err = p.entity(kind, inner, depth+1)
		if err == nil {
			e.Children = append(e.Children, child)
		}
	}
	return end, err
}

// Find gives the part of a number path (RFC 9051 6.4.5.1); nil when there is
// none.
func (e *Part) Find(path []int) *Part {
	at := e
	for i, n := range path {
		holder := at
		if i > 0 && at.Message != nil {
			holder = at.Message
		}
		switch {
		case holder.Children != nil:
			if n < 1 || n > len(holder.Children) {
				return nil
			}
			at = holder.Children[n-1]
		case n == 1 && (i == 0 || holder != at):
			at = holder
		default:
			return nil
		}
	}
	return at
}

// Span is a stretch of a message: Start is its first byte, End the one behind.
type Span struct{ Start, End int64 }

// Size is the length in bytes.
func (s Span) Size() int64 { return s.End - s.Start }

// Text says how the body is written, if it is text.
func (e *Part) Text() (t BodyText, ok bool) {
	return BodyText{encodingOf(e.Raw), e.kind.param("charset")}, e.kind.primary == "text"
}
