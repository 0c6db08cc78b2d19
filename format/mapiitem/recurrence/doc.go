// Package recurrence reads the recurrence patterns of Outlook's appointments and
// tasks ([MS-OXOCAL] 2.2.1.44), lists their occurrences, and says them as rules
// of iCalendar (RFC 5545 3.3.10).
//
// Dates are what a clock on the wall shows, without a time zone; a time.Time of
// this package is in UTC only for want of another place.
package recurrence
