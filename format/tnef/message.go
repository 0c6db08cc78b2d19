package tnef

import (
	"context"
	"encoding/binary"
	"errors"
	"io"

	"waybill/failure"
	"waybill/format/mapi"
)

// Signature is how a TNEF stream begins ([MS-OXTNEF] 2.1.3), little-endian.
const Signature = 0x223E9F78

// Bounds of a stream. Messages are a few deep; each attachment has about six attributes.
const (
	maxDepth      = 100
	maxAttributes = 1 << 18
	streamHeader  = 6 // signature and key
)

// Message is a message, the stream's own or an embedded one.
type Message struct {
	source
	depth       int
	oem         int
	own         []attribute
	attachments [][]attribute
	props       *mapi.Props
	defects     []error
}

var (
	_ mapi.Message    = (*Message)(nil)
	_ mapi.Attachment = (*Attachment)(nil)
)

// Open reads a TNEF stream of size bytes. It reads all of it once, for the
// checksums. name is for errors: tnef.signature (it is none), tnef.truncated (nothing
// follows), tnef.attributes (too many; class TooLarge), and those of r.
//
// What is damaged otherwise is told by Defects: tnef.checksum, tnef.truncated,
// tnef.level (what should be an attribute is none; the rest is lost), tnef.props, tnef.attribute.
func Open(ctx context.Context, r io.ReaderAt, size int64, name string) (*Message, error) {
	return open(ctx, source{r: r, name: name}, 0, size, 0)
}

// Is tells whether a stream that begins with head is TNEF.
func Is(head []byte) bool { return len(head) >= 4 && binary.LittleEndian.Uint32(head) == Signature }

func open(ctx context.Context, s source, from, to int64, depth int) (*Message, error) {
	m := &Message{source: s, depth: depth}
	if err := m.scan(ctx, from, to); err != nil {
		return nil, err
	}
	m.read()
	return m, nil
}

// Props are the message's properties.
func (m *Message) Props() *mapi.Props { return m.props }

// Defects tell what of the stream and of the message's own properties is damaged.
func (m *Message) Defects() []error { return m.defects }

func (m *Message) defect(err error) {
	const enough = 100
	if len(m.defects) < enough {
		m.defects = append(m.defects, err)
	}
}

// Recipients reads the table of recipients. Streams in MIME messages mostly have none:
// there the recipients are those of the message around.
func (m *Message) Recipients(ctx context.Context) ([]*mapi.Props, error) {
	var all []*mapi.Props
	for _, a := range m.own {
		if a.id != attRecipTable {
			continue
		}
		rows, err := m.recipients(ctx, a)
		all = append(all, rows...)
		if err != nil {
			return all, err
		}
	}
	return all, nil
}

// Attachments lists the attachments.
func (m *Message) Attachments(ctx context.Context) ([]mapi.Attachment, error) {
	all := make([]mapi.Attachment, 0, len(m.attachments))
	var defects []error
	for _, attributes := range m.attachments {
		if err := ctx.Err(); err != nil {
			return all, m.cancelled(err)
		}
		a, err := m.attachment(attributes)
		all = append(all, a)
		if err != nil {
			defects = append(defects, err)
		}
	}
	if len(defects) > 0 {
		const enough = 10
		return all, failure.New(failure.ClassOf(defects[0]), "", "", failure.RuleOf(defects[0]), errors.Join(defects[:min(len(defects), enough)]...))
	}
	return all, nil
}
