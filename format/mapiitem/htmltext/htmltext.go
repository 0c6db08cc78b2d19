// Package htmltext reads HTML as plain text, for programs that show nothing else.
// It is no renderer: what it cannot understand stays as it is.
package htmltext

import (
	"html"
	"io"
	"strings"
	"unicode/utf8"
)

// reader reads HTML as plain text: enough to be read where HTML is not
// understood. Tags go, paragraphs and line breaks become line ends, entities
// become their characters, what is in script and style goes.
type reader struct {
	src   io.Reader
	in    [4096]byte
	state int
	tag   []byte // the beginning of a tag's name, or an entity
	skip  string // the element whose contents go
	space bool   // white space is due
	line  bool   // something stands on the line
	buf   []byte
	out   []byte
	err   error
}

// States of reader.
const (
	inText = iota
	inTag
	inEntity
	inComment
)

// maxTagName bounds what of a tag or an entity is kept.
const maxTagName = 32

// NewReader reads the text of HTML in UTF-8. It never fails of itself; memory is
// bounded whatever the input.
func NewReader(src io.Reader) io.Reader { return &reader{src: src} }

func (t *reader) Read(p []byte) (int, error) {
	for len(t.out) == 0 {
		if t.err != nil {
			return 0, t.err
		}
		n, err := t.src.Read(t.in[:])
		t.buf = t.buf[:0]
		for _, c := range t.in[:n] {
			t.step(c)
		}
		if err != nil {
			if t.state == inEntity {
				t.literal("&" + string(t.tag))
			}
			t.err = err
		}
		t.out = t.buf
	}
	n := copy(p, t.out)
	t.out = t.out[n:]
	return n, nil
}

func (t *reader) step(c byte) {
	switch t.state {
	case inTag:
		switch {
		case c == '>':
			t.state = inText
			t.element(strings.ToLower(string(t.tag)))
		case len(t.tag) < maxTagName:
			t.tag = append(t.tag, c)
			if string(t.tag) == "!--" {
				t.state = inComment
				t.tag = t.tag[:0]
			}
		}
	case inComment:
		t.tag = append(t.tag, c)
		if len(t.tag) > 3 {
			t.tag = t.tag[len(t.tag)-3:]
		}
		if string(t.tag) == "-->" {
			t.state = inText
		}
	case inEntity:
		switch {
		case c == ';':
			t.state = inText
			t.literal(html.UnescapeString("&" + string(t.tag) + ";"))
		case len(t.tag) >= maxTagName || c == '<' || c == '&' || c <= ' ':
			t.state = inText
			t.literal("&" + string(t.tag))
			t.step(c)
		default:
			t.tag = append(t.tag, c)
		}
	default:
		switch {
		case c == '<':
			t.state, t.tag = inTag, t.tag[:0]
		case t.skip != "":
		case c == '&':
			t.state, t.tag = inEntity, t.tag[:0]
		case c == ' ' || c == '\t' || c == '\r' || c == '\n':
			t.space = t.line
		default:
			t.byte(c)
		}
	}
}

func (t *reader) byte(c byte) {
	if t.space {
		t.buf = append(t.buf, ' ')
		t.space = false
	}
	t.line = true
	t.buf = append(t.buf, c)
}

func (t *reader) literal(s string) {
	if t.skip != "" {
		return
	}
	for _, r := range s {
		if r == 0xA0 { // a space that may not break is a space here
			t.space = true
			continue
		}
		for _, c := range utf8.AppendRune(nil, r) {
			t.byte(c)
		}
	}
}

// element acts on a tag.
func (t *reader) element(tag string) {
	name, closing := strings.CutPrefix(tag, "/")
	if i := strings.IndexAny(name, " \t\r\n/"); i >= 0 {
		name = name[:i]
	}
	if t.skip != "" {
		if closing && name == t.skip {
			t.skip = ""
		}
		return
	}
	switch name {
	case "script", "style", "title", "head":
		if !closing && !strings.HasSuffix(tag, "/") {
			t.skip = name
		}
	case "br", "hr":
		t.buf = append(t.buf, '\n')
		t.line, t.space = false, false
	case "p", "div", "tr", "li", "table", "ul", "ol", "h1", "h2", "h3", "h4", "h5", "h6", "blockquote", "pre":
		if t.line {
			t.buf = append(t.buf, '\n')
		}
		t.line, t.space = false, false
	case "td", "th":
		t.space = t.line
	}
}
