package mapiitem

import (
	"strings"

	"waybill/format/mapi"
	"waybill/format/mapiitem/contentline"
)

// maxAttendees bounds the recipients of one meeting that are written.
const maxAttendees = 20000

// person is somebody at a meeting.
type person struct {
	name, smtp, old string
}

// value is the calendar address (RFC 5545 3.3.3); somebody without an address is
// invalid:nomail, as [MS-OXCICAL] 2.1.3.1.1.20.2 has it.
func (w person) value() string {
	if w.smtp == "" {
		return "invalid:nomail"
	}
	return "mailto:" + contentline.URI(w.smtp)
}

func (w person) params() (list []contentline.Param) {
	if w.name != "" && w.name != w.smtp {
		list = append(list, contentline.P("CN", w.name))
	}
	if w.old != "" {
		list = append(list, contentline.P("X-OLD-ADDRESS", w.old))
	}
	return list
}

func (w person) empty() bool { return w.name == "" && w.smtp == "" && w.old == "" }

// person finds name and address among properties.
func (c *converter) person(p *props, name, kind, address, smtp mapi.ID) person {
	w := person{name: oneLine(p.text(name))}
	w.smtp, w.old = c.smtp(p.text(kind), p.text(address))
	if direct := p.text(smtp); w.smtp == "" && strings.Contains(direct, "@") {
		w.smtp = direct
	}
	if w.smtp == "" && w.old != "" {
		c.note("address-unresolved", "The address %q has no Internet form; it is kept beside the name.", w.old)
	}
	return w
}

// organizer is who sent the meeting: whom the sender stood for, or the sender.
func (c *converter) organizer(p *props) person {
	w := c.person(p, sentRepresentingName, sentRepresentingType, sentRepresentingAddress, sentRepresentingSMTP)
	if !w.empty() {
		return w
	}
	return c.person(p, mapi.SenderName, mapi.SenderAddressType, mapi.SenderEmailAddress, senderSMTPAddress)
}

// Values of PidTagRecipientFlags ([MS-OXOCAL] 2.2.4.10.1).
const (
	recipientOrganizer = 0x2
	recipientDeleted   = 0x20 // an exception's attendee who is not invited to it
)

// attendee is somebody with part and answer.
type attendee struct {
	person
	role, kind, state string
}

// partStates are the words for PidTagRecipientTrackStatus and
// PidLidResponseStatus ([MS-OXOCAL] 2.2.1.11).
var partStates = [...]string{"NEEDS-ACTION", "ACCEPTED", "TENTATIVE", "ACCEPTED", "DECLINED", "NEEDS-ACTION"}

// attendees reads the recipients of a meeting. organizer is set where one of them
// is marked as that.
func (c *converter) attendees(m mapi.Message) (list []attendee, organizer person) {
	recipients, err := m.Recipients(c.ctx)
	if err != nil {
		c.note("attendees-unreadable", "Not all attendees can be read: %v.", err)
	}
	if len(recipients) > maxAttendees {
		c.note("attendees-too-many", "Of %d attendees the first %d are carried.", len(recipients), maxAttendees)
		recipients = recipients[:maxAttendees]
	}
	for _, r := range recipients {
		p := watch(r)
		a := attendee{person: c.person(p, mapi.DisplayName, mapi.AddressType, mapi.EmailAddress, mapi.SMTPAddress)}
		if a.empty() {
			continue
		}
		flags, _ := p.int(recipientFlags)
		kind, _ := p.int(mapi.RecipientType)
		switch {
		case flags&recipientDeleted != 0:
			continue
		case flags&recipientOrganizer != 0 || kind&0xF == 0:
			organizer = a.person
			continue
		case kind&0xF == 2:
			a.role = "OPT-PARTICIPANT"
		case kind&0xF == 3:
			a.kind, a.role = "RESOURCE", "NON-PARTICIPANT"
		default:
			a.role = "REQ-PARTICIPANT"
		}
		a.state = partStates[0]
		if n, ok := p.int(recipientTrackStatus); ok && n > 0 && n < int64(len(partStates)) {
			a.state = partStates[n]
		}
		list = append(list, a)
	}
	return list, organizer
}

// addPeople writes organizer and attendees. rsvp asks them for an answer.
func addPeople(d *contentline.Document, organizer person, list []attendee, rsvp bool) {
	if !organizer.empty() {
		d.Add("ORGANIZER", organizer.value(), organizer.params()...)
	}
	for _, a := range list {
		params := a.params()
		if a.kind != "" {
			params = append(params, contentline.P("CUTYPE", a.kind))
		}
		params = append(params, contentline.P("ROLE", a.role), contentline.P("PARTSTAT", a.state))
		if rsvp {
			params = append(params, contentline.P("RSVP", "TRUE"))
		}
		d.Add("ATTENDEE", a.value(), params...)
	}
}
