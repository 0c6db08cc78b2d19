package mai

import (
	"encoding/binary"
	"fmt"
	"io"
	"time"

	"waybill/failure"
	"waybill/format/msmail/glb"
)

// Draft is a message to be written.
type Draft struct {
	Count    uint16 // users that have it
	Hops     uint16
	From     Party
	To, Cc   []Party
	Subject  string // at most 40 characters (KB Q156844)
	Clock    time.Time
	Priority string
	Files    []NamedFile
	Text     io.Reader
	TextSize int64
}

// Vendor ids of the elements before the fields. 0x32, 0x33 and 0x37 are in the
// published dump (KB Q104423); that of the reference counter is not shown, and
// 0x31 is a hypothesis.
const (
	vendorCount = 0x31
	vendor32    = 0x32
	vendorHops  = 0x33
	vendor37    = 0x37
)

// Write writes a message: vendor elements, From and To as in the published dump
// (derived), then Cc, Date, Priority, Subject, Attachments and Text in the
// documented order (KB Q87379), each in the likeliest form (hypothesis). The text
// is streamed; fewer bytes than TextSize are an error of rule "mai.draft".
func Write(w io.Writer, d *Draft, c *Cipher) error {
	head := d.head(c)
	field := HeaderSize(ASCIIString, 0, d.TextSize) + d.TextSize
	content := int64(len(head)) + HeaderSize(Field, FieldText, field) + field
	if content >= 1<<24-1 || content < 0 {
		return failure.New(failure.TooLarge, "write message", "", "mai.draft", fmt.Errorf("%d bytes", content))
	}
	// Six octets, so that the reference counter is at 0x0B (KB Q104423).
	length := content + 1
	b := []byte{MessageElement, 0x83, byte(length >> 16), byte(length >> 8), byte(length), 1}
	b = append(b, head...)
	b = AppendHeader(b, Field, FieldText, field)
	b = AppendHeader(b, ASCIIString, 0, d.TextSize)
	if _, err := w.Write(b); err != nil {
		return writeError(err)
	}
	n := int64(0)
	if d.Text != nil {
		var err error
		if n, err = io.Copy(c.NewWriter(w), io.LimitReader(d.Text, d.TextSize)); err != nil {
			return writeError(err)
		}
	}
	if n != d.TextSize {
		return failure.New(failure.Usage, "write message", "", "mai.draft", fmt.Errorf("the text has %d bytes, not %d", n, d.TextSize))
	}
	return nil
}

func writeError(err error) error {
	return failure.New(failure.ClassOf(err), "write message", "", "mai.write", err)
}

func (d *Draft) head(c *Cipher) []byte {
	b := AppendVendorInteger(nil, vendorCount, d.Count)
	b = AppendVendorInteger(b, vendor32, 2)
	b = AppendVendorInteger(b, vendorHops, d.Hops)
	b = AppendVendorInteger(b, vendor37, d.Hops)
	b = AppendElement(b, Field, FieldFrom, partyString(nil, d.From, c))
	for _, f := range []struct {
		id   uint32
		list []Party
	}{{FieldTo, d.To}, {FieldCc, d.Cc}} {
		if len(f.list) == 0 {
			continue
		}
		var content []byte
		for _, p := range f.list {
			content = partyString(content, p, c)
		}
		b = AppendElement(b, Field, f.id, content)
	}
	if !d.Clock.IsZero() {
		b = AppendElement(b, Field, FieldDate, dateElement(nil, d.Clock, c))
	}
	if d.Priority != "" {
		b = AppendElement(b, Field, FieldPrecedence, AppendElement(nil, ASCIIString, 0, c.Encrypt([]byte(d.Priority))))
	}
	b = AppendElement(b, Field, FieldSubject, AppendElement(nil, ASCIIString, 0, c.Encrypt([]byte(d.Subject))))
	if len(d.Files) > 0 {
		var content []byte
		for i := range d.Files {
			content = AppendElement(content, Sequence, 0, d.Files[i].encode(c))
		}
		b = AppendElement(b, Field, FieldAttachments, content)
	}
	return b
}

func partyString(b []byte, p Party, c *Cipher) []byte {
	return AppendElement(b, ASCIIString, 0, c.Encrypt(AppendParty(nil, p)))
}

func dateElement(b []byte, at time.Time, c *Cipher) []byte {
	return AppendElement(b, Date, 0, c.Encrypt([]byte(at.Format("20060102150405"))))
}

func (f *NamedFile) encode(c *Cipher) []byte {
	b := AppendElement(nil, ASCIIString, 0, c.Encrypt([]byte(f.ID.String())))
	b = AppendElement(b, ASCIIString, 0, c.Encrypt([]byte(f.Name)))
	if f.HasDate {
		b = dateElement(b, f.Clock, c)
	}
	return AppendElement(b, Integer, 0, binary.LittleEndian.AppendUint32(nil, uint32(f.Size)))
}

// Reference is the id under which a file is kept.
func (f *NamedFile) Reference() (glb.ID, bool) { return f.ID, f.HasID }
