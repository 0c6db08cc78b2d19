package mapiitem

import (
	"fmt"
	"strconv"
	"strings"

	"waybill/format/mapi"
	"waybill/format/mapiitem/contentline"
)

// priority is the importance as RFC 5545 3.8.1.9 has it; empty when it is normal.
func priority(p *props) string {
	switch n, ok := p.int(importance); {
	case ok && n == 2:
		return "1"
	case ok && n == 0:
		return "9"
	default:
		return ""
	}
}

// write adds one VEVENT.
func (e *calendarEvent) write(d *details) error {
	p, out := e.p, &e.events
	out.Begin("VEVENT")
	out.AddText("UID", e.uid)
	out.Add("DTSTAMP", e.stamped.Format(formUTC))
	if d.recurrenceID != nil {
		d.recurrenceID.add(out, "RECURRENCE-ID")
	}
	d.start.add(out, "DTSTART")
	if d.end.moment().After(d.start.moment()) {
		d.end.add(out, "DTEND")
	}
	if d.rule != "" {
		out.Add("RRULE", d.rule)
	}
	for _, w := range d.deleted {
		w.add(out, "EXDATE")
	}
	out.AddText("COMMENT", d.comment)
	out.AddText("SUMMARY", d.subject)
	out.AddText("LOCATION", d.location)
	if d.text != nil {
		out.AddStream("DESCRIPTION", "", d.text)
	}
	if d.html != nil {
		out.AddStream("X-ALT-DESC", "", d.html, contentline.P("FMTTYPE", "text/html"))
	}
	if n, ok := p.int(p.appointment(lidSequence)); ok && n >= 0 {
		out.Add("SEQUENCE", strconv.FormatInt(n, 10))
	}
	e.common(out)
	if e.canceled {
		out.Add("STATUS", "CANCELLED")
	} else if d.busy == 1 {
		out.Add("STATUS", "TENTATIVE")
	}
	if d.busy == 0 {
		out.Add("TRANSP", "TRANSPARENT")
	} else {
		out.Add("TRANSP", "OPAQUE")
	}
	if words := [...]string{"FREE", "TENTATIVE", "BUSY", "OOF", "WORKINGELSEWHERE"}; d.busy >= 0 && d.busy < int64(len(words)) {
		out.Add("X-MICROSOFT-CDO-BUSYSTATUS", words[d.busy])
	}
	organizer, list := e.organizer, e.attendees
	if d.attendees != nil {
		list = d.attendees
	}
	addPeople(out, organizer, list, e.item.Method == "REQUEST" && p.bool(responseRequested))
	if d.reminder && e.item.Method == "" {
		alarm(out, d.reminderDelta)
	}
	if err := e.carryInto(d.carrier); err != nil {
		return err
	}
	if d.recurrenceID == nil {
		e.sayEvent(d)
	}
	e.events.End("VEVENT")
	return nil
}

// carryInto writes the attachments of m into the last event, and into the first
// one the user's own fields.
func (e *calendarEvent) carryInto(m mapi.Message) error {
	if m == nil {
		return nil
	}
	before := e.doc
	defer func() { e.doc = before }()
	e.doc = nil
	form := "calendar"
	if e.item.Mail && m == e.m {
		form = "mail" // the mail carries them
	}
	if err := e.attachmentsOf(m, form); err != nil {
		return err
	}
	if m == e.m {
		e.userFields()
	}
	e.events = insertBeforeAlarm(e.events, e.doc)
	return nil
}

// insertBeforeAlarm puts lines behind the properties of the last component, in
// front of the alarm inside it.
func insertBeforeAlarm(d, lines contentline.Document) contentline.Document {
	at := len(d)
	for at > 0 && d[at-1].Name == "END" && d[at-1].Value == "VALARM" {
		for at > 0 && (d[at-1].Name != "BEGIN" || d[at-1].Value != "VALARM") {
			at--
		}
		at--
	}
	tail := append(contentline.Document(nil), d[at:]...)
	return append(append(d[:at], lines...), tail...)
}

// common writes what events, tasks and journal entries share.
func (c *converter) common(out *contentline.Document) {
	p := c.p
	if t, ok := p.time(mapi.CreationTime); ok {
		out.Add("CREATED", t.Format(formUTC))
	}
	if t, ok := p.time(mapi.LastModificationTime); ok {
		out.Add("LAST-MODIFIED", t.Format(formUTC))
	}
	if class := c.classification(); class != "PUBLIC" {
		out.Add("CLASS", class)
	}
	if list := c.categories(); len(list) > 0 {
		out.Add("CATEGORIES", contentline.List(list...))
	}
	for _, name := range p.texts(p.common(lidContacts)) {
		out.AddText("CONTACT", name)
	}
	p.skip(p.common(lidContactLinkName))
	if list := p.texts(p.common(lidCompanies)); len(list) > 0 {
		out.Add("X-COMPANIES", contentline.List(list...))
	}
	out.AddText("X-BILLING", p.text(p.common(lidBilling)))
	out.AddText("X-MILEAGE", p.text(p.common(lidMileage)))
	if n := priority(p); n != "" {
		out.Add("PRIORITY", n)
	}
	if n, ok := p.int(p.appointment(lidColor)); ok && n > 0 {
		out.Add("X-OUTLOOK-COLOR", strconv.FormatInt(n, 10))
	}
	if url := p.text(p.appointment(lidMeetingURL)); url != "" {
		out.Add("URL", contentline.URI(url))
	}
	if n, ok := p.int(p.appointment(lidResponseStatus)); ok && n >= 2 && n <= 4 {
		out.Add("X-OUTLOOK-RESPONSE", partStates[n]) // the mailbox owner's own answer
	}
}

// alarm writes a reminder some minutes before the start.
func alarm(out *contentline.Document, minutes int64) {
	if minutes == noReminder || minutes < -1000000 || minutes > 5000000 {
		minutes = 15
	}
	sign := "-"
	if minutes < 0 {
		sign, minutes = "", -minutes
	}
	out.Begin("VALARM")
	out.Add("ACTION", "DISPLAY")
	out.Add("DESCRIPTION", "Reminder")
	out.Add("TRIGGER", fmt.Sprintf("%sPT%dM", sign, minutes), contentline.P("RELATED", "START"))
	out.End("VALARM")
}

func (e *calendarEvent) sayEvent(d *details) {
	form := "2006-01-02 15:04"
	zoneText := " UTC"
	if d.start.zone != nil {
		zoneText = " (" + d.start.zone.ID + ")"
	}
	if d.start.day {
		form, zoneText = "2006-01-02", ""
	}
	e.say("Event", d.subject)
	e.say("Start", d.start.wall.Format(form)+zoneText)
	if d.end.moment().After(d.start.moment()) {
		e.say("End", d.end.wall.Format(form)+zoneText)
	}
	e.say("Place", d.location)
	e.say("Recurrence", d.rule)
	for _, a := range e.attendees {
		e.say("Attendee", strings.TrimSpace(a.name+" <"+a.smtp+">"))
	}
}
