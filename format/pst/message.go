package pst

import (
	"context"
	"encoding/binary"
	"errors"
	"fmt"

	"waybill/failure"
	"waybill/format/mapi"
	"waybill/format/pst/ltp"
	"waybill/format/pst/ndb"
)

// maxDepth is how deep messages may be embedded in each other. Outlook refuses
// to open what lies deeper than a handful.
const maxDepth = 100

// Message is an item of the file, or a message embedded in one. It is a
// mapi.Message.
type Message struct {
	f     *File
	node  ndb.Node
	where string
	depth int
	props *mapi.Props
	subs  *ndb.Subnodes
	// noSubs tells why the subnodes cannot be read.
	noSubs error
	d      *Defects
}

var _ mapi.Message = (*Message)(nil)

// Message opens an item: its properties are read, its recipients, attachments and
// long values when they are asked for. The error says that nothing could be read;
// lesser damage is in Defects.
func (f *File) Message(ctx context.Context, nid NID) (*Message, error) {
	if err := f.cancelled(ctx); err != nil {
		return nil, err
	}
	return f.open(nid)
}

func (f *File) open(nid NID) (*Message, error) {
	n, err := f.node(nid)
	if err != nil {
		return nil, err
	}
	return f.message(n, f.where(nid), 0, &Defects{})
}

// message opens the message in a node.
func (f *File) message(n ndb.Node, where string, depth int, d *Defects) (*Message, error) {
	m := &Message{f: f, node: n, where: where, depth: depth, d: d, props: mapi.NewProps(f.names, f.o.CodePage)}
	if err := ltp.Properties(f.db, n, where, m.props, d); err != nil {
		if m.props.Len() == 0 {
			return nil, failure.New(failure.ClassOf(err), "read item", where, failure.RuleOf(err), err)
		}
		d.AddError(err)
	}
	if page := textPage(m.props); page != 0 {
		m.props.CodePage = page
	}
	fixSubject(m.props)
	if m.subs, m.noSubs = f.db.Subnodes(n.Sub, d); m.noSubs != nil {
		d.AddError(m.noSubs)
	}
	return m, nil
}

// fixSubject removes the two characters that a subject may begin with: 0x01, and
// the length of its prefix ([MS-PST] 2.5.3.1.1.1).
func fixSubject(p *mapi.Props) {
	v, ok := p.Get(mapi.Subject)
	if !ok {
		return
	}
	b, is := v.Data.(mapi.Bytes)
	switch {
	case !is:
	case v.Type == mapi.TypeUnicode && len(b) >= 4 && binary.LittleEndian.Uint16(b) == 1:
		v.Data = b[4:]
		p.Set(mapi.Subject, v)
	case v.Type == mapi.TypeString8 && len(b) >= 2 && b[0] == 1:
		v.Data = b[2:]
		p.Set(mapi.Subject, v)
	}
}

// NID is the number of the item; embedded messages have one inside of their item
// only.
func (m *Message) NID() NID { return m.node.NID }

// Props are the item's own properties.
func (m *Message) Props() *mapi.Props { return m.props }

// Defects is the damage that was met in what was read of the item so far, its
// attachments and embedded messages included.
func (m *Message) Defects() []*failure.Error { return m.d.List() }

// broken is the error of damage in this item.
func (m *Message) broken(op, rule string, err error) *failure.Error {
	return failure.New(failure.Malformed, op, m.where, rule, err)
}

// subnode finds the subnode of the usual number, or else the first of its kind.
func (m *Message) subnode(usual NID) (ndb.Node, bool, error) {
	if m.noSubs != nil {
		return ndb.Node{}, false, m.noSubs
	}
	n, found, err := m.subs.Node(usual)
	if found || err != nil {
		return n, found, err
	}
	err = m.subs.All(func(s ndb.Node) bool {
		if s.NID.Kind() == usual.Kind() {
			n, found = s, true
		}
		return !found
	})
	return n, found, err
}

// Recipients lists the rows of the recipient table ([MS-PST] 2.4.5.2), in the
// order of the file. The rows that can be read come with the error that tells
// what cannot.
func (m *Message) Recipients(ctx context.Context) ([]*mapi.Props, error) {
	n, found, err := m.subnode(ndb.RecipientTable)
	if err != nil {
		return nil, m.broken("read recipients", "pst.recipients", err)
	}
	if !found {
		return nil, nil
	}
	t, err := ltp.OpenTable(m.f.db, n, m.where+" recipients", m.d)
	if err != nil {
		return nil, m.broken("read recipients", "pst.recipients", err)
	}
	var all []*mapi.Props
	var broken error
	for row, err := range t.Rows(ctx) {
		if err != nil {
			if failure.ClassOf(err) == failure.Cancelled {
				return all, err
			}
			broken = m.broken("read recipients", "pst.recipients", err)
			continue
		}
		if len(all) == maxRows {
			return all, failure.New(failure.TooLarge, "read recipients", m.where, "pst.recipients", fmt.Errorf("there are more than %d", maxRows))
		}
		all = append(all, row.Props(m.f.names, m.props.CodePage))
	}
	return all, broken
}

// maxRows bounds recipients and attachments of a message.
const maxRows = 1 << 17

// Attachments lists the attachments in the order of their table ([MS-PST] 2.4.6);
// those that the table does not name follow. What can be read comes with the
// error that tells what cannot.
func (m *Message) Attachments(ctx context.Context) ([]mapi.Attachment, error) {
	if m.noSubs != nil {
		return nil, m.broken("read attachments", "pst.attachments", m.noSubs)
	}
	var order []NID
	known := map[NID]bool{}
	rows, broken := m.attachmentTable(ctx)
	for _, nid := range rows {
		if !known[nid] {
			known[nid] = true
			order = append(order, nid)
		}
	}
	err := m.subs.All(func(n ndb.Node) bool {
		if n.NID.Kind() == ndb.KindAttachment && !known[n.NID] {
			known[n.NID] = true
			order = append(order, n.NID)
		}
		return len(order) <= maxRows
	})
	if err != nil {
		broken = m.broken("read attachments", "pst.attachments", err)
	}
	if len(order) > maxRows {
		return nil, failure.New(failure.TooLarge, "read attachments", m.where, "pst.attachments", fmt.Errorf("there are more than %d", maxRows))
	}
	all := make([]mapi.Attachment, 0, len(order))
	for _, nid := range order {
		if err := m.f.cancelled(ctx); err != nil {
			return all, err
		}
		a, err := m.attachment(nid)
		if err != nil {
			broken = err
			continue
		}
		all = append(all, a)
	}
	return all, broken
}

// attachmentTable lists the numbers of attachments that the table names.
func (m *Message) attachmentTable(ctx context.Context) (all []NID, broken error) {
	n, found, err := m.subnode(ndb.AttachmentTable)
	if err != nil {
		return nil, m.broken("read attachments", "pst.attachments", err)
	}
	if !found {
		return nil, nil
	}
	t, err := ltp.OpenTable(m.f.db, n, m.where+" attachments", m.d)
	if err != nil {
		return nil, m.broken("read attachments", "pst.attachments", err)
	}
	for row, err := range t.Rows(ctx) {
		if err != nil {
			broken = m.broken("read attachments", "pst.attachments", err)
		}
		if row.ID != 0 && len(all) <= maxRows {
			all = append(all, NID(row.ID))
		}
	}
	return all, broken
}

// attachment opens one attachment.
func (m *Message) attachment(nid NID) (*Attachment, error) {
	where := fmt.Sprintf("%s attachment 0x%X", m.where, uint32(nid))
	n, found, err := m.subs.Node(nid)
	if err == nil && !found {
		err = errors.New("the table names an attachment that the item does not have")
	}
	if err != nil {
		return nil, failure.New(failure.Malformed, "read attachment", where, "pst.attachment-missing", err)
	}
	a := &Attachment{m: m, where: where, props: mapi.NewProps(m.f.names, m.props.CodePage)}
	if err := ltp.Properties(m.f.db, n, where, a.props, m.d); err != nil {
		if a.props.Len() == 0 {
			return nil, failure.New(failure.ClassOf(err), "read attachment", where, failure.RuleOf(err), err)
		}
		m.d.AddError(err)
	}
	return a, nil
}
