package recurrence

import (
	"time"
)

// Frequency is how often a series recurs ([MS-OXOCAL] 2.2.1.44.1, RecurFrequency).
type Frequency uint16

// The frequencies.
const (
	Daily   Frequency = 0x200A
	Weekly  Frequency = 0x200B
	Monthly Frequency = 0x200C
	Yearly  Frequency = 0x200D
)

// Type is the kind of a pattern ([MS-OXOCAL] 2.2.1.44.1, PatternType).
type Type uint16

// The types. Those of a lunar calendar begin with Hijri.
const (
	Day           Type = 0x0
	Week          Type = 0x1
	Month         Type = 0x2 // on a day of the month
	MonthNth      Type = 0x3 // on the nth such weekday of the month
	MonthEnd      Type = 0x4 // on the last day of the month
	HijriMonth    Type = 0xA
	HijriMonthNth Type = 0xB
	HijriMonthEnd Type = 0xC
)

// End is how a series ends ([MS-OXOCAL] 2.2.1.44.1, EndType).
type End uint32

// The ends.
const (
	EndsOnDate  End = 0x2021
	EndsAfter   End = 0x2022
	Never       End = 0x2023
	neverLegacy End = 0xFFFFFFFF // older writers
)

// noEnd is the EndDate of a series that does not end: 4500-08-31T23:59.
const noEnd Minutes = 0x5AE980DF

// Weekdays is a set of days; Sunday is bit 0.
type Weekdays uint32

// AllDays are the days that a Weekdays can hold.
const AllDays Weekdays = 0x7F

// Has tells whether a day is in the set.
func (w Weekdays) Has(d time.Weekday) bool { return w&(1<<uint(d)) != 0 }

// Minutes counts from midnight of 1601-01-01, on the wall's clock.
type Minutes uint32

// epoch is where Minutes begin, in seconds before 1970.
const epoch = 11644473600

// Time is the moment as a time.
func (m Minutes) Time() time.Time { return time.Unix(int64(m)*60-epoch, 0).UTC() }

// Date is the midnight before.
func (m Minutes) Date() time.Time { return (m - m%(24*60)).Time() }

// FromTime is the inverse of Time, for times from 1601 to 9765.
func FromTime(t time.Time) Minutes { return Minutes((t.Unix() + epoch) / 60) }

// Pattern says on which days a series recurs ([MS-OXOCAL] 2.2.1.44.1).
type Pattern struct {
	Frequency Frequency
	Type      Type
	Calendar  uint16 // CalendarType; 0 and 1 are Gregorian
	First     Minutes
	// Period is in minutes for Day, in weeks for Week, in months for the others.
	Period uint32
	// Sliding makes a task recur only after it was completed.
	Sliding  bool
	Days     Weekdays // Week, MonthNth
	Day      uint32   // Month: 1 to 31
	Nth      uint32   // MonthNth: 1 to 4, 5 is the last
	End      End
	Count    uint32 // occurrences; of meaning only with EndsAfter
	FirstDay time.Weekday
	// Deleted are the days, as Minutes, whose occurrence was deleted or modified,
	// Modified those onto which modified ones were moved.
	Deleted  []Minutes
	Modified []Minutes
	Start    Minutes // the day of the first occurrence
	Until    Minutes // the day of the last one
}

// Flags of Exception ([MS-OXOCAL] 2.2.1.44.2, OverrideFlags).
const (
	HasSubject       uint16 = 0x0001
	HasMeetingType   uint16 = 0x0002
	HasReminderDelta uint16 = 0x0004
	HasReminder      uint16 = 0x0008
	HasLocation      uint16 = 0x0010
	HasBusyStatus    uint16 = 0x0020
	HasAttachment    uint16 = 0x0040
	HasSubType       uint16 = 0x0080
	HasColor         uint16 = 0x0100
	HasBody          uint16 = 0x0200
)

// Exception is a modified occurrence ([MS-OXOCAL] 2.2.1.44.2). Fields are of
// meaning where Flags has their bit.
type Exception struct {
	Start, End Minutes
	Original   Minutes // when the occurrence would have begun
	Flags      uint16
	// Subject and Location are in UTF-8.
	Subject, Location string
	MeetingType       uint32
	ReminderDelta     uint32 // minutes before the start
	Reminder          bool
	BusyStatus        uint32
	Attachment        bool
	AllDay            bool
	Color             uint32
}

// Series is the pattern of an appointment ([MS-OXOCAL] 2.2.1.44.5).
type Series struct {
	Pattern
	// StartOffset and EndOffset are minutes after midnight of the day of each
	// occurrence; EndOffset is above 1440 where occurrences last over midnight.
	StartOffset, EndOffset uint32
	Exceptions             []Exception
	// Defects say in words what of the pattern could not be read or was mended.
	Defects []string
}

// Lunar tells that the pattern follows a calendar that the rules of iCalendar do
// not know (RFC 7529 would, and is hardly read).
func (p *Pattern) Lunar() bool {
	return p.Type >= HijriMonth || p.Calendar > 2 && p.Type >= Month && !gregorian[p.Calendar]
}

// gregorian are the calendars above 2 whose months are the Gregorian ones
// ([MS-OXOCAL] 2.2.1.44.1, CalendarType): Taiwan, Thai, and the Gregorian ones in
// other languages. CAL_JAPAN (3) counts only years otherwise.
var gregorian = map[uint16]bool{3: true, 4: true, 5: true, 7: true, 9: true, 10: true, 11: true, 12: true}

// Endless tells that the series has no end.
func (p *Pattern) Endless() bool {
	return p.End == Never || p.End == neverLegacy || p.End != EndsAfter && p.Until >= noEnd ||
		p.End == EndsAfter && p.Count == 0 && p.Until >= noEnd
}
