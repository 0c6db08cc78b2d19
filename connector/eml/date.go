package eml

import (
	"bytes"
	"io"
	"net/mail"
	"strings"
	"time"
)

// maxHeader is how much of a message is searched for its Date field.
const maxHeader = 64 << 10

// headerDate reads the Date field (RFC 5322 3.6.1) of a message that begins
// with header. Only the first counts.
func headerDate(header []byte) (time.Time, bool) {
	for len(header) > 0 {
		line, rest := nextLine(header)
		if len(line) == 0 {
			break
		}
		header = rest
		name, value, ok := bytes.Cut(line, []byte(":"))
		// A line that begins with a space goes on with another field.
		if !ok || !strings.EqualFold(string(bytes.TrimRight(name, " \t")), "Date") {
			continue
		}
		for len(header) > 0 && (header[0] == ' ' || header[0] == '\t') {
			line, header = nextLine(header)
			value = append(append(bytes.Clone(value), ' '), line...)
		}
		return parseDate(string(value))
	}
	return time.Time{}, false
}

func nextLine(b []byte) (line, rest []byte) {
	i := bytes.IndexAny(b, "\r\n")
	if i < 0 {
		return b, nil
	}
	n := i + 1
	if b[i] == '\r' && n < len(b) && b[n] == '\n' {
		n++
	}
	return b[:i], b[n:]
}

// looseDates are ways to write dates that RFC 5322 does not know and mail has
// all the same. Times without a zone are taken for UTC.
var looseDates = [...]string{
	"Mon, 2 Jan 2006 15:04:05", "2 Jan 2006 15:04:05", "Mon, 2 Jan 2006 15:04", "Mon, 2 Jan 06 15:04:05",
	"Mon Jan 2 15:04:05 2006", "Mon Jan 2 15:04:05 MST 2006", "Mon Jan 2 15:04:05 -0700 2006", "Mon, Jan 2 2006 15:04:05 -0700", "Monday, 2 January 2006 15:04:05 -0700",
	"Monday, January 2, 2006 3:04 PM", "Mon, 2 Jan 2006 15.04.05 -0700", "Mon, 2 Jan 2006 3:04:05 PM -0700",
	"2006-01-02T15:04:05Z07:00", "2006-01-02 15:04:05 -0700", "2006-01-02 15:04:05", "2 Jan 2006",
	"Mon 2 Jan 2006 15:04:05 -0700", "Mon, 2 January 2006 15:04:05 -0700", "2 Jan 06 3:04:05 PM", "2 Jan 2006 15:04",
}

// parseDate reads a date as leniently as its meaning stays clear.
func parseDate(s string) (time.Time, bool) {
	s = strings.Join(strings.Fields(s), " ")
	t, err := mail.ParseDate(s)
	if err != nil {
		if before, _, ok := strings.Cut(s, " ("); ok { // a comment: the zone's name
			s = before
		}
		t, err = mail.ParseDate(s)
	}
	for i := 0; err != nil && i < len(looseDates); i++ {
		t, err = time.Parse(looseDates[i], s)
	}
	// A year out of this range is a slip of the clock or of the pen.
	if err != nil || t.Year() < 1900 || t.Year() > 2200 {
		return time.Time{}, false
	}
	return t, true
}

// readHeader reads as much of r as the search for the Date field may need.
func readHeader(r io.Reader, buf []byte) ([]byte, error) {
	n := 0
	for n < len(buf) {
		m, err := r.Read(buf[n:])
		n += m
		if err == io.EOF {
			break
		}
		if err != nil {
			return nil, err
		}
		if bytes.Contains(buf[:n], []byte("\n\n")) || bytes.Contains(buf[:n], []byte("\r\n\r\n")) {
			break
		}
	}
	return buf[:n], nil
}
