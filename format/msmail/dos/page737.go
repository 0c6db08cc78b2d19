package dos

import (
	"unicode/utf8"

	"golang.org/x/text/encoding"
	"golang.org/x/text/transform"
)

// greek is the code page of the Greek language version (KB Q174153), which the
// text library does not have.
const greek = 737

// upper737 are the characters 0x80 to 0xFF of code page 737, as the Unicode
// Consortium's mapping table CP737.TXT has them.
var upper737 = []rune("ΑΒΓΔΕΖΗΘΙΚΛΜΝΞΟΠΡΣΤΥΦΧΨΩαβγδεζηθικλμνξοπρσςτυφχψ" +
	"░▒▓│┤╡╢╖╕╣║╗╝╜╛┐└┴┬├─┼╞╟╚╔╩╦╠═╬╧╨╤╥╙╘╒╓╫╪┘┌█▄▌▐▀" +
	"ωάέήϊίόύϋώΆΈΉΊΌΎΏ±≥≤ΪΫ÷≈°∙·√ⁿ²■\u00a0")

type page737 struct{}

func (page737) NewDecoder() *encoding.Decoder {
	return &encoding.Decoder{Transformer: decode737{}}
}

func (page737) NewEncoder() *encoding.Encoder {
	return &encoding.Encoder{Transformer: encode737{}}
}

type decode737 struct{ transform.NopResetter }

func (decode737) Transform(dst, src []byte, _ bool) (nDst, nSrc int, err error) {
	for nSrc < len(src) {
		r := rune(src[nSrc])
		if r >= utf8.RuneSelf {
			r = upper737[r-utf8.RuneSelf]
		}
		if nDst+utf8.RuneLen(r) > len(dst) {
			return nDst, nSrc, transform.ErrShortDst
		}
		nDst += utf8.EncodeRune(dst[nDst:], r)
		nSrc++
	}
	return nDst, nSrc, nil
}

type encode737 struct{ transform.NopResetter }

func (encode737) Transform(dst, src []byte, atEOF bool) (nDst, nSrc int, err error) {
	for nSrc < len(src) {
		if !atEOF && !utf8.FullRune(src[nSrc:]) {
			return nDst, nSrc, transform.ErrShortSrc
		}
		r, n := utf8.DecodeRune(src[nSrc:])
		b, ok := byte737(r)
		if !ok || r == utf8.RuneError {
			return nDst, nSrc, encoding.ErrInvalidUTF8
		}
		if nDst >= len(dst) {
			return nDst, nSrc, transform.ErrShortDst
		}
		dst[nDst] = b
		nDst++
		nSrc += n
	}
	return nDst, nSrc, nil
}

func byte737(r rune) (byte, bool) {
	if r < utf8.RuneSelf {
		return byte(r), true
	}
	for i, c := range upper737 {
		if c == r {
			return byte(i + utf8.RuneSelf), true
		}
	}
	return 0, false
}
