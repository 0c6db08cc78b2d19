package pstwrite

import (
	"encoding/binary"

	"waybill/failure"
)

// heapID is a value in a heap ([MS-PST] 2.3.1.1).
type heapID uint32

// largest is the largest value that a heap holds ([MS-PST] 2.3.3.3); larger ones
// are nodes of their own.
const largest = 3580

// Kinds of heaps ([MS-PST] 2.3.1.2).
const (
	tableContext    = 0x7C
	propertyContext = 0xBC
)

// heap writes a heap-on-node ([MS-PST] 2.3.1). A block is written when it is full.
// Those that tell how full the others are, the first, the ninth and every 128th
// after it, wait until these are written.
type heap struct {
	b       *blocks
	client  byte
	body    []byte   // the current block
	starts  []uint16 // its values
	ids     []blockID
	waiting []waiting
	size    int64
}

// waiting is a block that is not written yet.
type waiting struct {
	index int
	body  []byte
	fill  []byte // a nibble for each block that it tells of, itself first
	room  int    // how many these are
	at    int    // where the nibbles go
}

func newHeap(b *blocks, client byte) *heap {
	h := &heap{b: b, client: client}
	h.begin()
	return h
}

// begin starts a block with its header ([MS-PST] 2.3.1.2 to 2.3.1.4).
func (h *heap) begin() {
	h.starts = h.starts[:0]
	switch n := len(h.ids); {
	case n == 0:
		h.body = make([]byte, 12, 256)
		h.body[2], h.body[3] = 0xEC, h.client
		h.waiting = append(h.waiting, waiting{index: n, room: 8, at: 8})
	case n%128 == 8:
		h.body = make([]byte, 2+64, h.b.g.most())
		h.waiting = append(h.waiting, waiting{index: n, room: 128, at: 2})
	default:
		h.body = append(h.body[:0], 0, 0)
	}
}

// put adds a value of at most largest bytes.
func (h *heap) put(v []byte) (heapID, error) {
	if len(v) > largest {
		return 0, failure.New(failure.Internal, "write PST", "", "pstwrite.heap", nil)
	}
	// Behind the values stand their count, a 0 and their bounds, at an even offset.
	need := len(h.body) + len(v) + 1 + 4 + 2*(len(h.starts)+2)
	if need > h.b.g.most() || len(h.starts) == 1<<h.b.g.indexBits-1 {
		if err := h.end(true); err != nil {
			return 0, err
		}
		h.begin()
	}
	h.starts = append(h.starts, uint16(len(h.body)))
	h.body = append(h.body, v...)
	block := uint32(len(h.ids))
	if block >= 1<<(27-h.b.g.indexBits) {
		return 0, failure.New(failure.TooLarge, "write PST", "table", "pstwrite.heap", nil)
	}
	return heapID(block<<(5+h.b.g.indexBits) | uint32(len(h.starts))<<5), nil
}

// end finishes the current block; full blocks are filled up.
func (h *heap) end(full bool) error {
	le := binary.LittleEndian
	behind := len(h.body)
	if behind%2 == 1 {
		h.body = append(h.body, 0)
	}
	le.PutUint16(h.body, uint16(len(h.body)))
	h.body = le.AppendUint16(h.body, uint16(len(h.starts)))
	h.body = le.AppendUint16(h.body, 0)
	for _, s := range h.starts {
		h.body = le.AppendUint16(h.body, s)
	}
	h.body = le.AppendUint16(h.body, uint16(behind))
	free := h.b.g.most() - len(h.body)
	if full {
		h.body = append(h.body, make([]byte, free)...)
	}
	h.size += int64(len(h.body))
	last := &h.waiting[len(h.waiting)-1]
	last.fill = append(last.fill, fillLevel(free))
	if last.index == len(h.ids) { // this block is itself one that waits
		last.body = h.body
		h.body = nil
		h.ids = append(h.ids, 0)
		return nil
	}
	id, err := h.b.write(h.body, 0)
	h.ids = append(h.ids, id)
	return err
}

// finish writes what is left. root is the value where reading begins. One block
// alone is written as it is; several become a data tree.
func (h *heap) finish(root heapID) (blockID, error) {
	if err := h.end(false); err != nil {
		return 0, err
	}
	for _, w := range h.waiting {
		if w.index == 0 {
			binary.LittleEndian.PutUint32(w.body[4:], uint32(root))
		}
		for i, level := range w.fill[:min(len(w.fill), w.room)] {
			w.body[w.at+i/2] |= level << (4 * (i % 2))
		}
		id, err := h.b.write(w.body, 0)
		if err != nil {
			return 0, err
		}
		h.ids[w.index] = id
	}
	return h.b.join(h.ids, h.size)
}

// fillLevel tells how much room is left ([MS-PST] 2.3.1.2, rgbFillLevel).
func fillLevel(free int) byte {
	for level, least := range []int{3584, 2560, 2048, 1792, 1536, 1280, 1024, 768, 512, 256, 128, 64, 32, 16, 8} {
		if free >= least {
			return byte(level)
		}
	}
	return 15
}

// index writes a B-tree-on-heap ([MS-PST] 2.3.2) of sorted records of key and
// data, one behind the other, and puts its header into the heap.
func (h *heap) index(key, data int, records []byte) (heapID, error) {
	var root heapID
	levels := byte(0)
	width := key + data
	for below := records; len(below) > 0; levels++ {
		var above []byte
		most := largest / width * width
		for len(below) > 0 {
			part := below[:min(most, len(below))]
			id, err := h.put(part)
			if err != nil {
				return 0, err
			}
			root = id
			above = append(above, part[:key]...)
			above = binary.LittleEndian.AppendUint32(above, uint32(id))
			below = below[len(part):]
		}
		if len(above) == key+4 {
			break
		}
		below, width = above, key+4
	}
	header := binary.LittleEndian.AppendUint32([]byte{0xB5, byte(key), byte(data), levels}, uint32(root))
	return h.put(header)
}
