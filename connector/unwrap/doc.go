// Package unwrap puts in the place of winmail.dat what is in it, while messages are
// read. Outlook and Exchange send mail as TNEF ([MS-OXTNEF]) that their own kind
// understands only: text, pictures and files stand in one part of the type
// application/ms-tnef.
//
// The part becomes a multipart/mixed with the text that Outlook had and the files,
// after [MS-OXCMAIL] as format/mapimail has it; a contact or a meeting becomes a
// vCard or an iCalendar object. A message that is TNEF as a whole keeps its header
// but for the fields that told of its structure. Parts of messages inside the
// message are replaced as well, where no transfer encoding hides them.
//
// Every other byte of the message passes as it is. What is signed is never touched,
// and neither is a part that is no TNEF or that cannot be read. The same bytes give
// the same bytes.
package unwrap

// Option is the name, and TNEF the value, of the option by which a source's
// location asks for this.
const (
	Option = "unwrap"
	TNEF   = "tnef"
)

// Kinds of notes.
const (
	// NoteUnwrapped counts parts that were replaced.
	NoteUnwrapped = "tnef-unwrapped"
	// NoteSigned counts parts that stay because a signature covers them.
	NoteSigned = "tnef-signed"
	// NoteUnreadable counts parts that stay because they cannot be read.
	NoteUnreadable = "tnef-unreadable"
	// NoteTooMany counts messages with more such parts than are looked at.
	NoteTooMany = "tnef-too-many"
)

// Bounds on what a message may ask of us.
const (
	maxParts  = 100     // of TNEF in one message
	maxMemory = 1 << 20 // bytes of a message that are kept in memory; more go to a file
)
