package ndb

import (
	"encoding/binary"
	"io"
)

// Tree is the data of a node: one block, or a tree of blocks ([MS-PST]
// 2.2.2.8.3.2). It is not safe for several goroutines at once.
type Tree struct {
	f *File
	d *Defects
	// id is the block that the tree begins with; size its length as stated.
	id   BID
	size int64
	// single is the block of a tree of one.
	single Block
	// top are the references of an XXBLOCK, parts those of the XBLOCK that is
	// being read, which is number part. before counts the blocks before each
	// part, as far as is known.
	top, parts []BID
	part       int
	before     []int
}

// Tree opens the data of a node. Number 0 is empty.
func (f *File) Tree(id BID, d *Defects) (*Tree, error) {
	t := &Tree{f: f, d: d, id: id}
	if id == 0 {
		return t, nil
	}
	k, err := f.Block(id)
	if err != nil {
		return nil, err
	}
	if !id.Internal() {
		t.single, t.size = k, int64(k.Length)
		return t, nil
	}
	level, refs, size, err := t.references(k)
	if err != nil {
		return nil, err
	}
	// What is not compressed cannot be longer than the file.
	if f.Format != Unicode4K && size > f.size {
		return nil, f.Broken("read data", "pst.length", k.Offset, "data of %d bytes cannot be in a file of %d", size, f.size)
	}
	t.size = size
	if level == 1 {
		t.parts, t.top, t.before = refs, nil, []int{0, len(refs)}
		return t, nil
	}
	t.top, t.before, t.part = refs, []int{0}, -1
	return t, nil
}

// references reads an XBLOCK or an XXBLOCK.
func (t *Tree) references(k Block) (level int, refs []BID, size int64, err error) {
	f := t.f
	buf := f.buffer(k.Stored)
	defer f.release(buf)
	b, err := f.Read(k, *buf, t.d)
	if err != nil {
		return 0, nil, 0, err
	}
	le := binary.LittleEndian
	if len(b) < 8 || b[0] != 1 || b[1] != 1 && b[1] != 2 {
		return 0, nil, 0, f.Broken("read data", "pst.data-tree", k.Offset, "%v is no block of references", k.ID)
	}
	n := int(le.Uint16(b[2:]))
	if 8+n*f.lay.id > len(b) {
		return 0, nil, 0, f.Broken("read data", "pst.data-tree", k.Offset, "%d references do not fit into %v", n, k.ID)
	}
	refs = make([]BID, n)
	for i := range refs {
		if f.lay.id == 4 {
			refs[i] = BID(le.Uint32(b[8+i*4:]))
		} else {
			refs[i] = BID(le.Uint64(b[8+i*8:]))
		}
	}
	return int(b[1]), refs, int64(le.Uint32(b[4:])), nil
}

// Size is the length in bytes, as the file states it.
func (t *Tree) Size() int64 { return t.size }

// errAfterLast says that a tree has no block of that number.
var errAfterLast = io.EOF

// Block reads block i into into, or into memory of its own where that is too
// small. io.EOF says that there are fewer blocks.
func (t *Tree) Block(i int, into []byte) ([]byte, error) {
	k, err := t.at(i)
	if err != nil {
		return nil, err
	}
	return t.f.Read(k, into, t.d)
}

// verify does what Block does, but for what costs time and cannot fail: the data
// that it gives is still encrypted.
func (t *Tree) verify(i int, into []byte) ([]byte, error) {
	k, err := t.at(i)
	if err != nil {
		return nil, err
	}
	if k.Length != k.Stored {
		return t.f.Read(k, into, t.d)
	}
	return t.f.stored(k, into, t.d)
}

// at finds block i.
func (t *Tree) at(i int) (Block, error) {
	switch {
	case t.id == 0 || i < 0:
		return Block{}, errAfterLast
	case !t.id.Internal():
		if i > 0 {
			return Block{}, errAfterLast
		}
		return t.single, nil
	}
	if err := t.seek(i); err != nil {
		return Block{}, err
	}
	id := t.parts[i-t.before[t.part]]
	if id.Internal() {
		return Block{}, t.f.Broken("read data", "pst.data-tree", -1, "%v holds references where data belongs", id)
	}
	return t.f.Block(id)
}

// seek loads the XBLOCK that block i belongs to.
func (t *Tree) seek(i int) error {
	for {
		if t.part >= 0 && i >= t.before[t.part] && i < t.before[t.part]+len(t.parts) {
			return nil
		}
		if t.top == nil {
			return errAfterLast
		}
		next := len(t.before) - 1 // the first part whose length is not known
		for p := range next {
			if i < t.before[p+1] {
				next = p
				break
			}
		}
		if next >= len(t.top) {
			return errAfterLast
		}
		k, err := t.f.Block(t.top[next])
		if err != nil {
			return err
		}
		level, refs, _, err := t.references(k)
		if err != nil {
			return err
		}
		if level != 1 {
			return t.f.Broken("read data", "pst.data-tree", k.Offset, "%v is of level %d below level 2", k.ID, level)
		}
		t.parts, t.part = refs, next
		if next == len(t.before)-1 {
			t.before = append(t.before, t.before[next]+len(refs))
		}
	}
}
