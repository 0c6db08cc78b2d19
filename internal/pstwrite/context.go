package pstwrite

import (
	"bytes"
	"cmp"
	"encoding/binary"
	"slices"

	"waybill/format/mapi"
)

// nodes numbers and collects the nodes of a node.
type nodes struct {
	all  []node
	next uint32
}

// add takes in a node of a type ([MS-PST] 2.2.2.1) and gives it a number.
func (n *nodes) add(kind uint32, data, sub blockID) uint32 {
	n.next++
	id := (0x400+n.next)<<5 | kind
	n.all = append(n.all, node{id: id, data: data, sub: sub})
	return id
}

// Types of nodes ([MS-PST] 2.2.2.1).
const (
	typeInternal       = 0x01
	typeFolder         = 0x02
	typeSearchFolder   = 0x03
	typeMessage        = 0x04
	typeAttachment     = 0x05
	typeSearchQueue    = 0x06
	typeSearchCriteria = 0x07
	typeAssociated     = 0x08
	typeHierarchy      = 0x0D
	typeContents       = 0x0E
	typeAssocContents  = 0x0F
	typeSearchContents = 0x10
	typeValue          = 0x1F
)

// place puts a value of any length into a heap, or beside it into a node. It
// returns what refers to it: 0 for an empty value.
func (b *blocks) place(h *heap, beside *nodes, v encoded) (uint32, error) {
	if v.stream == nil && len(v.bytes) <= largest {
		if len(v.bytes) == 0 {
			return 0, nil
		}
		id, err := h.put(v.bytes)
		return uint32(id), err
	}
	id, _, err := b.value(v)
	if err != nil || id == 0 {
		return 0, err
	}
	return beside.add(typeValue, id, 0), nil
}

// value writes a value as a data tree of its own.
func (b *blocks) value(v encoded) (blockID, int64, error) {
	if v.stream == nil {
		return b.stream(bytes.NewReader(v.bytes))
	}
	r, err := v.stream()
	if err != nil {
		return 0, 0, err
	}
	id, size, err := b.stream(r)
	if closed := r.Close(); err == nil {
		err = closed
	}
	return id, size, err
}

// properties writes a property context ([MS-PST] 2.3.3). Large values become
// nodes in beside.
func (b *blocks) properties(props []encoded, beside *nodes) (data blockID, err error) {
	slices.SortStableFunc(props, func(x, y encoded) int { return cmp.Compare(x.id, y.id) })
	h := newHeap(b, propertyContext)
	le := binary.LittleEndian
	records := make([]byte, 0, 8*len(props))
	for _, p := range props {
		at := uint32(p.bits)
		switch {
		case p.placed != 0: // an object ([MS-PST] 2.3.3.5)
			var id heapID
			id, err = h.put(le.AppendUint32(le.AppendUint32(nil, p.placed), p.size))
			at = uint32(id)
		case p.kept:
		case !inMemory(p.kind):
			at, err = b.place(h, beside, p)
		case p.kind.Fixed() == 8:
			var id heapID
			id, err = h.put(le.AppendUint64(nil, p.bits))
			at = uint32(id)
		default:
			at = uint32(p.bits & (1<<(8*uint(p.kind.Fixed())) - 1))
		}
		if err != nil {
			return 0, err
		}
		records = le.AppendUint16(records, uint16(p.id))
		records = le.AppendUint16(records, uint16(p.kind))
		records = le.AppendUint32(records, at)
	}
	root, err := h.index(2, 6, records)
	if err != nil {
		return 0, err
	}
	return h.finish(root)
}

// inMemory tells whether values of a type are in encoded.bits.
func inMemory(t mapi.Type) bool {
	return t == mapi.TypeNull || t.Fixed() > 0 && t.Fixed() <= 8
}
