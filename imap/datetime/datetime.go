// Package datetime reads and writes the dates of messages as IMAP has them
// (RFC 9051 9, date-time).
package datetime

import (
	"bytes"
	"fmt"
	"time"

	"waybill/imap/wire"
)

// months are the names of RFC 9051 9, date-month, in capitals.
var months = [...]string{"JAN", "FEB", "MAR", "APR", "MAY", "JUN", "JUL", "AUG", "SEP", "OCT", "NOV", "DEC"}

// Zones keeps time zones that come again and again, so that a date costs no memory
// for its zone. The zero value is ready; it serves one goroutine at a time.
type Zones struct{ known map[int]*time.Location }

// maxZones is how many zones are kept.
const maxZones = 4096

// at is the place that lies offset seconds east of Greenwich.
func (z *Zones) at(offset int) *time.Location {
	if offset == 0 {
		return time.UTC
	}
	if place, ok := z.known[offset]; ok {
		return place
	}
	if z.known == nil || len(z.known) > maxZones {
		z.known = map[int]*time.Location{}
	}
	place := time.FixedZone("", offset)
	z.known[offset] = place
	return place
}

// Parse reads an INTERNALDATE, "17-Jul-1996 02:44:25 -0700", and a few forms that servers send instead: days with one digit, years
// with two, zones by name, dates without a zone (taken as UTC). exact is false for
// those. Days and months that do not exist are not read.
func (z *Zones) Parse(text []byte) (t time.Time, exact, ok bool) {
	exact = true
	p := parser{rest: bytes.TrimSpace(text)}
	day, digits := p.number(2)
	if digits == 0 || !p.take('-') {
		return t, false, false
	}
	month := p.month()
	if !p.take('-') {
		return t, false, false
	}
	year, digits := p.number(4)
	switch digits {
	case 4:
	case 2: // RFC 5322 4.3
		exact = false
		year += 1900
		if year < 1950 {
			year += 100
		}
	default:
		return t, false, false
	}
	p.spaces()
	var clock [3]int
	for i := range clock {
		if i > 0 && !p.take(':') {
			return t, false, false
		}
		if clock[i], digits = p.number(2); digits != 2 {
			return t, false, false
		}
	}
	p.spaces()
	offset, known := p.zone()
	if month == 0 || day < 1 || day > daysIn(year, month) || clock[0] > 23 || clock[1] > 59 || clock[2] > 60 || len(p.rest) > 0 {
		return t, false, false
	}
	t = time.Date(year, time.Month(month), day, clock[0], clock[1], clock[2], 0, z.at(offset))
	return t, exact && known, true
}

func daysIn(year, month int) int {
	return time.Date(year, time.Month(month)+1, 0, 0, 0, 0, 0, time.UTC).Day()
}

type parser struct{ rest []byte }

func (p *parser) take(c byte) bool {
	if len(p.rest) == 0 || p.rest[0] != c {
		return false
	}
	p.rest = p.rest[1:]
	return true
}

func (p *parser) spaces() { p.rest = bytes.TrimLeft(p.rest, " ") }

func (p *parser) number(most int) (n, digits int) {
	for digits < most && digits < len(p.rest) && p.rest[digits] >= '0' && p.rest[digits] <= '9' {
		n = n*10 + int(p.rest[digits]-'0')
		digits++
	}
	p.rest = p.rest[digits:]
	return n, digits
}

// month is 1 to 12; 0 for what is none.
func (p *parser) month() int {
	if len(p.rest) < 3 {
		return 0
	}
	for i, name := range months {
		if wire.Is(p.rest[:3], name) {
			p.rest = p.rest[3:]
			return i + 1
		}
	}
	return 0
}

// zone is seconds east of Greenwich; known is false when it had to be guessed.
func (p *parser) zone() (offset int, known bool) {
	var sign int
	switch {
	case p.take('+'):
		sign = 1
	case p.take('-'):
		sign = -1
	default:
		for _, name := range [...]string{"GMT", "UTC", "UT", "Z"} { // RFC 5322 4.3
			if wire.Is(p.rest, name) {
				p.rest = nil
			}
		}
		return 0, false
	}
	hours, a := p.number(2)
	minutes, b := p.number(2)
	if a != 2 || b != 2 || minutes > 59 {
		p.rest = []byte("?")
		return 0, false
	}
	return sign * (hours*3600 + minutes*60), true
}

// Format is t for APPEND, its zone to the minute. Years beyond four digits are an
// error.
func Format(t time.Time) (string, error) {
	_, offset := t.Zone()
	offset -= offset % 60
	t = t.In(time.FixedZone("", offset))
	if t.Year() < 1 || t.Year() > 9999 || offset <= -100*3600 || offset >= 100*3600 {
		return "", fmt.Errorf("the date %s cannot be written with four digits of a year", t)
	}
	return t.Format("_2-Jan-2006 15:04:05 -0700"), nil
}
