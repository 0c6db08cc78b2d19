// Package boxname spells the names of mailboxes: Unicode on our side, modified
// UTF-7 (RFC 3501 5.1.3) or UTF-8 (RFC 6855 3) on the server's, and the server's
// own bytes where neither can express them.
package boxname

import (
	"strings"
	"unicode/utf8"

	"waybill/format/mutf7"
)

// rawMark begins names that are sent as they are. NUL is in no name.
const rawMark = "\x00raw\x00"

// Raw is the name of a folder by the very bytes that the server uses for it.
func Raw(raw string) string { return rawMark + raw }

// Encode is a name as it goes over the wire; inUTF8 tells that the connection
// spells names in UTF-8.
func Encode(name string, inUTF8 bool) string {
	if raw, ok := strings.CutPrefix(name, rawMark); ok {
		return raw
	}
	if inUTF8 && utf8.ValidString(name) {
		return name
	}
	return mutf7.Encode(name)
}

// Decode is the Unicode name that the server's bytes stand for, and raw where
// encoding the name again would give other bytes: Raw(raw) addresses it then.
func Decode(wire []byte, inUTF8 bool) (name, raw string) {
	text := string(wire)
	if inUTF8 {
		if utf8.ValidString(text) && !strings.Contains(text, "\x00") {
			return text, ""
		}
		return latin1(text), text
	}
	name, ok := mutf7.Decode(text)
	if !ok {
		if utf8.ValidString(text) {
			return strings.ReplaceAll(text, "\x00", "\uFFFD"), text
		}
		return latin1(text), text
	}
	name = strings.ReplaceAll(name, "\x00", "\uFFFD")
	if mutf7.Encode(name) != text {
		return name, text
	}
	return name, ""
}

// latin1 reads bytes as ISO 8859-1: any text then shows something.
func latin1(text string) string {
	var b strings.Builder
	for i := range len(text) {
		if text[i] == 0 {
			b.WriteRune('\uFFFD')
			continue
		}
		b.WriteRune(rune(text[i]))
	}
	return b.String()
}

// Shown is a name for messages to people.
func Shown(name string) string { return strings.TrimPrefix(name, rawMark) }

// Same compares names as servers do: the inbox in any case.
func Same(a, b string) bool {
	return a == b || strings.EqualFold(a, "INBOX") && strings.EqualFold(b, "INBOX")
}

// Folded is the name by which Same names are one key of a map.
func Folded(name string) string {
	if Same(name, "INBOX") {
		return "INBOX"
	}
	return name
}
