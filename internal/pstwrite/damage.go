package pstwrite

import (
	"encoding/binary"
	"io"

	"waybill/failure"
)

// File is a finished file that is to be damaged.
type File interface {
	io.ReaderAt
	io.WriterAt
}

// Flip inverts all bits of one byte of a page or block. Its checksum stays, and
// does not fit any more.
func (l Layout) Flip(f File, r Region, at int) error {
	b := make([]byte, 1)
	if _, err := f.ReadAt(b, r.Offset+int64(at)); err != nil {
		return err
	}
	b[0] = ^b[0]
	_, err := f.WriteAt(b, r.Offset+int64(at))
	return err
}

// Rewrite lets change alter the plain content of a page or block, whose length
// stays, and seals it again: such damage shows in no checksum. Of a page, change
// gets all before the trailer. Compressed blocks cannot be rewritten.
func (l Layout) Rewrite(f File, r Region, change func(content []byte)) error {
	g, size := l.w.g, r.Size
	page := r.Kind == NodePage || r.Kind == BlockPage
	if page {
		size -= g.trailer
	}
	if r.Packed {
		return failure.New(failure.Unsupported, "damage block", "", "pstwrite.packed", nil)
	}
	content := make([]byte, size, g.block)
	if _, err := f.ReadAt(content, r.Offset); err != nil {
		return err
	}
	if r.Kind == DataBlock {
		l.w.blocks.cipher.decode(content, r.ID)
	}
	change(content)
	if page {
		kind := map[Kind]byte{NodePage: pageNodes, BlockPage: pageBlocks}[r.Kind]
		_, err := f.WriteAt(l.w.space.seal(content, kind, r.Offset, r.ID), r.Offset)
		return err
	}
	if r.Kind == DataBlock {
		l.w.blocks.cipher.encode(content, r.ID)
	}
	whole := append(make([]byte, 0, r.Room), content...)[:r.Room-g.trailer]
	_, err := f.WriteAt(l.w.blocks.trailer(whole, content, size, r.Offset, blockID(r.ID)), r.Offset)
	return err
}

// Cycle makes the first reference of a branch page, or of an internal block, lead
// to the page or block itself. In a list of nodes it is the first one's own nodes.
func (l Layout) Cycle(f File, r Region) error {
	g := l.w.g
	own := g.putID(nil, r.ID)
	switch {
	case r.Kind == InternalBlock:
		return l.Rewrite(f, r, func(b []byte) {
			at := 8
			switch header := 4 + 4*min(g.id/8, 1); {
			case b[0] == 2 && b[1] == 0: // SLBLOCK: node, data, nodes
				at = header + 2*g.id
			case b[0] == 2: // SIBLOCK: node, block
				at = header + g.id
			}
			copy(b[at:], own)
		})
	case r.Kind != DataBlock && r.Level > 0:
		return l.Rewrite(f, r, func(b []byte) { copy(b[g.id:], g.putID(own, uint64(r.Offset))) })
	default:
		return failure.New(failure.Usage, "damage file", "", "pstwrite.cycle", nil)
	}
}

// Lengthen makes an XBLOCK or XXBLOCK say that its data have n bytes.
func (l Layout) Lengthen(f File, r Region, n uint32) error {
	if r.Kind != InternalBlock {
		return failure.New(failure.Usage, "damage file", "", "pstwrite.lengthen", nil)
	}
	return l.Rewrite(f, r, func(b []byte) {
		if b[0] == 1 {
			binary.LittleEndian.PutUint32(b[4:], n)
		}
	})
}
