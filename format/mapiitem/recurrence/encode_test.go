package recurrence

import (
	"encoding/binary"
	"time"
	"unicode/utf16"

	"pgregory.net/rapid"
)

// encodePattern is the inverse of DecodePattern.
func encodePattern(p *Pattern) []byte {
	le := binary.LittleEndian
	b := le.AppendUint16(nil, 0x3004)
	b = le.AppendUint16(b, 0x3004)
	b = le.AppendUint16(b, uint16(p.Frequency))
	b = le.AppendUint16(b, uint16(p.Type))
	b = le.AppendUint16(b, p.Calendar)
	b = le.AppendUint32(b, uint32(p.First))
	b = le.AppendUint32(b, p.Period)
	sliding := uint32(0)
	if p.Sliding {
		sliding = 1
	}
	b = le.AppendUint32(b, sliding)
	switch p.Type {
	case Week:
		b = le.AppendUint32(b, uint32(p.Days))
	case Month, MonthEnd, HijriMonth, HijriMonthEnd:
		b = le.AppendUint32(b, p.Day)
	case MonthNth, HijriMonthNth:
		b = le.AppendUint32(b, uint32(p.Days))
		b = le.AppendUint32(b, p.Nth)
	}
	b = le.AppendUint32(b, uint32(p.End))
	b = le.AppendUint32(b, p.Count)
	b = le.AppendUint32(b, uint32(p.FirstDay))
	for _, list := range [][]Minutes{p.Deleted, p.Modified} {
		b = le.AppendUint32(b, uint32(len(list)))
		for _, m := range list {
			b = le.AppendUint32(b, uint32(m))
		}
	}
	b = le.AppendUint32(b, uint32(p.Start))
	return le.AppendUint32(b, uint32(p.Until))
}

// encode is the inverse of Decode, for texts in ASCII before their wide forms.
func encode(s *Series, writer uint32) []byte {
	le := binary.LittleEndian
	b := encodePattern(&s.Pattern)
	b = le.AppendUint32(b, 0x3006)
	b = le.AppendUint32(b, writer)
	b = le.AppendUint32(b, s.StartOffset)
	b = le.AppendUint32(b, s.EndOffset)
	b = le.AppendUint16(b, uint16(len(s.Exceptions)))
	short := func(text string) {
		b = le.AppendUint16(b, uint16(len(text)+1))
		b = le.AppendUint16(b, uint16(len(text)))
		for range text {
			b = append(b, '?')
		}
		b = b[:len(b)-len([]rune(text))]
		for i := range len(text) {
			b = append(b, text[i]&0x7F)
		}
	}
	flag := func(v bool) uint32 {
		if v {
			return 1
		}
		return 0
	}
	for _, e := range s.Exceptions {
		b = le.AppendUint32(b, uint32(e.Start))
		b = le.AppendUint32(b, uint32(e.End))
		b = le.AppendUint32(b, uint32(e.Original))
		b = le.AppendUint16(b, e.Flags)
		if e.Flags&HasSubject != 0 {
			short(e.Subject)
		}
		for _, f := range []struct {
			flag  uint16
			value uint32
		}{{HasMeetingType, e.MeetingType}, {HasReminderDelta, e.ReminderDelta}, {HasReminder, flag(e.Reminder)}} {
			if e.Flags&f.flag != 0 {
				b = le.AppendUint32(b, f.value)
			}
		}
		if e.Flags&HasLocation != 0 {
			short(e.Location)
		}
		for _, f := range []struct {
			flag  uint16
			value uint32
		}{{HasBusyStatus, e.BusyStatus}, {HasAttachment, flag(e.Attachment)}, {HasSubType, flag(e.AllDay)}, {HasColor, e.Color}} {
			if e.Flags&f.flag != 0 {
				b = le.AppendUint32(b, f.value)
			}
		}
	}
	b = le.AppendUint32(b, 0)
	wide := func(text string) {
		units := utf16.Encode([]rune(text))
		b = le.AppendUint16(b, uint16(len(units)))
		for _, u := range units {
			b = le.AppendUint16(b, u)
		}
	}
	for _, e := range s.Exceptions {
		if writer >= 0x3009 {
			b = le.AppendUint32(b, 4)
			b = le.AppendUint32(b, 0)
		}
		b = le.AppendUint32(b, 0)
		if e.Flags&(HasSubject|HasLocation) == 0 {
			continue
		}
		b = le.AppendUint32(b, uint32(e.Start))
		b = le.AppendUint32(b, uint32(e.End))
		b = le.AppendUint32(b, uint32(e.Original))
		if e.Flags&HasSubject != 0 {
			wide(e.Subject)
		}
		if e.Flags&HasLocation != 0 {
			wide(e.Location)
		}
		b = le.AppendUint32(b, 0)
	}
	return le.AppendUint32(b, 0)
}

// anyPattern draws a Gregorian pattern that a calendar could hold. Its start is
// its first occurrence, as Outlook writes it.
func anyPattern(t *rapid.T) *Pattern {
	p := &Pattern{FirstDay: time.Weekday(rapid.IntRange(0, 6).Draw(t, "first day"))}
	p.Type = rapid.SampledFrom([]Type{Day, Week, Month, MonthNth, MonthEnd}).Draw(t, "type")
	switch p.Type {
	case Day:
		p.Frequency, p.Period = Daily, 1440*rapid.Uint32Range(1, 40).Draw(t, "days")
	case Week:
		p.Frequency, p.Period = rapid.SampledFrom([]Frequency{Daily, Weekly}).Draw(t, "frequency"), rapid.Uint32Range(1, 6).Draw(t, "weeks")
		p.Days = Weekdays(rapid.Uint32Range(1, 127).Draw(t, "weekdays"))
	default:
		p.Frequency, p.Period = Monthly, rapid.Uint32Range(1, 14).Draw(t, "months")
		if rapid.Bool().Draw(t, "yearly") {
			p.Frequency, p.Period = Yearly, 12*rapid.Uint32Range(1, 3).Draw(t, "years")
		}
		p.Day = 31
		if p.Type == Month {
			p.Day = rapid.Uint32Range(1, 31).Draw(t, "day")
		}
		if p.Type == MonthNth {
			p.Day = 0
			p.Days, p.Nth = Weekdays(rapid.Uint32Range(1, 127).Draw(t, "weekdays")), rapid.Uint32Range(1, 5).Draw(t, "nth")
		}
	}
	start := time.Date(rapid.IntRange(1980, 2060).Draw(t, "year"), time.Month(rapid.IntRange(1, 12).Draw(t, "month")),
		rapid.IntRange(1, 31).Draw(t, "date"), 0, 0, 0, 0, time.UTC)
	p.Start, p.End, p.Until = FromTime(start), Never, noEnd
	if p.Type != Week || p.Period == 1 {
		first, _ := p.FirstDate()
		p.Start = FromTime(first)
	} else {
		for !p.Days.Has(p.Start.Time().Weekday()) {
			p.Start += 1440
		}
	}
	return p
}
