package recurrence

import (
	"iter"
	"time"
)

// maxSteps bounds the search for occurrences: days, weeks or months looked at.
// 40,000 months are 3,300 years, 40,000 days a century.
const maxSteps = 40000

// Dates yields the days of the series, deleted and moved ones included, from the
// first on. It ends with the series, or after maxSteps. A lunar pattern has none.
//
// The phase of a period is that of Start, which [MS-OXOCAL] 2.2.1.44.1 says is
// the day of the first occurrence; FirstDateTime says the same in a form that
// writers get wrong.
func (p *Pattern) Dates() iter.Seq[time.Time] {
	return func(yield func(time.Time) bool) {
		if p.Lunar() || p.Period == 0 {
			return
		}
		left := uint32(1<<32 - 1)
		counted := p.End == EndsAfter && p.Count > 0
		if counted {
			left = p.Count
		}
		start, until := p.Start.Date(), p.Until.Date()
		for d := range p.candidates(start) {
			if d.Before(start) {
				continue
			}
			if left == 0 || !counted && !p.Endless() && d.After(until) || d.Year() > 4500 || !yield(d) {
				return
			}
			left--
		}
	}
}

// FirstDate is the day of the first occurrence; ok is false where there is none.
func (p *Pattern) FirstDate() (d time.Time, ok bool) {
	for d := range p.Dates() {
		return d, true
	}
	return time.Time{}, false
}

// candidates yields days in their order, those before start perhaps included.
func (p *Pattern) candidates(start time.Time) iter.Seq[time.Time] {
	return func(yield func(time.Time) bool) {
		for step := range maxSteps {
			switch p.Type {
			case Day:
				if !yield(start.AddDate(0, 0, step*int(p.Period/(24*60)))) {
					return
				}
			case Week:
				back := (int(start.Weekday()) - int(p.FirstDay) + 7) % 7
				week := start.AddDate(0, 0, step*7*int(p.Period)-back)
				for i := range 7 {
					if d := week.AddDate(0, 0, i); p.Days.Has(d.Weekday()) && !yield(d) {
						return
					}
				}
			default:
				month := time.Date(start.Year(), start.Month()+time.Month(step*int(p.Period)), 1, 0, 0, 0, 0, time.UTC)
				if month.Year() > 4500 {
					return
				}
				if d, ok := p.inMonth(month); ok && !yield(d) {
					return
				}
			}
		}
	}
}

// inMonth finds the day of a month that begins at first.
func (p *Pattern) inMonth(first time.Time) (d time.Time, ok bool) {
	last := first.AddDate(0, 1, -1)
	switch p.Type {
	case Month:
		// A day that a month does not have is its last ([MS-OXOCAL] 2.2.1.44.1.4).
		return first.AddDate(0, 0, min(int(p.Day), last.Day())-1), true
	case MonthEnd:
		return last, true
	case MonthNth:
		n := uint32(0)
		for i := range last.Day() {
			if p.Nth == 5 {
				d = last.AddDate(0, 0, -i)
			} else {
				d = first.AddDate(0, 0, i)
			}
			if p.Days.Has(d.Weekday()) {
				n++
				if n == p.Nth || p.Nth == 5 {
					return d, true
				}
			}
		}
	}
	return time.Time{}, false
}
