package answer

import (
	"bytes"
	"strings"

	"waybill/imap/wire"
)

// Line is what follows OK, NO, BAD, BYE or PREAUTH (RFC 9051 7.1).
type Line struct {
	Kind     string // OK, NO, BAD, BYE or PREAUTH
	Code     string // the response code in capitals; may be empty
	Argument string // what follows the code inside the brackets
	Text     string
}

const maxText = 1000

// ParseLine reads the line behind the kind: "[CODE argument] text", or nothing.
func ParseLine(kind string, rest []byte) Line {
	s := Line{Kind: kind}
	rest = bytes.TrimLeft(rest, " ")
	if len(rest) > 0 && rest[0] == '[' {
		if end := codeEnd(rest); end > 0 {
			code, argument, _ := bytes.Cut(rest[1:end], []byte(" "))
			s.Code, s.Argument = strings.ToUpper(string(code)), strings.TrimSpace(string(argument))
			rest = rest[end+1:]
		}
	}
	s.Text = Clean(bytes.TrimSpace(rest))
	return s
}

// codeEnd finds the bracket that closes the code. Flags may hold brackets though
// they must not, so brackets within parentheses and quotes do not count, unless
// none is left otherwise.
func codeEnd(text []byte) int {
	depth, quoted := 0, false
	for i := 1; i < len(text); i++ {
		switch c := text[i]; {
		case quoted:
			switch c {
			case '\\':
				i++
			case '"':
				quoted = false
			}
		case c == '"':
			quoted = true
		case c == '(':
			depth++
		case c == ')':
			depth--
		case c == ']' && depth <= 0:
			return i
		}
	}
	return bytes.IndexByte(text, ']')
}

// Clean makes a server's words fit to be shown: valid UTF-8 without control
// characters, and not endless.
func Clean(text []byte) string {
	if len(text) > maxText {
		text = text[:maxText]
	}
	return strings.Map(func(r rune) rune {
		if r < ' ' || r == 0x7f {
			return ' '
		}
		return r
	}, strings.ToValidUTF8(string(text), "\uFFFD"))
}

// Kind is the kind that word names, "" for other words.
func Kind(word []byte) string {
	for _, kind := range [...]string{"OK", "NO", "BAD", "BYE", "PREAUTH"} {
		if wire.Is(word, kind) {
			return kind
		}
	}
	return ""
}
