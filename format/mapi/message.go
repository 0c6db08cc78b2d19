package mapi

import "context"

// Message is one item: a mail, a contact, an appointment.
//
// Its methods may be called again and give the same. They are not safe for
// several goroutines at once; messages of one file are, among each other.
type Message interface {
	// Props are the item's own properties. They are there always.
	Props() *Props
	// Recipients lists the rows of the recipient table, in order. What can be
	// read comes together with the error that tells what cannot.
	Recipients(ctx context.Context) ([]*Props, error)
	// Attachments lists the attachments, in order, without their contents. What
	// can be read comes together with the error that tells what cannot.
	Attachments(ctx context.Context) ([]Attachment, error)
}

// Attachment is one attachment of a message.
type Attachment interface {
	// Props are its properties. By-value contents are the Data of
	// AttachData; nothing else is as large.
	Props() *Props
	// Message opens an embedded message (AttachMethod EmbeddedMessage); nil
	// without an error where there is none.
	Message(ctx context.Context) (Message, error)
	// Storage gives an OLE object (AttachMethod OLE) as the compound file or the
	// stream that it is stored as; nil without an error where there is none.
	Storage(ctx context.Context) (Data, error)
}

// Values of AttachMethod ([MS-OXCMSG] 2.2.2.9).
const (
	NoAttachment    = 0
	ByValue         = 1
	ByReference     = 2
	ByReferenceOnly = 4
	EmbeddedMessage = 5
	OLE             = 6
	ByWebReference  = 7
)
