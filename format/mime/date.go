package mime

import (
	"strconv"
	"strings"
	"time"
)

var months = [...]string{"jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec"}

// zones are the names of RFC 822 5.1 and a few that old programs write, as
// minutes east of Greenwich.
var zones = map[string]int{
	"ut": 0, "utc": 0, "gmt": 0, "z": 0, "est": -300, "edt": -240, "cst": -360, "cdt": -300, "mst": -420, "mdt": -360,
	"pst": -480, "pdt": -420, "bst": 60, "cet": 60, "met": 60, "mez": 60, "cest": 120, "mest": 120, "mesz": 120, "eet": 120, "eest": 180, "msk": 180, "jst": 540, "kst": 540, "hkt": 480, "ist": 330,
	"aest": 600, "aedt": 660, "nzst": 720, "nzdt": 780,
}

// ParseDate reads the date of a header field in any of the shapes that occur:
// RFC 5322 with or without weekday, seconds and zone, the shape of asctime, ISO
// 8601. A missing or unknown zone is UTC. ok is false when no date is found.
func ParseDate(s string) (t time.Time, ok bool) {
	s = strings.TrimSpace(stripComments(s))
	for _, layout := range []string{time.RFC3339, "2006-01-02T15:04:05", "2006-01-02 15:04:05 -0700", "2006-01-02 15:04:05", "2006-01-02"} {
		if t, err := time.Parse(layout, s); err == nil {
			return t, true
		}
	}
	if len(s) > 200 {
		return time.Time{}, false
	}
	var numbers []int
	month, offset := 0, 0
	hour, minute, second := 0, 0, 0
	haveTime, haveZone, pm := false, false, -1
	// "21-Mar-95" comes apart at its hyphens; "-0500" does not.
	split := func(r rune) bool { return r == ' ' || r == ',' || r == '\t' || r == '\r' || r == '\n' || r == '/' }
	var words []string
	for _, w := range strings.FieldsFunc(s, split) {
		if i := strings.IndexByte(w, '-'); i > 0 && !strings.ContainsRune(w, ':') && strings.ContainsAny(w, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ") && !strings.HasPrefix(strings.ToLower(w), "gmt") {
			words = append(words, strings.Split(w, "-")...)
			continue
		}
		words = append(words, w)
	}
	for _, w := range words {
		lower := strings.ToLower(strings.Trim(w, ".\""))
		switch {
		case lower == "":
		case strings.Count(lower, ":") >= 1 && lower[0] >= '0' && lower[0] <= '9' && !haveTime:
			if i := strings.LastIndexAny(lower, "+-"); i > 0 {
				if z, ok := numericZone(lower[i:]); ok {
					offset, haveZone = z, true
				}
				lower = lower[:i]
			}
			if hour, minute, second, haveTime = clock(lower); !haveTime {
				return time.Time{}, false
			}
		case (lower[0] == '+' || lower[0] == '-') && len(lower) > 1:
			if z, ok := numericZone(lower); ok && !haveZone {
				offset, haveZone = z, true
			}
		case lower[0] >= '0' && lower[0] <= '9':
			n, err := strconv.Atoi(strings.TrimRight(lower, "stndrh"))
			if err != nil {
				continue
			}
			numbers = append(numbers, n)
			if len(lower) == 4 && haveTime && len(numbers) > 2 && !haveZone {
				if z, ok := numericZone("+" + lower); ok { // "0500" without its sign
					offset, haveZone = z, true
				}
			}
		case lower == "am":
			pm = 0
		case lower == "pm":
			pm = 1
		default:
			if m := monthNumber(lower); m > 0 && month == 0 {
				month = m
			} else if z, ok := zones[lower]; ok && !haveZone {
				offset, haveZone = z*60, true
			} else if rest, ok := strings.CutPrefix(lower, "gmt"); ok && !haveZone {
				if z, ok := numericZone(rest); ok {
					offset, haveZone = z, true
				}
			}
		}
	}
	if month == 0 || len(numbers) < 2 {
		return time.Time{}, false
	}
	day, year := numbers[0], numbers[1]
	if day > 31 {
		day, year = year, day
	}
	switch {
	case year < 50:
		year += 2000
	case year < 1000: // two digits, or the years since 1900 that some wrote after 1999
		year += 1900
	}
	if pm == 1 && hour < 12 {
		hour += 12
	} else if pm == 0 && hour == 12 {
		hour = 0
	}
	if day < 1 || day > 31 || year > 9999 {
		return time.Time{}, false
	}
	t = time.Date(year, time.Month(month), day, hour, minute, second, 0, time.FixedZone("", offset))
	if t.Day() != day && second < 60 {
		return time.Time{}, false // 31 February
	}
	return t, true
}

func clock(s string) (h, m, sec int, ok bool) {
	parts := strings.Split(s, ":")
	if len(parts) > 3 {
		return 0, 0, 0, false
	}
	values := [3]int{}
	for i, p := range parts {
		p, _, _ = strings.Cut(p, ".")
		p = strings.TrimRight(p, "apmz")
		n, err := strconv.Atoi(p)
		if err != nil || n < 0 {
			return 0, 0, 0, false
		}
		values[i] = n
	}
	return values[0], values[1], values[2], values[0] < 24 && values[1] < 60 && values[2] <= 60
}

// numericZone reads "+0100", "-5", "+05:30" as seconds east of Greenwich.
func numericZone(s string) (int, bool) {
	if len(s) < 2 || s[0] != '+' && s[0] != '-' {
		return 0, false
	}
	digits := strings.ReplaceAll(s[1:], ":", "")
	n, err := strconv.Atoi(digits)
	if err != nil || n < 0 || len(digits) > 4 {
		return 0, false
	}
	if len(digits) <= 2 {
		n *= 100
	}
	seconds := n/100*3600 + n%100*60
	if n/100 > 23 || n%100 > 59 {
		return 0, false
	}
	if s[0] == '-' {
		seconds = -seconds
	}
	return seconds, true
}

func monthNumber(s string) int {
	if len(s) < 3 {
		return 0
	}
	for i, m := range months {
		if s[:3] == m {
			return i + 1
		}
	}
	return 0
}
