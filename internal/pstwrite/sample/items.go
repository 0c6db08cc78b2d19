package sample

import (
	"encoding/binary"
	"fmt"
	"strings"
	"time"

	"waybill/format/mapi"
	"waybill/internal/pstwrite"
)

// plain begins an item that is no mail.
func (m *maker) plain(class, subject string) (pstwrite.Message, Item) {
	text := m.words.text(m.r, 1)
	return pstwrite.Message{Props: []pstwrite.Prop{
		pstwrite.Text(mapi.MessageClass, class), pstwrite.Text(mapi.Subject, subject), pstwrite.Text(mapi.Body, text),
		pstwrite.Time(mapi.CreationTime, moment(m.r)),
	}}, Item{Class: class, Subject: subject, Body: "text", TextSHA256: digestOf(text), Read: true}
}

// contact makes a card ([MS-OXOCNTC]).
func (m *maker) contact() (string, pstwrite.Message, Item) {
	name, address := m.words.person(m.r)
	given, surname, _ := strings.Cut(name, " ")
	message, item := m.plain("IPM.Contact", name)
	email := func(id uint32, s string) pstwrite.Prop {
		return pstwrite.Named(mapi.SetAddress, id, pstwrite.Text(0, s))
	}
	message.Props = append(message.Props,
		pstwrite.Text(mapi.DisplayName, name), pstwrite.Text(0x3A06, given), pstwrite.Text(0x3A11, surname),
		pstwrite.Text(0x3A16, "Office & Sons"), pstwrite.Text(0x3A17, "Head of; everything, else"),
		pstwrite.Text(0x3A08, "+49 30 1234567"), pstwrite.Text(0x3A1C, "+49 170 7654321"), pstwrite.Text(0x3A29, "Main Street 1"),
		pstwrite.Text(0x3A27, "Zürich"), pstwrite.Text(0x3A2A, "8001"), pstwrite.Text(0x3A26, "Switzerland"),
		pstwrite.Time(0x3A42, time.Date(1970, 2, 28, 0, 0, 0, 0, time.UTC)),
		email(0x8005, surname+", "+given), email(0x8080, name), email(0x8082, "SMTP"), email(0x8083, address), email(0x8084, address))
	return "IPF.Contact", message, item
}

// list makes a distribution list ([MS-OXOCNTC] 2.2.2) of two people.
func (m *maker) list() (string, pstwrite.Message, Item) {
	message, item := m.plain("IPM.DistList", fmt.Sprintf("Team %d", m.made))
	members := [][]byte{oneOff("Anna Schmidt", "anna@north.example"), oneOff("Boris Müller", "boris@south.example")}
	several := mapi.MakeTag(0, mapi.TypeBinary|mapi.Multi)
	message.Props = append(message.Props, pstwrite.Text(mapi.DisplayName, item.Subject),
		pstwrite.Named(mapi.SetAddress, 0x8053, pstwrite.Text(0, item.Subject)),
		pstwrite.Named(mapi.SetAddress, 0x8054, pstwrite.Prop{Tag: several, Value: members}),
		pstwrite.Named(mapi.SetAddress, 0x8055, pstwrite.Prop{Tag: several, Value: members}))
	return "IPF.Contact", message, item
}

// oneOff is an address outside of any address book ([MS-OXCDATA] 2.2.5.1).
func oneOff(name, address string) []byte {
	b := append(make([]byte, 4), 0x81, 0x2B, 0x1F, 0xA4, 0xBE, 0xA3, 0x10, 0x19, 0x9D, 0x6E, 0x00, 0xDD, 0x01, 0x0F, 0x54, 0x02,
		0, 0, 0x01, 0x90)
	for _, s := range []string{name, "SMTP", address} {
		for _, c := range s {
			b = binary.LittleEndian.AppendUint16(b, uint16(c))
		}
		b = append(b, 0, 0)
	}
	return b
}

// appointment makes a meeting of an hour, every week in one of two ([MS-OXOCAL]).
func (m *maker) appointment() (string, pstwrite.Message, Item) {
	message, item := m.plain("IPM.Appointment", fmt.Sprintf("%s %d", pick(m.r, m.words.topics), m.made))
	message.Props = append(message.Props, m.times(m.r.IntN(2) == 0)...)
	return "IPF.Appointment", message, item
}

// meeting makes a request that came as mail.
func (m *maker) meeting() (string, pstwrite.Message, Item) {
	message, item := m.letter("IPM.Schedule.Meeting.Request")
	message.Props = append(message.Props, m.times(false)...)
	return "IPF.Note", message, item
}

// times are the properties of an appointment.
func (m *maker) times(weekly bool) []pstwrite.Prop {
	start := moment(m.r).Truncate(15 * time.Minute)
	end := start.Add(time.Hour)
	named := func(id uint32, p pstwrite.Prop) pstwrite.Prop { return pstwrite.Named(mapi.SetAppointment, id, p) }
	props := []pstwrite.Prop{
		named(0x820D, pstwrite.Time(0, start)), named(0x820E, pstwrite.Time(0, end)), named(0x8208, pstwrite.Text(0, "Room 12")),
		named(0x8205, pstwrite.Int(0, 2)), named(0x8213, pstwrite.Int(0, 60)), named(0x8215, pstwrite.Bool(0, false)),
		named(0x8217, pstwrite.Int(0, 0)), named(0x8223, pstwrite.Bool(0, weekly)),
		pstwrite.Named(mapi.SetCommon, 0x8516, pstwrite.Time(0, start)), pstwrite.Named(mapi.SetCommon, 0x8517, pstwrite.Time(0, end)),
		pstwrite.Named(mapi.SetCommon, 0x8503, pstwrite.Bool(0, true)), pstwrite.Named(mapi.SetCommon, 0x8501, pstwrite.Int(0, 15)),
	}
	if weekly {
		props = append(props, named(0x8216, pstwrite.Binary(0, everyWeek(start))))
	}
	return props
}

// everyWeek is a pattern of ten weekly meetings, the third of which is cancelled
// ([MS-OXOCAL] 2.2.1.44.5).
func everyWeek(start time.Time) []byte {
	const minute, day = 60, 24 * 60
	minutes := func(t time.Time) uint32 { return uint32((t.Unix() + 11644473600) / minute) }
	date := start.Truncate(24 * time.Hour)
	sunday := date.AddDate(0, 0, -int(date.Weekday()))
	le := binary.LittleEndian
	var b []byte
	for _, v := range []uint16{0x3004, 0x3004, 0x200B, 1, 0} {
		b = le.AppendUint16(b, v)
	}
	offset := minutes(start) - minutes(date)
	for _, v := range []uint32{
		minutes(sunday) % (7 * day), 1, 0, 1 << date.Weekday(), 0x2022, 10, 0, // every week on that day, ten times
		1, minutes(date.AddDate(0, 0, 14)), 0, // one is deleted, none is changed
		minutes(date), minutes(date.AddDate(0, 0, 63)), 0x3006, 0x3009, offset, offset + 60,
	} {
		b = le.AppendUint32(b, v)
	}
	return append(b, make([]byte, 2+4+4)...) // no exceptions, nothing reserved
}

// task makes a task, half done ([MS-OXOTASK]).
func (m *maker) task() (string, pstwrite.Message, Item) {
	message, item := m.plain("IPM.Task", fmt.Sprintf("%s %d", pick(m.r, m.words.topics), m.made))
	due := moment(m.r).Truncate(24 * time.Hour)
	named := func(id uint32, p pstwrite.Prop) pstwrite.Prop { return pstwrite.Named(mapi.SetTask, id, p) }
	message.Props = append(message.Props, named(0x8101, pstwrite.Int(0, 1)), named(0x8102, pstwrite.Float(0, 0.5)),
		named(0x8104, pstwrite.Time(0, due.AddDate(0, 0, -7))), named(0x8105, pstwrite.Time(0, due)), named(0x811C, pstwrite.Bool(0, false)))
	return "IPF.Task", message, item
}

// note makes a sticky note ([MS-OXONOTE]).
func (m *maker) note() (string, pstwrite.Message, Item) {
	message, item := m.plain("IPM.StickyNote", fmt.Sprintf("%s %d", pick(m.r, m.words.topics), m.made))
	message.Props = append(message.Props, pstwrite.Named(mapi.SetNote, 0x8B00, pstwrite.Int(0, 3)))
	return "IPF.StickyNote", message, item
}

// journal makes an entry about a call ([MS-OXOJRNL]).
func (m *maker) journal() (string, pstwrite.Message, Item) {
	message, item := m.plain("IPM.Activity", fmt.Sprintf("%s %d", pick(m.r, m.words.topics), m.made))
	start := moment(m.r)
	named := func(id uint32, p pstwrite.Prop) pstwrite.Prop { return pstwrite.Named(mapi.SetLog, id, p) }
	message.Props = append(message.Props, named(0x8700, pstwrite.Text(0, "Phone call")), named(0x8706, pstwrite.Time(0, start)),
		named(0x8708, pstwrite.Time(0, start.Add(9*time.Minute))), named(0x8707, pstwrite.Int(0, 9)))
	return "IPF.Journal", message, item
}
