package pstwrite

import (
	"io"
	"slices"

	"waybill/failure"
	"waybill/format/mapi"
)

// attachment writes one attachment into the nodes of its message, and its row
// ([MS-PST] 2.4.6.2). It tells the attachment's size.
func (w *Writer) attachment(a *Attachment, number int, beside *nodes, t *table) (int64, error) {
	props, err := w.encode(a.Props)
	if err != nil {
		return 0, err
	}
	var inside nodes
	var size int64
	method := mapi.NoAttachment
	object := encoded{id: mapi.AttachData, kind: mapi.TypeObject}
	switch given := [3]bool{a.Data != nil, a.Embedded != nil, a.Storage != nil}; given {
	case [3]bool{}:
	case [3]bool{true, false, false}:
		method = mapi.ByValue
		var at uint32
		if at, size, err = w.stored(a.Data, &inside); err != nil {
			return 0, err
		}
		props = append(props, encoded{id: mapi.AttachData, kind: mapi.TypeBinary, bits: uint64(at), kept: true})
	case [3]bool{false, true, false}:
		method = mapi.EmbeddedMessage
		made, err := w.message(*a.Embedded, 0)
		if err != nil {
			return 0, err
		}
		object.placed, size = inside.add(typeMessage, made.data, made.sub), made.size
	case [3]bool{false, false, true}:
		method = mapi.OLE
		if object.placed, size, err = w.stored(a.Storage, &inside); err != nil {
			return 0, err
		}
	default:
		return 0, failure.New(failure.Usage, "write PST", "attachment", "pstwrite.attachment", nil)
	}
	if object.placed != 0 {
		object.size = uint32(size)
		props = append(props, object)
	}
	for _, p := range []Prop{
		Int(mapi.AttachMethod, method), Int(attachSize, int(size)), Int(rendering, -1), Int(attachNumber, number),
	} {
		if !slices.ContainsFunc(props, func(e encoded) bool { return e.id == p.Tag.ID() }) {
			one, err := w.encoder.encode(p, p.Tag.ID())
			if err != nil {
				return 0, err
			}
			props = append(props, one)
		}
	}
	data, err := w.blocks.properties(props, &inside)
	if err != nil {
		return 0, err
	}
	sub, err := w.blocks.subtree(inside.all)
	if err != nil {
		return 0, err
	}
	return size, t.add(beside.add(typeAttachment, data, sub), clip(props))
}

// stored writes what a reader gives into a node; 0 where it gives nothing.
func (w *Writer) stored(open func() (io.ReadCloser, error), inside *nodes) (uint32, int64, error) {
	id, size, err := w.blocks.value(encoded{stream: open})
	if err != nil || id == 0 {
		return 0, 0, err
	}
	return inside.add(typeValue, id, 0), size, nil
}
