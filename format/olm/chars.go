package olm

import (
	"bytes"
	"strconv"
	"strings"
	"unicode/utf8"
)

// char reads a character. entity is not empty when it was written as an entity;
// one that is not known stays as it is. What is not UTF-8 is U+FFFD.
func (s *scanner) char() (r rune, entity string, err error) {
	r, _, err = s.r.ReadRune()
	switch {
	case err != nil:
		return 0, "", err
	case r == '\r':
		if next, _ := s.r.Peek(1); len(next) == 1 && next[0] == '\n' {
			_, _ = s.r.ReadByte()
		}
		return '\n', "", nil // XML 1.0, 2.11
	case r == 0:
		return utf8.RuneError, "", nil
	case r != '&':
		return r, "", nil
	}
	// The longest is &#x10FFFF; in practice.
	head, _ := s.r.Peek(12)
	end := bytes.IndexByte(head, ';')
	if end <= 0 {
		return '&', "&", nil
	}
	name := string(head[:end])
	if r = entityOf(name); r == 0 {
		return '&', "&", nil
	}
	_, _ = s.r.Discard(end + 1)
	return r, name, nil
}

// entityOf is the character of an entity, 0 for one that is not known.
func entityOf(name string) rune {
	switch name {
	case "amp":
		return '&'
	case "lt":
		return '<'
	case "gt":
		return '>'
	case "quot":
		return '"'
	case "apos":
		return '\''
	}
	digits, ok := strings.CutPrefix(name, "#")
	if !ok {
		return 0
	}
	base := 10
	if hex, ok := strings.CutPrefix(digits, "x"); ok {
		digits, base = hex, 16
	}
	n, err := strconv.ParseUint(digits, base, 32)
	switch {
	case err != nil:
		return 0
	case n == 0 || n > utf8.MaxRune || !utf8.ValidRune(rune(n)):
		return utf8.RuneError
	}
	return rune(n)
}
