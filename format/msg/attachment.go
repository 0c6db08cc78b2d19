package msg

import (
	"context"
	"fmt"

	"waybill/failure"
	"waybill/format/cfb"
	"waybill/format/mapi"
)

// Attachment is one attachment.
type Attachment struct {
	message *Message
	node    *cfb.Node
	path    string
	props   *mapi.Props
}

// Props are the attachment's properties.
func (a *Attachment) Props() *mapi.Props { return a.props }

// object is the storage or stream of the attachment's object ([MS-OXMSG] 2.2.2.1).
func (a *Attachment) object() *cfb.Node { return a.node.Child(valuePrefix + "3701000D") }

func (a *Attachment) method() int64 {
	method, _ := a.props.Int(mapi.AttachMethod)
	return method
}

// Message opens an embedded message. The error's rule is msg.embedded where it is
// missing, msg.depth where messages are in messages too deep (class TooLarge).
func (a *Attachment) Message(ctx context.Context) (mapi.Message, error) {
	if err := ctx.Err(); err != nil {
		return nil, cancelled(a.message.file.name, err)
	}
	object := a.object()
	switch {
	case a.method() == mapi.OLE || a.method() != mapi.EmbeddedMessage && !isMessage(object):
		return nil, nil
	case !isMessage(object):
		return nil, malformed(a.message.file.name, a.path, "msg.embedded", "the embedded message is not there")
	case a.message.depth >= maxDepth:
		return nil, failure.New(failure.TooLarge, "read message", place(a.message.file.name, a.path), "msg.depth",
			fmt.Errorf("more than %d messages are in one another", maxDepth))
	}
	return newMessage(a.message.file, object, a.path+"/"+object.Name, headerEmbedded, a.message.depth+1), nil
}

// Storage gives an object as a compound file of its own, which programs can open,
// or the stream that it is stored as.
func (a *Attachment) Storage(ctx context.Context) (mapi.Data, error) {
	if err := ctx.Err(); err != nil {
		return nil, cancelled(a.message.file.name, err)
	}
	object := a.object()
	switch {
	case object != nil && object.Data != nil:
		return object.Data, nil
	case object != nil && (a.method() == mapi.OLE || a.method() != mapi.EmbeddedMessage && !isMessage(object)):
		return cfb.Pack(object)
	case a.method() == mapi.OLE:
		v, ok := a.props.Get(mapi.AttachData)
		if !ok || v.Data == nil {
			return nil, malformed(a.message.file.name, a.path, "msg.object", "the object is not there")
		}
		return v.Data, nil
	}
	return nil, nil
}
