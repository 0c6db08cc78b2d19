package mime

import (
	"bufio"
	"bytes"
	"errors"
	"io"
	"slices"
	"strings"
)

// Limits of the Reader. What lies deeper, or comes later, is one raw part.
const (
	MaxDepth = 50
	MaxParts = 10000
)

// Part is one node of a message: the message itself, a multipart, or a leaf.
type Part struct {
	Header Header
	// Type is the media type in lower case; the type that RFC 2045 5.2 and RFC
	// 2046 5.1.5 assume when the header names none.
	Type   string
	Params map[string]string
	// Disposition is "attachment", "inline", another word, or empty (RFC 2183).
	Disposition string
	// Name is the file name, decoded, as it was given: it may hold separators.
	Name string
	// Encoding is the transfer encoding in lower case; empty when none is named.
	Encoding string
	// Depth is the number of multiparts and messages around the part.
	Depth int
	// Within is the type of the multipart around the part.
	Within string
	// Multipart tells that parts follow that belong to this one. The body of a
	// multipart is its preamble.
	Multipart bool
	// Offset is where the part's header begins in the input.
	Offset int64
	// Body is where the part's body begins in the input. It means nothing where the
	// header does not end (Defects has "mime.header-unended").
	Body int64
	// Defects are the rules that the part breaks: "mime.boundary-missing".
	Defects []string

	raw io.Reader
}

// Raw gives the part's body as it is in the message. It can be read once, and
// until Next is called.
func (p *Part) Raw() io.Reader { return p.raw }

// Decoded gives the part's body without its transfer encoding; one that is
// unknown is left as it is. It can be read once, and until Next is called.
func (p *Part) Decoded() io.Reader {
	switch p.Encoding {
	case "base64":
		return &base64Reader{src: p.raw}
	case "quoted-printable":
		return newQPReader(p.raw)
	case "x-uuencode", "uuencode", "x-uue", "uue":
		br := bufio.NewReaderSize(p.raw, lineBuffer)
		if head, _ := br.Peek(lineBuffer); !bytes.Contains(head, []byte("begin ")) {
			return br // it is not what it says
		}
		return newUUReader(br)
	}
	return p.raw
}

// Text gives the part's body as UTF-8, see NewTextReader.
func (p *Part) Text() io.Reader {
	r, _ := NewTextReader(p.Decoded(), p.Params["charset"])
	return r
}

// Message walks over the message inside a message/rfc822 part; nil when the part
// lies too deep.
func (p *Part) Message() *Reader {
	if p.Depth+1 >= MaxDepth {
		return nil
	}
	return &Reader{lines: newLines(p.Decoded()), depth: p.Depth + 1}
}

// Attached reports whether the part is meant to be saved, not shown.
func (p *Part) Attached() bool { return p.Disposition == "attachment" || p.Name != "" }

type level struct {
	boundary string
	kind     string
}

// Reader walks over the parts of a message, outermost first, in order.
type Reader struct {
	lines *lines
	depth int
	stack []level
	begun bool
	body  *body
	parts int
	err   error
}

// NewReader walks over the message that r holds.
func NewReader(r io.Reader) *Reader { return &Reader{lines: newLines(r)} }

// Next gives the next part, io.EOF after the last one. Other errors are those of
// the underlying reader.
func (r *Reader) Next() (*Part, error) {
	if r.err != nil {
		return nil, r.err
	}
	if !r.begun {
		r.begun = true
		return r.part(true)
	}
	for {
		if _, err := io.Copy(io.Discard, r.body); err != nil {
			return nil, r.fail(err)
		}
		if r.body.ended {
			return nil, r.fail(io.EOF)
		}
		at, closing := r.body.at, r.body.closing
		if !closing {
			r.stack = r.stack[:at+1]
			return r.part(false)
		}
		// What follows up to the next delimiter of an outer multipart is an
		// epilogue; it is nobody's (RFC 2046 5.1.1).
		r.stack = r.stack[:at]
		r.body = &body{r: r}
	}
}

func (r *Reader) fail(err error) error {
	r.err = err
	return err
}

func (r *Reader) part(first bool) (*Part, error) {
	p := &Part{Depth: r.depth + len(r.stack), Offset: r.lines.off}
	standard := "text/plain"
	if n := len(r.stack); n > 0 {
		p.Within = r.stack[n-1].kind
		if p.Within == "multipart/digest" {
			standard = "message/rfc822"
		}
	}
	var err error
	p.Header, p.Defects, err = r.readHeader(first)
	if err != nil && !errors.Is(err, io.EOF) {
		return nil, r.fail(err)
	}
	p.Body = r.lines.off
	p.Type, p.Params = ParseParams(p.Header.Get("Content-Type"))
	if strings.Count(p.Type, "/") != 1 || strings.ContainsAny(p.Type, " \t") {
		if p.Type != "" {
			p.Defects = append(p.Defects, "mime.type")
		}
		p.Type = standard
	}
	var disposition map[string]string
	p.Disposition, disposition = ParseParams(p.Header.Get("Content-Disposition"))
	if p.Name = disposition["filename"]; p.Name == "" {
		p.Name = p.Params["name"]
	}
	p.Encoding = strings.ToLower(strings.TrimSpace(stripComments(p.Header.Get("Content-Transfer-Encoding"))))
	switch p.Encoding {
	case "", "7bit", "8bit", "binary", "base64", "quoted-printable", "x-uuencode", "uuencode", "x-uue", "uue":
	default:
		p.Defects = append(p.Defects, "mime.encoding-unknown")
	}
	r.parts++
	if strings.HasPrefix(p.Type, "multipart/") {
		boundary := strings.TrimRight(p.Params["boundary"], " \t")
		switch {
		case boundary == "" || len(boundary) > 1000:
			p.Defects = append(p.Defects, "mime.boundary-missing")
		case p.Depth >= MaxDepth:
			p.Defects = append(p.Defects, "mime.too-deep")
		default:
			p.Multipart = true
			r.stack = append(r.stack, level{boundary, p.Type})
		}
	}
	if r.parts >= MaxParts {
		p.Defects = append(p.Defects, "mime.too-many-parts")
		p.Multipart = false
		r.stack = nil
	}
	r.body = &body{r: r}
	p.raw = r.body
	return p, nil
}

// delimiter tells whether line delimits parts, of which multipart on the stack,
// and whether it is the last delimiter.
func (r *Reader) delimiter(line []byte) (at int, closing, ok bool) {
	if len(r.stack) == 0 || len(line) < 3 || line[0] != '-' || line[1] != '-' {
		return 0, false, false
	}
	rest := bytes.TrimRight(line[2:], " \t\r")
	for i, open := range slices.Backward(r.stack) {
		b := open.boundary
		if len(rest) < len(b) || string(rest[:len(b)]) != b {
			continue
		}
		switch tail := rest[len(b):]; {
		case len(tail) == 0:
			return i, false, true
		case len(tail) >= 2 && tail[0] == '-' && tail[1] == '-':
			return i, true, true
		}
	}
	return 0, false, false
}

// body reads lines up to the next delimiter. The line end before a delimiter
// belongs to the delimiter (RFC 2046 5.1.1).
type body struct {
	r       *Reader
	held    [2]byte
	heldLen int
	due     [2]byte
	eol     []byte // of due, still to be given out
	out     []byte
	done    bool
	ended   bool // by the end of the input
	at      int
	closing bool
	err     error
}

func (b *body) Read(p []byte) (int, error) {
	for {
		if len(b.eol) > 0 {
			n := copy(p, b.eol)
			b.eol = b.eol[n:]
			return n, nil
		}
		if len(b.out) > 0 {
			n := copy(p, b.out)
			b.out = b.out[n:]
			return n, nil
		}
		if b.err != nil {
			return 0, b.err
		}
		if b.done {
			return 0, io.EOF
		}
		next, err := b.r.lines.next()
		if err != nil {
			if b.done, b.ended = true, true; !errors.Is(err, io.EOF) {
				b.err = err
			}
			b.release()
			continue
		}
		if next.start {
			if at, closing, ok := b.r.delimiter(next.data); ok {
				b.done, b.at, b.closing = true, at, closing
				continue
			}
		}
		b.release()
		b.out = next.data
		b.heldLen = copy(b.held[:], next.eol)
	}
}

// release gives out the line end that was held back.
func (b *body) release() {
	b.due = b.held
	b.eol = b.due[:b.heldLen]
	b.heldLen = 0
}
