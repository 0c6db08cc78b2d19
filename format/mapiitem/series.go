package mapiitem

import (
	"strconv"
	"time"

	"waybill/format/mapi"
	"waybill/format/mapiitem/recurrence"
)

// readSeries reads the recurrence pattern and makes the event one of a series.
// What cannot be said as a rule leaves a single event with a note, and the words
// in which Outlook described the pattern.
func (e *calendarEvent) readSeries() {
	p, d := e.p, &e.main
	blob := p.binary(p.appointment(lidRecur))
	words := oneLine(p.text(p.appointment(lidRecurrencePattern)))
	if len(blob) == 0 {
		if p.bool(p.appointment(lidRecurring)) && words != "" {
			d.comment = words
			e.note("recurrence-missing", "The event says that it recurs, but has no pattern; it is carried as a single event.")
		}
		return
	}
	s, err := recurrence.Decode(blob, e.o.Where, func(b []byte) string { return mapi.DecodeText(b, p.CodePage) })
	d.comment = words
	if err != nil {
		e.note("recurrence-unreadable", "The pattern of the series (%s) cannot be read; it is carried as a single event: %v.", words, err)
		return
	}
	for _, defect := range s.Defects {
		e.note("recurrence-damaged", "The pattern of the series is damaged: %s.", defect)
	}
	if s.Lunar() {
		e.note("recurrence-lunar", "The series (%s) follows a lunar calendar, for which iCalendar has no rule; it is carried as a single event.", words)
		return
	}
	first, ok := s.FirstDate()
	if !ok {
		e.note("recurrence-empty", "The pattern of the series (%s) has no occurrence; it is carried as a single event.", words)
		return
	}
	if e.inZone == nil && !d.allDay {
		e.note("time-zone-unknown", "The series has no time zone; its times are those of the clock wherever it is read.")
	}
	e.series, d.comment = s, ""
	e.zones = zones{} // those of a single event are not those of the series
	d.start, d.end = e.on(first, s.StartOffset), e.on(first, s.EndOffset)
	d.rule = s.Rule() + e.ends(&s.Pattern, s.StartOffset)
	own := map[time.Time]bool{}
	for i := range s.Exceptions {
		own[s.Exceptions[i].Original.Date()] = true
	}
	for _, m := range s.Deleted {
		if day := m.Date(); !own[day] {
			own[day] = true
			d.deleted = append(d.deleted, e.on(day, s.StartOffset))
		}
	}
}

// on is a time of the series: so many minutes behind midnight of a day.
func (e *calendarEvent) on(day time.Time, minutes uint32) when {
	wall := day.Add(time.Duration(minutes) * time.Minute)
	switch {
	case e.main.allDay:
		return when{wall: wall.Add(12 * time.Hour).Truncate(24 * time.Hour), day: true}
	case e.inZone != nil:
		return when{wall: wall, zone: e.zones.use(e.inZone, wall)}
	default:
		return when{wall: wall}
	}
}

// ends says how a rule ends (RFC 5545 3.3.10): after so many occurrences, or with
// the last of them, in UTC where the start has a zone.
func (e *calendarEvent) ends(p *recurrence.Pattern, offset uint32) string {
	switch {
	case p.Endless():
		e.lasts(time.Date(9998, 1, 1, 0, 0, 0, 0, time.UTC))
		return ""
	case p.End == recurrence.EndsAfter && p.Count > 0:
		e.lasts(p.Until.Time())
		return ";COUNT=" + strconv.FormatUint(uint64(p.Count), 10)
	default:
		return ";UNTIL=" + until(e.on(p.Until.Date(), offset))
	}
}

// lasts notes until when the zone of the series is needed.
func (e *calendarEvent) lasts(t time.Time) {
	if !e.main.allDay && e.inZone != nil {
		e.zones.use(e.inZone, t)
	}
}

func until(last when) string {
	switch {
	case last.day:
		return last.wall.Format(formDate)
	case last.zone != nil:
		return last.moment().Format(formUTC)
	default:
		return last.wall.Format(formLocal)
	}
}

// exceptions writes the modified occurrences: what the pattern says of them, and
// what the embedded messages have beside it ([MS-OXOCAL] 2.2.10).
func (e *calendarEvent) exceptions() error {
	s := e.series
	embedded, err := e.exceptionMessages()
	if err != nil {
		return err
	}
	done := map[time.Time]bool{}
	for i := range s.Exceptions {
		if err := ctxError(e.ctx); err != nil {
			return err
		}
		x := &s.Exceptions[i]
		day := x.Original.Date()
		if done[day] {
			e.note("exception-twice", "The occurrence of %s is modified twice; the first modification is carried.", day.Format("2006-01-02"))
			continue
		}
		done[day] = true
		d := e.exception(x, embedded[day])
		delete(embedded, day)
		if err := e.write(&d); err != nil {
			return err
		}
	}
	if len(embedded) > 0 {
		e.note("exception-unmatched", "%d modified occurrences are attached that the pattern does not know; they are left out.", len(embedded))
	}
	return nil
}

// exception puts one modified occurrence together.
func (e *calendarEvent) exception(x *recurrence.Exception, m mapi.Message) details {
	d := e.main
	d.rule, d.deleted, d.carrier = "", nil, nil
	id := e.on(x.Original.Date(), e.series.StartOffset)
	d.recurrenceID = &id
	if x.Flags&recurrence.HasSubType != 0 {
		d.allDay = x.AllDay
	}
	d.start, d.end = e.moved(x.Start, d.allDay), e.moved(x.End, d.allDay)
	if x.End < x.Start || x.End-x.Start > recurrence.Minutes(maxDuration/time.Minute) {
		e.note("end-left-out", "The modified occurrence of %s ends before it begins; its end is left out.", x.Original.Date().Format("2006-01-02"))
		d.end = d.start
	}
	if x.Flags&recurrence.HasSubject != 0 {
		d.subject = oneLine(x.Subject)
	}
	if x.Flags&recurrence.HasLocation != 0 {
		d.location = oneLine(x.Location)
	}
	if x.Flags&recurrence.HasBusyStatus != 0 {
		d.busy = int64(x.BusyStatus)
	}
	if x.Flags&recurrence.HasReminder != 0 {
		d.reminder = x.Reminder
	}
	if x.Flags&recurrence.HasReminderDelta != 0 {
		d.reminderDelta = int64(x.ReminderDelta)
	}
	if m == nil {
		if x.Flags&recurrence.HasBody != 0 {
			e.note("exception-body-missing", "The modified occurrence of %s has a text of its own that cannot be found.", x.Original.Date().Format("2006-01-02"))
		}
		return d
	}
	e.ownDetails(&d, x, m)
	return d
}

// ownDetails takes from an embedded message what the pattern cannot say.
func (e *calendarEvent) ownDetails(d *details, x *recurrence.Exception, m mapi.Message) {
	p := watch(m.Props())
	b := e.body(p)
	if x.Flags&recurrence.HasBody != 0 || b.text != nil {
		d.text, d.html = b.text, b.html
	}
	if x.Flags&recurrence.HasSubject != 0 {
		if s := oneLine(p.first(mapi.Subject, mapi.NormalizedSubject)); s != "" {
			d.subject = s
		}
	}
	if list, _ := e.converter.attendees(m); len(list) > 0 {
		d.attendees = list
	}
	d.carrier = m
}

// moved is a time of an exception, which may last whole days where the series
// does not, and the other way round.
func (e *calendarEvent) moved(m recurrence.Minutes, allDay bool) when {
	switch {
	case allDay:
		return when{wall: m.Time().Add(12 * time.Hour).Truncate(24 * time.Hour), day: true}
	case e.inZone != nil:
		return when{wall: m.Time(), zone: e.zones.use(e.inZone, m.Time())}
	default:
		return when{wall: m.Time()}
	}
}

// exceptionMessages opens the embedded messages, by the day of the occurrence
// that each replaces.
func (e *calendarEvent) exceptionMessages() (map[time.Time]mapi.Message, error) {
	list, err := e.m.Attachments(e.ctx)
	if err != nil && e.ctx.Err() != nil {
		return nil, ctxError(e.ctx)
	}
	found := map[time.Time]mapi.Message{}
	for _, a := range list {
		if !isException(a.Props()) {
			continue
		}
		m, err := a.Message(e.ctx)
		if err != nil || m == nil {
			e.note("exception-unreadable", "A modified occurrence is carried with what the pattern says of it; the rest cannot be read: %v.", err)
			continue
		}
		replaced, ok := a.Props().Time(exceptionReplaceTime)
		if !ok {
			inner := watch(m.Props())
			replaced, ok = inner.time(inner.appointment(lidExceptionReplace))
		}
		if !ok {
			e.note("exception-unmatched", "A modified occurrence is attached that does not say which one it replaces; it is left out.")
			continue
		}
		day := replaced
		if e.inZone != nil {
			day = e.inZone.Local(replaced)
		}
		if e.main.allDay && e.inZone == nil {
			day = nearestDay(replaced)
		}
		day = day.Truncate(24 * time.Hour)
		if _, twice := found[day]; !twice {
			found[day] = m
		}
	}
	return found, nil
}
