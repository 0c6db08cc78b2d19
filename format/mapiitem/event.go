package mapiitem

import (
	"strings"
	"time"

	"waybill/format/mapi"
	"waybill/format/mapiitem/contentline"
	"waybill/format/mapiitem/entryid"
	"waybill/format/mapiitem/recurrence"
	"waybill/format/mapiitem/zone"
)

// noReminder is the ReminderDelta that stands for the user's own default, which
// is 15 minutes ([MS-OXORMDR] 2.2.1.3).
const noReminder = 0x5AE980E1

// maxDuration is the longest event that is believed.
const maxDuration = 100 * 366 * 24 * time.Hour

// Bits of PidLidAppointmentStateFlags ([MS-OXOCAL] 2.2.1.10).
const (
	stateMeeting  = 1
	stateReceived = 2
	stateCanceled = 4
)

// calendarEvent collects the parts of one calendar object.
type calendarEvent struct {
	*converter
	events    contentline.Document
	zones     zones
	uid       string
	organizer person
	attendees []attendee
	meeting   bool
	canceled  bool
	stamped   time.Time
	main      details
	series    *recurrence.Series
	inZone    *zone.Zone // of the series
}

// details are what an occurrence may have of its own.
type details struct {
	start, end        when
	subject, location string
	allDay            bool
	busy              int64
	reminder          bool
	reminderDelta     int64
	text, html        *contentline.Stream
	attendees         []attendee
	recurrenceID      *when
	rule              string
	comment           string // what Outlook says of a recurrence that is not carried
	deleted           []when
	carrier           mapi.Message // whose attachments belong to the occurrence; nil for none
}

// event writes a VEVENT of an appointment or of a message about a meeting
// ([MS-OXOCAL], in the words of [MS-OXCICAL] 2.1.3.1.1.20).
func (c *converter) event() error {
	e := &calendarEvent{converter: c, stamped: c.stampOfMeeting()}
	p := c.p
	c.item.Mail = strings.HasPrefix(strings.ToUpper(c.item.Class), "IPM.SCHEDULE.")
	c.item.Method = e.method()
	c.item.MediaType = typeCalendar + "VEVENT"
	if c.item.Method != "" {
		c.item.MediaType += "; method=" + c.item.Method
	}
	state, _ := p.int(p.appointment(lidStateFlags))
	e.canceled = state&stateCanceled != 0 || c.item.Method == "CANCEL"
	e.meeting = state&stateMeeting != 0 || c.item.Mail
	day := e.identify()
	e.people()
	d := &e.main
	d.subject, d.location = c.item.Title, oneLine(p.text(p.appointment(lidLocation)))
	d.allDay = p.bool(p.appointment(lidSubType))
	d.busy, _ = p.int(p.appointment(lidBusyStatus))
	d.reminder = p.bool(p.common(lidReminderSet))
	d.reminderDelta, _ = p.int(p.common(lidReminderDelta))
	d.carrier = e.m
	b := c.body(p)
	d.text, d.html = b.text, b.html
	if b.lost {
		c.note("formatting-left-out", "The text of the event is carried as plain text.")
	}
	e.times()
	e.readSeries()
	if !day.IsZero() && e.series == nil {
		e.instance(day)
	}
	if err := e.write(d); err != nil {
		return err
	}
	if e.series != nil {
		if err := e.exceptions(); err != nil {
			return err
		}
	}
	c.doc.Begin("VCALENDAR")
	c.doc.Add("PRODID", contentline.Text(product))
	c.doc.Add("VERSION", "2.0")
	if c.item.Method != "" {
		c.doc.Add("METHOD", c.item.Method)
	}
	for _, z := range e.zones.list {
		z.Write(&c.doc, z.first, z.last)
	}
	c.doc = append(c.doc, e.events...)
	c.doc.End("VCALENDAR")
	c.item.UID, c.item.Date = e.uid, d.start.moment()
	return nil
}

// method is the iTIP method of a message about a meeting ([MS-OXCICAL] 2.1.3.1.1.1).
func (e *calendarEvent) method() string {
	class := strings.ToUpper(e.item.Class)
	proposes := e.p.bool(e.p.appointment(lidCounterProposal))
	switch {
	case strings.HasPrefix(class, "IPM.SCHEDULE.MEETING.REQUEST"):
		return "REQUEST"
	case strings.HasPrefix(class, "IPM.SCHEDULE.MEETING.CANCELED"):
		return "CANCEL"
	case strings.HasPrefix(class, "IPM.SCHEDULE.MEETING.RESP") && proposes:
		return "COUNTER"
	case strings.HasPrefix(class, "IPM.SCHEDULE.MEETING.RESP"):
		return "REPLY"
	case strings.HasPrefix(class, "IPM.SCHEDULE."):
		e.note("meeting-notice", "A notice about a meeting (%s) has no counterpart in iCalendar; it is carried as an event that asks for nothing.", e.item.Class)
	}
	return ""
}

// stampOfMeeting is when the sender made this state of the meeting.
func (c *converter) stampOfMeeting() time.Time {
	owner, ok1 := c.p.time(c.p.meeting(lidOwnerChange))
	answer, ok2 := c.p.time(c.p.meeting(lidAttendeeChange))
	class := strings.ToUpper(c.item.Class)
	switch {
	case strings.HasPrefix(class, "IPM.SCHEDULE.MEETING.RESP") && ok2:
		return answer
	case strings.HasPrefix(class, "IPM.SCHEDULE.") && ok1:
		return owner
	}
	return c.stamp()
}

// identify finds the UID, and the day of the occurrence that the item is about.
func (e *calendarEvent) identify() (day time.Time) {
	p := e.p
	uid, day := entryid.GlobalObject(p.binary(p.meeting(lidGlobalID)))
	if clean, _ := entryid.GlobalObject(p.binary(p.meeting(lidCleanGlobalID))); clean != "" {
		uid = clean
	}
	if uid == "" {
		uid = e.madeUID()
	}
	e.uid = uid
	return day
}

// people finds organizer and attendees. An answer has its sender as attendee.
func (e *calendarEvent) people() {
	p := e.p
	list, marked := e.converter.attendees(e.m)
	sender := e.converter.organizer(p)
	if e.item.Method == "REPLY" || e.item.Method == "COUNTER" {
		e.organizer = marked
		if len(list) > 0 && marked.empty() {
			e.organizer = list[0].person
		}
		state := "NEEDS-ACTION"
		switch class := strings.ToUpper(e.item.Class); {
		case strings.HasSuffix(class, ".POS"):
			state = "ACCEPTED"
		case strings.HasSuffix(class, ".NEG"):
			state = "DECLINED"
		case strings.HasSuffix(class, ".TENT"):
			state = "TENTATIVE"
		}
		e.attendees = []attendee{{person: sender, role: "REQ-PARTICIPANT", state: state}}
		return
	}
	e.attendees = list
	if e.meeting || len(list) > 0 {
		e.organizer = sender
		if sender.empty() || !marked.empty() && sender.smtp == "" {
			e.organizer = marked
		}
	}
}

// times finds start and end of an event that does not recur, and its zone.
func (e *calendarEvent) times() {
	p, d := e.p, &e.main
	startZone, endZone := e.definition(p, lidZoneStart), e.definition(p, lidZoneEnd)
	recurZone, old := e.definition(p, lidZoneRecur), e.zoneStruct(p)
	e.inZone = recurZone
	if e.inZone == nil {
		e.inZone = old
	}
	if startZone == nil {
		startZone = e.inZone
	}
	// Of two definitions of one zone the one that knows more years serves both.
	if startZone != nil && endZone != nil && startZone.ID == endZone.ID && len(endZone.Rules) > len(startZone.Rules) {
		startZone = endZone
	} else if startZone != nil && endZone != nil && startZone.ID == endZone.ID {
		endZone = startZone
	}
	if e.inZone == nil {
		e.inZone = startZone
	}
	if endZone == nil {
		endZone = startZone
	}
	start, ok := p.time(p.appointment(lidStartWhole))
	if clip, there := p.time(p.common(lidCommonStart)); !ok {
		start, ok = clip, there
	}
	if copied, there := p.time(startDate); !ok {
		start, ok = copied, there
	}
	end, ended := p.time(p.appointment(lidEndWhole))
	if clip, there := p.time(p.common(lidCommonEnd)); !ended {
		end, ended = clip, there
	}
	if copied, there := p.time(endDate); !ended {
		end, ended = copied, there
	}
	if proposed, there := p.time(p.appointment(lidProposedStart)); there && e.item.Method == "COUNTER" {
		start, ok = proposed, true
		if until, there := p.time(p.appointment(lidProposedEnd)); there {
			end, ended = until, true
		}
	}
	if !ok {
		start = e.stamped
		e.note("start-unknown", "The event has no start; its date of change stands for it.")
	}
	if minutes, ok := p.int(p.appointment(lidDuration)); !ended && ok && minutes >= 0 && minutes < int64(maxDuration/time.Minute) {
		end, ended = start.Add(time.Duration(minutes)*time.Minute), true
	}
	if !ended || end.Before(start) || end.Sub(start) > maxDuration {
		if ended {
			e.note("end-left-out", "The event ends at %s, before it begins, or too long after it; the end is left out.", end.Format(time.RFC3339))
		}
		end = start
	}
	d.start, d.end = e.at(start, startZone, d.allDay), e.at(end, endZone, d.allDay)
}

// at puts a moment into a zone; for an event of whole days it is the day there.
func (e *calendarEvent) at(t time.Time, z *zone.Zone, allDay bool) when {
	switch {
	case allDay && z != nil:
		wall := z.Local(t)
		if wall.Hour() != 0 || wall.Minute() != 0 { // the zone is not that in which it was made
			wall = nearestDay(t)
		}
		return when{wall: wall.Truncate(24 * time.Hour), day: true}
	case allDay:
		if t.Hour() != 0 || t.Minute() != 0 {
			e.note("day-guessed", "The event lasts whole days, but its time zone is not known; its days follow from the time in UTC.")
		}
		return when{wall: nearestDay(t), day: true}
	case z != nil:
		return when{wall: z.Local(t), zone: e.zones.use(z, t)}
	default:
		return when{wall: t, utc: true}
	}
}

// instance marks a single item as an occurrence of a series that lies elsewhere:
// an exception that was invited to alone ([MS-OXOCAL] 2.2.1.28).
func (e *calendarEvent) instance(day time.Time) {
	d := &e.main
	if t, ok := e.p.time(e.p.appointment(lidExceptionReplace)); ok {
		id := e.at(t, d.start.zone, d.allDay)
		d.recurrenceID = &id
		return
	}
	id := d.start
	id.wall = day.Add(d.start.wall.Sub(d.start.wall.Truncate(24 * time.Hour)))
	d.recurrenceID = &id
}
