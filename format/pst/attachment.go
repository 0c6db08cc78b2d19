package pst

import (
	"context"
	"errors"
	"fmt"

	"waybill/failure"
	"waybill/format/mapi"
	"waybill/format/pst/ltp"
)

// Attachment is one attachment. It is a mapi.Attachment.
type Attachment struct {
	m     *Message
	where string
	props *mapi.Props
}

var _ mapi.Attachment = (*Attachment)(nil)

// Props are its properties; AttachData holds contents by value.
func (a *Attachment) Props() *mapi.Props { return a.props }

// object gives the object of an embedded message or an OLE attachment.
func (a *Attachment) object() (ltp.Object, error) {
	v, ok := a.props.Get(mapi.AttachData)
	if ok {
		if o, is := v.Data.(ltp.Object); is {
			return o, nil
		}
		if v.Data != nil && v.Data.Size() < 0 { // it could not be had; opening tells why
			if _, err := v.Data.Open(); err != nil {
				return ltp.Object{}, err
			}
		}
	}
	return ltp.Object{}, failure.New(failure.Malformed, "read attachment", a.where, "pst.attachment-object", errors.New("there is no object in it"))
}

// Message opens an embedded message; nil without an error where there is none
// ([MS-PST] 2.4.6.2.2).
func (a *Attachment) Message(ctx context.Context) (mapi.Message, error) {
	if method, _ := a.props.Int(mapi.AttachMethod); method != mapi.EmbeddedMessage {
		return nil, nil
	}
	if err := a.m.f.cancelled(ctx); err != nil {
		return nil, err
	}
	o, err := a.object()
	if err != nil {
		return nil, err
	}
	if a.m.depth >= maxDepth {
		return nil, failure.New(failure.TooLarge, "read attachment", a.where, "pst.depth",
			fmt.Errorf("messages are embedded more than %d deep", maxDepth))
	}
	// The place names the outermost attachment and the depth: naming all would
	// make places as long as the nesting is deep.
	where := a.where
	if a.m.depth > 0 {
		where = a.m.where
	} else {
		where += " embedded"
	}
	m, err := a.m.f.message(o.Node, where, a.m.depth+1, a.m.d)
	if err != nil {
		return nil, err
	}
	return m, nil
}

// Storage gives an OLE object as the stream that the file holds: a compound file,
// as a rule ([MS-PST] 2.4.6.2.3). It is nil without an error where there is none.
func (a *Attachment) Storage(context.Context) (mapi.Data, error) {
	if method, _ := a.props.Int(mapi.AttachMethod); method != mapi.OLE {
		return nil, nil
	}
	v, ok := a.props.Get(mapi.AttachData)
	if ok && v.Type == mapi.TypeBinary && v.Data != nil {
		return v.Data, nil
	}
	o, err := a.object()
	if err != nil {
		return nil, err
	}
	return o.Data, nil
}
