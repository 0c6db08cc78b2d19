package mapiitem

import (
	"strings"
	"time"

	"waybill/format/mapi"
	"waybill/format/mapiitem/contentline"
)

// Names of a contact ([MS-OXOCNTC] 2.2.1.1).
const (
	namePrefix  mapi.ID = 0x3A45
	givenName   mapi.ID = 0x3A06
	middleName  mapi.ID = 0x3A44
	surname     mapi.ID = 0x3A11
	generation  mapi.ID = 0x3A05
	nickname    mapi.ID = 0x3A4F
	initials    mapi.ID = 0x3A0A
	companyName mapi.ID = 0x3A16
	department  mapi.ID = 0x3A18
	jobTitle    mapi.ID = 0x3A17

	lidFileUnder   = 0x8005
	lidYomiFirst   = 0x802C
	lidYomiLast    = 0x802D
	lidYomiCompany = 0x802E
)

// contact writes a vCard (RFC 6350) of an IPM.Contact ([MS-OXOCNTC] 2.2.1).
func (c *converter) contact() error {
	c.item.MediaType = typeCard
	c.item.Date = c.stamp()
	c.begin("individual")
	c.names()
	c.electronic()
	c.phones()
	c.addresses()
	c.organization()
	c.dates()
	c.people()
	c.extras()
	b := c.body(c.p)
	if b.text != nil {
		c.doc.AddStream("NOTE", "", b.text)
	}
	if b.html != nil || b.lost {
		c.note("formatting-left-out", "The notes of the contact are carried as plain text.")
	}
	if err := c.attachments("card"); err != nil {
		return err
	}
	c.userFields()
	c.doc.End("VCARD")
	return nil
}

// begin writes what all cards begin with.
func (c *converter) begin(kind string) {
	c.item.UID = "urn:uuid:" + c.madeUID()
	c.doc.Begin("VCARD")
	c.doc.Add("VERSION", "4.0") // must be second: RFC 6350 6.7.9
	c.doc.Add("PRODID", contentline.Text(product))
	c.doc.Add("UID", c.item.UID)
	c.doc.Add("KIND", kind)
	if t, ok := c.p.time(mapi.LastModificationTime); ok {
		c.doc.Add("REV", t.Format(formUTC))
	}
}

func (c *converter) names() {
	p := c.p
	parts := []string{p.text(surname), p.text(givenName), p.text(middleName), p.text(namePrefix), p.text(generation)}
	company, fileUnder := p.text(companyName), p.text(p.address(lidFileUnder))
	shown := p.text(mapi.DisplayName)
	if shown == "" { // built as Outlook does: [MS-OXOCNTC] 2.2.1.1.1
		shown = strings.Join(strings.Fields(strings.Join([]string{parts[3], parts[1], parts[2], parts[0], parts[4]}, " ")), " ")
	}
	for _, other := range []string{fileUnder, c.item.Title, company, p.text(p.address(0x8083)), p.text(p.address(0x8080))} {
		if shown == "" {
			shown = other
		}
	}
	if shown == "" {
		shown = "(no name)"
		c.note("name-missing", "The contact has no name; it is called (no name).")
	}
	c.item.Title = oneLine(shown)
	c.doc.AddText("FN", shown)
	var params []contentline.Param
	if fileUnder != "" {
		params = append(params, contentline.P("SORT-AS", fileUnder))
	}
	if strings.Join(parts, "") != "" {
		c.doc.Add("N", contentline.Compound(parts...), params...)
	} else if fileUnder != "" && fileUnder != shown {
		c.doc.AddText("X-FILE-AS", fileUnder)
	}
	c.doc.AddText("NICKNAME", p.text(nickname))
	c.doc.AddText("X-INITIALS", p.text(initials))
	c.doc.AddText("X-PHONETIC-FIRST-NAME", p.text(p.address(lidYomiFirst)))
	c.doc.AddText("X-PHONETIC-LAST-NAME", p.text(p.address(lidYomiLast)))
	c.doc.AddText("X-PHONETIC-ORG", p.text(p.address(lidYomiCompany)))
	c.say("Name", shown)
}

func (c *converter) organization() {
	p := c.p
	company, dept := p.text(companyName), p.text(department)
	switch {
	case dept != "":
		c.doc.Add("ORG", contentline.Compound(company, dept))
	case company != "":
		c.doc.Add("ORG", contentline.Text(company))
	}
	c.doc.AddText("TITLE", p.text(jobTitle))
	c.doc.AddText("ROLE", p.text(0x3A46)) // PidTagProfession
	c.doc.AddText("X-OFFICE-LOCATION", p.text(0x3A19))
	c.say("Company", company)
	c.say("Job title", p.text(jobTitle))
}

// Birthday and wedding anniversary ([MS-OXOCNTC] 2.2.1.5): once in UTC, and once
// as the day itself, as midnight UTC.
func (c *converter) dates() {
	for _, d := range [...]struct {
		name, kind string
		utc        mapi.ID
		local      uint32
	}{{"BDAY", "birthday", 0x3A42, 0x80DE}, {"ANNIVERSARY", "anniversary", 0x3A41, 0x80DF}} {
		c.p.skip(d.utc)
		if t, ok := c.p.time(c.p.address(d.local)); ok {
			c.doc.Add(d.name, t.Format(formDate))
			continue
		}
		if t, ok := c.p.time(d.utc); ok {
			c.doc.Add(d.name, nearestDay(t).Format(formDate))
		}
	}
}

// nearestDay is the day that a moment stands for that was midnight in a time zone
// which is not known. Outlook before 2007 wrote midnight of the zone of its
// computer, later versions 11:59 UTC. Behind the last half of a day it must have
// been a zone east of Greenwich, where the day had begun.
func nearestDay(t time.Time) time.Time {
	return t.Add(12*time.Hour - time.Second).UTC().Truncate(24 * time.Hour)
}

// people are others that the contact names, and the contact's own language and sex.
func (c *converter) people() {
	p := c.p
	related := func(kind string, names ...string) {
		for _, name := range names {
			c.doc.AddText("RELATED", name, contentline.P("TYPE", kind), contentline.P("VALUE", "text"))
		}
	}
	related("spouse", p.texts(0x3A48)...)
	related("child", p.texts(0x3A58)...)
	related("agent", p.texts(0x3A30)...)        // PidTagAssistant
	c.doc.AddText("X-MANAGER", p.text(0x3A4E))  // PidTagManagerName
	c.doc.AddText("X-REFERRER", p.text(0x3A47)) // PidTagReferredByName
	if n, ok := p.int(0x3A4D); ok && n == 1 {   // PidTagGender: [MS-OXOCNTC] 2.2.1.10.20
		c.doc.Add("GENDER", "F")
	} else if n == 2 {
		c.doc.Add("GENDER", "M")
	}
	c.doc.AddText("HOBBY", p.text(0x3A43)) // RFC 6715 2.2
	if lang := p.text(0x3A0C); lang != "" {
		c.doc.AddText("LANG", lang)
	}
}

// extraFields are plain texts for which vCard has no property.
var extraFields = [...]struct {
	name string
	tag  mapi.ID
	lid  uint32
}{
	{name: "X-ACCOUNT", tag: 0x3A00},
	{name: "X-CUSTOMER-ID", tag: 0x3A4A},
	{name: "X-GOVERNMENT-ID", tag: 0x3A07},
	{name: "X-ORGANIZATIONAL-ID", tag: 0x3A10},
	{name: "X-COMPUTER-NETWORK", tag: 0x3A49},
	{name: "X-LOCATION", tag: 0x3A0D},
	{name: "X-FREE-BUSY", lid: 0x80D8},
	{name: "X-CUSTOM1", lid: 0x804F},
	{name: "X-CUSTOM2", lid: 0x8050},
	{name: "X-CUSTOM3", lid: 0x8051},
	{name: "X-CUSTOM4", lid: 0x8052},
}

func (c *converter) extras() {
	p := c.p
	for _, f := range extraFields {
		id := f.tag
		if f.lid != 0 {
			id = p.address(f.lid)
		}
		c.doc.AddText(f.name, p.text(id))
	}
	c.doc.AddText("X-BILLING", p.text(p.common(lidBilling)))
	c.doc.AddText("X-MILEAGE", p.text(p.common(lidMileage)))
	if list := c.categories(); len(list) > 0 {
		c.doc.Add("CATEGORIES", contentline.List(list...))
	}
	if class := c.classification(); class != "PUBLIC" {
		c.doc.Add("X-CLASS", class) // vCard 4 dropped CLASS: RFC 6350 A.1
	}
}

// categories are the item's keywords and companies ([MS-OXCMSG] 2.2.1.17, 2.2.1.18).
func (c *converter) categories() []string {
	return c.p.texts(c.p.public("Keywords"))
}

// classification is the sensitivity as CLASS has it ([MS-OXCICAL]
// 2.1.3.1.1.20.4, where personal is X-PERSONAL).
func (c *converter) classification() string {
	private := c.p.bool(c.p.common(lidPrivate))
	switch n, _ := c.p.int(sensitivity); {
	case n == 1:
		return "X-PERSONAL"
	case n == 3:
		return "CONFIDENTIAL"
	case n == 2 || private:
		return "PRIVATE"
	default:
		return "PUBLIC"
	}
}
