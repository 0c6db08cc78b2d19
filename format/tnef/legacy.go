package tnef

import (
	"encoding/binary"
	"encoding/hex"
	"strings"
	"time"

	"waybill/format/mapi"
)

// Properties that only older attributes lead to ([MS-OXPROPS] 2).
const (
	parentKey         mapi.ID = 0x0025
	conversationKey   mapi.ID = 0x000B
	importance        mapi.ID = 0x0017
	originalClass     mapi.ID = 0x004B
	startDate         mapi.ID = 0x0060
	endDate           mapi.ID = 0x0061
	ownerAppointment  mapi.ID = 0x0062
	responseRequested mapi.ID = 0x0063
	delegation        mapi.ID = 0x007E
	searchKey         mapi.ID = 0x300B
	attachTransport   mapi.ID = 0x370C
	renderingPosition mapi.ID = 0x370B
)

// party is where name, type and address of somebody go.
type party struct{ name, kind, address mapi.ID }

var (
	partySender   = party{mapi.SenderName, mapi.SenderAddressType, mapi.SenderEmailAddress}
	partySentFor  = party{0x0042, 0x0064, 0x0065} // PidTagSentRepresenting...
	partyReceived = party{0x0044, 0x0077, 0x0078} // PidTagReceivedRepresenting...
)

// texts and dates are attributes that hold one value of a property.
var (
	texts = map[uint32]mapi.ID{
		attSubject: mapi.Subject, attBody: mapi.Body, attOriginalMessageClass: originalClass,
		attAttachTitle: mapi.AttachFilename, attAttachTransportName: attachTransport,
	}
	dates = map[uint32]mapi.ID{
		attDateSent: mapi.ClientSubmitTime, attDateRecd: mapi.MessageDeliveryTime, attDateModified: mapi.LastModificationTime,
		attDateStart: startDate, attDateEnd: endDate,
		attAttachCreateDate: mapi.CreationTime, attAttachModifyDate: mapi.LastModificationTime,
	}
	// keys are written as text in hexadecimal.
	keys = map[uint32]mapi.ID{attMessageID: searchKey, attParentID: parentKey, attConversationID: conversationKey}
	// raw are bytes as they are.
	raw = map[uint32]mapi.ID{attDelegate: delegation, attAttachData: mapi.AttachData, attAttachMetaFile: mapi.AttachRendering}
)

// classes are the message classes of Microsoft Mail ([MS-OXTNEF] 2.1.3.3, attMessageClass).
var classes = map[string]string{
	"IPM.MICROSOFT MAIL.NOTE":         "IPM.Note",
	"IPM.MICROSOFT MAIL.READ RECEIPT": "Report.IPM.Note.IPNRN",
	"IPM.MICROSOFT MAIL.NON-DELIVERY": "Report.IPM.Note.NDR",
	"IPM.MICROSOFT SCHEDULE.MTGRESPP": "IPM.Schedule.Meeting.Resp.Pos",
	"IPM.MICROSOFT SCHEDULE.MTGRESPN": "IPM.Schedule.Meeting.Resp.Neg",
	"IPM.MICROSOFT SCHEDULE.MTGRESPA": "IPM.Schedule.Meeting.Resp.Tent",
	"IPM.MICROSOFT SCHEDULE.MTGREQ":   "IPM.Schedule.Meeting.Request",
	"IPM.MICROSOFT SCHEDULE.MTGCNCL":  "IPM.Schedule.Meeting.Canceled",
}

// read makes properties of the message's own attributes. MAPI properties go before
// older attributes that say the same.
func (m *Message) read() {
	for _, a := range m.own {
		if a.id == attOemCodepage && a.data.size >= 4 {
			m.oem = int(newCursor(a.data).uint32())
		}
	}
	o := newObject(m.oem)
	m.props = o.props
	for _, a := range m.own {
		if a.id == attMAPIProps {
			if err := o.read(newCursor(a.data)); err != nil {
				m.defect(err)
			}
		}
	}
	if m.props.CodePage == 0 {
		m.props.CodePage = textCodePage(m.props)
	}
	for _, a := range m.own {
		if err := m.legacy(m.props, a); err != nil {
			m.defect(err)
		}
	}
}

// textCodePage is that of texts where the stream does not name one.
func textCodePage(p *mapi.Props) int {
	for _, id := range []mapi.ID{mapi.MessageCodepage, mapi.InternetCodepage} {
		if page, ok := p.Int(id); ok && page > 0 && page != 1200 {
			return int(page)
		}
	}
	return 0
}

// legacy takes one older attribute, unless there is a MAPI property for it.
func (m *Message) legacy(p *mapi.Props, a attribute) error {
	set := func(id mapi.ID, v mapi.Value) {
		if _, there := p.Get(id); !there {
			p.Set(id, v)
		}
	}
	if id, ok := texts[a.id]; ok {
		set(id, mapi.Value{Type: mapi.TypeString8, Data: a.data.withoutZero(1)})
		return nil
	}
	if id, ok := raw[a.id]; ok {
		set(id, mapi.Value{Type: mapi.TypeBinary, Data: a.data})
		return nil
	}
	c := newCursor(a.data)
	if id, ok := dates[a.id]; ok {
		if v, ok := readDate(c); ok {
			set(id, v)
		}
		return c.err
	}
	if id, ok := keys[a.id]; ok {
		if v, ok := readKey(a.data); ok {
			set(id, v)
		}
		return nil
	}
	switch a.id {
	case attMessageClass:
		text := small(a.data)
		if mapped, ok := classes[strings.ToUpper(text)]; ok {
			text = mapped
		}
		set(mapi.MessageClass, mapi.Value{Type: mapi.TypeString8, Data: mapi.Bytes(text)})
	case attPriority:
		// 1 is high and 3 low here; 2 and 0 in PidTagImportance.
		if n := c.uint16(); n >= 1 && n <= 3 {
			set(importance, mapi.Value{Type: mapi.TypeInt32, Bits: uint64(3 - n)})
		}
	case attMessageStatus:
		set(mapi.MessageFlags, mapi.Value{Type: mapi.TypeInt32, Bits: statusFlags(c.take(1)[0])})
	case attAidOwner:
		set(ownerAppointment, mapi.Value{Type: mapi.TypeInt32, Bits: uint64(c.uint32())})
	case attRequestRes:
		set(responseRequested, mapi.Value{Type: mapi.TypeBool, Bits: uint64(min(c.uint16(), 1))})
	case attFrom:
		c.take(4) // kind and size of the structure
		name, address := c.uint16(), c.uint16()
		setParty(set, partySender, c.text(name), c.text(address))
	case attOwner, attSentFor:
		to := partySentFor
		if a.id == attOwner && isResponse(p) {
			to = partyReceived
		}
		name := c.text(c.uint16())
		setParty(set, to, name, c.text(c.uint16()))
	case attAttachRendData:
		readRendering(c, set)
	}
	return c.err
}

// statusFlags makes PidTagMessageFlags of attMessageStatus ([MS-OXTNEF] 2.1.3.3).
func statusFlags(status byte) (flags uint64) {
	for _, bit := range []struct {
		in  byte
		out uint64
	}{{0x20, 0x01}, {0x04, 0x04}, {0x02, 0x08}, {0x80, 0x10}} { // read, submitted, unsent, attachments
		if status&bit.in != 0 {
			flags |= bit.out
		}
	}
	if status&0x01 == 0 { // fmsModified is the opposite of mfUnmodified
		flags |= 0x02
	}
	return flags
}

func isResponse(p *mapi.Props) bool {
	return strings.HasPrefix(strings.ToLower(p.Text(mapi.MessageClass)), "ipm.schedule.meeting.resp")
}

// setParty takes a name and an address of the form TYPE:address.
func setParty(set func(mapi.ID, mapi.Value), to party, name, address string) {
	kind, rest, ok := strings.Cut(address, ":")
	if !ok {
		kind, rest = "", address
	}
	for _, v := range []struct {
		id   mapi.ID
		text string
	}{{to.name, name}, {to.kind, kind}, {to.address, rest}} {
		if v.text != "" {
			set(v.id, mapi.Value{Type: mapi.TypeString8, Data: mapi.Bytes(v.text)})
		}
	}
}

// text is a short text of n bytes up to its zero, in the code page of the stream.
func (c *cursor) text(n uint16) string {
	s := section{source: c.source, from: c.at, size: int64(n)}
	if c.err == nil && c.end-c.at < int64(n) {
		c.err = c.malformed(c.at, "tnef.attribute", "a text of %d bytes is stated, %d are left", n, c.end-c.at)
	}
	if c.err != nil {
		return ""
	}
	c.at += int64(n)
	return small(s)
}

// small reads a short text up to its zero.
func small(s section) string {
	const most = 4096
	b := make([]byte, min(s.size, most))
	n, _ := s.r.ReadAt(b, s.from)
	text, _, _ := strings.Cut(string(b[:n]), "\x00")
	return text
}

// readDate reads a date of fields ([MS-OXTNEF] 2.1.3.3). It names no zone: Exchange
// writes UTC, Outlook of the 1990s the sender's own time, but both have the moment among
// the MAPI properties, too. Where only this is there it is taken for UTC.
func readDate(c *cursor) (mapi.Value, bool) {
	b := c.take(14)
	var f [6]int
	for i := range f {
		f[i] = int(binary.LittleEndian.Uint16(b[2*i:]))
	}
	t := time.Date(f[0], time.Month(f[1]), f[2], f[3], f[4], f[5], 0, time.UTC)
	valid := c.err == nil && f[0] >= 1601 && f[0] <= 9999 && f[1] >= 1 && f[1] <= 12 && t.Day() == f[2] && f[3] < 24 && f[4] < 60 && f[5] < 60
	const before1970 = 11644473600
	return mapi.Value{Type: mapi.TypeTime, Bits: uint64(t.Unix()+before1970) * 1e7}, valid
}

// readKey decodes hexadecimal text.
func readKey(s section) (mapi.Value, bool) {
	b, err := hex.DecodeString(small(s))
	return mapi.Value{Type: mapi.TypeBinary, Data: mapi.Bytes(b)}, err == nil && len(b) > 0
}

// readRendering reads attAttachRendData ([MS-OXTNEF] 2.1.3.3.15): kind, position, width,
// height, flags.
func readRendering(c *cursor, set func(mapi.ID, mapi.Value)) {
	kind, position := c.uint16(), c.uint32()
	c.take(4)
	flags := c.uint32()
	if c.err != nil {
		return
	}
	set(renderingPosition, mapi.Value{Type: mapi.TypeInt32, Bits: uint64(position)})
	const (
		file   = 1
		object = 2
		// macBinary in flags: contents are MacBinary.
		macBinary = 1
	)
	switch kind {
	case file:
		set(mapi.AttachMethod, mapi.Value{Type: mapi.TypeInt32, Bits: mapi.ByValue})
	case object:
		set(mapi.AttachMethod, mapi.Value{Type: mapi.TypeInt32, Bits: mapi.OLE})
	}
	if flags == macBinary {
		// The object identifier of PidTagAttachEncoding ([MS-OXCMSG] 2.2.2).
		set(mapi.AttachEncoding, mapi.Value{Type: mapi.TypeBinary, Data: mapi.Bytes("\x2a\x86\x48\x86\xf7\x14\x03\x0b\x01")})
	}
}
