package ltp

import (
	"encoding/binary"
	"errors"
	"fmt"
	"io"

	"waybill/failure"
	"waybill/format/pst/ndb"
)

// HID is the number of an allocation in a heap ([MS-PST] 2.3.1.1); 0 is none.
type HID uint32

// What a heap may hold ([MS-PST] 2.3.1.2, bClientSig).
const (
	clientTree     = 0xB5
	clientTable    = 0x7C
	clientProperty = 0xBC
)

// heapCache is how many blocks of a heap are kept.
const heapCache = 8

// Heap is a heap on a node ([MS-PST] 2.3.1). It is not safe for several
// goroutines at once; what it gives stays valid.
type Heap struct {
	f    *ndb.File
	node ndb.Node
	d    *ndb.Defects
	tree *ndb.Tree
	subs *ndb.Subnodes
	// where says in errors what is read: file, folder, node.
	where  string
	client byte
	root   HID
	first  heapBlock
	blocks []heapBlock // others that were read last
}

type heapBlock struct {
	data   []byte
	number int
	filled bool
}

// OpenHeap opens the heap in the data of a node; its subnodes are those of the
// node, too. where is for errors.
func OpenHeap(f *ndb.File, n ndb.Node, where string, d *ndb.Defects) (*Heap, error) {
	h := &Heap{f: f, node: n, where: where, d: d}
	var err error
	if h.tree, err = f.Tree(n.Data, d); err != nil {
		return nil, err
	}
	b, err := h.block(0)
	if err != nil {
		return nil, err
	}
	if len(b) < 12 || b[2] != 0xEC {
		return nil, h.broken("pst.heap", "the node holds no heap")
	}
	h.client, h.root = b[3], HID(binary.LittleEndian.Uint32(b[4:]))
	return h, nil
}

// broken is the error of a rule that broke in this heap.
func (h *Heap) broken(rule, format string, args ...any) *failure.Error {
	return failure.New(failure.Malformed, "read properties", h.where, rule, fmt.Errorf(format, args...))
}

// block gives block i of the heap.
func (h *Heap) block(i int) ([]byte, error) {
	b := &h.first
	if i > 0 {
		if h.blocks == nil {
			h.blocks = make([]heapBlock, heapCache)
		}
		b = &h.blocks[i%heapCache]
	}
	if b.filled && b.number == i {
		return b.data, nil
	}
	data, err := h.tree.Block(i, nil)
	if errors.Is(err, io.EOF) {
		return nil, h.broken("pst.heap", "the heap has no block %d", i)
	}
	if err != nil {
		return nil, err
	}
	*b = heapBlock{data, i, true}
	return data, nil
}

// split takes a HID apart. Files with 4K pages have larger blocks, and give three
// more bits to the index.
func (h *Heap) split(id HID) (block, index int) {
	if h.f.Format == ndb.Unicode4K {
		return int(id >> 19), int(id >> 5 & 0x3FFF)
	}
	return int(id >> 16), int(id >> 5 & 0x7FF)
}

// Item gives an allocation; nothing for number 0.
func (h *Heap) Item(id HID) ([]byte, error) {
	if id == 0 {
		return nil, nil
	}
	if id&0x1F != 0 {
		return nil, h.broken("pst.heap", "0x%X is no number of the heap", uint32(id))
	}
	number, index := h.split(id)
	b, err := h.block(number)
	if err != nil {
		return nil, err
	}
	le := binary.LittleEndian
	if len(b) < 2 {
		return nil, h.broken("pst.heap", "block %d of the heap has no map", number)
	}
	at := int(le.Uint16(b))
	if at+4 > len(b) {
		return nil, h.broken("pst.heap", "the map of block %d lies outside of the block", number)
	}
	count := int(le.Uint16(b[at:]))
	if index < 1 || index > count || at+4+(index+1)*2 > len(b) {
		return nil, h.broken("pst.heap", "block %d of the heap has %d allocations, and not number %d", number, count, index)
	}
	start, end := int(le.Uint16(b[at+2+index*2:])), int(le.Uint16(b[at+4+index*2:]))
	if start > end || end > len(b) {
		return nil, h.broken("pst.heap", "allocation %d of block %d has the range %d to %d", index, number, start, end)
	}
	return b[start:end:end], nil
}

// subnode finds a subnode of the heap's node.
func (h *Heap) subnode(nid ndb.NID) (ndb.Node, error) {
	if h.subs == nil {
		subs, err := h.f.Subnodes(h.node.Sub, h.d)
		if err != nil {
			return ndb.Node{}, err
		}
		h.subs = subs
	}
	n, found, err := h.subs.Node(nid)
	if err == nil && !found {
		err = h.broken("pst.subnode-missing", "there is no sub%v", nid)
	}
	return n, err
}
