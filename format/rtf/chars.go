package rtf

import (
	"bytes"
	"errors"
	"unicode/utf8"

	"golang.org/x/text/encoding/charmap"
	"golang.org/x/text/transform"

	"waybill/format/mapi"
)

// symbolPage is the code page of symbol fonts, whose bytes are pictures.
const symbolPage = 42

// pictures are the bullets that Word and Outlook take from Symbol and Wingdings.
var pictures = map[byte]string{
	0xA7: "\u25aa", 0xA8: "\u25fb", 0xB7: "\u2022", 0xD8: "\u27a2", 0xFC: "\u2713", 0xE0: "\u2192", 0x76: "\u2756",
}

// chars decodes bytes, keeping a character that is not complete until the rest of
// it comes: Word writes the halves of a double-byte character as two escapes.
type chars struct {
	page    int
	decode  transform.Transformer // nil for UTF-8 and symbols
	pending []byte
	buf     [8 * maxRun]byte
}

// bytes gives what b, in a code page, and what was kept before make. The result is
// valid until the next call.
func (c *chars) bytes(b []byte, page int) []byte {
	var rest []byte
	if page != c.page {
		rest = bytes.Clone(c.flush())
		c.open(page)
	}
	c.pending = append(c.pending, b...)
	if len(rest) == 0 {
		return c.take(false)
	}
	return append(rest, c.take(false)...)
}

// flush gives what cannot become complete any more.
func (c *chars) flush() []byte {
	if len(c.pending) == 0 {
		return nil
	}
	return c.take(true)
}

func (c *chars) open(page int) {
	c.page, c.decode = page, nil
	if page == symbolPage {
		return
	}
	enc, ok := mapi.CodePage(page)
	switch {
	case !ok:
		c.decode = charmap.Windows1252.NewDecoder()
	case enc != nil:
		c.decode = enc.NewDecoder()
	}
}

func (c *chars) take(last bool) []byte {
	if c.page == symbolPage {
		return c.symbols()
	}
	if c.decode == nil {
		n := len(c.pending)
		for cut := 1; !last && cut <= min(utf8.UTFMax-1, n); cut++ {
			if b := c.pending[n-cut]; utf8.RuneStart(b) {
				if !utf8.FullRune(c.pending[n-cut:]) {
					n -= cut
				}
				break
			}
		}
		out := bytes.ToValidUTF8(bytes.Clone(c.pending[:n]), []byte("\ufffd"))
		c.pending = append(c.pending[:0], c.pending[n:]...)
		return out
	}
	written := 0
	for {
		n, used, err := c.decode.Transform(c.buf[written:], c.pending, last)
		written += n
		c.pending = append(c.pending[:0], c.pending[used:]...)
		if err == nil || errors.Is(err, transform.ErrShortSrc) || len(c.pending) == 0 || n == 0 && used == 0 {
			break
		}
	}
	if last {
		if len(c.pending) > 0 {
			written += copy(c.buf[written:], "\ufffd")
			c.pending = c.pending[:0]
		}
		c.decode.Reset()
	}
	return c.buf[:written]
}

func (c *chars) symbols() []byte {
	out := make([]byte, 0, len(c.pending)*3)
	for _, b := range c.pending {
		if text, ok := pictures[b]; ok {
			out = append(out, text...)
			continue
		}
		out = utf8.AppendRune(out, charmap.Windows1252.DecodeByte(b))
	}
	c.pending = c.pending[:0]
	return out
}
