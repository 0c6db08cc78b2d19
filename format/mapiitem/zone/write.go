package zone

import (
	"fmt"
	"time"

	"waybill/format/mapiitem/contentline"
)

// Write adds the zone as a VTIMEZONE that is right for the years from first to
// last. Rules of other years are left out: few readers need them, and some cannot
// read a zone whose rules end.
func (z *Zone) Write(d *contentline.Document, first, last int) {
	d.Begin("VTIMEZONE")
	d.AddText("TZID", z.ID)
	begun := false
	for i := range z.Rules {
		r := &z.Rules[i]
		from, until := 1601, 0
		if begun {
			from = r.Year
		}
		if i+1 < len(z.Rules) && z.Rules[i+1].Year <= last {
			until = z.Rules[i+1].Year - 1
			if until < first {
				continue
			}
		}
		if i > 0 && r.Year > last {
			break
		}
		if begun {
			z.turn(d, from)
		}
		switch {
		case r.Saves():
			r.change(d, "STANDARD", &r.ToStandard, from, until, r.Daylight, r.Standard)
			r.change(d, "DAYLIGHT", &r.ToDaylight, from, until, r.Standard, r.Daylight)
		case !begun:
			onset(d, "STANDARD", time.Date(from, 1, 1, 0, 0, 0, 0, time.UTC), r.Standard, r.Standard, "")
		}
		begun = true
	}
	d.End("VTIMEZONE")
}

// turn tells what holds at the start of the year in which a rule begins, so that
// no time is left to the rule before it.
func (z *Zone) turn(d *contentline.Document, year int) {
	start := time.Date(year, 1, 1, 0, 0, 0, 0, time.UTC)
	before, after := z.offset(start.Add(-time.Second)), z.offset(start)
	if before == after {
		return
	}
	name := "STANDARD"
	if r := z.rule(year); r.Saves() && after == r.Daylight {
		name = "DAYLIGHT"
	}
	onset(d, name, start, before, after, "")
}

// change writes one setting of the clocks.
func (r *Rule) change(d *contentline.Document, name string, c *Change, from, until, before, after int) {
	if c.Year != 0 {
		if t, ok := c.In(c.Year); ok && c.Year >= from && (until == 0 || c.Year <= until) {
			onset(d, name, t, before, after, "")
		}
		return
	}
	start, _ := c.In(from)
	if from == until {
		onset(d, name, start, before, after, "")
		return
	}
	n := c.Nth
	if n == 5 {
		n = -1
	}
	weekday := [...]string{"SU", "MO", "TU", "WE", "TH", "FR", "SA"}[c.Weekday]
	rule := fmt.Sprintf("FREQ=YEARLY;BYDAY=%d%s;BYMONTH=%d", n, weekday, int(c.Month))
	if until != 0 {
		last, _ := c.In(until)
		rule += ";UNTIL=" + last.Add(-time.Duration(before)*time.Second).Format("20060102T150405Z")
	}
	onset(d, name, start, before, after, rule)
}

func onset(d *contentline.Document, name string, at time.Time, before, after int, rule string) {
	d.Begin(name)
	d.Add("DTSTART", at.Format("20060102T150405"))
	if rule != "" {
		d.Add("RRULE", rule)
	}
	d.Add("TZOFFSETFROM", offsetText(before))
	d.Add("TZOFFSETTO", offsetText(after))
	d.End(name)
}

// offsetText writes an offset as RFC 5545 3.3.14 has it.
func offsetText(seconds int) string {
	sign := '+'
	if seconds < 0 {
		sign, seconds = '-', -seconds
	}
	s := fmt.Sprintf("%c%02d%02d", sign, seconds/3600, seconds/60%60)
	if seconds%60 != 0 {
		s += fmt.Sprintf("%02d", seconds%60)
	}
	return s
}
