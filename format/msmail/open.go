package msmail

import (
	"context"
	"io"
	"io/fs"
	"iter"
	"time"

	"waybill/format/msmail/evidence"
	"waybill/format/msmail/glb"
)

// Options say what a postoffice does not tell of itself.
type Options struct {
	// CodePage is the DOS code page of the postoffice's text: 437, 737, 850, 852,
	// 866, 932, 936, 949, 950 ... (KB Q174153). 0 is 850. It is not stored in the
	// postoffice, and a wrong one spoils names (KB Q156856).
	CodePage int
	// Zone is where the senders were; dates have no zone (KB Q133192). nil is UTC.
	Zone *time.Location
}

// Postoffice is an open postoffice. Its methods may be called from several
// goroutines.
type Postoffice struct{ fsys fs.FS }

// Open reads the directory of the postoffice in fsys and calibrates what is not
// published. It fails only where nothing could be read at all: no MASTER.GLB
// (rule "msmail.no-postoffice"), no list of users (rule "msmail.no-users"), an
// unknown code page (rule "msmail.code-page"). Everything else is in Findings.
func Open(ctx context.Context, fsys fs.FS, opt Options) (*Postoffice, error) {
	return &Postoffice{fsys: fsys}, nil
}

// Name is the postoffice's own network and name; empty where not found.
func (p *Postoffice) Name() (network, postoffice string) { return "", "" }

// Users are the users of the postoffice in the order of their names.
func (p *Postoffice) Users() []User { return nil }

// Groups are the postoffice groups.
func (p *Postoffice) Groups() []Group { return nil }

// Externals are the contacts that the postoffice's lists know.
func (p *Postoffice) Externals() []External { return nil }

// Networks are the networks and gateways.
func (p *Postoffice) Networks() []Network { return nil }

// PersonalLists are the users' own address lists.
func (p *Postoffice) PersonalLists() []PersonalList { return nil }

// Evidence is what was found out about unpublished fields, with its confidence.
func (p *Postoffice) Evidence() []evidence.Finding { return nil }

// Findings are the rules that were found broken while opening.
func (p *Postoffice) Findings() []Finding { return nil }

// Check looks at the whole postoffice and reports every rule that it breaks,
// those of Findings first.
func (p *Postoffice) Check(ctx context.Context, report func(Finding)) error { return nil }

// Mailbag lists the rows of a mailbag, in order, deleted ones too.
func (p *Postoffice) Mailbag(ctx context.Context, id glb.ID) iter.Seq2[Row, error] {
	return func(func(Row, error) bool) {}
}

// Message reads the message of a row. Its text and attachments are opened when
// asked for.
func (p *Postoffice) Message(ctx context.Context, row Row) (*Message, error) {
	return &Message{}, nil
}

// Folders lists all folders and message stores, read or not.
func (p *Postoffice) Folders(ctx context.Context) ([]Folder, error) { return nil, nil }

// Message is a message as far as it could be read.
type Message struct {
	File        string // MAI/MAD/0000013D.MAI
	Size        int64
	From        Party
	To, Cc, Bcc []Party
	Subject     string    // the longest form that is known
	Date        time.Time // zero when none is known
	DateFrom    string    // "message" or "mailbag"
	Priority    string    // as written: 1..5, R, C, F ...; empty for normal
	Attachments []Attachment
	TextSize    int64 // bytes of the text in the postoffice's code page
	// Defects say what is broken or unproven in the message. A message with one
	// whose Rule begins with "mai." is not whole.
	Defects []Finding
}

// Party is a sender or a recipient.
type Party struct {
	Name    string
	Address Address
}

// Text opens the text, as UTF-8.
func (m *Message) Text(ctx context.Context) (io.ReadCloser, error) { return nil, nil }

// Raw opens the bytes of the message's file as they are.
func (m *Message) Raw(ctx context.Context) (io.ReadCloser, error) { return nil, nil }

// Attachment is a file that belongs to a message.
type Attachment struct {
	Name string
	Date time.Time
	Size int64  // as stated in the message; -1 when it does not
	File string // ATT/ATA/0000001A.ATT; empty when it does not exist
}

// Open opens the content. When no hypothesis about the file's encryption proves
// itself, the error is of class Unsupported and rule "att.unproven".
func (a *Attachment) Open(ctx context.Context) (io.ReadCloser, error) { return nil, nil }

// Raw opens the attachment's file as it is.
func (a *Attachment) Raw(ctx context.Context) (io.ReadCloser, error) { return nil, nil }
