package mapimail

import (
	"context"
	"io"
	"time"

	"waybill/format/mapi"
	"waybill/format/mime"
	"waybill/mail"
)

// Options say how to convert. The zero value is ready for use.
type Options struct {
	// Resolve gives the SMTP address for the distinguished name of an Exchange
	// directory ("/o=Org/ou=Site/cn=Recipients/cn=anna"); ok is false for an
	// unknown one. It must answer the same each time. Nil knows none.
	Resolve func(ctx context.Context, legacyDN string) (smtp string, ok bool)
	// DisarmReceipts renames the fields that ask for receipts, so that nobody's
	// mail program sends one when an old message is opened in its new place.
	DisarmReceipts bool
	// MaxDepth is how many messages may lie inside each other; 0 is 20. Deeper
	// ones are left out, with a note and a text in their place.
	MaxDepth int
	// MaxParts is how many attachments and embedded messages are converted, those
	// of embedded messages included; 0 is 10,000.
	MaxParts int
	// Unchecked leaves out the reading of attachments in advance, which is what
	// finds the unreadable ones in time to put a text in their place. Reading
	// the message then ends with an error at a damaged attachment, and the caller
	// converts again without Unchecked.
	Unchecked bool
	// Where names the item in errors and notes: file and node.
	Where string
	// Item, when it is not nil, is asked for every embedded message whose class is
	// not that of mail (IPM.Contact, IPM.Appointment). The parts that it gives
	// stand for the message; none and no error leave it to this package.
	Item func(ctx context.Context, m mapi.Message) ([]*mime.Entity, []mail.Note, error)
	// Calendar, when it is not nil, makes the text/calendar part that stands beside
	// the body of a meeting request, its answers and its cancellation
	// (IPM.Schedule.Meeting.*). Nil and no error is none.
	Calendar func(ctx context.Context, m mapi.Message) (*mime.Entity, []mail.Note, error)
}

// Mail is a MAPI message as Internet mail.
type Mail struct {
	// Class is the message class ("IPM.Note"), as it is stored.
	Class string
	// Flags are its marks: read, replied, forwarded, flagged, draft, and the
	// categories as keywords.
	Flags mail.FlagSet
	// InternalDate is when the message was delivered. Without that it is, in this
	// order, when it was sent, the date in its header, when the item was made, and
	// when it was last changed; the zero time when nothing is known.
	InternalDate time.Time
	// Notes say what could not be carried as it was, embedded messages included.
	Notes []mail.Note

	message *mime.Message
	raw     *rawMail // in place of message
}

// Open gives the bytes of the message, each time the same. It reads the bodies as
// it goes; the caller closes it. Reading ends with an error when ctx ends.
func (m *Mail) Open(ctx context.Context) io.ReadCloser {
	if m.raw != nil {
		return m.raw.open(ctx)
	}
	return m.message.Open(ctx)
}

// Root is the body of the message without its header, to be put into another
// message; nil where header and body cannot be taken apart, because a signature
// covers the body as it is stored.
func (m *Mail) Root() *mime.Entity {
	if m.message == nil {
		return nil
	}
	return m.message.Root
}

// reader is Open in the shape of an Entity's.
func (m *Mail) reader(ctx context.Context) (io.ReadCloser, error) { return m.Open(ctx), nil }
