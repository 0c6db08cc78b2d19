package migfile

import (
	"fmt"
	"io"
	"strings"
	"unicode/utf8"

	"golang.org/x/text/encoding"
	"golang.org/x/text/encoding/charmap"
	"golang.org/x/text/encoding/japanese"
	"golang.org/x/text/encoding/korean"
	"golang.org/x/text/encoding/simplifiedchinese"
	"golang.org/x/text/encoding/traditionalchinese"
	"golang.org/x/text/transform"

	"waybill/failure"
)

// UTF8 is the number of the code page that holds every character. The Wizard is
// not known to take it; Waybill does.
const UTF8 = 65001

// CodePage translates between the bytes of migration files and text. The zero
// value is not usable; see NewCodePage.
type CodePage struct {
	Number int
	enc    encoding.Encoding // nil: UTF-8
}

func encodingOf(number int) (encoding.Encoding, bool) {
	switch number {
	case UTF8:
		return nil, true
	case 437:
		return charmap.CodePage437, true
	case 850:
		return charmap.CodePage850, true
	case 852:
		return charmap.CodePage852, true
	case 855:
		return charmap.CodePage855, true
	case 858:
		return charmap.CodePage858, true
	case 860:
		return charmap.CodePage860, true
	case 862:
		return charmap.CodePage862, true
	case 863:
		return charmap.CodePage863, true
	case 865:
		return charmap.CodePage865, true
	case 866:
		return charmap.CodePage866, true
	case 874:
		return charmap.Windows874, true
	case 932:
		return japanese.ShiftJIS, true
	case 936:
		return simplifiedchinese.GBK, true
	case 949, 51949:
		return korean.EUCKR, true
	case 950:
		return traditionalchinese.Big5, true
	case 1250:
		return charmap.Windows1250, true
	case 1251:
		return charmap.Windows1251, true
	case 1252, 20127:
		return charmap.Windows1252, true
	case 1253:
		return charmap.Windows1253, true
	case 1254:
		return charmap.Windows1254, true
	case 1255:
		return charmap.Windows1255, true
	case 1256:
		return charmap.Windows1256, true
	case 1257:
		return charmap.Windows1257, true
	case 1258:
		return charmap.Windows1258, true
	case 10000:
		return charmap.Macintosh, true
	case 10007:
		return charmap.MacintoshCyrillic, true
	case 20866:
		return charmap.KOI8R, true
	case 21866:
		return charmap.KOI8U, true
	case 28591:
		return charmap.ISO8859_1, true
	case 28592:
		return charmap.ISO8859_2, true
	case 28605:
		return charmap.ISO8859_15, true
	case 51932:
		return japanese.EUCJP, true
	case 54936:
		return simplifiedchinese.GB18030, true
	}
	return nil, false
}

// NewCodePage finds the code page with that number; where tells where the number
// was read. An unknown number is an error of rule "migfile.code-page".
func NewCodePage(number int, where string) (CodePage, error) {
	enc, ok := encodingOf(number)
	if !ok {
		return CodePage{}, failure.New(failure.Unsupported, "read code page", where, "migfile.code-page", fmt.Errorf("code page %d is not known", number)).
			WithRemedy("set the number in the packing list to the code page that the files were really written in; known are 437, 850, 852, 858, 932, 936, 949, 950, 1250 to 1258, 10000, 65001 and some more")
	}
	return CodePage{Number: number, enc: enc}, nil
}

// Decode gives the text of b. Bytes that mean nothing become U+FFFD.
func (c CodePage) Decode(b []byte) string {
	if isASCII(b) {
		return string(b)
	}
	if c.enc != nil {
		if out, err := c.enc.NewDecoder().Bytes(b); err == nil {
			return string(out)
		}
	}
	return strings.ToValidUTF8(string(b), string(utf8.RuneError))
}

func isASCII(b []byte) bool {
	for _, c := range b {
		if c >= utf8.RuneSelf {
			return false
		}
	}
	return true
}

// Encode gives the bytes of s. Characters that the code page does not have are
// written as "?" and counted.
func (c CodePage) Encode(s string) (b []byte, replaced int) {
	e := c.NewEncoder()
	out, _, err := transform.Bytes(e, []byte(s))
	if err != nil { // cannot be: the encoder takes every byte
		return []byte(s), 0
	}
	return out, e.Replaced
}

// NewReader reads r, which is in this code page, as UTF-8.
func (c CodePage) NewReader(r io.Reader) io.Reader {
	if c.enc == nil {
		return transform.NewReader(r, &Encoder{})
	}
	return transform.NewReader(r, c.enc.NewDecoder())
}

// NewEncoder makes a transformer from UTF-8 to the code page.
func (c CodePage) NewEncoder() *Encoder {
	e := &Encoder{}
	if c.enc != nil {
		e.enc = c.enc.NewEncoder()
	}
	return e
}

// Encoder is a transform.Transformer from UTF-8 to a code page. What does not
// fit, and bytes that are no UTF-8, become "?" (U+FFFD where the code page has it).
type Encoder struct {
	enc *encoding.Encoder
	// Replaced counts the characters that did not fit.
	Replaced int
}

// Reset implements transform.Transformer; the count stays.
func (e *Encoder) Reset() {}

// Transform implements transform.Transformer.
func (e *Encoder) Transform(dst, src []byte, atEOF bool) (nDst, nSrc int, err error) {
	for nSrc < len(src) {
		n := 1
		out := src[nSrc : nSrc+1]
		if out[0] >= utf8.RuneSelf {
			if !atEOF && !utf8.FullRune(src[nSrc:]) {
				return nDst, nSrc, transform.ErrShortSrc
			}
			_, n = utf8.DecodeRune(src[nSrc:])
			var fits bool
			if out, fits = e.rune(src[nSrc : nSrc+n]); nDst+len(out) <= len(dst) && !fits {
				e.Replaced++
			}
		}
		if nDst+len(out) > len(dst) {
			return nDst, nSrc, transform.ErrShortDst
		}
		nDst += copy(dst[nDst:], out)
		nSrc += n
	}
	return nDst, nSrc, nil
}

// rune encodes one character that is not ASCII, and tells whether it could.
func (e *Encoder) rune(c []byte) (out []byte, fits bool) {
	if e.enc == nil {
		if len(c) == 1 { // no UTF-8
			return []byte("\uFFFD"), false
		}
		return c, true
	}
	if len(c) == 1 {
		return []byte{'?'}, false
	}
	e.enc.Reset()
	out, err := e.enc.Bytes(c)
	if err != nil || len(out) == 0 {
		return []byte{'?'}, false
	}
	return out, true
}
