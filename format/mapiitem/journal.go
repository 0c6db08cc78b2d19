package mapiitem

import (
	"encoding/hex"
	"strconv"

	"waybill/format/mapi"
	"waybill/format/mapiitem/contentline"
)

func hexText(b []byte) string { return hex.EncodeToString(b) }

// beginCalendar opens a calendar object of one component, with its UID and stamp,
// which are the last two lines then.
func (c *converter) beginCalendar(component string) {
	c.item.UID = c.madeUID()
	c.doc.Begin("VCALENDAR")
	c.doc.Add("PRODID", contentline.Text(product))
	c.doc.Add("VERSION", "2.0")
	if c.item.Method != "" {
		c.doc.Add("METHOD", c.item.Method)
	}
	c.doc.Begin(component)
	c.doc.Add("UID", c.item.UID)
	c.doc.Add("DTSTAMP", c.stamp().Format(formUTC))
}

// finishCalendar writes text, attachments and what all items have. inside adds
// components within the component; it may be nil.
func (c *converter) finishCalendar(component string, inside func()) error {
	b := c.body(c.p)
	if b.text != nil {
		c.doc.AddStream("DESCRIPTION", "", b.text)
	}
	if b.html != nil {
		c.doc.AddStream("X-ALT-DESC", "", b.html, contentline.P("FMTTYPE", "text/html"))
	}
	if b.lost {
		c.note("formatting-left-out", "The text of the %s is carried as plain text.", c.item.Kind)
	}
	c.common(&c.doc)
	if err := c.attachments("calendar"); err != nil {
		return err
	}
	c.userFields()
	if inside != nil {
		inside()
	}
	c.doc.End(component)
	c.doc.End("VCALENDAR")
	return nil
}

// noteColors are the colours of sticky notes ([MS-OXONOTE] 2.2.1.1) in the names
// of RFC 7986 5.9.
var noteColors = [...]string{"blue", "green", "pink", "yellow", "white"}

// stickyNote writes a VJOURNAL without a date, which is what RFC 5545 3.6.3 calls
// a note that is not tied to a day. Programs that keep notes in calendars read
// that; as a plain text file the colour, the categories and the dates would go.
func (c *converter) stickyNote() error {
	c.item.MediaType = typeCalendar + "VJOURNAL"
	c.item.Date = c.stamp()
	c.beginCalendar("VJOURNAL")
	c.doc.AddText("SUMMARY", c.item.Title)
	c.say("Note", c.item.Title)
	if n, ok := c.p.int(c.p.sticky(lidNoteColor)); ok && n >= 0 && n < int64(len(noteColors)) {
		c.doc.Add("COLOR", noteColors[n])
	}
	return c.finishCalendar("VJOURNAL", nil)
}

// activity writes a VJOURNAL of an entry of Outlook's journal ([MS-OXOJRNL] 2.2.1).
// End, duration and type, for which VJOURNAL has no properties, are kept in
// properties of their own.
func (c *converter) activity() error {
	p := c.p
	c.item.MediaType = typeCalendar + "VJOURNAL"
	c.beginCalendar("VJOURNAL")
	c.doc.AddText("SUMMARY", c.item.Title)
	c.say("Journal", c.item.Title)
	c.item.Date = c.stamp()
	start, ok := p.time(p.log(lidLogStart))
	if shared, there := p.time(p.common(lidCommonStart)); !ok {
		start, ok = shared, there
	}
	if ok {
		c.item.Date = start
		c.doc.Add("DTSTART", start.Format(formUTC))
		c.say("Start", start.Format("2006-01-02 15:04")+" UTC")
	}
	end, ok := p.time(p.log(lidLogEnd))
	if shared, there := p.time(p.common(lidCommonEnd)); !ok {
		end, ok = shared, there
	}
	if ok {
		c.doc.Add("X-OUTLOOK-END", end.Format(formUTC))
	}
	if n, ok := p.int(p.log(lidLogDuration)); ok && n > 0 {
		c.doc.Add("X-OUTLOOK-DURATION", "PT"+strconv.FormatInt(n, 10)+"M")
		c.say("Minutes", strconv.FormatInt(n, 10))
	}
	kind := p.first(p.log(lidLogTypeText), p.log(lidLogType))
	c.doc.AddText("X-OUTLOOK-JOURNAL-TYPE", kind)
	c.say("Kind", kind)
	list, _ := c.attendees(c.m)
	for _, a := range list {
		c.doc.AddText("CONTACT", firstOf(a.name, a.smtp), a.params()...)
	}
	p.skip(mapi.DisplayTo)
	return c.finishCalendar("VJOURNAL", nil)
}
