package zone

import (
	"time"
)

// Zone is a time zone: what its clocks showed in which years.
type Zone struct {
	// ID names the zone: the key of Windows, such as "W. Europe Standard Time",
	// or the description that the item has.
	ID string
	// Rules are in the order of their years. The first holds for the years before
	// it, too. There is one at least.
	Rules []Rule
}

// Rule is what holds from a year on. Biases are minutes, UTC = local time + bias.
type Rule struct {
	Year int
	// Standard and Daylight are what is to be added to UTC, in seconds.
	Standard, Daylight int
	// ToStandard and ToDaylight are the days on which clocks are set, on the
	// clock that is set. They are zero where there is no daylight saving time.
	ToStandard, ToDaylight Change
}

// Change is when clocks are set ([MS-DTYP] 2.3.13 SYSTEMTIME, with the meaning
// of TIME_ZONE_INFORMATION).
type Change struct {
	// Year is 0 where the change is in each year: on the Nth Weekday of Month, 5
	// being the last. Otherwise it is on day Nth of that year's Month alone.
	Year    int
	Month   time.Month
	Weekday time.Weekday
	Nth     int
	// Second is the time of day in seconds.
	Second int
}

// Saves tells whether the rule knows daylight saving time.
func (r *Rule) Saves() bool {
	return r.ToStandard.Month != 0 && r.ToDaylight.Month != 0 && r.Standard != r.Daylight
}

// In is the moment of the change in a year, on the wall's clock; ok is false
// where the year has none.
func (c *Change) In(year int) (t time.Time, ok bool) {
	if c.Month == 0 || c.Year != 0 && c.Year != year {
		return time.Time{}, false
	}
	if c.Year != 0 {
		return time.Date(year, c.Month, c.Nth, 0, 0, c.Second, 0, time.UTC), true
	}
	first := time.Date(year, c.Month, 1, 0, 0, 0, 0, time.UTC)
	day := 1 + (int(c.Weekday)-int(first.Weekday())+7)%7 + 7*(c.Nth-1)
	for day > first.AddDate(0, 1, -1).Day() {
		day -= 7
	}
	return time.Date(year, c.Month, day, 0, 0, c.Second, 0, time.UTC), true
}

// rule is what holds in a year.
func (z *Zone) rule(year int) *Rule {
	found := &z.Rules[0]
	for i := range z.Rules {
		if z.Rules[i].Year <= year {
			found = &z.Rules[i]
		}
	}
	return found
}

// offset is what to add to UTC at a time of the wall's clock. A time that the
// clock skips counts as before the change, one that it shows twice as the first
// (RFC 5545 3.3.5).
func (z *Zone) offset(local time.Time) int {
	r := z.rule(local.Year())
	if !r.Saves() {
		return r.Standard
	}
	begins, ok1 := r.ToDaylight.In(local.Year())
	ends, ok2 := r.ToStandard.In(local.Year())
	switch {
	case !ok1 && !ok2:
		return r.Standard
	case !ok1:
		if local.Before(ends) {
			return r.Daylight
		}
		return r.Standard
	}
	begins = begins.Add(time.Duration(max(0, r.Daylight-r.Standard)) * time.Second) // behind the gap
	after := !local.Before(begins)
	switch {
	case !ok2 && after, ok2 && begins.Before(ends) && after && local.Before(ends),
		ok2 && !begins.Before(ends) && (after || local.Before(ends)):
		return r.Daylight
	default:
		return r.Standard
	}
}

// UTC turns a time of the wall's clock into UTC.
func (z *Zone) UTC(local time.Time) time.Time {
	return local.Add(-time.Duration(z.offset(local)) * time.Second)
}

// Local turns a time in UTC into what the wall's clock shows, which the result
// carries as UTC.
func (z *Zone) Local(utc time.Time) time.Time {
	r := z.rule(utc.Year())
	for _, offset := range [...]int{r.Daylight, r.Standard} {
		local := utc.Add(time.Duration(offset) * time.Second)
		if z.offset(local) == offset {
			return local
		}
	}
	return utc.Add(time.Duration(r.Standard) * time.Second)
}
