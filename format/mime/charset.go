package mime

import (
	"io"
	"strings"
	"unicode/utf8"

	"golang.org/x/text/encoding"
	"golang.org/x/text/encoding/charmap"
	"golang.org/x/text/encoding/htmlindex"
	"golang.org/x/text/encoding/ianaindex"
	"golang.org/x/text/encoding/japanese"
	"golang.org/x/text/encoding/korean"
	"golang.org/x/text/encoding/simplifiedchinese"
	"golang.org/x/text/encoding/traditionalchinese"
	"golang.org/x/text/encoding/unicode"
	"golang.org/x/text/encoding/unicode/utf32"
	"golang.org/x/text/transform"
)

// aliasOf finds charsets that mail programs name otherwise than the registries,
// or that the registries' indexes do not resolve.
func aliasOf(label string) encoding.Encoding {
	switch label {
	case "cp932", "ms932", "windows-932", "x-sjis", "ms_kanji":
		return japanese.ShiftJIS
	case "cp949", "ms949", "windows-949", "ks_c_5601", "ksc5601", "uhc":
		return korean.EUCKR
	case "cp936", "ms936", "windows-936", "x-gbk", "gb2312-80", "euc-cn", "x-euc-cn":
		return simplifiedchinese.GBK
	case "cp950", "ms950", "windows-950", "x-big5":
		return traditionalchinese.Big5
	case "hz-gb-2312", "hz":
		return simplifiedchinese.HZGB2312
	case "iso-2022-jp-2", "iso-2022-jp-ms", "cp50220", "cp50221", "csiso2022jp2":
		return japanese.ISO2022JP
	case "cp858", "ibm858", "ibm00858":
		return charmap.CodePage858
	case "cp1140", "ibm1140", "ibm01140":
		return charmap.CodePage1140
	case "cp037", "ibm037":
		return charmap.CodePage037
	case "macroman", "mac", "x-mac-roman":
		return charmap.Macintosh
	case "utf-16":
		return unicode.UTF16(unicode.BigEndian, unicode.UseBOM)
	case "utf-32", "ucs-4":
		return utf32.UTF32(utf32.BigEndian, utf32.UseBOM)
	case "utf-32be":
		return utf32.UTF32(utf32.BigEndian, utf32.IgnoreBOM)
	case "utf-32le":
		return utf32.UTF32(utf32.LittleEndian, utf32.IgnoreBOM)
	}
	return nil
}

// Charset finds the encoding called label; ok is false for an unknown one. For
// UTF-8 and US-ASCII, and for no label at all, it returns nil and true: such
// text is read leniently, see NewTextReader.
func Charset(label string) (enc encoding.Encoding, ok bool) {
	label = strings.ToLower(strings.Trim(label, " \t\r\n\"'"))
	switch label {
	case "", "utf-8", "utf8", "us-ascii", "ascii", "ansi_x3.4-1968", "646", "iso646-us", "unicode-1-1-utf-8", "7bit", "8bit", "default", "unknown", "unknown-8bit", "x-unknown":
		return nil, true
	}
	if e := aliasOf(label); e != nil {
		return e, true
	}
	if e, err := htmlindex.Get(label); err == nil && e != encoding.Replacement && e != unicode.UTF8 {
		return e, true
	}
	if e, err := ianaindex.MIME.Encoding(label); err == nil && e != nil {
		return e, true
	}
	if e, err := ianaindex.IANA.Encoding(label); err == nil && e != nil {
		return e, true
	}
	return nil, false
}

// NewTextReader reads r as text in the charset called label and gives valid
// UTF-8. Text in UTF-8, US-ASCII or an unknown charset is read leniently: valid
// UTF-8 stays, every other byte is taken for windows-1252, so that nothing is
// dropped. known is false when the charset is unknown.
func NewTextReader(r io.Reader, label string) (text io.Reader, known bool) {
	enc, known := Charset(label)
	if enc == nil {
		return transform.NewReader(r, &lenient{}), known
	}
	return transform.NewReader(r, enc.NewDecoder()), true
}

// decodeBytes is NewTextReader for a short piece of text.
func decodeBytes(b []byte, label string) string {
	var t transform.Transformer = &lenient{}
	if enc, _ := Charset(label); enc != nil {
		t = enc.NewDecoder()
	}
	out, _, err := transform.Bytes(t, b)
	if err != nil {
		out, _, _ = transform.Bytes(&lenient{}, b)
	}
	return string(out)
}

// lenient makes valid UTF-8 of anything.
type lenient struct{ transform.NopResetter }

func (*lenient) Transform(dst, src []byte, atEOF bool) (nDst, nSrc int, err error) {
	for nSrc < len(src) {
		if c := src[nSrc]; c < utf8.RuneSelf {
			if nDst == len(dst) {
				return nDst, nSrc, transform.ErrShortDst
			}
			dst[nDst] = c
			nDst++
			nSrc++
			continue
		}
		if !atEOF && !utf8.FullRune(src[nSrc:]) {
			return nDst, nSrc, transform.ErrShortSrc
		}
		r, n := utf8.DecodeRune(src[nSrc:])
		if r == utf8.RuneError && n == 1 {
			r = charmap.Windows1252.DecodeByte(src[nSrc])
		}
		if nDst+utf8.RuneLen(r) > len(dst) {
			return nDst, nSrc, transform.ErrShortDst
		}
		nDst += utf8.EncodeRune(dst[nDst:], r)
		nSrc += n
	}
	return nDst, nSrc, nil
}
