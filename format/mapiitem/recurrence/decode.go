package recurrence

import (
	"encoding/binary"
	"fmt"
	"time"
	"unicode/utf16"

	"waybill/failure"
)

// maxTextUnits is how long a subject or location of an exception may be; the
// formats keep them in 16 bits, and no subject is longer than 255 characters.
const maxTextUnits = 4096

// cursor reads little-endian numbers; after the end it gives zeros and says so.
type cursor struct {
	b   []byte
	at  int
	bad bool
}

func (c *cursor) take(n int) []byte {
	if n < 0 || n > len(c.b)-c.at {
		c.bad = true
		return nil
	}
	c.at += n
	return c.b[c.at-n : c.at]
}

func (c *cursor) u16() uint16 {
	if b := c.take(2); b != nil {
		return binary.LittleEndian.Uint16(b)
	}
	return 0
}

func (c *cursor) u32() uint32 {
	if b := c.take(4); b != nil {
		return binary.LittleEndian.Uint32(b)
	}
	return 0
}

func malformed(where, rule string, c *cursor, format string, args ...any) error {
	return failure.New(failure.Malformed, "read a recurrence", fmt.Sprintf("%s, byte %d", where, c.at), rule,
		fmt.Errorf(format, args...))
}

// DecodePattern reads a pattern as tasks have it ([MS-OXOTASK] 2.2.2.2.15). The
// rest is what follows behind it. where is for errors. The pattern's numbers are
// checked; the lists are bounded by the length of b.
func DecodePattern(b []byte, where string) (p *Pattern, rest []byte, err error) {
	c := &cursor{b: b}
	if v := c.u16(); v != 0x3004 && !c.bad {
		return nil, nil, malformed(where, "recurrence.version", c, "version 0x%04X; 0x3004 is known", v)
	}
	c.u16() // WriterVersion
	p = &Pattern{Frequency: Frequency(c.u16()), Type: Type(c.u16()), Calendar: c.u16(), First: Minutes(c.u32()), Period: c.u32()}
	p.Sliding = c.u32() != 0
	switch p.Type {
	case Day:
	case Week:
		p.Days = Weekdays(c.u32())
	case Month, MonthEnd, HijriMonth, HijriMonthEnd:
		p.Day = c.u32()
	case MonthNth, HijriMonthNth:
		p.Days, p.Nth = Weekdays(c.u32()), c.u32()
	default:
		return nil, nil, malformed(where, "recurrence.type", c, "pattern type %d", p.Type)
	}
	p.End, p.Count = End(c.u32()), c.u32()
	p.FirstDay = time.Weekday(c.u32() % 7)
	if p.Deleted, err = c.dates(where, "deleted"); err != nil {
		return nil, nil, err
	}
	if p.Modified, err = c.dates(where, "modified"); err != nil {
		return nil, nil, err
	}
	p.Start, p.Until = Minutes(c.u32()), Minutes(c.u32())
	if c.bad {
		return nil, nil, malformed(where, "recurrence.truncated", c, "the pattern is cut off after %d bytes", len(b))
	}
	if err := p.check(where, c); err != nil {
		return nil, nil, err
	}
	return p, b[c.at:], nil
}

// dates reads a counted list. The count is believed only as far as there are bytes.
func (c *cursor) dates(where, what string) ([]Minutes, error) {
	n := c.u32()
	if c.bad || int64(n)*4 > int64(len(c.b)-c.at) {
		return nil, malformed(where, "recurrence.count", c, "%d %s dates in %d bytes", n, what, len(c.b)-c.at)
	}
	list := make([]Minutes, n)
	for i := range list {
		list[i] = Minutes(c.u32())
	}
	return list, nil
}

// check refuses what no calendar can mean.
func (p *Pattern) check(where string, c *cursor) error {
	bad := func(what string, v uint32) error {
		return malformed(where, "recurrence."+what, c, "%s %d", what, v)
	}
	switch {
	case p.Frequency < Daily || p.Frequency > Yearly:
		return bad("frequency", uint32(p.Frequency))
	case p.Type == Day && (p.Period < 24*60 || p.Period > 24*60*9999):
		return bad("period", p.Period)
	case p.Type != Day && (p.Period == 0 || p.Period > 12*9999):
		return bad("period", p.Period)
	case p.Type == Week && p.Days&AllDays == 0, (p.Type == MonthNth || p.Type == HijriMonthNth) && p.Days&AllDays == 0:
		return bad("days", uint32(p.Days))
	case p.Type == Month && (p.Day < 1 || p.Day > 31):
		return bad("day", p.Day)
	case p.Type == MonthNth && (p.Nth < 1 || p.Nth > 5):
		return bad("nth", p.Nth)
	}
	return nil
}

// Decode reads the pattern of an appointment. text decodes what is in the code
// page of the item. What is wrong behind the pattern itself is a defect and no
// error: the exceptions before it are kept.
func Decode(b []byte, where string, text func([]byte) string) (*Series, error) {
	p, rest, err := DecodePattern(b, where)
	if err != nil {
		return nil, err
	}
	s := &Series{Pattern: *p}
	c := &cursor{b: rest}
	c.u32() // ReaderVersion2
	writer := c.u32()
	s.StartOffset, s.EndOffset = c.u32(), c.u32()
	n := int(c.u16())
	if c.bad {
		s.Defects = append(s.Defects, "the times of the series are cut off")
		s.StartOffset, s.EndOffset = 0, 0
		return s, nil
	}
	if s.StartOffset >= 24*60 || s.EndOffset < s.StartOffset || s.EndOffset > 24*60*366 {
		s.Defects = append(s.Defects, fmt.Sprintf("a time of day from minute %d to %d", s.StartOffset, s.EndOffset))
		s.StartOffset = min(s.StartOffset, 24*60-1)
		s.EndOffset = s.StartOffset
	}
	for range n {
		e, ok := c.exception(text)
		if !ok {
			s.Defects = append(s.Defects, fmt.Sprintf("of %d exceptions %d can be read", n, len(s.Exceptions)))
			return s, nil
		}
		s.Exceptions = append(s.Exceptions, e)
	}
	c.take(int(min(c.u32(), 1<<30))) // ReservedBlock1
	for i := range s.Exceptions {
		if !c.extended(&s.Exceptions[i], writer) {
			s.Defects = append(s.Defects, "subjects and places of exceptions are there in the old code page only")
			break
		}
	}
	return s, nil
}

// exception reads one ExceptionInfo ([MS-OXOCAL] 2.2.1.44.2).
func (c *cursor) exception(text func([]byte) string) (e Exception, ok bool) {
	e.Start, e.End, e.Original = Minutes(c.u32()), Minutes(c.u32()), Minutes(c.u32())
	e.Flags = c.u16()
	short := func() string {
		c.u16() // the length with a closing zero that is not there
		return text(c.take(int(c.u16())))
	}
	if e.Flags&HasSubject != 0 {
		e.Subject = short()
	}
	if e.Flags&HasMeetingType != 0 {
		e.MeetingType = c.u32()
	}
	if e.Flags&HasReminderDelta != 0 {
		e.ReminderDelta = c.u32()
	}
	if e.Flags&HasReminder != 0 {
		e.Reminder = c.u32() != 0
	}
	if e.Flags&HasLocation != 0 {
		e.Location = short()
	}
	if e.Flags&HasBusyStatus != 0 {
		e.BusyStatus = c.u32()
	}
	if e.Flags&HasAttachment != 0 {
		e.Attachment = c.u32() != 0
	}
	if e.Flags&HasSubType != 0 {
		e.AllDay = c.u32() != 0
	}
	if e.Flags&HasColor != 0 {
		e.Color = c.u32()
	}
	return e, !c.bad
}

// extended reads one ExtendedException ([MS-OXOCAL] 2.2.1.44.4): the same texts
// in Unicode. It changes e only when all of it is there.
func (c *cursor) extended(e *Exception, writer uint32) bool {
	if writer >= 0x3009 {
		c.take(int(min(c.u32(), 1<<30))) // ChangeHighlight
	}
	c.take(int(min(c.u32(), 1<<30))) // ReservedBlockEE1
	if e.Flags&(HasSubject|HasLocation) == 0 {
		return !c.bad
	}
	c.take(12) // the three times again
	subject, location := e.Subject, e.Location
	if e.Flags&HasSubject != 0 {
		subject = c.wide()
	}
	if e.Flags&HasLocation != 0 {
		location = c.wide()
	}
	c.take(int(min(c.u32(), 1<<30))) // ReservedBlockEE2
	if c.bad {
		return false
	}
	e.Subject, e.Location = subject, location
	return true
}

func (c *cursor) wide() string {
	n := int(c.u16())
	if n > maxTextUnits {
		c.bad = true
		return ""
	}
	b := c.take(2 * n)
	units := make([]uint16, len(b)/2)
	for i := range units {
		units[i] = binary.LittleEndian.Uint16(b[2*i:])
	}
	return string(utf16.Decode(units))
}
