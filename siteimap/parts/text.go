package parts

import (
	"encoding/base64"
	"errors"
	"io"
	"mime"
	"mime/quotedprintable"
	netmail "net/mail"
	"strings"
	"time"
	"unicode/utf8"

	"golang.org/x/text/cases"
	"golang.org/x/text/encoding/htmlindex"
	"golang.org/x/text/transform"
)

// Fold makes texts that differ in case alone equal.
func Fold(s string) string {
	for i := range len(s) {
		if s[i] >= utf8.RuneSelf {
			return cases.Fold().String(strings.ToValidUTF8(s, "\uFFFD"))
		}
	}
	return strings.ToLower(s) // the same, and much faster
}

// ParseDate reads the date of a header (RFC 5322 3.3).
func ParseDate(text string) (time.Time, error) { return netmail.ParseDate(text) }

// DecodeHeader decodes the encoded words of a header (RFC 2047); what cannot be
// decoded stays.
func DecodeHeader(text string) string {
	d := mime.WordDecoder{CharsetReader: func(charset string, in io.Reader) (io.Reader, error) {
		e, err := htmlindex.Get(charset)
		if err != nil {
			return nil, err
		}
		return transform.NewReader(in, e.NewDecoder()), nil
	}}
	// The decoder takes one line, and folding goes between two encoded words.
	text = strings.NewReplacer("\r\n ", " ", "\r\n\t", " ", "\n ", " ", "\n\t", " ").Replace(text)
	var b strings.Builder
	for l := range strings.Lines(text) {
		decoded, err := d.DecodeHeader(l)
		if err != nil {
			decoded = l
		}
		b.WriteString(decoded)
	}
	return b.String()
}

// ErrEnough ends reading when nothing more needs to be looked at.
var ErrEnough = errors.New("enough")

// BodyText says how the text of a part is written.
type BodyText struct{ encoding, charset string }

// Decoded reads the text as UTF-8, as far as it can be decoded.
func (t BodyText) Decoded(r io.Reader) io.Reader {
	switch t.encoding {
	case "base64":
		r = base64.NewDecoder(base64.StdEncoding, lenient{r})
	case "quoted-printable":
		r = quotedprintable.NewReader(r)
	}
	switch strings.ToLower(t.charset) {
	case "", "us-ascii", "utf-8":
	default:
		if e, err := htmlindex.Get(t.charset); err == nil {
			r = transform.NewReader(r, e.NewDecoder())
		}
	}
	return r
}

// Finder looks for a text in a body that is written to it, in pieces and
// decoded, and never holds all of it.
type Finder struct {
	in   *io.PipeWriter
	done chan bool
}

// scanned is how much decoded text is looked at in one go.
const scanned = 64 << 10

// NewFinder looks for a text that is folded already.
func NewFinder(want string, text BodyText) *Finder {
	out, in := io.Pipe()
	f := &Finder{in: in, done: make(chan bool, 1)}
	go func() {
		hit := Scan(text.Decoded(out), want, scanned)
		_ = out.CloseWithError(ErrEnough)
		f.done <- hit
	}()
	return f
}

// Write takes a piece of the body. ErrEnough: no more is needed.
func (f *Finder) Write(p []byte) (int, error) { return f.in.Write(p) }

// Ends tells after the last piece whether the text was there.
func (f *Finder) Ends() bool {
	_ = f.in.Close()
	return <-f.done
}

// Scan reads until the text is found, or to the end; size is about how much
// there is. Decoding errors end it:
// what comes behind them is no text.
func Scan(r io.Reader, want string, size int64) bool {
	piece := make([]byte, min(scanned, 3*size+utf8.UTFMax))
	kept, split := "", 0 // bytes at the end of piece that begin a rune
	for {
		n, err := io.ReadFull(r, piece[split:])
		n += split
		split = 0
		if err == nil {
			split = partialRune(piece[:n])
		}
		text := kept + Fold(string(piece[:n-split]))
		if strings.Contains(text, want) {
			return true
		}
		if err != nil {
			return false
		}
		kept = text[max(0, len(text)-len(want)):]
		copy(piece, piece[n-split:n])
	}
}

// partialRune is how many bytes at the end begin a rune whose rest is missing.
func partialRune(b []byte) int {
	for i := 1; i < utf8.UTFMax && i <= len(b); i++ {
		if c := b[len(b)-i]; utf8.RuneStart(c) {
			if c >= utf8.RuneSelf && !utf8.FullRune(b[len(b)-i:]) {
				return i
			}
			return 0
		}
	}
	return 0
}

// lenient leaves out what base64 does not know.
type lenient struct{ r io.Reader }

func (l lenient) Read(p []byte) (int, error) {
	for {
		n, err := l.r.Read(p)
		kept := 0
		for _, c := range p[:n] {
			if c >= 'A' && c <= 'Z' || c >= 'a' && c <= 'z' || c >= '0' && c <= '9' || c == '+' || c == '/' || c == '=' {
				p[kept] = c
				kept++
			}
		}
		if kept > 0 || err != nil {
			return kept, err
		}
	}
}
