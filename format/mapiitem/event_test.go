package mapiitem

import (
	"encoding/binary"
	"errors"
	"slices"
	"strings"
	"testing"
	"time"
	"unicode/utf16"

	"waybill/format/mapi"
	"waybill/format/mapiitem/recurrence"
)

// blob is a recurrence pattern to be written: weekly unless body says otherwise.
type blob struct {
	frequency, kind, calendar uint16
	period                    uint32
	specific                  []uint32
	end, count                uint32
	deleted, modified         []recurrence.Minutes
	start, until              recurrence.Minutes
	from, to                  uint32
	exceptions                []recurrence.Exception
}

func minutes(s string) recurrence.Minutes { return recurrence.FromTime(at(s)) }

func (r blob) pattern() []byte {
	le := binary.LittleEndian
	var b []byte
	for _, v := range []uint16{0x3004, 0x3004, r.frequency, r.kind, r.calendar} {
		b = le.AppendUint16(b, v)
	}
	for _, v := range append(append([]uint32{0, r.period, 0}, r.specific...), r.end, r.count, 1) { // weeks begin on Monday
		b = le.AppendUint32(b, v)
	}
	for _, list := range [][]recurrence.Minutes{r.deleted, r.modified} {
		b = le.AppendUint32(b, uint32(len(list)))
		for _, m := range list {
			b = le.AppendUint32(b, uint32(m))
		}
	}
	b = le.AppendUint32(b, uint32(r.start))
	return le.AppendUint32(b, uint32(r.until))
}

func (r blob) series() []byte {
	le := binary.LittleEndian
	b := r.pattern()
	for _, v := range []uint32{0x3006, 0x3009, r.from, r.to} {
		b = le.AppendUint32(b, v)
	}
	b = le.AppendUint16(b, uint16(len(r.exceptions)))
	for _, x := range r.exceptions {
		for _, v := range []recurrence.Minutes{x.Start, x.End, x.Original} {
			b = le.AppendUint32(b, uint32(v))
		}
		b = le.AppendUint16(b, x.Flags)
		if x.Flags&recurrence.HasSubject != 0 {
			b = append(le.AppendUint16(le.AppendUint16(b, 2), 1), '?')
		}
		if x.Flags&recurrence.HasReminder != 0 {
			b = le.AppendUint32(b, 0)
		}
		if x.Flags&recurrence.HasLocation != 0 {
			b = append(le.AppendUint16(le.AppendUint16(b, 2), 1), '?')
		}
		if x.Flags&recurrence.HasBusyStatus != 0 {
			b = le.AppendUint32(b, x.BusyStatus)
		}
	}
	b = le.AppendUint32(b, 0)
	for _, x := range r.exceptions {
		b = le.AppendUint32(le.AppendUint32(le.AppendUint32(b, 4), 0), 0)
		if x.Flags&(recurrence.HasSubject|recurrence.HasLocation) == 0 {
			continue
		}
		b = append(b, make([]byte, 12)...)
		for _, f := range []struct {
			flag uint16
			text string
		}{{recurrence.HasSubject, x.Subject}, {recurrence.HasLocation, x.Location}} {
			if x.Flags&f.flag != 0 {
				units := utf16.Encode([]rune(f.text))
				b = le.AppendUint16(b, uint16(len(units)))
				for _, u := range units {
					b = le.AppendUint16(b, u)
				}
			}
		}
		b = le.AppendUint32(b, 0)
	}
	return le.AppendUint32(b, 0)
}

// westEurope is the zone definition of Berlin.
func westEurope() []byte {
	le := binary.LittleEndian
	name := utf16.Encode([]rune("W. Europe Standard Time"))
	b := le.AppendUint16([]byte{2, 1}, uint16(6+2*len(name)))
	b = le.AppendUint16(le.AppendUint16(b, 2), uint16(len(name)))
	for _, u := range name {
		b = le.AppendUint16(b, u)
	}
	b = le.AppendUint16(b, 1)
	b = append(b, 2, 1, 0x3E, 0, 2, 0, 0x41, 6)
	b = append(b, make([]byte, 14)...)
	for _, v := range []int32{-60, 0, -60} {
		b = le.AppendUint32(b, uint32(v))
	}
	for _, v := range []uint16{0, 10, 0, 5, 3, 0, 0, 0, 0, 3, 0, 5, 2, 0, 0, 0} {
		b = le.AppendUint16(b, v)
	}
	return b
}

func appt(n uint32) mapi.Name { return lid(mapi.SetAppointment, n) }
func comm(n uint32) mapi.Name { return lid(mapi.SetCommon, n) }
func meet(n uint32) mapi.Name { return lid(mapi.SetMeeting, n) }

// globalObject is an id of 2024-05-13's occurrence.
func globalObject(day ...byte) []byte {
	b := []byte{0x04, 0, 0, 0, 0x82, 0, 0xE0, 0, 0x74, 0xC5, 0xB7, 0x10, 0x1A, 0x82, 0xE0, 0x08}
	b = append(b, day...)
	b = append(b, make([]byte, 16)...)
	return append(b, 2, 0, 0, 0, 0xAB, 0xCD)
}

func (k *maker) person(name, address string, kind, flags, status int) *mapi.Props {
	return k.props(mapi.DisplayName, name, mapi.AddressType, "SMTP", mapi.EmailAddress, address, mapi.RecipientType, kind, recipientFlags, flags, recipientTrackStatus, status)
}

func TestSeries(t *testing.T) {
	k := newMaker()
	r := blob{frequency: 0x200B, kind: 1, period: 1, specific: []uint32{0x02}, end: 0x2021, start: minutes("2024-03-18T00:00"), until: minutes("2024-06-03T00:00"),
		from: 600, to: 660,
		deleted:  []recurrence.Minutes{minutes("2024-04-01T00:00"), minutes("2024-04-08T00:00"), minutes("2024-05-13T00:00")},
		modified: []recurrence.Minutes{minutes("2024-04-09T00:00"), minutes("2024-05-13T00:00")},
		exceptions: []recurrence.Exception{
			{Start: minutes("2024-04-09T14:00"), End: minutes("2024-04-09T15:30"), Original: minutes("2024-04-08T10:00"),
				Flags: recurrence.HasSubject | recurrence.HasLocation | recurrence.HasReminder, Subject: "Verschoben, 漢字", Location: "Köln; Dom"},
			{Start: minutes("2024-05-13T10:00"), End: minutes("2024-05-13T11:00"), Original: minutes("2024-05-13T10:00"), Flags: recurrence.HasBusyStatus | recurrence.HasBody, BusyStatus: 3},
			{Start: minutes("2024-05-13T12:00"), End: minutes("2024-05-13T13:00"), Original: minutes("2024-05-13T10:00")},
		}}
	m := k.item("IPM.Appointment", mapi.Subject, "Wochentreffen", appt(lidLocation), "Berlin", appt(lidRecur), r.series(), appt(lidRecurring), true,
		appt(lidZoneRecur), westEurope(), appt(lidStartWhole), at("2024-03-18T09:00"), appt(lidEndWhole), at("2024-03-18T10:00"),
		appt(lidBusyStatus), 2, comm(lidReminderSet), true, comm(lidReminderDelta), 30, meet(lidGlobalID), globalObject(0, 0, 0, 0), appt(lidStateFlags), 1,
		mapi.Body, "Text der Reihe", mapi.LastModificationTime, at("2024-03-01T00:00"), appt(lidSequence), 2,
		sentRepresentingName, "Chefin", sentRepresentingType, "SMTP", sentRepresentingAddress, "chefin@a.example", importance, 2)
	m.recipients = []*mapi.Props{k.person("Chefin", "chefin@a.example", 1, 3, 1), k.person("Anna; A", "anna@a.example", 1, 1, 3),
		k.person("Bert", "bert@a.example", 2, 1, 4), k.person("Raum 7", "raum7@a.example", 3, 1, 2), k.person("Gone", "gone@a.example", 1, 0x21, 0)}
	inside := k.item("IPM.OLE.CLASS.{00061055-0000-0000-C000-000000000046}", mapi.Body, "Eigener Text", appt(lidExceptionReplace), at("2024-05-13T08:00"))
	inside.recipients = []*mapi.Props{k.person("Dora", "dora@a.example", 1, 1, 0)}
	inside.attachments = []mapi.Attachment{k.attachment(mapi.AttachMethod, mapi.ByValue, mapi.AttachLongFilename, "eigen.txt", mapi.AttachData, []byte("xyz"))}
	m.attachments = []mapi.Attachment{
		&fakeAttachment{props: k.props(mapi.AttachMethod, mapi.EmbeddedMessage, exceptionReplaceTime, at("2024-05-13T08:00"), attachmentFlags, 2), message: inside},
		k.attachment(mapi.AttachMethod, mapi.ByValue, mapi.AttachLongFilename, "a b.txt", mapi.AttachData, []byte("hello")),
	}
	i, text := convert(t, m, Options{})
	if i.Kind != Event || i.Name != "Wochentreffen.ics" || i.MediaType != "text/calendar; charset=utf-8; component=VEVENT" || i.Method != "" || i.Mail {
		t.Errorf("%+v", i)
	}
	unfolded := strings.ReplaceAll(text, "\r\n ", "")
	for _, want := range []string{
		"DTSTART;TZID=W. Europe Standard Time:20240318T100000", "DTEND;TZID=W. Europe Standard Time:20240318T110000",
		"RRULE:FREQ=WEEKLY;BYDAY=MO;WKST=MO;UNTIL=20240603T080000Z", "EXDATE;TZID=W. Europe Standard Time:20240401T100000\r\n",
		"RECURRENCE-ID;TZID=W. Europe Standard Time:20240408T100000\r\nDTSTART;TZID=W. Europe Standard Time:20240409T140000",
		`SUMMARY:Verschoben\, 漢字`, `LOCATION:Köln\; Dom`, "RECURRENCE-ID;TZID=W. Europe Standard Time:20240513T100000", "X-MICROSOFT-CDO-BUSYSTATUS:OOF",
		"DESCRIPTION:Eigener Text", "ORGANIZER;CN=Chefin:mailto:chefin@a.example", `ATTENDEE;CN="Anna; A";ROLE=REQ-PARTICIPANT;PARTSTAT=ACCEPTED:mailto:anna@a.example`,
		"ATTENDEE;CN=Bert;ROLE=OPT-PARTICIPANT;PARTSTAT=DECLINED:mailto:bert@a.example", "ATTENDEE;CN=Raum 7;CUTYPE=RESOURCE;ROLE=NON-PARTICIPANT;PARTSTAT=TENTATIVE:mailto:raum7@a.example",
		"ATTENDEE;CN=Dora;ROLE=REQ-PARTICIPANT;PARTSTAT=NEEDS-ACTION:mailto:dora@a.example", "TRIGGER;RELATED=START:-PT30M", "SEQUENCE:2", "PRIORITY:1",
		"UID:040000008200E00074C5B7101A82E00800000000" + strings.Repeat("00", 16) + "02000000ABCD\r\n",
		"ATTACH;FMTTYPE=text/plain;ENCODING=BASE64;VALUE=BINARY;X-FILENAME=a b.txt:aGVsbG8=\r\nBEGIN:VALARM", "X-FILENAME=eigen.txt:eHl6",
	} {
		if !strings.Contains(unfolded, want) {
			t.Errorf("no %q", want)
		}
	}
	if t.Failed() {
		t.Log(unfolded)
	}
	if strings.Contains(text, "gone@") || strings.Count(text, "BEGIN:VALARM") != 2 || strings.Count(text, "BEGIN:VEVENT") != 3 {
		t.Errorf("%s", text)
	}
	if kinds := noteKinds(i); !slices.Equal(kinds, []string{"exception-twice"}) {
		t.Error(i.Notes)
	}
	v := judge(t, map[string][]byte{"series.ics": []byte(text)})["series.ics"]
	if v.err != "" || len(v.components) != 3 {
		t.Fatalf("%+v", v)
	}
	if main := v.components[0]; len(main.Dates) != 12 || main.Dates[11] != "20240603" || !slices.Equal(main.Deleted, []string{"20240401T100000+0200"}) || main.Start != "20240318T100000+0100" {
		t.Errorf("%+v", main)
	}
	if moved := v.components[1]; moved.ID != "20240408T100000+0200" || moved.Start != "20240409T140000+0200" || moved.Summary != "Verschoben, 漢字" {
		t.Errorf("%+v", moved)
	}
}

func TestSingleEvents(t *testing.T) {
	noZone := mapi.Name{Set: mapi.PublicStrings, Text: "Keywords"}
	files := map[string][]byte{}
	for name, c := range map[string]struct {
		pairs []any
		want  []string
		kinds []string
	}{
		"in a zone": {[]any{appt(lidStartWhole), at("2024-07-01T08:00"), appt(lidEndWhole), at("2024-07-01T09:00"), appt(lidZoneStart), westEurope()},
			[]string{"DTSTART;TZID=W. Europe Standard Time:20240701T100000", "TRANSP:TRANSPARENT"}, nil},
		"in UTC": {[]any{appt(lidStartWhole), at("2024-07-01T08:00"), appt(lidDuration), 90}, []string{"DTSTART:20240701T080000Z", "DTEND:20240701T093000Z"}, nil},
		"whole days in a zone": {[]any{appt(lidStartWhole), at("2024-06-30T22:00"), appt(lidEndWhole), at("2024-07-02T22:00"), appt(lidZoneStart), westEurope(), appt(lidSubType), true},
			[]string{"DTSTART;VALUE=DATE:20240701", "DTEND;VALUE=DATE:20240703"}, nil},
		"whole days without a zone": {[]any{appt(lidStartWhole), at("2024-06-30T22:00"), appt(lidEndWhole), at("2024-07-01T22:00"), appt(lidSubType), true},
			[]string{"DTSTART;VALUE=DATE:20240701", "DTEND;VALUE=DATE:20240702"}, []string{"day-guessed"}},
		"backwards":  {[]any{appt(lidStartWhole), at("2024-07-01T08:00"), appt(lidEndWhole), at("2024-06-01T08:00")}, []string{"DTSTART:20240701T080000Z\r\nSUMMARY"}, []string{"end-left-out"}},
		"no start":   {[]any{mapi.LastModificationTime, at("2024-07-01T08:00")}, []string{"DTSTART:20240701T080000Z"}, []string{"start-unknown"}},
		"categories": {[]any{appt(lidStartWhole), at("2024-07-01T08:00"), noZone, []string{"A,B", "C"}, sensitivity, 3}, []string{`CATEGORIES:A\,B,C`, "CLASS:CONFIDENTIAL"}, nil},
		"canceled":   {[]any{appt(lidStartWhole), at("2024-07-01T08:00"), appt(lidStateFlags), 5}, []string{"STATUS:CANCELLED"}, nil},
		"another program's id": {[]any{appt(lidStartWhole), at("2024-07-01T08:00"), meet(lidGlobalID), append(globalObject(0, 0, 0, 0)[:40], "vCal-Uid\x01\x00\x00\x00me@there\x00"...)},
			[]string{"UID:me@there\r\n"}, nil},
		"damaged zone": {[]any{appt(lidStartWhole), at("2024-07-01T08:00"), appt(lidZoneStart), []byte{1, 2, 3}}, []string{"DTSTART:20240701T080000Z"}, []string{"time-zone-damaged"}},
		"lunar": {[]any{appt(lidStartWhole), at("2024-07-01T08:00"), appt(lidRecurrencePattern), "each Muharram 1", appt(lidRecur),
			blob{frequency: 0x200D, kind: 0xA, period: 12, specific: []uint32{1}, end: 0x2023, start: minutes("2024-07-01T00:00"), until: 0x5AE980DF}.series()},
			[]string{"DTSTART:20240701T080000Z", "COMMENT:each Muharram 1"}, []string{"recurrence-lunar"}},
		"damaged pattern": {[]any{appt(lidStartWhole), at("2024-07-01T08:00"), appt(lidRecur), []byte{4, 0x30, 4, 0x30, 0x0B}}, []string{"DTSTART:20240701T080000Z"}, []string{"recurrence-unreadable"}},
		"series without a zone": {[]any{appt(lidRecur), blob{frequency: 0x200A, kind: 0, period: 1440, end: 0x2022, count: 3, start: minutes("2024-07-01T00:00"), until: minutes("2024-07-03T00:00"), from: 60, to: 120}.series()},
			[]string{"DTSTART:20240701T010000\r\n", "RRULE:FREQ=DAILY;COUNT=3"}, []string{"start-unknown", "time-zone-unknown"}},
		"HTML only": {[]any{appt(lidStartWhole), at("2024-07-01T08:00"), mapi.InternetCodepage, 1252, mapi.HTML, []byte("<html><head><title>T</title></head><body><p>Gr\xfc\xdfe &amp; K\xfcsse</p>x</body></html>")},
			[]string{`DESCRIPTION:Grüße & Küsse\nx`, "X-ALT-DESC;FMTTYPE=text/html:<html>"}, nil},
		"damaged text": {[]any{appt(lidStartWhole), at("2024-07-01T08:00"), mapi.HTML, mapi.Data(broken{[]byte("<p>half")})}, []string{"DESCRIPTION:half"}, []string{"body-damaged"}},
	} {
		t.Run(name, func(t *testing.T) {
			i, text := convert(t, newMaker().item("IPM.Appointment", append([]any{mapi.Subject, "S"}, c.pairs...)...), Options{})
			unfolded := strings.ReplaceAll(text, "\r\n ", "")
			for _, want := range c.want {
				if !strings.Contains(unfolded, want) {
					t.Errorf("no %q in\n%s", want, unfolded)
				}
			}
			if kinds := noteKinds(i); !slices.Equal(kinds, c.kinds) {
				t.Errorf("notes %v", i.Notes)
			}
			files[strings.ReplaceAll(name, " ", "-")+".ics"] = []byte(text)
		})
	}
	expectReadable(t, files)
}

func TestMeetingMessages(t *testing.T) {
	files := map[string][]byte{}
	for class, want := range map[string]string{
		"IPM.Schedule.Meeting.Request": "METHOD:REQUEST", "IPM.Schedule.Meeting.Canceled": "METHOD:CANCEL",
		"IPM.Schedule.Meeting.Resp.Pos": "PARTSTAT=ACCEPTED", "IPM.Schedule.Meeting.Resp.Neg": "PARTSTAT=DECLINED", "IPM.Schedule.Meeting.Resp.Tent": "PARTSTAT=TENTATIVE",
	} {
		k := newMaker()
		m := k.item(class, mapi.Subject, "Zusage: Treffen", appt(lidStartWhole), at("2024-07-01T08:00"), meet(lidGlobalID), globalObject(7, 0xE8, 7, 1), meet(lidCleanGlobalID), globalObject(0, 0, 0, 0),
			sentRepresentingName, "Anna", sentRepresentingType, "SMTP", sentRepresentingAddress, "anna@a.example", responseRequested, true)
		m.recipients = []*mapi.Props{k.person("Bert", "bert@a.example", 1, 1, 0)}
		m.attachments = []mapi.Attachment{k.attachment(mapi.AttachMethod, mapi.ByValue, mapi.AttachLongFilename, "plan.pdf", mapi.AttachData, []byte("%PDF"))}
		i, text := convert(t, m, Options{})
		unfolded := strings.ReplaceAll(text, "\r\n ", "")
		if !strings.Contains(unfolded, want) || !i.Mail || !strings.Contains(unfolded, "RECURRENCE-ID:20240701T080000Z") || strings.Contains(i.UID, "07E8") {
			t.Errorf("%s: %+v\n%s", class, i, unfolded)
		}
		if answer := strings.Contains(class, "Resp"); answer != strings.Contains(unfolded, "ORGANIZER;CN=Bert:mailto:bert@a.example") || answer == strings.Contains(unfolded, "RSVP=TRUE") && !strings.Contains(class, "Canceled") {
			t.Errorf("%s:\n%s", class, unfolded)
		}
		if len(i.Attachments) != 1 || i.Attachments[0].Inline || strings.Contains(text, "ATTACH;") || len(i.Parts()) != 2 || len(i.Notes) != 0 {
			t.Errorf("%s: the attachment is the mail's: %+v %v", class, i.Attachments, i.Notes)
		}
		if part := i.Part(); part.Type != "text/calendar" || len(part.Params) != 2 {
			t.Errorf("%+v", part)
		}
		files[class+".ics"] = []byte(text)
	}
	expectReadable(t, files)
}

// TestAttachmentsThatCannotBeRead keeps what can be had and says what cannot.
func TestAttachmentsThatCannotBeRead(t *testing.T) {
	k := newMaker()
	m := k.item("IPM.Appointment", mapi.Subject, "S", appt(lidStartWhole), at("2024-07-01T08:00"))
	m.attachments = []mapi.Attachment{
		k.attachment(mapi.AttachMethod, mapi.ByValue, mapi.AttachLongFilename, "half.bin", mapi.AttachData, mapi.Data(broken{[]byte("abc")})),
		k.attachment(mapi.AttachMethod, mapi.ByValue, mapi.AttachLongFilename, "none.bin"),
		k.attachment(mapi.AttachMethod, mapi.ByReference, attachLongPathname, `\\server\share\a b.txt`),
		&fakeAttachment{props: k.props(mapi.AttachMethod, mapi.OLE, mapi.DisplayName, "object"), err: errors.New("gone")},
		&fakeAttachment{props: k.props(mapi.AttachMethod, mapi.EmbeddedMessage, mapi.DisplayName, "a mail"), message: k.item("IPM.Note")},
		k.attachment(mapi.AttachMethod, mapi.ByValue, mapi.AttachLongFilename, "big.bin", mapi.AttachData, make([]byte, 2000)),
	}
	i, text := convert(t, m, Options{InlineLimit: 1000})
	want := []string{"attachment-damaged", "attachment-unreadable", "attachment-by-reference", "attachment-unreadable", "attachment-left-out", "attachment-beside"}
	if kinds := noteKinds(i); !slices.Equal(kinds, want) {
		t.Errorf("%v", i.Notes)
	}
	unfolded := strings.ReplaceAll(text, "\r\n ", "")
	for _, want := range []string{"X-FILENAME=half.bin:YWJj\r\n", "ATTACH:file://server/share/a%20b.txt"} {
		if !strings.Contains(unfolded, want) {
			t.Errorf("no %q in %s", want, unfolded)
		}
	}
	if len(i.Attachments) != 2 || i.Attachments[1].Inline {
		t.Errorf("%+v", i.Attachments)
	}
	if strings.Contains(text, "server") && time.Time.IsZero(i.Date) {
		t.Error("no date")
	}
}
