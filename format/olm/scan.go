package olm

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"strings"
	"unicode/utf8"

	"waybill/failure"
)

// Bounds on an XML document.
const (
	maxDocument = 1 << 30 // bytes after unpacking
	maxDepth    = 64      // nested elements
	maxName     = 256     // bytes of a name
	maxAttrs    = 64      // attributes of an element
	maxValue    = 1 << 16 // bytes of an attribute's value
	textChunk   = 4096    // bytes of text that are given at once
)

type kind int

const (
	startTag kind = iota
	endTag
	textRun
)

// token is a piece of a document. text is a part of the text of an element: long
// texts come in several tokens.
type token struct {
	kind  kind
	name  string
	attrs map[string]string
	text  []byte
}

// scanner takes a document apart without holding it. It is more lenient than XML
// 1.0: control characters that XML forbids occur in archives. It knows no
// document type definitions, so that no entity can be defined.
type scanner struct {
	r     *bufio.Reader
	in    *counted
	where string
	open  []string
	empty bool // the element that was opened last is closed already
	seen  bool // there was an element
	buf   []byte
}

// counted counts what was read, and ends documents that are too long.
type counted struct {
	r     io.Reader
	n     int64
	where string
}

func (c *counted) Read(p []byte) (int, error) {
	n, err := c.r.Read(p)
	if c.n += int64(n); c.n > maxDocument {
		return 0, failure.New(failure.TooLarge, "read document", c.where, "olm.document-size", fmt.Errorf("it is longer than %d bytes", int64(maxDocument)))
	}
	return n, err
}

func newScanner(r io.Reader, where string) *scanner {
	in := &counted{r: r, where: where}
	return &scanner{r: bufio.NewReader(in), in: in, where: where}
}

// bad is the error of a document that is not well-formed.
func (s *scanner) bad(rule, format string, args ...any) error {
	offset := s.in.n - int64(s.r.Buffered())
	return failure.New(failure.Malformed, "read document", fmt.Sprintf("%s, offset %d", s.where, offset), "olm."+rule, fmt.Errorf(format, args...))
}

// next gives the next token, io.EOF behind a whole document.
func (s *scanner) next() (token, error) {
	if s.empty {
		s.empty = false
		return s.pop(s.open[len(s.open)-1])
	}
	if err := s.encoding(); err != nil {
		return token{}, err
	}
	for {
		c, err := s.r.ReadByte()
		switch {
		case errors.Is(err, io.EOF):
			if len(s.open) > 0 {
				return token{}, s.bad("truncated", "it ends inside of <%s>", s.open[len(s.open)-1])
			}
			if !s.seen {
				return token{}, s.bad("no-element", "there is no element")
			}
			return token{}, io.EOF
		case err != nil:
			return token{}, err
		case c != '<':
			if err := s.r.UnreadByte(); err != nil {
				return token{}, err
			}
			return s.text()
		}
		t, ok, err := s.tag()
		if err != nil || ok {
			return t, err
		}
	}
}

// encoding refuses what is not UTF-8, once.
func (s *scanner) encoding() error {
	if s.seen || s.in.n > 0 {
		return nil
	}
	head, err := s.r.Peek(3)
	if err != nil && !errors.Is(err, io.EOF) {
		return err
	}
	if len(head) >= 2 && (head[0] == 0xfe && head[1] == 0xff || head[0] == 0xff && head[1] == 0xfe || head[0] == 0 || head[1] == 0) {
		return s.bad("encoding", "it is not in UTF-8")
	}
	if string(head) == "\ufeff" {
		_, err = s.r.Discard(3)
		return err
	}
	return nil
}

// must reads a byte inside of a tag.
func (s *scanner) must() (byte, error) {
	c, err := s.r.ReadByte()
	if errors.Is(err, io.EOF) {
		return 0, s.bad("truncated", "it ends inside of a tag")
	}
	return c, err
}

// tag reads what follows a "<". ok is false for what is passed over.
func (s *scanner) tag() (t token, ok bool, err error) {
	c, err := s.must()
	if err != nil {
		return t, false, err
	}
	switch c {
	case '?':
		return t, false, s.skip("?>")
	case '!':
		return s.declaration()
	case '/':
		name, c, err := s.name(0)
		for err == nil && space(c) {
			c, err = s.must()
		}
		if err == nil && c != '>' {
			err = s.bad("tag", "there is %q in an end tag", c)
		}
		if err != nil {
			return t, false, err
		}
		t, err = s.pop(name)
		return t, true, err
	}
	t, err = s.start(c)
	return t, true, err
}

func (s *scanner) pop(name string) (token, error) {
	if n := len(s.open); n == 0 || s.open[n-1] != name {
		return token{}, s.bad("tag", "</%s> closes nothing", name)
	}
	s.open = s.open[:len(s.open)-1]
	return token{kind: endTag, name: name}, nil
}

// declaration reads what follows "<!".
func (s *scanner) declaration() (token, bool, error) {
	head, err := s.r.Peek(7)
	if err != nil && !errors.Is(err, io.EOF) {
		return token{}, false, err
	}
	switch {
	case strings.HasPrefix(string(head), "--"):
		_, _ = s.r.Discard(2)
		return token{}, false, s.skip("-->")
	case string(head) == "[CDATA[":
		_, _ = s.r.Discard(7)
		return token{}, false, s.bad("cdata", "there is a CDATA section, which Outlook does not write")
	}
	return token{}, false, s.bad("doctype", "there is a declaration, which Outlook does not write")
}

// skip passes over everything up to end.
func (s *scanner) skip(end string) error {
	last := ""
	for !strings.HasSuffix(last, end) {
		c, err := s.must()
		if err != nil {
			return err
		}
		if last += string(rune(c)); len(last) > 8 {
			last = last[len(last)-4:]
		}
	}
	return nil
}

func space(c byte) bool { return c == ' ' || c == '\t' || c == '\r' || c == '\n' }

// name reads a name that begins with first, if that is not 0, and
// the byte behind it.
func (s *scanner) name(first byte) (string, byte, error) {
	b := s.buf[:0]
	if first != 0 {
		b = append(b, first)
	}
	for {
		c, err := s.must()
		if err != nil {
			return "", 0, err
		}
		if space(c) || strings.IndexByte(`/>=<"'`, c) >= 0 {
			name := string(b)
			if s.buf = b; name == "" || space(name[0]) || strings.IndexByte(`/>=<"'`, name[0]) >= 0 || !utf8.ValidString(name) {
				return "", 0, s.bad("tag", "a name is missing")
			}
			return name, c, nil
		}
		if b = append(b, c); len(b) > maxName {
			return "", 0, s.bad("tag", "a name is longer than %d bytes", maxName)
		}
	}
}

// start reads a start tag whose name begins with c.
func (s *scanner) start(c byte) (token, error) {
	name, c, err := s.name(c)
	if err != nil {
		return token{}, err
	}
	t := token{kind: startTag, name: name}
	for c != '>' {
		switch {
		case space(c):
			if c, err = s.must(); err != nil {
				return token{}, err
			}
			continue
		case c == '/':
			if c, err = s.must(); err == nil && c != '>' {
				err = s.bad("tag", "there is %q behind a slash", c)
			}
			if err != nil {
				return token{}, err
			}
			s.empty = true
			continue
		}
		if c, err = s.attribute(&t, c); err != nil {
			return token{}, err
		}
	}
	if len(s.open) == maxDepth {
		return token{}, failure.New(failure.TooLarge, "read document", s.where, "olm.depth", fmt.Errorf("elements are nested more than %d deep", maxDepth))
	}
	s.open = append(s.open, name)
	s.seen = true
	return t, nil
}

// attribute reads an attribute whose name begins with c, and the byte behind it.
func (s *scanner) attribute(t *token, c byte) (byte, error) {
	name, c, err := s.name(c)
	for err == nil && space(c) {
		c, err = s.must()
	}
	if err == nil && c != '=' {
		err = s.bad("tag", "an attribute has no value")
	}
	for c = ' '; err == nil && space(c); {
		c, err = s.must()
	}
	if err == nil && c != '"' && c != '\'' {
		err = s.bad("tag", "a value has no quotes")
	}
	if err != nil {
		return 0, err
	}
	quote := rune(c)
	var value []byte
	for {
		r, entity, err := s.char()
		if errors.Is(err, io.EOF) {
			return 0, s.bad("truncated", "it ends inside of a value")
		}
		if err != nil {
			return 0, err
		}
		if r == quote && entity == "" {
			break
		}
		if value = utf8.AppendRune(value, r); len(value) > maxValue {
			return 0, failure.New(failure.TooLarge, "read document", s.where, "olm.value", fmt.Errorf("the value of %s is longer than %d bytes", name, maxValue))
		}
	}
	if t.attrs == nil {
		t.attrs = map[string]string{}
	}
	if t.attrs[name] = string(value); len(t.attrs) > maxAttrs {
		return 0, failure.New(failure.TooLarge, "read document", s.where, "olm.attributes", fmt.Errorf("an element has more than %d attributes", maxAttrs))
	}
	return s.must()
}

// text reads text up to the next tag, or a good part of it.
func (s *scanner) text() (token, error) {
	b := s.buf[:0]
	for len(b) < textChunk {
		c, err := s.r.Peek(1)
		if errors.Is(err, io.EOF) || err == nil && c[0] == '<' {
			break
		}
		if err != nil {
			return token{}, err
		}
		r, _, err := s.char()
		if err != nil {
			return token{}, err
		}
		b = utf8.AppendRune(b, r)
	}
	s.buf = b
	return token{kind: textRun, text: b}, nil
}
