package msmail

import (
	"context"
	"fmt"
	"io"
	"io/fs"
	"time"

	"waybill/failure"
	"waybill/format/msmail/glb"
	"waybill/format/msmail/mai"
)

// Attachment is a file that belongs to a message.
type Attachment struct {
	Name string
	Date time.Time
	Size int64  // as stated in the message; -1 when it does not
	ID   glb.ID // names the file
	File string // ATT/ATA/0000001A.ATT; empty when it does not exist

	po     *Postoffice
	cipher mai.Cipher
	named  bool
}

// Proof says how far an attachment's content can be relied on.
type Proof struct {
	// Proven is false where no hypothesis about the file's encryption shows itself
	// to be true; then the content cannot be opened, and only Raw can.
	Proven bool
	Kind   string // "ZIP", "text" ...; empty when only the other attachments prove it
	Why    string
	Actual int64 // bytes of the file; -1 when it is missing

	form *mai.Cipher
}

// Prove finds out whether the content can be read. How ATT files are encrypted was
// never published; a form is accepted where the file then begins like one of a known
// kind, or where it does so for the postoffice's other attachments, and where the
// size is that which the message states.
func (a *Attachment) Prove() (Proof, error) {
	if a.File == "" {
		return Proof{Why: "the file is not there (KB Q103421)", Actual: -1}, nil
	}
	head, size, err := a.po.fileHead(a.File)
	if err != nil {
		return Proof{}, err
	}
	proof := Proof{Actual: size}
	switch {
	case size == 0 && a.Size <= 0:
		return Proof{Proven: true, Why: "the file is empty, as stated"}, nil
	case size == 0:
		proof.Why = fmt.Sprintf("the file is empty, and %d bytes are stated (KB Q103421)", a.Size)
		return proof, nil
	case !fitsSize(size, a.Size):
		proof.Why = fmt.Sprintf("the file has %d bytes, and %d are stated", size, a.Size)
		return proof, nil
	}
	form, kind, ok := a.po.judge(a.Name, head, size)
	switch {
	case ok:
		proof.Proven, proof.Kind, proof.form, proof.Why = true, kind, form, "begins like "+kind
	case a.po.attOK && (a.po.att == nil || size <= a.po.sure):
		proof.Proven, proof.form, proof.Why = true, a.po.att, "decrypted like the other attachments of this postoffice"
	default:
		proof.Why = "no hypothesis about the file's encryption gives a file of a known kind"
	}
	return proof, nil
}

// Open opens the content. When no hypothesis about the file's encryption proves
// itself, the error is of class Unsupported and rule "att.unproven"; of class Vanished
// and rule "att.missing" when the file is not there; of class Malformed and rule
// "att.size" when it does not have the stated size.
func (a *Attachment) Open(ctx context.Context) (io.ReadCloser, error) {
	proof, err := a.Prove()
	switch {
	case err != nil:
		return nil, err
	case proof.Actual < 0:
		return nil, failure.New(failure.Vanished, "open attachment", a.place(), "att.missing", fs.ErrNotExist).WithRemedy("the file may be in a backup of the postoffice")
	case !proof.Proven && !fitsSize(proof.Actual, a.Size):
		return nil, failure.New(failure.Malformed, "open attachment", a.place(), "att.size", fmt.Errorf("%s", proof.Why))
	case !proof.Proven:
		return nil, failure.New(failure.Unsupported, "open attachment", a.place(), "att.unproven", fmt.Errorf("%s", proof.Why)).
			WithRemedy("save the attachment from a client; its encrypted file is kept as it is")
	}
	where := part{file: a.File}
	if a.Size > 0 {
		where.length = a.Size // what is behind it is padding
	}
	f, _, err := a.po.open(ctx, where)
	if err != nil {
		return nil, err
	}
	return &reader{Reader: decrypted(proof.form, f), Closer: f}, nil
}

// Raw opens the attachment's file as it is.
func (a *Attachment) Raw(ctx context.Context) (io.ReadCloser, error) {
	if a.File == "" {
		return nil, failure.New(failure.Vanished, "open attachment", a.place(), "att.missing", fs.ErrNotExist)
	}
	f, _, err := a.po.open(ctx, part{file: a.File})
	return f, err
}

func (a *Attachment) place() string {
	if a.named {
		return letterFile("ATT", a.ID)
	}
	return fmt.Sprintf("%.60q", a.Name)
}
