package mapi

import (
	"strconv"
	"unicode/utf8"

	"golang.org/x/text/encoding"
	"golang.org/x/text/encoding/charmap"

	"waybill/format/mime"
)

// special are the code pages whose numbers are no charset's name.
var special = map[int]string{
	932: "shift_jis", 936: "gbk", 949: "euc-kr", 950: "big5",
	1200: "utf-16le", 1201: "utf-16be", 10000: "macintosh", 10007: "x-mac-cyrillic",
	20127: "us-ascii", 20866: "koi8-r", 21866: "koi8-u", 20932: "euc-jp", 50220: "iso-2022-jp", 50221: "iso-2022-jp",
	50222: "iso-2022-jp", 51932: "euc-jp", 51936: "gbk", 51949: "euc-kr", 52936: "hz-gb-2312", 54936: "gb18030",
	65001: "utf-8",
}

// Charset is the MIME name of a Windows code page ([MS-UCODEREF]); empty when it
// has none that is known.
func Charset(codePage int) string {
	if name, ok := special[codePage]; ok {
		return name
	}
	switch {
	case codePage == 874 || codePage >= 1250 && codePage <= 1258:
		return "windows-" + strconv.Itoa(codePage)
	case codePage >= 28591 && codePage <= 28606:
		return "iso-8859-" + strconv.Itoa(codePage-28590)
	case codePage >= 437 && codePage <= 866:
		return "ibm" + strconv.Itoa(codePage)
	default:
		return ""
	}
}

// CodePage finds the encoding of a Windows code page. It is nil and ok for UTF-8
// and US-ASCII.
func CodePage(codePage int) (enc encoding.Encoding, ok bool) {
	switch codePage {
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
	}
	name := Charset(codePage)
	if name == "" {
		return nil, false
	}
	return mime.Charset(name)
}

// DecodeText makes UTF-8 of text in a code page. Text in an unknown one, or in
// UTF-8, is read as UTF-8 where it is that, and as windows-1252 otherwise: every
// byte stays visible.
func DecodeText(b []byte, codePage int) string {
	enc, ok := CodePage(codePage)
	if !ok || enc == nil {
		if utf8.Valid(b) {
			return string(b)
		}
		enc = charmap.Windows1252
	}
	text, err := enc.NewDecoder().Bytes(b)
	if err != nil {
		text, _ = charmap.Windows1252.NewDecoder().Bytes(b)
	}
	return string(text)
}
