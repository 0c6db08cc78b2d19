// Package mmff reads and writes the Microsoft Mail File Format: the text with
// which gateways and programs exchanged messages with a Microsoft Mail postoffice
// through the File Format API (GTWPUT, GTWGET, APPPUT and their copies).
//
// A file holds messages one behind the other. A message is a header of lines
// "TOKEN:value", the last of which gives the size of the text in bytes, then the
// text, then the attachments (KB Q118785, Q103801, Q94410, Q117581). The extended
// form adds lines "EXT:type:size:name", each followed by a value (KB Q147034);
// which names exist was never published, so all of them are kept as they are.
//
// Sizes count line ends, which are CR, LF or CR LF throughout a file. Whether an
// empty line may stand between the header and the text is undecided in what was
// published: where the sizes fit without one there is none, and where they fit
// only with one it is passed over.
package mmff

import (
	"fmt"
	"time"

	"waybill/failure"
	"waybill/mail"
)

// Limits of a message's header. What is larger is no header.
const (
	// MaxLine is the longest line in bytes.
	MaxLine = 64 << 10
	// MaxHeader is the longest header: some ten thousand recipients.
	MaxHeader = 4 << 20
	// MaxAttachments is how many attachments a message may have.
	MaxAttachments = 10_000
)

// Message is the header of a message, and where its content lies.
type Message struct {
	// Offset is where the message begins in the file, End where the next one may.
	Offset, End int64
	// Number is the message's number in the file, from 1.
	Number int
	// Version is "3.00" or "2.10".
	Version string
	From    Address
	To      []Address
	// Cc is never in a file of the basic form, which knows To alone; it is there
	// because relatives of the format have it.
	Cc []Address
	// Date and Time are as written, yyyy-mm-dd and hh:mm; see Sent.
	Date, Time string
	Subject    string
	Priority   string
	Ext        []Ext
	Text       Content
	// Attachments are in the order of their data.
	Attachments []Attachment
	Notes       []mail.Note
}

// Content is a stretch of the file, or a file of its own.
type Content struct {
	Offset, Size int64
	// File is the name of another file that holds the content (XTEXT, XATTACH);
	// Size is then -1.
	File string
}

// Attachment is a file that a message carries.
type Attachment struct {
	Name string
	Content
}

// Ext is a line of the extended form with its value. Kind is "I" for a number.
type Ext struct{ Kind, Name, Value string }

// HeaderLines is how many lines at the beginning of the text are a header for
// people (HEADLEN, KB Q147034); 0 when the message does not say.
func (m *Message) HeaderLines() int {
	for _, e := range m.Ext {
		if n := 0; e.Name == "HEADLEN" {
			if _, err := fmt.Sscanf(e.Value, "%d", &n); err == nil && n > 0 {
				return n
			}
		}
	}
	return 0
}

// Sent is the date of the message in a zone that the format does not name; ok is
// false when there is none or it cannot be read. Seconds are read where a program
// wrote them.
func (m *Message) Sent(zone *time.Location) (t time.Time, ok bool) {
	if m.Date == "" {
		return time.Time{}, false
	}
	text := m.Date
	layouts := []string{"2006-01-02"}
	if m.Time != "" {
		text += " " + m.Time
		layouts = []string{"2006-01-02 15:04", "2006-01-02 15:04:05"}
	}
	for _, layout := range layouts {
		if t, err := time.ParseInLocation(layout, text, zone); err == nil {
			return t, true
		}
	}
	return time.Time{}, false
}

// SetSent writes the date, to the minute.
func (m *Message) SetSent(t time.Time, zone *time.Location) {
	t = t.In(zone)
	m.Date, m.Time = t.Format("2006-01-02"), t.Format("15:04")
}

// Importance is -1, 0 or 1 as Windows shows the priority: 1 is low, 4, 5 and R
// are high (KB Q112915).
func (m *Message) Importance() int {
	switch m.Priority {
	case "1":
		return -1
	case "4", "5", "R", "r":
		return 1
	}
	return 0
}

// SetImportance is the inverse of Importance; a normal message has no priority.
func (m *Message) SetImportance(n int) { m.Priority = []string{"1", "", "5"}[min(max(n, -1), 1)+1] }

// broken makes the error for input that breaks a rule. Message and line are
// counted as the errors of the File Format API's own programs do (eee-mmm-lll).
func (r *Reader) broken(offset int64, line int, rule, remedy, format string, args ...any) *failure.Error {
	where := fmt.Sprintf("%s byte %d (message %d, line %d)", r.name, offset, r.number, line)
	return failure.New(failure.Malformed, "read message", where, rule, fmt.Errorf(format, args...)).WithRemedy(remedy)
}
