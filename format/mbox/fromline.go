package mbox

import (
	"bytes"
	"strconv"
	"strings"
	"time"
)

// FromLine is what the line before a message says: "From sender date".
type FromLine struct {
	// Sender is the envelope sender as written; "-" in files of Mozilla programs.
	Sender string
	// Date is when the message was put into the file; the zero time when the
	// line has no date that can be read. Without a zone the date is taken as UTC.
	Date  time.Time
	Zoned bool

	dated   bool // has a whole date
	weekday bool // the date begins with a weekday, as ctime writes it
	rest    bool // words follow the date that are neither zone nor "remote from"
}

var months = [...]string{"jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec"}

// zones are the names that old mail programs wrote; a name that is not here is
// passed over, because the same letters mean different zones in different places.
var zones = map[string]int{
	"UT": 0, "UTC": 0, "GMT": 0, "Z": 0, "WET": 0,
	"EST": -5 * 3600, "EDT": -4 * 3600, "CST": -6 * 3600, "CDT": -5 * 3600,
	"MST": -7 * 3600, "MDT": -6 * 3600, "PST": -8 * 3600, "PDT": -7 * 3600,
	"MET": 3600, "CET": 3600, "MEZ": 3600, "MEST": 7200, "CEST": 7200, "MESZ": 7200, "EET": 7200, "BST": 3600, "JST": 9 * 3600,
}

// ParseFromLine reads a line that begins with "From ", without its line end. It
// is tolerant: any order of day and month, a missing weekday, seconds or
// century, a zone before or after the year, and "remote from host" are
// understood. What is not understood leaves its field empty.
func ParseFromLine(line []byte) FromLine {
	text := strings.TrimRight(strings.TrimPrefix(string(line), "From "), " \t\r\x00")
	if i := strings.LastIndex(text, " remote from "); i >= 0 {
		text = text[:i]
	}
	words := strings.Fields(text)
	for i := range words {
		if f, ok := dateAt(words, i); ok {
			return f
		}
	}
	return FromLine{Sender: strings.Join(words, " ")}
}

// plain reports whether the sender is one that a mail program writes: one word,
// or an address that an archive disguised as "user at example.org".
func (f FromLine) plain() bool {
	words := strings.Fields(f.Sender)
	return len(words) == 1 || len(words) == 3 && words[1] == "at"
}

// address reports whether the sender alone makes the line one of an mbox.
func (f FromLine) address() bool {
	return len(strings.Fields(f.Sender)) == 1 && strings.Contains(f.Sender, "@")
}

// dateAt reads a date whose month is words[m].
func dateAt(words []string, m int) (FromLine, bool) {
	month := monthOf(words[m])
	if month == 0 {
		return FromLine{}, false
	}
	start, after := m, m+1
	day := number(at(words, m+1), 1, 31)
	if day > 0 {
		after = m + 2
	} else if day = number(at(words, m-1), 1, 31); day > 0 {
		start = m - 1
	}
	if day < 0 {
		return FromLine{}, false
	}
	f := FromLine{dated: true}
	if start > 0 && isWeekday(words[start-1]) {
		start--
		f.weekday = true
	}
	year, clock, offset := -1, [3]int{-1}, 0
	for ; after < len(words); after++ {
		word := words[after]
		if hms, ok := clockOf(word); ok && clock[0] < 0 {
			clock = hms
		} else if y := yearOf(word); y >= 0 && year < 0 {
			year = y
		} else if seconds, ok := zoneOf(word); ok {
			offset, f.Zoned = seconds, true
		} else if _, known := zones[strings.ToUpper(word)]; !known && !isZoneWord(word) {
			f.rest = true
		}
	}
	if year < 0 || clock[0] < 0 {
		return FromLine{}, false
	}
	where := time.UTC
	if offset != 0 {
		where = time.FixedZone("", offset)
	}
	f.Date = time.Date(year, time.Month(month), day, clock[0], clock[1], clock[2], 0, where)
	f.Sender = strings.Join(words[:start], " ")
	return f, true
}

func at(words []string, i int) string {
	if i < 0 || i >= len(words) {
		return ""
	}
	return words[i]
}

func monthOf(word string) int {
	word = strings.ToLower(strings.TrimRight(word, ".,"))
	if len(word) < 3 || len(word) > 9 {
		return 0
	}
	for i, m := range months {
		if word == m || len(word) > 3 && strings.EqualFold(word, time.Month(i+1).String()) {
			return i + 1
		}
	}
	return 0
}

func isWeekday(word string) bool {
	switch strings.ToLower(strings.TrimRight(word, ",")) {
	case "sun", "mon", "tue", "wed", "thu", "fri", "sat":
		return true
	}
	return false
}

func number(word string, low, high int) int {
	word = strings.TrimRight(word, ",")
	n, err := strconv.Atoi(word)
	if err != nil || len(word) > 4 || n < low || n > high || strings.ContainsAny(word, "+-") {
		return -1
	}
	return n
}

// yearOf takes years of two digits as RFC 5322 4.3 does.
func yearOf(word string) int {
	switch {
	case len(word) == 4:
		return number(word, 0, 9999)
	case len(word) == 2 && number(word, 0, 49) >= 0:
		return 2000 + number(word, 0, 49)
	case len(word) == 2 && number(word, 50, 99) >= 0:
		return 1900 + number(word, 50, 99)
	}
	return -1
}

func clockOf(word string) ([3]int, bool) {
	parts := strings.Split(word, ":")
	if len(parts) != 2 && len(parts) != 3 {
		return [3]int{-1}, false
	}
	var hms [3]int
	for i, limit := range [...]int{23, 59, 60} {
		if i < len(parts) {
			if hms[i] = number(parts[i], 0, limit); hms[i] < 0 || len(parts[i]) > 2 {
				return [3]int{-1}, false
			}
		}
	}
	return hms, true
}

func zoneOf(word string) (seconds int, ok bool) {
	if len(word) == 5 && (word[0] == '+' || word[0] == '-') {
		h, m := number(word[1:3], 0, 14), number(word[3:], 0, 59)
		if h < 0 || m < 0 {
			return 0, false
		}
		seconds = h*3600 + m*60
		if word[0] == '-' {
			seconds = -seconds
		}
		return seconds, true
	}
	seconds, ok = zones[strings.ToUpper(word)]
	return seconds, ok
}

// isZoneWord accepts "(CET)", "DST" and unknown names of three to five capitals.
func isZoneWord(word string) bool {
	word = strings.Trim(word, "()")
	return len(word) >= 2 && len(word) <= 5 && strings.ToUpper(word) == word && !strings.ContainsAny(word, "0123456789.,;:@")
}

// looksLikeField reports whether text begins like a header field (RFC 5322
// 2.2), or like the ">From " line that some UUCP hosts left above the header.
func looksLikeField(text []byte) bool {
	if bytes.HasPrefix(text, []byte(">From ")) {
		return true
	}
	for i, c := range text {
		switch {
		case c == ':':
			return i > 0
		case i > 76:
			return false
		case c == ' ' || c == '\t':
			rest := bytes.TrimLeft(text[i:], " \t")
			return i > 0 && len(rest) > 0 && rest[0] == ':'
		case c < '!' || c > '~':
			return false
		}
	}
	return false
}
