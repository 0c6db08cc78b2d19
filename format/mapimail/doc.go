// Package mapimail makes Internet mail of MAPI messages, after [MS-OXCMAIL].
//
// What Outlook and Exchange store is not a message but properties, and often the
// header that the message once arrived with. The header is kept field for field
// where it is there, and built from the properties otherwise. The body is the best
// that the item has: HTML, or HTML taken out of RTF, beside plain text. Attachments
// keep their bytes.
//
// The same item always gives the same bytes: nothing comes from a clock, from a
// random source, or from tables of the machine.
//
// Nothing is left out silently. What cannot be read has a text in its place that
// names it, and what cannot be carried as it was has a note.
package mapimail
