package canon

import (
	"bufio"
	"bytes"
	"html"
	"io"
	"strings"
)

// htmlText reads HTML (in UTF-8) as plain text, for mail programs that show no
// HTML: tags go, blocks begin on new lines, entities become characters, scripts
// and styles are left out. It never fails on account of the HTML and holds no
// more than one tag's name.
type htmlText struct {
	br    *bufio.Reader
	out   []byte
	text  []byte
	err   error
	skip  string // the element whose content is left out
	blank bool   // a blank is due
	lines int    // line breaks at the end of what was written; begins as if there were two
	pre   int
}

func newHTMLText(r io.Reader) *htmlText { return &htmlText{br: bufio.NewReader(r), lines: 2} }

func (h *htmlText) Read(p []byte) (int, error) {
	for len(h.out) == 0 {
		if h.err != nil {
			return 0, h.err
		}
		h.text = h.text[:0]
		for len(h.text) < 4096 && h.err == nil {
			h.step()
		}
		h.out = h.text
	}
	n := copy(p, h.out)
	h.out = h.out[n:]
	return n, nil
}

// step takes one character, entity or tag.
func (h *htmlText) step() {
	c, err := h.br.ReadByte()
	if err != nil {
		h.err = err
		return
	}
	switch {
	case c == '<':
		h.tag()
	case h.skip != "":
	case c == '&':
		h.entity()
	case h.pre > 0 && c == '\n':
		h.newline(100)
	case (c == ' ' || c == '\t' || c == '\r' || c == '\n') && h.pre == 0:
		h.blank = h.lines == 0
	default:
		h.write(string([]byte{c}))
	}
}

func (h *htmlText) write(s string) {
	if h.blank {
		h.text = append(h.text, ' ')
		h.blank = false
	}
	h.text = append(h.text, s...)
	h.lines = 0
}

// newline ends the line, and leaves at most limit line ends in a row.
func (h *htmlText) newline(limit int) {
	h.blank = false
	if h.lines < limit {
		h.text = append(h.text, '\n')
		h.lines++
	}
}

func (h *htmlText) entity() {
	head, _ := h.br.Peek(32)
	end := bytes.IndexAny(head, "; <&\n")
	if end <= 0 || head[end] != ';' {
		h.write("&")
		return
	}
	name := "&" + string(head[:end+1])
	text := html.UnescapeString(name)
	_, _ = h.br.Discard(end + 1)
	if text == "\u00a0" {
		text = " "
	}
	h.write(text)
}

// tag reads from behind "<" to ">".
func (h *htmlText) tag() {
	if head, _ := h.br.Peek(1); h.skip != "" && string(head) != "/" {
		return // inside a script "<" is no tag
	}
	if head, _ := h.br.Peek(3); string(head) == "!--" {
		_, _ = h.br.Discard(3)
		h.until("-->")
		return
	}
	var name []byte
	quote := byte(0)
	naming := true
	for first := true; ; first = false {
		c, err := h.br.ReadByte()
		if err != nil {
			h.err = err
			break
		}
		if first && !(c == '/' || c == '!' || c == '?' || c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z') {
			if h.skip == "" {
				h.write("<")
			}
			if err := h.br.UnreadByte(); err != nil {
				h.err = err
			}
			return
		}
		if quote != 0 {
			if c == quote {
				quote = 0
			}
			continue
		}
		if c == '>' {
			break
		}
		if (c == '"' || c == '\'') && !naming && h.skip == "" {
			quote = c
		}
		if naming = naming && c > ' ' && len(name) < 20; naming {
			name = append(name, c)
		}
	}
	h.element(strings.TrimSuffix(strings.ToLower(string(name)), "/"))
}

func (h *htmlText) until(end string) {
	matched := 0
	for matched < len(end) {
		c, err := h.br.ReadByte()
		if err != nil {
			h.err = err
			return
		}
		switch {
		case c == end[matched]:
			matched++
		case c == '-' && matched == 2:
		case c == end[0]:
			matched = 1
		default:
			matched = 0
		}
	}
}

func (h *htmlText) element(name string) {
	if h.skip != "" {
		if name == "/"+h.skip {
			h.skip = ""
		}
		return
	}
	switch name {
	case "script", "style", "title", "head":
		if h.skip = name; name == "head" {
			h.skip = "" // its texts are in title, style and script; a head is often not closed
		}
	case "br":
		h.newline(100)
	case "pre":
		h.pre++
		h.newline(2)
	case "/pre":
		h.pre = max(0, h.pre-1)
		h.newline(2)
	case "p", "/p", "h1", "h2", "h3", "h4", "h5", "h6", "/h1", "/h2", "/h3", "/h4", "/h5", "/h6", "table", "/table", "blockquote", "/blockquote", "ul", "/ul", "ol", "/ol":
		h.block()
		h.newline(2)
	case "div", "/div", "tr", "/tr", "hr":
		h.block()
	case "li":
		h.block()
		h.write("* ")
	case "td", "th":
		h.blank = h.lines == 0
	}
}

// block ends a line that has something on it.
func (h *htmlText) block() {
	if h.lines == 0 {
		h.newline(1)
	}
}
