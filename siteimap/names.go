package siteimap

import (
	"strings"
	"unicode/utf8"

	"waybill/mail"
)

// delimiter separates the names of a path.
const delimiter = '/'

// imapName writes a folder's path as IMAP knows it: names joined by "/". A "/"
// that belongs to a name is written "\s", bytes that are no text or control
// characters "\xHH", and a "\" is doubled where it could be taken for one of
// these.
func imapName(p mail.Path) string {
	names := p.Names()
	for i, n := range names {
		names[i] = escapeName(n)
	}
	return strings.Join(names, string(delimiter))
}

func escapeName(name string) string {
	const hex = "0123456789abcdef"
	var b strings.Builder
	// From the end, because a "\" is doubled for what follows it.
	pieces := make([]string, 0, len(name))
	for i := 0; i < len(name); {
		r, n := utf8.DecodeRuneInString(name[i:])
		switch c := name[i]; {
		case r == utf8.RuneError && n == 1, c < 0x20, c == 0x7f:
			pieces = append(pieces, `\x`+string(hex[c>>4])+string(hex[c&15]))
		case c == delimiter:
			pieces = append(pieces, `\s`)
		default:
			pieces = append(pieces, name[i:i+n])
		}
		i += n
	}
	for i := len(pieces) - 2; i >= 0; i-- {
		if next := pieces[i+1][0]; pieces[i] == `\` && (next == '\\' || next == 's' || next == 'x') {
			pieces[i] = `\\`
		}
	}
	for _, p := range pieces {
		b.WriteString(p)
	}
	return b.String()
}

// sitePath reads what imapName wrote.
func sitePath(name string) mail.Path {
	names := strings.Split(name, string(delimiter))
	for i, n := range names {
		names[i] = unescapeName(n)
	}
	return mail.NewPath(names...)
}

func unescapeName(name string) string {
	if !strings.Contains(name, `\`) {
		return name
	}
	var b strings.Builder
	for i := 0; i < len(name); i++ {
		rest := name[i:]
		switch {
		case strings.HasPrefix(rest, `\\`):
			b.WriteByte('\\')
			i++
		case strings.HasPrefix(rest, `\s`):
			b.WriteByte(delimiter)
			i++
		case strings.HasPrefix(rest, `\x`) && len(rest) >= 4 && unhex(rest[2]) >= 0 && unhex(rest[3]) >= 0:
			b.WriteByte(byte(unhex(rest[2])<<4 | unhex(rest[3])))
			i += 3
		default:
			b.WriteByte(rest[0])
		}
	}
	return b.String()
}

func unhex(c byte) int {
	switch {
	case c >= '0' && c <= '9':
		return int(c - '0')
	case c >= 'a' && c <= 'f':
		return int(c-'a') + 10
	}
	return -1
}

// matches tells whether a name fits a pattern of LIST (RFC 9051 6.3.9): "*" is
// anything, "%" anything without a delimiter. It takes time proportional to
// both lengths, whatever the pattern.
func matches(name, pattern string) bool {
	// possible[i]: what was seen of the pattern fits name[:i].
	possible := make([]bool, len(name)+1)
	possible[0] = true
	for k := 0; k < len(pattern); k++ {
		switch c := pattern[k]; c {
		case '*', '%':
			for i := 1; i <= len(name); i++ {
				possible[i] = possible[i] || possible[i-1] && (c == '*' || name[i-1] != delimiter)
			}
		default:
			for i := len(name); i > 0; i-- {
				possible[i] = possible[i-1] && name[i-1] == c
			}
			possible[0] = false
		}
	}
	return possible[len(name)]
}
