package rtf

import (
	"bufio"
	"bytes"
	"errors"
	"io"
	"strings"
	"unicode/utf16"
	"unicode/utf8"

	"waybill/failure"
	"waybill/format/mapi"
)

// Bounds of a document. Real ones nest a few dozen groups and name a few hundred fonts.
const (
	maxDepth = 1000
	maxFonts = 1 << 16
	maxLink  = 2048
)

// destination says where the text of a group goes.
type destination uint8

const (
	destBody    destination = iota
	destTag                 // HTML in {\*\htmltag}
	destFonts               // the font table
	destField               // the instruction of a field
	destAltText             // \upr: its Unicode twin follows in \*\ud
	destSkip
)

// group is what a closing brace restores.
type group struct {
	dest      destination
	font      int32
	uc        int32
	htmlrtf   bool
	hidden    bool
	result    bool   // inside the result of a field
	link      string // of the field that this group is
	openParen bool   // a note's text in parentheses
}

// decoder turns RTF into text. Output is collected in out, a token at a time.
type decoder struct {
	lex     lexer
	options Options
	html    bool // copy encapsulated HTML
	kind    Kind

	out  bytes.Buffer
	err  error
	done bool // the outermost group was closed

	group
	stack []group
	star  bool // \* was just read

	fonts    map[int32]int
	fontNow  int32 // of the entry of the font table being read
	deff     int32
	ansi     int // default code page
	chars    chars
	skip     int32 // bytes left out behind \u
	high     rune  // first half of a surrogate pair
	cell     bool  // a cell was closed, and nothing came since
	field    []byte
	shown    []byte // result of the field being read
	pictures int    // placeholders of attachments so far
}

func newDecoder(in *bufio.Reader, kind Kind, html bool, o Options) *decoder {
	return &decoder{lex: lexer{in: in}, options: o, html: html, kind: kind, group: group{uc: 1}, fonts: map[int32]int{}, ansi: 1252}
}

// Read gives decoded text.
func (d *decoder) Read(p []byte) (int, error) {
	for d.out.Len() == 0 && d.err == nil {
		d.err = d.step()
		if d.err != nil {
			d.flush()
		}
	}
	if d.out.Len() > 0 {
		return d.out.Read(p)
	}
	return 0, d.err
}

// step takes one token.
func (d *decoder) step() error {
	if d.done {
		// Whoever made the stream may have an error to tell at its end.
		_, err := io.Copy(io.Discard, d.lex.in)
		if err == nil {
			err = io.EOF
		}
		return err
	}
	t, err := d.lex.next()
	switch {
	case errors.Is(err, io.EOF) && len(d.stack) > 0:
		return malformed("rtf.truncated", at(d.lex.offset), errors.New("groups are open at the end"))
	case err != nil:
		return err
	}
	if t.kind == tokenOpen {
		return d.open()
	}
	star := d.star
	d.star = false
	switch t.kind {
	case tokenClose:
		d.close()
	case tokenBytes:
		d.text(t.bytes)
	case tokenSign:
		d.sign(t.word)
	case tokenWord:
		if d.skip > 0 && t.word != "u" && t.word != "uc" {
			d.skip-- // a word counts as one character (RTF 1.9.1, "Unicode RTF")
			return nil
		}
		d.word(t, star)
	default:
		d.skip = max(d.skip-1, 0)
	}
	return nil
}

func (d *decoder) open() error {
	if len(d.stack) == maxDepth {
		return failure.New(failure.TooLarge, "read RTF", at(d.lex.offset), "rtf.nesting", nil)
	}
	d.stack = append(d.stack, d.group)
	d.link, d.openParen = "", false
	d.star, d.skip = false, 0
	return nil
}

func (d *decoder) close() {
	d.skip = 0
	if len(d.stack) == 0 {
		d.done = true
		return
	}
	if len(d.stack) == 1 && d.htmlrtf {
		// Some writers close, for RTF readers only, groups that they never opened. The
		// end of the document is no such place.
		return
	}
	was := d.group
	outer := d.stack[len(d.stack)-1]
	if was.openParen {
		d.emit(")")
	}
	if d.kind == KindRTF && was.link != "" && was.dest == destBody && was.link != strings.TrimSpace(string(d.shown)) &&
		was.link != "mailto:"+strings.TrimSpace(string(d.shown)) {
		d.emit(" <" + was.link + ">")
	}
	if was.dest == destTag && outer.dest != destTag {
		d.flush()
	}
	d.stack = d.stack[:len(d.stack)-1]
	d.group = outer
	if was.dest == destField && outer.dest != destField {
		d.flushField()
	}
	d.done = len(d.stack) == 0
}

// visible tells whether text of this place belongs to the output.
func (d *decoder) visible() bool {
	switch d.dest {
	case destTag:
		return d.html
	case destBody:
		return !(d.htmlrtf && d.html) && !d.hidden && len(d.stack) > 0
	default:
		return false
	}
}

// text takes bytes in a code page.
func (d *decoder) text(b []byte) {
	if d.skip > 0 {
		n := min(int(d.skip), len(b))
		d.skip -= int32(n)
		b = b[n:]
	}
	if len(b) == 0 {
		return
	}
	switch {
	case d.dest == destField:
		d.field = append(d.field, b[:min(len(b), maxLink-len(d.field))]...)
	case d.visible():
		d.tab()
		d.high = 0
		d.write(d.chars.bytes(b, d.codePage()))
	}
}

// codePage is that of text here ([MS-OXRTFEX] 2.2.3.2: HTML fragments are in the
// default one, other text in that of its font).
func (d *decoder) codePage() int {
	if d.dest == destTag {
		return d.ansi
	}
	if page, ok := d.fonts[d.font]; ok && page != 0 {
		if page == symbolPage && d.html {
			return 1252 // the style names the font, which keeps the meaning
		}
		return page
	}
	return d.ansi
}

// emit adds text that is UTF-8 already.
func (d *decoder) emit(text string) {
	if text == "" || !d.visible() {
		return
	}
	d.flush()
	d.tab()
	d.write([]byte(text))
}

// tab writes what stands between two cells.
func (d *decoder) tab() {
	if d.cell {
		d.cell = false
		d.out.WriteByte('\t')
	}
}

func (d *decoder) write(b []byte) {
	if d.result && len(d.shown) < maxLink {
		d.shown = append(d.shown, b[:min(len(b), maxLink-len(d.shown))]...)
	}
	d.out.Write(b)
}

// flush writes what the decoder of a code page still holds.
func (d *decoder) flush() {
	if rest := d.chars.flush(); len(rest) > 0 {
		d.write(rest)
	}
}

// unicode takes \uN.
func (d *decoder) unicode(n int32) {
	d.skip = d.uc
	r := rune(uint16(n))
	if d.dest == destField {
		d.field = utf8.AppendRune(d.field[:min(len(d.field), maxLink-utf8.UTFMax)], r)
		return
	}
	switch {
	case utf16.IsSurrogate(r) && r < 0xDC00:
		d.high = r
		return
	case d.high != 0:
		r = utf16.DecodeRune(d.high, r)
		d.high = 0
	case n > 0xFFFF && n <= utf8.MaxRune: // some writers give the whole code point
		r = n
	}
	if r == 0 {
		return
	}
	d.emit(string(r))
}

// flushField keeps the address of a link for the field that it belongs to.
func (d *decoder) flushField() {
	text := string(d.field)
	if !utf8.ValidString(text) {
		text = strings.ToValidUTF8(mapi.DecodeText(d.field, d.ansi), "\ufffd")
	}
	words := strings.Fields(text)
	d.field = d.field[:0]
	if len(words) < 2 || !strings.EqualFold(words[0], "HYPERLINK") {
		return
	}
	link := strings.Trim(words[1], `"`)
	if strings.HasPrefix(link, `\`) { // a switch: a place in the document
		return
	}
	d.link = link
}
