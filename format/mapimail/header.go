package mapimail

import (
	"strings"
	"unicode/utf8"

	"waybill/format/mime"
)

// header is the header of the message to be written, field by field, without the
// fields of MIME.
type header struct{ fields []field }

// field is one field, ready to be written.
type field struct {
	name string // in lower case
	text string // with its name and every CR LF
}

func (h *header) has(names ...string) bool {
	for _, f := range h.fields {
		for _, name := range names {
			if strings.EqualFold(f.name, name) {
				return true
			}
		}
	}
	return false
}

// value is the unfolded value of the first field called name.
func (h *header) value(name string) string {
	for _, f := range h.fields {
		if strings.EqualFold(f.name, name) {
			_, v, _ := strings.Cut(f.text, ":")
			return strings.TrimSpace(strings.ReplaceAll(v, "\r\n", ""))
		}
	}
	return ""
}

// add appends a field whose value is text of any kind; an empty one is left out.
func (h *header) add(name, text string) {
	text = clip(strings.TrimSpace(oneLine(text)), maxField)
	if text == "" {
		return
	}
	h.addReady(name, mime.EncodeWords(text))
}

// addReady appends a field whose value is ASCII without controls, with words that
// are short enough for a line.
func (h *header) addReady(name, value string) {
	h.fields = append(h.fields, field{strings.ToLower(name), mime.FormatField(name, value)})
}

// addAddresses appends an address field, if there is an address.
func (h *header) addAddresses(name string, list []mime.Address) {
	if len(list) == 0 {
		return
	}
	words := make([]string, len(list))
	for i, a := range list {
		words[i] = a.String()
	}
	h.addReady(name, strings.Join(words, ", "))
}

// addIdentifiers appends a field of message identifiers (RFC 5322 3.6.4).
func (h *header) addIdentifiers(name, text string) {
	var words []string
	for _, word := range strings.FieldsFunc(oneLine(text), func(r rune) bool { return r == ' ' || r == ',' }) {
		word = strings.Trim(word, "<>")
		for one := range strings.SplitSeq(word, "><") {
			if one != "" && printable(one) && len(one) <= 900 {
				words = append(words, "<"+one+">")
			}
		}
		if len(words) >= 1000 {
			break
		}
	}
	if len(words) > 0 {
		h.addReady(name, strings.Join(words, " "))
	}
}

func (h *header) String() string {
	var b strings.Builder
	for _, f := range h.fields {
		b.WriteString(f.text)
	}
	return b.String()
}

// maxField is the longest value of a field built from a property, in bytes.
const maxField = 64 << 10

// oneLine is s in valid UTF-8 without controls, line breaks above all: what a
// header field may hold.
func oneLine(s string) string {
	return strings.Map(func(r rune) rune {
		switch {
		case r < ' ', r == 0x7f, 0x80 <= r && r < 0xA0, r == '\u2028', r == '\u2029':
			return ' '
		default:
			return r
		}
	}, strings.ToValidUTF8(s, string(utf8.RuneError)))
}

// clip shortens s to at most n bytes, at the border of a character.
func clip(s string, n int) string {
	if len(s) <= n {
		return s
	}
	for n > 0 && !utf8.RuneStart(s[n]) {
		n--
	}
	return s[:n]
}

// printable reports whether s is ASCII that can be seen.
func printable(s string) bool {
	for i := 0; i < len(s); i++ {
		if s[i] <= ' ' || s[i] >= 0x7f {
			return false
		}
	}
	return true
}
