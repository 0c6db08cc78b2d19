package mapiitem

import (
	"context"
	"io"
	"time"

	"waybill/format/mapi"
	"waybill/format/mapiitem/contentline"
	"waybill/format/mime"
	"waybill/mail"
)

// Kind says what an item is.
type Kind uint8

// The kinds of items.
const (
	Contact Kind = iota + 1
	List         // a personal distribution list
	Event        // an appointment, a meeting, or a message about a meeting
	Task         // a task or a task request
	Note         // a sticky note
	Journal      // an entry of Outlook's journal
)

var kindNames = [...]string{"", "contact", "distribution list", "event", "task", "note", "journal entry"}

// String names the kind in words.
func (k Kind) String() string {
	if int(k) < len(kindNames) {
		return kindNames[k]
	}
	return ""
}

// Options say how items are converted. The zero value is useful.
type Options struct {
	// Resolve maps the address that Exchange gave somebody (its legacyExchangeDN)
	// to an Internet address. Without it, and where it does not know, the old
	// address is kept and noted.
	Resolve func(ctx context.Context, legacyDN string) (smtp string, ok bool)
	// Member finds a contact or list of the same store by its entry id, for
	// distribution lists that name members by it alone.
	Member func(ctx context.Context, entryID []byte) (m Member, ok bool)
	// Embedded converts an item that is attached to another, mostly a mail. What
	// it does not convert (nil without an error) is listed and noted.
	Embedded func(ctx context.Context, m mapi.Message) (*Attachment, error)
	// Key tells the item from all others of its source, and stays the same from
	// run to run. The item's UID is made of it where the item has none.
	Key string
	// Where names the item in errors: file and node, or folder and item.
	Where string
	// InlineLimit is the largest attachment, in bytes, that is written into an
	// iCalendar object (ATTACH); 0 is DefaultInlineLimit, -1 none. Larger ones are
	// in Item.Attachments only.
	InlineLimit int64
}

// DefaultInlineLimit is what InlineLimit is by default: 10 MiB.
const DefaultInlineLimit = 10 << 20

// Member is somebody on a distribution list.
type Member struct {
	Name    string
	Address string // an Internet address; empty where there is none
}

// Item is a converted item.
type Item struct {
	Kind Kind
	// Class is the MAPI message class, such as IPM.Contact.
	Class string
	// Name is a file name without a path, with .vcf or .ics behind it. It is made
	// of the title, is safe on every file system, and is not unique.
	Name string
	// MediaType is the type of what Open gives, with its parameters.
	MediaType string
	// Method is the iTIP method (RFC 5546 1.4) of a message about a meeting:
	// REQUEST, REPLY, CANCEL or COUNTER; empty for what lies in a calendar.
	Method string
	// Mail says that the item is a mail as well (a message about a meeting or a
	// task): Part belongs into that mail, beside its text. The attachments of a
	// message about a meeting are the mail's, and not in the text form.
	Mail bool
	// UID is the item's UID as written.
	UID string
	// Title is the subject or the name, without line breaks.
	Title string
	// Date is when the item begins (events), is due (tasks) or was last changed
	// (all others), in UTC; the zero time where nothing of this is known.
	Date time.Time
	// Notes tell what could not be carried, and what had to be guessed.
	Notes []mail.Note
	// Attachments are all attachments but those of exceptions. Those that have
	// Inline set are in the text form, too.
	Attachments []Attachment

	document contentline.Document
	summary  string
	seed     string
}

// Attachment is a file that belongs to an item.
type Attachment struct {
	Name      string // file name without a path; may be empty
	MediaType string
	Size      int64 // -1 when it is not known before reading
	// Inline says that the text form of the item holds it, too.
	Inline bool
	Open   func(ctx context.Context) (io.ReadCloser, error)
}

// Open gives the item's text form, from the start each time. The caller closes it.
func (i *Item) Open(ctx context.Context) io.ReadCloser { return i.document.Open(ctx) }

// Write writes the item's text form to w.
func (i *Item) Write(ctx context.Context, w io.Writer) error {
	r := i.Open(ctx)
	_, err := io.Copy(w, r)
	if cerr := r.Close(); err == nil {
		err = cerr
	}
	return err
}

// Part is the text form as a part of a message.
func (i *Item) Part() *mime.Entity {
	value, params := mime.ParseParams(i.MediaType)
	e := &mime.Entity{Type: value, Disposition: "attachment", Name: i.Name, Size: -1, Text: true,
		Open: func(ctx context.Context) (io.ReadCloser, error) { return i.Open(ctx), nil }}
	for _, name := range []string{"component", "method"} {
		if v := params[name]; v != "" {
			e.Params = append(e.Params, mime.Param{Name: name, Value: v})
		}
	}
	return e
}
