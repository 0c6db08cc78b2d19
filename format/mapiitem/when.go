package mapiitem

import (
	"fmt"
	"time"

	"waybill/format/mapiitem/contentline"
	"waybill/format/mapiitem/zone"
)

// when is a date or a time as iCalendar writes it: in a zone, in UTC, floating,
// or a day alone.
type when struct {
	wall time.Time // what the wall's clock shows; UTC where utc is set
	zone *zone.Zone
	utc  bool
	day  bool
}

// add writes a property of the time.
func (w when) add(d *contentline.Document, name string) {
	switch {
	case w.day:
		d.Add(name, w.wall.Format(formDate), contentline.P("VALUE", "DATE"))
	case w.utc:
		d.Add(name, w.wall.Format(formUTC))
	case w.zone != nil:
		d.Add(name, w.wall.Format(formLocal), contentline.P("TZID", w.zone.ID))
	default:
		d.Add(name, w.wall.Format(formLocal))
	}
}

// moment is the time in UTC, as well as it is known.
func (w when) moment() time.Time {
	if w.zone != nil && !w.day {
		return w.zone.UTC(w.wall)
	}
	return w.wall
}

// zones are the time zones of an item, each with a name of its own.
type zones struct{ list []usedZone }

// usedZone is a zone with the years in which it is used.
type usedZone struct {
	*zone.Zone
	first, last int
}

// use gives the zone under a name that no other zone has, and notes that it is
// used around a time.
func (z *zones) use(one *zone.Zone, at time.Time) *zone.Zone {
	if one == nil {
		return nil
	}
	name := one.ID
	for n := 2; ; n++ {
		taken := false
		for i := range z.list {
			have := &z.list[i]
			if have.ID != one.ID {
				continue
			}
			if sameRules(have.Zone, one) {
				have.first, have.last = min(have.first, at.Year()-1), max(have.last, at.Year()+1)
				return have.Zone
			}
			taken = true
		}
		if !taken {
			z.list = append(z.list, usedZone{one, at.Year() - 1, at.Year() + 1})
			return one
		}
		one = &zone.Zone{ID: fmt.Sprintf("%s (%d)", name, n), Rules: one.Rules}
	}
}

func sameRules(a, b *zone.Zone) bool {
	if len(a.Rules) != len(b.Rules) {
		return false
	}
	for i := range a.Rules {
		if a.Rules[i] != b.Rules[i] {
			return false
		}
	}
	return true
}

// definition reads a zone out of a property; nil where there is none.
func (c *converter) definition(p *props, lid uint32) *zone.Zone {
	b := p.binary(p.appointment(lid))
	if len(b) == 0 {
		return nil
	}
	z, err := zone.DecodeDefinition(b, c.o.Where)
	if err != nil {
		c.note("time-zone-damaged", "A time zone of the item cannot be read: %v.", err)
		return nil
	}
	if z.ID == "" {
		z.ID = zoneName(z)
	}
	return z
}

// zoneStruct reads the older form of a zone, which has its name beside it.
func (c *converter) zoneStruct(p *props) *zone.Zone {
	name := oneLine(p.text(p.appointment(lidZoneText)))
	b := p.binary(p.appointment(lidZoneStruct))
	if len(b) == 0 {
		return nil
	}
	z, err := zone.DecodeStruct(b, name, c.o.Where)
	if err != nil {
		c.note("time-zone-damaged", "A time zone of the item cannot be read: %v.", err)
		return nil
	}
	if z.ID == "" {
		z.ID = zoneName(z)
	}
	return z
}

// zoneName makes a name for a zone that has none.
func zoneName(z *zone.Zone) string {
	seconds := z.Rules[0].Standard
	sign := '+'
	if seconds < 0 {
		sign, seconds = '-', -seconds
	}
	name := fmt.Sprintf("UTC%c%02d:%02d", sign, seconds/3600, seconds/60%60)
	if z.Rules[0].Saves() {
		name += " with daylight saving"
	}
	return name
}
