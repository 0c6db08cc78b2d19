package ltp

import (
	"encoding/binary"
	"io"

	"waybill/format/mapi"
	"waybill/format/pst/ndb"
)

// maxMulti is the longest property of several values that is read: its values
// are in memory all together.
const maxMulti = 8 << 20

// lost is a value that could not be had.
type lost struct{ err error }

// Size is not known.
func (l lost) Size() int64 { return -1 }

// Open tells why.
func (l lost) Open() (io.ReadCloser, error) { return nil, l.err }

// Object is the value of a property of type Object: the number of the subnode
// that holds an embedded message or an OLE object ([MS-PST] 2.3.3.5).
type Object struct {
	*ndb.Data
	// Node is the subnode; a zero Node where it is missing.
	Node ndb.Node
}

// data gives what a HNID stands for ([MS-PST] 2.3.3.2): bytes of the heap, or the
// data of a subnode.
func (h *Heap) data(hnid uint32) (mapi.Data, error) {
	if hnid&0x1F == 0 {
		b, err := h.Item(HID(hnid))
		if err != nil {
			return nil, err
		}
		return mapi.Bytes(b), nil
	}
	n, err := h.subnode(ndb.NID(hnid))
	if err != nil {
		return nil, err
	}
	return h.f.Data(n.Data, h.d)
}

// lose makes a value of an error, and notes it.
func (h *Heap) lose(t mapi.Type, tag mapi.Tag, err error) mapi.Value {
	e := h.broken("pst.value", "property %v: %w", tag, err)
	h.d.Add(e)
	return mapi.Value{Type: t, Data: lost{e}}
}

// value decodes a property. cell is what stands for it: the value itself where it
// is short enough, or a HNID.
func (h *Heap) value(tag mapi.Tag, cell []byte) mapi.Value {
	t, le := tag.Type(), binary.LittleEndian
	if size := t.Fixed(); t&mapi.Multi == 0 && size > 0 && size <= len(cell) && size <= 8 {
		return mapi.Value{Type: t, Bits: short(t, cell)}
	}
	if t == mapi.TypeNull || t == mapi.TypeUnspecified || len(cell) < 4 {
		return mapi.Value{Type: t, Bits: short(t, cell)}
	}
	hnid := le.Uint32(cell)
	switch {
	case t == mapi.TypeObject:
		return h.object(tag, hnid)
	case t&mapi.Multi != 0:
		return h.several(tag, hnid)
	}
	d, err := h.data(hnid)
	if err != nil {
		return h.lose(t, tag, err)
	}
	if size := t.Fixed(); size > 0 && size <= 8 {
		b, is := d.(mapi.Bytes)
		if !is || len(b) < size {
			return h.lose(t, tag, h.broken("pst.value", "a value of %d bytes has %d", size, d.Size()))
		}
		return mapi.Value{Type: t, Bits: short(t, b)}
	}
	return mapi.Value{Type: t, Data: d}
}

// short reads a short value; nothing of the cell behind the type's size counts.
func short(t mapi.Type, cell []byte) (v uint64) {
	size := t.Fixed()
	if size == 0 || size > 8 {
		size = 8
	}
	for i := min(len(cell), size) - 1; i >= 0; i-- {
		v = v<<8 | uint64(cell[i])
	}
	if t == mapi.TypeBool {
		v &= 0xFF // the second byte of a Boolean is not always zero
	}
	return v
}

// object reads the reference to an object: a subnode and a size.
func (h *Heap) object(tag mapi.Tag, hnid uint32) mapi.Value {
	b, err := h.Item(HID(hnid))
	if err != nil {
		return h.lose(mapi.TypeObject, tag, err)
	}
	if len(b) < 4 {
		return mapi.Value{Type: mapi.TypeObject, Data: mapi.Bytes(nil)}
	}
	n, err := h.subnode(ndb.NID(binary.LittleEndian.Uint32(b)))
	if err != nil {
		return h.lose(mapi.TypeObject, tag, err)
	}
	d, err := h.f.Data(n.Data, h.d)
	if err != nil {
		return h.lose(mapi.TypeObject, tag, err)
	}
	return mapi.Value{Type: mapi.TypeObject, Data: Object{d, n}}
}

// several reads a property of several values ([MS-PST] 2.3.3.4).
func (h *Heap) several(tag mapi.Tag, hnid uint32) mapi.Value {
	t, one := tag.Type(), tag.Type()&^mapi.Multi
	d, err := h.data(hnid)
	if err != nil {
		return h.lose(t, tag, err)
	}
	if d.Size() > maxMulti {
		return h.lose(t, tag, h.broken("pst.value", "several values have %d bytes together", d.Size()))
	}
	b, is := d.(mapi.Bytes)
	if !is {
		r, err := d.Open()
		if err != nil {
			return h.lose(t, tag, err)
		}
		all, err := io.ReadAll(r)
		_ = r.Close()
		if err != nil {
			return h.lose(t, tag, err)
		}
		b = all
	}
	v := mapi.Value{Type: t}
	if size := one.Fixed(); size > 0 {
		for ; len(b) >= size; b = b[size:] {
			if size > 8 {
				v.Many = append(v.Many, mapi.Value{Type: one, Data: b[:size:size]})
			} else {
				v.Many = append(v.Many, mapi.Value{Type: one, Bits: short(one, b)})
			}
		}
		return v
	}
	// A count, that many offsets, and the values, each up to the next.
	if len(b) < 4 {
		return v
	}
	le := binary.LittleEndian
	count := int(le.Uint32(b))
	if count < 0 || count > (len(b)-4)/4 {
		return h.lose(t, tag, h.broken("pst.value", "%d values do not fit into %d bytes", count, len(b)))
	}
	for i := range count {
		start, end := int(le.Uint32(b[4+i*4:])), len(b)
		if i+1 < count {
			end = int(le.Uint32(b[8+i*4:]))
		}
		if start > end || end > len(b) {
			return h.lose(t, tag, h.broken("pst.value", "value %d of %d has the range %d to %d", i+1, count, start, end))
		}
		v.Many = append(v.Many, mapi.Value{Type: one, Data: b[start:end:end]})
	}
	return v
}
