package report

import (
	"fmt"
	"strconv"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"
)

// number writes n with a comma between thousands.
func number(n int64) string {
	digits := strconv.FormatInt(n, 10)
	sign := ""
	if n < 0 {
		sign, digits = "-", digits[1:]
	}
	for i := len(digits) - 3; i > 0; i -= 3 {
		digits = digits[:i] + "," + digits[i:]
	}
	return sign + digits
}

var byteUnits = [...]string{"B", "KiB", "MiB", "GiB", "TiB", "PiB", "EiB"}

// size writes n bytes with three digits and a binary unit: "1.46 GiB".
func size(n int64) string {
	if n < 0 {
		return "unknown"
	}
	value, unit := float64(n), 0
	for value >= 999.5 && unit < len(byteUnits)-1 {
		value /= 1024
		unit++
	}
	if unit == 0 {
		return fmt.Sprintf("%d B", n)
	}
	return three(value) + " " + byteUnits[unit]
}

// three writes a value with three digits.
func three(v float64) string {
	switch {
	case v < 9.995:
		return fmt.Sprintf("%.2f", v)
	case v < 99.95:
		return fmt.Sprintf("%.1f", v)
	}
	return fmt.Sprintf("%.0f", v)
}

// rate writes messages per second.
func rate(v float64) string {
	if v >= 999.5 {
		return number(int64(v + 0.5))
	}
	return three(v)
}

// span writes seconds as people say them: "2 h 5 min", "3 min 20 s", "0.42 s".
func span(seconds float64) string {
	switch {
	case !(seconds >= 0):
		return "unknown"
	case seconds < 59.95:
		return strings.TrimSuffix(fmt.Sprintf("%.2g", seconds), ".0") + " s"
	}
	s := int64(seconds + 0.5)
	switch {
	case s < 3600:
		return fmt.Sprintf("%d min %d s", s/60, s%60)
	case s < 48*3600:
		return fmt.Sprintf("%d h %d min", s/3600, s%3600/60)
	}
	return fmt.Sprintf("%d d %d h", s/86400, s%86400/3600)
}

// moment writes a time as ISO 8601 with its zone (RFC 3339 5.6 allows the blank).
func moment(t time.Time) string {
	if t.IsZero() {
		return "not known"
	}
	return t.Format("2006-01-02 15:04:05-07:00")
}

// plural writes "1 mailbox", "2 mailboxes", "3 entries".
func plural(n int, noun string) string {
	if n != 1 {
		switch {
		case strings.HasSuffix(noun, "x"):
			noun += "es"
		case strings.HasSuffix(noun, "ry"):
			noun = strings.TrimSuffix(noun, "y") + "ies"
		default:
			noun += "s"
		}
	}
	return number(int64(n)) + " " + noun
}

func messages(n int64) string { return plural(int(n), "message") }

func isAre(n int64) string {
	if n == 1 {
		return "is"
	}
	return "are"
}

func hasHave(n int64) string {
	if n == 1 {
		return "has"
	}
	return "have"
}

func listed(n int64) string { return number(n) + " " + isAre(n) }

// visible makes text from mail safe to look at: characters that control the
// direction of writing, break lines, or cannot be seen at all are written as
// ⟨U+202E⟩, bytes that are not UTF-8 as ⟨0xFF⟩, and text of more than limit
// characters is cut, with its length in bytes. What it returns is still text
// and has to be escaped for HTML.
func visible(text string, limit int) string {
	clean := len(text) <= limit
	for i := 0; clean && i < len(text); i++ {
		clean = text[i] >= ' ' && text[i] < 0x7f
	}
	if clean {
		return text
	}
	var b strings.Builder
	marks := 0
	for i, n := 0, 0; i < len(text); n++ {
		if n == limit {
			fmt.Fprintf(&b, "… (%s bytes)", number(int64(len(text))))
			break
		}
		r, width := utf8.DecodeRuneInString(text[i:])
		marks++
		if !unicode.Is(unicode.M, r) {
			marks = 0
		}
		switch {
		case r == utf8.RuneError && width == 1:
			fmt.Fprintf(&b, "⟨0x%02X⟩", text[i])
		case hidden(r):
			fmt.Fprintf(&b, "⟨U+%04X⟩", r)
		case marks > maxMarks:
			// A pile of combining marks would cover the lines above it.
		default:
			b.WriteRune(r)
		}
		i += width
	}
	return b.String()
}

// maxMarks is how many combining marks one letter may carry; the writing
// systems of the world need no more.
const maxMarks = 4

// hidden tells characters that have no picture of their own. The two joiners
// that Persian and the scripts of India need are left alone.
func hidden(r rune) bool {
	switch {
	case r == ' ', r == '\u200c', r == '\u200d':
		return false
	case unicode.IsControl(r), unicode.Is(unicode.Cf, r), unicode.Is(unicode.Co, r), unicode.Is(unicode.Z, r):
		return true
	}
	// Hangul fillers and the braille blank are letters and symbols that show nothing.
	return r == '\u115f' || r == '\u1160' || r == '\u3164' || r == '\uffa0' || r == '\u2800'
}
