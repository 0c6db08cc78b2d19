// Package canon takes out of a message what migration files can hold of it, in
// the one form in which they hold it: the content of a message that was written
// and read back is equal to that of the original.
package canon

// Notes about what is not kept, or not kept as it was.
const (
	NoteDate        = "date-unknown"
	NoteAddress     = "address-encapsulated"
	NoteNoAddress   = "address-unknown"
	NoteHeaders     = "headers-not-kept"
	NoteHTML        = "html-as-attachment"
	NoteAlternative = "alternative-as-attachment"
	NoteStructure   = "structure-flattened"
	NoteCharacters  = "characters-replaced"
	NoteFrom        = "senders-reduced"
)
