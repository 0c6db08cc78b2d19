package recurrence

import (
	"fmt"
	"strconv"
	"strings"
	"time"
)

var dayNames = [...]string{"SU", "MO", "TU", "WE", "TH", "FR", "SA"}

// Rule says the pattern as a RECUR value (RFC 5545 3.3.10), without its end; it
// is empty for a lunar pattern. It counts from FirstDate.
func (p *Pattern) Rule() string {
	if p.Lunar() || p.Period == 0 {
		return ""
	}
	var parts []string
	add := func(format string, args ...any) { parts = append(parts, fmt.Sprintf(format, args...)) }
	period := p.Period
	yearly := p.Frequency == Yearly && p.Type != Day && p.Type != Week && p.Period%12 == 0
	switch {
	case p.Type == Day:
		add("FREQ=DAILY")
		period /= 24 * 60
	case p.Type == Week:
		add("FREQ=WEEKLY")
	case yearly:
		add("FREQ=YEARLY")
		period /= 12
	default:
		add("FREQ=MONTHLY")
	}
	if period != 1 {
		add("INTERVAL=%d", period)
	}
	month := p.Start.Time().Month()
	if yearly {
		add("BYMONTH=%d", month)
	}
	switch p.Type {
	case Week:
		add("BYDAY=%s", p.Days.names())
		add("WKST=%s", dayNames[p.FirstDay%7])
	case Month:
		parts = append(parts, p.monthDay(yearly, month)...)
	case MonthEnd:
		add("BYMONTHDAY=-1")
	case MonthNth:
		parts = append(parts, p.nthDay()...)
	}
	return strings.Join(parts, ";")
}

// monthDay is the day of the month. Where a month may lack it, its last day is
// meant: the last of those from the 28th on that exist.
func (p *Pattern) monthDay(yearly bool, month time.Month) []string {
	shortest := 28
	if yearly && month != time.February {
		shortest = time.Date(2001, month+1, 0, 0, 0, 0, 0, time.UTC).Day()
	}
	day := int(p.Day)
	if yearly && day > shortest && month != time.February {
		day = shortest
	}
	if day <= shortest {
		return []string{"BYMONTHDAY=" + strconv.Itoa(day)}
	}
	list := make([]string, 0, 4)
	for d := 28; d <= day; d++ {
		list = append(list, strconv.Itoa(d))
	}
	return []string{"BYMONTHDAY=" + strings.Join(list, ","), "BYSETPOS=-1"}
}

func (p *Pattern) nthDay() []string {
	n := strconv.Itoa(int(p.Nth))
	if p.Nth == 5 {
		n = "-1"
	}
	days := p.Days & AllDays
	switch {
	case days == AllDays:
		return []string{"BYMONTHDAY=" + n}
	case days&(days-1) == 0:
		return []string{"BYDAY=" + n + days.names()}
	default:
		return []string{"BYDAY=" + days.names(), "BYSETPOS=" + n}
	}
}

func (w Weekdays) names() string {
	var list []string
	for d := time.Sunday; d <= time.Saturday; d++ {
		if w.Has(d) {
			list = append(list, dayNames[d])
		}
	}
	return strings.Join(list, ",")
}
