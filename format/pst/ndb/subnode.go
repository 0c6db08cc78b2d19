package ndb

import (
	"encoding/binary"
	"sort"
)

// Subnodes are the nodes inside of a node ([MS-PST] 2.2.2.8.3.3): of a message
// its tables and attachments. They are not safe for several goroutines at once.
type Subnodes struct {
	f *File
	d *Defects
	// index are the first NIDs and blocks of a block above the leaves; it is empty
	// where one block holds all.
	index []subIndex
	// leaf is the block that was read last, number current of the index.
	leaf    []Node
	current int
}

type subIndex struct {
	first NID
	id    BID
}

// Subnodes opens a block of subnodes. Number 0 has none.
func (f *File) Subnodes(id BID, d *Defects) (*Subnodes, error) {
	s := &Subnodes{f: f, d: d, current: -1}
	if id == 0 {
		return s, nil
	}
	level, b, k, err := s.read(id)
	if err != nil {
		return nil, err
	}
	if level == 0 {
		s.leaf = b.nodes(f)
		return s, nil
	}
	s.index = b.index(f)
	for i := 1; i < len(s.index); i++ {
		if s.index[i-1].first >= s.index[i].first {
			return nil, f.Broken("read subnodes", "pst.subnodes", k.Offset, "the entries of %v are not in order", id)
		}
	}
	return s, nil
}

// subBlock is the entries of a block of subnodes, and how many.
type subBlock struct {
	b []byte
	n int
}

// read reads a block of subnodes of either level.
func (s *Subnodes) read(id BID) (level int, b subBlock, k Block, err error) {
	f := s.f
	if k, err = f.Block(id); err != nil {
		return 0, b, k, err
	}
	data, err := f.Read(k, nil, s.d)
	if err != nil {
		return 0, b, k, err
	}
	if len(data) < f.lay.sub || data[0] != 2 || data[1] > 1 {
		return 0, b, k, f.Broken("read subnodes", "pst.subnodes", k.Offset, "%v holds no subnodes", id)
	}
	level, b = int(data[1]), subBlock{data[f.lay.sub:], int(binary.LittleEndian.Uint16(data[2:]))}
	if b.n*f.lay.id*(3-level) > len(b.b) {
		return 0, b, k, f.Broken("read subnodes", "pst.subnodes", k.Offset, "%d entries do not fit into %v", b.n, id)
	}
	return level, b, k, nil
}

// nodes decodes SLENTRYs ([MS-PST] 2.2.2.8.3.3.1.1).
func (s subBlock) nodes(f *File) []Node {
	le, all := binary.LittleEndian, make([]Node, s.n)
	for i := range all {
		if f.lay.id == 4 {
			e := s.b[i*12:]
			all[i] = Node{NID: NID(le.Uint32(e)), Data: BID(le.Uint32(e[4:])), Sub: BID(le.Uint32(e[8:]))}
		} else {
			e := s.b[i*24:]
			all[i] = Node{NID: NID(le.Uint32(e)), Data: BID(le.Uint64(e[8:])), Sub: BID(le.Uint64(e[16:]))}
		}
	}
	return all
}

// index decodes SIENTRYs ([MS-PST] 2.2.2.8.3.3.2.1).
func (s subBlock) index(f *File) []subIndex {
	le, all := binary.LittleEndian, make([]subIndex, s.n)
	for i := range all {
		if f.lay.id == 4 {
			all[i] = subIndex{NID(le.Uint32(s.b[i*8:])), BID(le.Uint32(s.b[i*8+4:]))}
		} else {
			all[i] = subIndex{NID(le.Uint32(s.b[i*16:])), BID(le.Uint64(s.b[i*16+8:]))}
		}
	}
	return all
}

// load makes block i of the index the current one.
func (s *Subnodes) load(i int) error {
	if i == s.current {
		return nil
	}
	level, b, k, err := s.read(s.index[i].id)
	if err != nil {
		return err
	}
	if level != 0 {
		return s.f.Broken("read subnodes", "pst.subnodes", k.Offset, "%v is an index below an index", k.ID)
	}
	s.leaf, s.current = b.nodes(s.f), i
	return nil
}

// Node finds a subnode.
func (s *Subnodes) Node(nid NID) (n Node, found bool, err error) {
	if len(s.index) > 0 {
		i := sort.Search(len(s.index), func(i int) bool { return s.index[i].first > nid }) - 1
		if i < 0 {
			return Node{}, false, nil
		}
		if err := s.load(i); err != nil {
			return Node{}, false, err
		}
	}
	// Entries should be in order; those of some writers are not.
	i := sort.Search(len(s.leaf), func(i int) bool { return s.leaf[i].NID >= nid })
	if i < len(s.leaf) && s.leaf[i].NID == nid {
		return s.leaf[i], true, nil
	}
	for _, n := range s.leaf {
		if n.NID == nid {
			return n, true, nil
		}
	}
	return Node{}, false, nil
}

// All visits every subnode in order, until visit returns false. The error tells
// what could not be read; the rest is visited all the same.
func (s *Subnodes) All(visit func(Node) bool) (broken error) {
	for i := 0; ; i++ {
		if i < len(s.index) {
			if err := s.load(i); err != nil {
				broken = err
				continue
			}
		} else if i > 0 {
			return broken
		}
		for _, n := range s.leaf {
			if !visit(n) {
				return broken
			}
		}
		if len(s.index) == 0 {
			return broken
		}
	}
}
