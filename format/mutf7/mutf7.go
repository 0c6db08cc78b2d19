// Package mutf7 reads and writes the modified UTF-7 in which IMAP servers and
// Maildirs spell the names of folders (RFC 3501 5.1.3).
package mutf7

import (
	"encoding/base64"
	"strings"
	"unicode/utf16"
	"unicode/utf8"
)

// encoding is base64 with "," for "/" and without padding (RFC 3501 5.1.3).
// Bits that are left over must be zero.
var encoding = base64.NewEncoding("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+,").
	WithPadding(base64.NoPadding).Strict()

func direct(c byte) bool { return c >= 0x20 && c <= 0x7e }

// Encode writes name in modified UTF-7. Bytes of name that are not UTF-8 become
// U+FFFD.
func Encode(name string) string {
	var b strings.Builder
	for i := 0; i < len(name); {
		if c := name[i]; direct(c) {
			b.WriteByte(c)
			if c == '&' {
				b.WriteByte('-')
			}
			i++
			continue
		}
		start := i
		for i < len(name) && !direct(name[i]) {
			_, n := utf8.DecodeRuneInString(name[i:])
			i += n
		}
		units := utf16.Encode([]rune(name[start:i]))
		raw := make([]byte, 0, 2*len(units))
		for _, u := range units {
			raw = append(raw, byte(u>>8), byte(u))
		}
		b.WriteByte('&')
		b.WriteString(encoding.EncodeToString(raw))
		b.WriteByte('-')
	}
	return b.String()
}

// Decode reads modified UTF-7. Text that is not, for instance a name that some
// program stored as UTF-8 or with a lone "&", is returned as it is with ok
// false. Spellings that RFC 3501 forbids but that have one meaning only are
// read all the same: printable characters inside base64, two shifts in a row.
func Decode(s string) (name string, ok bool) {
	var b strings.Builder
	for i := 0; i < len(s); {
		c := s[i]
		if !direct(c) {
			return s, false
		}
		i++
		if c != '&' {
			b.WriteByte(c)
			continue
		}
		n := strings.IndexByte(s[i:], '-')
		if n < 0 {
			return s, false
		}
		if n == 0 {
			b.WriteByte('&')
		} else if !decodeShift(&b, s[i:i+n]) {
			return s, false
		}
		i += n + 1
	}
	return b.String(), true
}

// decodeShift appends the characters of one base64 section.
func decodeShift(b *strings.Builder, section string) bool {
	// The decoder of the library skips line ends.
	if strings.ContainsAny(section, "\r\n") {
		return false
	}
	raw, err := encoding.DecodeString(section)
	if err != nil || len(raw)%2 != 0 {
		return false
	}
	for i := 0; i < len(raw); i += 2 {
		r := rune(raw[i])<<8 | rune(raw[i+1])
		if utf16.IsSurrogate(r) {
			if i+4 > len(raw) {
				return false
			}
			i += 2
			if r = utf16.DecodeRune(r, rune(raw[i])<<8|rune(raw[i+1])); r == utf8.RuneError {
				return false
			}
		}
		b.WriteRune(r)
	}
	return true
}
