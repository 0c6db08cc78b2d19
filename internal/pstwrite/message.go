package pstwrite

import (
	"encoding/binary"
	"slices"
	"strings"
	"time"

	"waybill/failure"
	"waybill/format/mapi"
)

// Nodes of the tables inside a message ([MS-PST] 2.4.5.3, 2.4.6.1).
const (
	recipientTable  = 0x692
	attachmentTable = 0x671
)

// Bits of MessageFlags ([MS-OXCMSG] 2.2.1.6).
const (
	flagRead        = 0x01
	flagAttachments = 0x10
)

// Add writes a message into a folder and returns its node.
func (w *Writer) Add(to FolderID, m Message) (nid uint32, err error) {
	f := w.folders[to]
	if f == nil || f.search || w.closed {
		return 0, failure.New(failure.Usage, "write message", "", "pstwrite.folder", nil)
	}
	kind, t := uint32(typeMessage), f.contents
	if m.Associated {
		kind, t = typeAssociated, f.associated
	}
	w.counters[kind]++
	nid = w.counters[kind]<<5 | kind
	made, err := w.message(m, nid)
	if err != nil {
		return 0, err
	}
	w.nodes = append(w.nodes, node{id: nid, parent: uint32(to), data: made.data, sub: made.sub})
	if err = t.add(nid, clip(made.props)); err != nil {
		return 0, err
	}
	switch {
	case m.Associated:
		f.hidden++
	default:
		f.count++
		if made.flags&flagRead == 0 {
			f.unread++
		}
	}
	return nid, nil
}

// written is a message in the file.
type written struct {
	data, sub blockID
	props     []encoded
	flags     uint64
	size      int64
}

// message writes a message, its recipients and attachments ([MS-PST] 2.4.5).
func (w *Writer) message(m Message, nid uint32) (written, error) {
	var beside nodes
	var total int64
	attachments := newTable(w.blocks, attachmentColumns())
	for i := range m.Attachments {
		size, err := w.attachment(&m.Attachments[i], i, &beside, attachments)
		if err != nil {
			return written{}, err
		}
		total += size
	}
	if len(m.Attachments) > 0 {
		data, sub, err := attachments.finish()
		if err != nil {
			return written{}, err
		}
		beside.all = append(beside.all, node{id: attachmentTable, data: data, sub: sub})
	}
	if err := w.recipients(m.Recipients, &beside); err != nil {
		return written{}, err
	}
	list := w.complete(m, nid)
	props, err := w.encode(list)
	if err != nil {
		return written{}, err
	}
	flags := slices.IndexFunc(props, func(p encoded) bool { return p.id == mapi.MessageFlags })
	if len(m.Attachments) > 0 {
		props[flags].bits |= flagAttachments
	}
	for _, p := range props {
		total += int64(8 + len(p.bytes))
	}
	if !slices.ContainsFunc(props, func(p encoded) bool { return p.id == mapi.MessageSize }) {
		props = append(props, encoded{id: mapi.MessageSize, kind: mapi.TypeInt32, bits: uint64(total)})
	}
	out := written{props: props, flags: props[flags].bits, size: total}
	if out.data, err = w.blocks.properties(props, &beside); err != nil {
		return written{}, err
	}
	out.sub, err = w.blocks.subtree(beside.all)
	return out, err
}

// encode makes the file's form of properties and gives the named ones their IDs.
func (w *Writer) encode(list []Prop) ([]encoded, error) {
	out := make([]encoded, 0, len(list))
	for _, p := range list {
		id := p.Tag.ID()
		if p.Name != (mapi.Name{}) {
			var err error
			if id, err = w.names.id(p.Name); err != nil {
				return nil, err
			}
		}
		one, err := w.encoder.encode(p, id)
		if err != nil {
			return nil, err
		}
		if at := slices.IndexFunc(out, func(e encoded) bool { return e.id == id }); at >= 0 {
			return nil, failure.New(failure.Usage, "write PST", "property "+p.Tag.String(), "pstwrite.twice", nil)
		}
		out = append(out, one)
	}
	return out, nil
}

// complete adds the properties that a message must have ([MS-PST] 2.4.5.1.1).
func (w *Writer) complete(m Message, nid uint32) []Prop {
	list := slices.Clone(m.Props)
	has := func(id mapi.ID) int {
		return slices.IndexFunc(list, func(p Prop) bool { return p.Tag.ID() == id && p.Name == (mapi.Name{}) })
	}
	add := func(p Prop) {
		if has(p.Tag.ID()) < 0 {
			list = append(list, p)
		}
	}
	var moment any = time.Date(2001, 1, 1, 0, 0, 0, 0, time.UTC)
	for _, id := range []mapi.ID{mapi.MessageDeliveryTime, mapi.ClientSubmitTime, mapi.CreationTime} {
		if at := has(id); at >= 0 {
			moment = list[at].Value
		}
	}
	if at := has(mapi.Subject); at >= 0 {
		if s, ok := list[at].Value.(string); ok {
			list[at].Value = markPrefix(s)
		}
	}
	add(Text(mapi.MessageClass, "IPM.Note"))
	add(Int(mapi.MessageFlags, flagRead))
	add(Int(messageStatus, 0))
	add(Prop{Tag: mapi.MakeTag(mapi.CreationTime, mapi.TypeTime), Value: moment})
	add(Prop{Tag: mapi.MakeTag(mapi.LastModificationTime, mapi.TypeTime), Value: moment})
	key := binary.LittleEndian.AppendUint32([]byte("WAYBILL-TEST"), nid)
	add(Binary(searchKey, key))
	for kind, id := range []mapi.ID{mapi.DisplayTo, displayCc, displayBcc} {
		if names := named(m.Recipients, kind+1); names != "" {
			add(Text(id, names))
		}
	}
	return list
}

// named joins the names of the recipients of a type, as Outlook does.
func named(recipients [][]Prop, kind int) string {
	var all []string
	for _, r := range recipients {
		is, name := 1, ""
		for _, p := range r {
			switch v := p.Value.(type) {
			case int:
				if p.Tag.ID() == mapi.RecipientType {
					is = v
				}
			case string:
				if p.Tag.ID() == mapi.DisplayName {
					name = v
				}
			}
		}
		if is == kind && name != "" {
			all = append(all, name)
		}
	}
	return strings.Join(all, "; ")
}

// markPrefix puts before a subject how long its prefix is, "RE: " and the like
// ([MS-PST] 2.5.3.1.1.1), as Outlook does. Subjects that are marked already stay
// as they are.
func markPrefix(s string) string {
	if s == "" || s[0] == 1 {
		return s
	}
	prefix := 0
	if at := strings.Index(s, ": "); at >= 1 && at <= 3 && !strings.ContainsAny(s[:at], " 0123456789") {
		prefix = len([]rune(s[:at])) + 2
	}
	return "\x01" + string(rune(prefix+1)) + s
}

// recipients writes the recipient table ([MS-PST] 2.4.5.3), which is there even
// when it is empty.
func (w *Writer) recipients(all [][]Prop, beside *nodes) error {
	columns := recipientColumns()
	rows := make([][]encoded, 0, len(all))
	for i, r := range all {
		list := slices.Clone(r)
		for _, p := range []Prop{
			Int(mapi.RecipientType, 1), Int(objectType, 6), Int(displayType, 0), Bool(responsibility, true),
			Binary(recordKey, binary.LittleEndian.AppendUint32(nil, uint32(i))),
		} {
			if !slices.ContainsFunc(list, func(q Prop) bool { return q.Tag.ID() == p.Tag.ID() }) {
				list = append(list, p)
			}
		}
		row, err := w.encode(list)
		if err != nil {
			return err
		}
		for _, p := range row {
			if tag := mapi.MakeTag(p.id, p.kind); !slices.ContainsFunc(columns, func(c mapi.Tag) bool {
				return c == tag || w.encoder.ansi && c == tag+1 && p.kind == mapi.TypeString8
			}) {
				columns = append(columns, tag)
			}
		}
		rows = append(rows, row)
	}
	if len(columns) > 250 {
		return failure.New(failure.TooLarge, "write PST", "recipient table", "pstwrite.columns", nil)
	}
	t := newTable(w.blocks, columns)
	for i, row := range rows {
		if err := t.add(uint32(i), row); err != nil {
			return err
		}
	}
	data, sub, err := t.finish()
	beside.all = append(beside.all, node{id: recipientTable, data: data, sub: sub})
	return err
}
