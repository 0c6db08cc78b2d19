package migfile

import (
	"fmt"
	"strings"
	"time"
)

// ParseStamp reads a date of the form YYYYMMDDHHMMSS, which names no zone, in
// loc. An empty text is the zero time; ok is false for anything else.
func ParseStamp(s string, loc *time.Location) (t time.Time, ok bool) {
	s = strings.TrimSpace(s)
	if s == "" || strings.Trim(s, "0") == "" {
		return time.Time{}, true
	}
	if len(s) != 14 {
		return time.Time{}, false
	}
	t, err := time.ParseInLocation("20060102150405", s, loc)
	return t, err == nil
}

// FormatStamp writes t in loc; the zero time, and years that have not four
// digits, give an empty text.
func FormatStamp(t time.Time, loc *time.Location) string {
	t = t.In(loc)
	if t.IsZero() || t.Year() < 1 || t.Year() > 9999 {
		return ""
	}
	return fmt.Sprintf("%04d%02d%02d%02d%02d%02d", t.Year(), t.Month(), t.Day(), t.Hour(), t.Minute(), t.Second())
}
