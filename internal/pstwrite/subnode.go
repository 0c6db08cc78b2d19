package pstwrite

import (
	"cmp"
	"encoding/binary"
	"slices"

	"waybill/failure"
)

// node is a node of the file, or of another node.
type node struct {
	id     uint32
	parent uint32 // of the file's nodes only
	data   blockID
	sub    blockID
}

// subtree writes the nodes of a node ([MS-PST] 2.2.2.8.3.3). Without nodes there
// is none, and the identifier is 0.
func (b *blocks) subtree(nodes []node) (blockID, error) {
	if len(nodes) == 0 {
		return 0, nil
	}
	slices.SortFunc(nodes, func(x, y node) int { return cmp.Compare(x.id, y.id) })
	most := (b.g.most() - 8) / (3 * b.g.id)
	var upper []node
	for rest := nodes; len(rest) > 0; {
		n := min(most, len(rest))
		p := b.nodeHeader(0, n)
		for _, one := range rest[:n] {
			p = b.g.putID(p, uint64(one.id))
			p = b.g.putID(p, uint64(one.data))
			p = b.g.putID(p, uint64(one.sub))
		}
		id, err := b.write(p, internal)
		if err != nil {
			return 0, err
		}
		upper, rest = append(upper, node{id: rest[0].id, data: id}), rest[n:]
	}
	if len(upper) == 1 {
		return upper[0].data, nil
	}
	if len(upper) > (b.g.most()-8)/(2*b.g.id) {
		return 0, failure.New(failure.TooLarge, "write PST", "nodes of a node", "pstwrite.subnodes", nil)
	}
	p := b.nodeHeader(1, len(upper))
	for _, one := range upper {
		p = b.g.putID(p, uint64(one.id))
		p = b.g.putID(p, uint64(one.data))
	}
	return b.write(p, internal)
}

// nodeHeader begins an SLBLOCK (level 0) or SIBLOCK; ANSI files pad neither.
func (b *blocks) nodeHeader(level byte, count int) []byte {
	p := append(make([]byte, 0, b.g.most()), 2, level)
	p = binary.LittleEndian.AppendUint16(p, uint16(count))
	if b.g.wide {
		p = binary.LittleEndian.AppendUint32(p, 0)
	}
	return p
}
