package provisioner

import (
	"strings"
	"unicode"
)

// outputLimit is how many bytes of a command's output are kept: the first half
// and the last half of them, for what went wrong stands at either end.
const outputLimit = 4096

// output keeps the beginning and the end of what is written to it.
type output struct {
	head, tail []byte
	left       int64 // bytes between them that are not kept
}

// Write never fails: a command must not be stopped by how much it says.
func (o *output) Write(p []byte) (int, error) {
	n := len(p)
	room := min(outputLimit/2-len(o.head), len(p))
	o.head = append(o.head, p[:room]...)
	p = p[room:]
	if over := len(p) - outputLimit/2; over > 0 {
		o.left += int64(over)
		p = p[over:]
	}
	if over := len(o.tail) + len(p) - outputLimit/2; over > 0 {
		o.left += int64(over)
		o.tail = append(o.tail[:0], o.tail[over:]...)
	}
	o.tail = append(o.tail, p...)
	return n, nil
}

// String is the output as harmless text: lines of printable characters.
func (o *output) String() string {
	text := string(o.head)
	if o.left > 0 {
		text += "\n[...]\n"
	}
	return harmless(text + string(o.tail))
}

// harmless takes out of a text what could act on a terminal or hide what is said.
func harmless(text string) string {
	clean := strings.Map(func(r rune) rune {
		switch {
		case r == '\n':
			return r
		case r == '\t':
			return ' '
		case r == '\r':
			return -1
		case unicode.IsControl(r), unicode.Is(unicode.Bidi_Control, r), r == '\u2028', r == '\u2029', r == unicode.ReplacementChar:
			return '?'
		}
		return r
	}, strings.ToValidUTF8(text, "?"))
	return strings.TrimSpace(clean)
}
