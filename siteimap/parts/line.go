package parts

import (
	"bytes"
	"fmt"
	"strings"
)

// Line is a response under construction.
type Line struct{ bytes.Buffer }

// Add writes as fmt.Fprintf does.
func (l *Line) Add(format string, args ...any) *Line {
	_, _ = fmt.Fprintf(l, format, args...)
	return l
}

// str writes a string: quoted where that can be, as a literal otherwise.
func (l *Line) str(s string) *Line {
	plain := len(s) <= 1000
	for i := 0; plain && i < len(s); i++ {
		plain = s[i] >= ' ' && s[i] <= '~'
	}
	if !plain {
		s = strings.ReplaceAll(s, "\x00", "") // no literal may hold it (RFC 9051 9)
		return l.Add("{%d}\r\n%s", len(s), s)
	}
	l.WriteByte('"')
	for i := 0; i < len(s); i++ {
		if s[i] == '"' || s[i] == '\\' {
			l.WriteByte('\\')
		}
		l.WriteByte(s[i])
	}
	l.WriteByte('"')
	return l
}

// nstr is str, with NIL for nothing.
func (l *Line) nstr(s string) *Line {
	if s == "" {
		return l.Add("NIL")
	}
	return l.str(s)
}

// Words writes a parenthesized list of atoms.
func (l *Line) Words(words []string) *Line { return l.Add("(%s)", strings.Join(words, " ")) }
