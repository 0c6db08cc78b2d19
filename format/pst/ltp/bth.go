package ltp

import "encoding/binary"

// maxDepth is far above the levels of any B-tree on a heap.
const maxDepth = 8

// bth is a B-tree on a heap ([MS-PST] 2.3.2).
type bth struct {
	h          *Heap
	key, entry int
	levels     int
	root       HID
}

// openBTH reads the header of a B-tree.
func (h *Heap) openBTH(id HID) (bth, error) {
	b, err := h.Item(id)
	if err != nil {
		return bth{}, err
	}
	if len(b) < 8 || b[0] != clientTree {
		return bth{}, h.broken("pst.bth", "0x%X is no B-tree", uint32(id))
	}
	t := bth{h, int(b[1]), int(b[2]), int(b[3]), HID(binary.LittleEndian.Uint32(b[4:]))}
	if t.key < 1 || t.key > 16 || t.entry > 32 || t.levels > maxDepth {
		return bth{}, h.broken("pst.bth", "a B-tree has keys of %d bytes, entries of %d and %d levels", t.key, t.entry, t.levels)
	}
	return t, nil
}

// walk visits the records in order until visit returns false. Records lie in
// allocations of their own, so all together are not larger than the heap: more
// of them are a circle.
func (t bth) walk(visit func(key, entry []byte) bool) error {
	budget := t.h.tree.Size()
	_, err := t.descend(t.root, t.levels, &budget, visit)
	return err
}

func (t bth) descend(id HID, level int, budget *int64, visit func(key, entry []byte) bool) (bool, error) {
	b, err := t.h.Item(id)
	if err != nil {
		return false, err
	}
	if *budget -= int64(len(b)) + 1; *budget < 0 {
		return false, t.h.broken("pst.bth", "the entries of a B-tree run in a circle")
	}
	width := t.key + t.entry
	if level > 0 {
		width = t.key + 4
	}
	if len(b)%width != 0 {
		t.h.d.Add(t.h.broken("pst.bth", "%d bytes of entries are no multiple of %d", len(b), width))
	}
	for ; len(b) >= width; b = b[width:] {
		if level == 0 {
			if !visit(b[:t.key], b[t.key:width]) {
				return false, nil
			}
			continue
		}
		more, err := t.descend(HID(binary.LittleEndian.Uint32(b[t.key:])), level-1, budget, visit)
		if err != nil || !more {
			return more, err
		}
	}
	return true, nil
}
