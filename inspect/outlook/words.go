package outlook

import (
	"fmt"
	"strconv"
	"strings"
	"time"

	"waybill/failure"
	"waybill/inspect"
)

// amount is a number of bytes in words: "1,234,567 bytes (1.2 MB)".
func amount(n int64) string {
	if n == 1 {
		return "1 byte"
	}
	s := number(n) + " bytes"
	value := float64(n)
	for _, unit := range []string{"kB", "MB", "GB", "TB"} {
		if value /= 1000; value < 1000 && value >= 1 {
			return fmt.Sprintf("%s (%.1f %s)", s, value, unit)
		}
	}
	return s
}

// number writes a number with commas between thousands.
func number(n int64) string {
	digits, sign := strconv.FormatInt(n, 10), ""
	if n < 0 {
		digits, sign = digits[1:], "-"
	}
	for i := len(digits) - 3; i > 0; i -= 3 {
		digits = digits[:i] + "," + digits[i:]
	}
	return sign + digits
}

// count writes a number with its noun: "1 item", "2 items".
func count(n int, noun string) string {
	if n == 1 {
		return "1 " + noun
	}
	return number(int64(n)) + " " + noun + "s"
}

// list joins words and leaves out empty ones.
func list(words ...string) string {
	kept := words[:0:0]
	for _, w := range words {
		if w != "" {
			kept = append(kept, w)
		}
	}
	return strings.Join(kept, ", ")
}

// some is count, or nothing where there is none.
func some(n int, noun string) string {
	if n == 0 {
		return ""
	}
	return count(n, noun)
}

// span is the time between the first and the last of many dates.
type span struct{ first, last time.Time }

func (s *span) add(t time.Time) {
	if t.IsZero() {
		return
	}
	if s.first.IsZero() || t.Before(s.first) {
		s.first = t
	}
	if t.After(s.last) {
		s.last = t
	}
}

func (s *span) String() string {
	if s.first.IsZero() {
		return "none"
	}
	return s.first.UTC().Format(time.DateOnly) + " to " + s.last.UTC().Format(time.DateOnly)
}

// codePage names a code page.
func codePage(n int) string {
	switch n {
	case 0:
		return "not named"
	case 1200:
		return "1200 (UTF-16)"
	case 65001:
		return "65001 (UTF-8)"
	}
	return strconv.Itoa(n)
}

// finding makes one of an error. What it says may hold names of folders and
// files.
func finding(err error, s inspect.Severity) inspect.Finding {
	f := inspect.Finding{Severity: s, Rule: failure.RuleOf(err), Text: err.Error(), Private: true}
	if e, is := asFailure(err); is {
		f.Where, f.Remedy = e.Where, e.Remedy
		switch {
		case e.Err == nil:
			f.Text = e.Op
		case e.Op == "":
			f.Text = e.Err.Error()
		default:
			f.Text = e.Op + ": " + e.Err.Error()
		}
	}
	return f
}
