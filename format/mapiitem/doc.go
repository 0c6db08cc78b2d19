// Package mapiitem turns the items of Outlook that are no mail into the text
// formats of the Internet: contacts and distribution lists into vCard 4
// (RFC 6350), appointments, meetings, tasks, notes and journal entries into
// iCalendar (RFC 5545).
//
// It follows [MS-OXOCNTC], [MS-OXOCAL], [MS-OXCICAL], [MS-OXOTASK], [MS-OXONOTE]
// and [MS-OXOJRNL]. What has no place in the text formats becomes a note; no
// property goes silently. The same item gives the same bytes, on any machine.
package mapiitem
