package tnef

import (
	"context"
	"fmt"

	"waybill/failure"
	"waybill/format/mapi"
)

// Attachment is one attachment.
type Attachment struct {
	message *Message
	props   *mapi.Props
	object  section // behind the interface identifier
	class   mapi.GUID
	place   int64
}

// Interface identifiers of objects ([MS-OXTNEF] 2.1.3.4).
var (
	messageInterface = mapi.GUID{0x07, 0x03, 0x02, 0x00, 0, 0, 0, 0, 0xC0, 0, 0, 0, 0, 0, 0, 0x46}
	storageInterface = mapi.GUID{0x0B, 0x00, 0x00, 0x00, 0, 0, 0, 0, 0xC0, 0, 0, 0, 0, 0, 0, 0x46}
)

// Props are the attachment's properties.
func (a *Attachment) Props() *mapi.Props { return a.props }

func (a *Attachment) method() int64 {
	method, _ := a.props.Int(mapi.AttachMethod)
	return method
}

// isMessage tells an embedded message from another object.
func (a *Attachment) isMessage() bool {
	return a.class == messageInterface || a.method() == mapi.EmbeddedMessage && a.class != storageInterface
}

// Message opens an embedded message. The error's rule is tnef.embedded where it is
// missing, tnef.depth where messages are in messages too deep (class TooLarge),
// or one of Open's.
func (a *Attachment) Message(ctx context.Context) (mapi.Message, error) {
	m := a.message
	switch {
	case !a.isMessage():
		return nil, nil
	case a.object.size == 0:
		return nil, m.malformed(a.place, "tnef.embedded", "the embedded message is not there")
	case m.depth >= maxDepth:
		return nil, failure.New(failure.TooLarge, "read TNEF", m.where(a.place), "tnef.depth",
			fmt.Errorf("more than %d messages are in one another", maxDepth))
	}
	embedded, err := open(ctx, m.source, a.object.from, a.object.from+a.object.size, m.depth+1)
	if err != nil {
		return nil, err
	}
	return embedded, nil
}

// Storage gives an object as it is stored: a compound file, or the stream of an
// old one.
func (a *Attachment) Storage(context.Context) (mapi.Data, error) {
	switch {
	case a.isMessage():
		return nil, nil
	case a.object.size > 0:
		return a.object, nil
	case a.method() == mapi.OLE:
		v, ok := a.props.Get(mapi.AttachData)
		if !ok || v.Data == nil {
			return nil, a.message.malformed(a.place, "tnef.object", "the object is not there")
		}
		return v.Data, nil
	}
	return nil, nil
}

// attachment makes an attachment of its attributes.
func (m *Message) attachment(attributes []attribute) (*Attachment, error) {
	o := newObject(m.props.CodePage)
	a := &Attachment{message: m, props: o.props}
	var err error
	for _, attr := range attributes {
		if a.place == 0 {
			a.place = attr.data.from
		}
		if attr.id == attAttachment {
			if bad := o.read(newCursor(attr.data)); bad != nil {
				err = bad
			}
		}
	}
	a.class, a.object = o.class, o.data
	for _, attr := range attributes {
		// By-value contents are in their own attribute; what the properties have in
		// its place is an object.
		if attr.id == attAttachData && !a.isMessage() && (a.object.size == 0 || a.method() == mapi.ByValue) {
			a.props.Set(mapi.AttachData, mapi.Value{Type: mapi.TypeBinary, Data: attr.data})
			continue
		}
		if bad := m.legacy(a.props, attr); bad != nil {
			err = bad
		}
	}
	return a, err
}
