package pstwrite

import (
	"cmp"
	"iter"
	"slices"
)

// Region is a page or a block in the file.
type Region struct {
	Kind   Kind
	Level  int    // of a page in its B-tree; 0 is a leaf
	Offset int64  // in the file
	Size   int    // bytes of content; of pages, all
	Room   int    // bytes up to what is next, with padding and trailer
	ID     uint64 // of the page or block
	Packed bool   // the content is compressed
}

// Kind says what a Region is.
type Kind uint8

// The kinds.
const (
	DataBlock     Kind = iota // data of a node
	InternalBlock             // references to blocks or nodes
	NodePage                  // a page of the B-tree of nodes
	BlockPage                 // a page of the B-tree of blocks
)

func kindOf(page byte) Kind {
	if page == pageNodes {
		return NodePage
	}
	return BlockPage
}

// Node is a node of the file ([MS-PST] 2.2.2.7.7.4).
type Node struct {
	ID, Parent uint32
	Data, Sub  uint64 // the roots of its data and of its nodes; 0: none
}

// Layout tells where things are in a finished file, for tests that damage it.
type Layout struct{ w *Writer }

// Layout describes the file; call it after Close.
func (w *Writer) Layout() Layout { return Layout{w} }

// Nodes are the file's nodes, sorted.
func (l Layout) Nodes() iter.Seq[Node] {
	return func(yield func(Node) bool) {
		for _, n := range l.w.nodes {
			if !yield(Node{n.id, n.parent, uint64(n.data), uint64(n.sub)}) {
				return
			}
		}
	}
}

// Node finds a node.
func (l Layout) Node(id uint32) (Node, bool) {
	at, ok := slices.BinarySearchFunc(l.w.nodes, id, func(n node, id uint32) int { return cmp.Compare(n.id, id) })
	if !ok {
		return Node{}, false
	}
	n := l.w.nodes[at]
	return Node{n.id, n.parent, uint64(n.data), uint64(n.sub)}, true
}

// Block finds a block.
func (l Layout) Block(id uint64) (Region, bool) {
	if n := uint32(id >> 2); n >= 1 && n <= l.w.blocks.count {
		return l.block(n), true
	}
	return Region{}, false
}

// Blocks are all blocks, in the order of the file.
func (l Layout) Blocks() iter.Seq[Region] {
	return func(yield func(Region) bool) {
		for n := uint32(1); n <= l.w.blocks.count; n++ {
			if !yield(l.block(n)) {
				return
			}
		}
	}
}

func (l Layout) block(n uint32) Region {
	p := l.w.blocks.entry(n)
	r := Region{
		Kind: DataBlock, Offset: int64(p.at) * 64, Size: int(p.size), ID: uint64(l.w.blocks.id(n)),
		Room: l.w.g.footprint(int(p.size)), Packed: p.size != p.inflated,
	}
	if p.internal {
		r.Kind = InternalBlock
	}
	return r
}

// Pages are the pages of the B-trees, in the order of the file.
func (l Layout) Pages() []Region { return slices.Clone(l.w.pages.made) }

// Root is the root page of a B-tree: NodePage or BlockPage.
func (l Layout) Root(of Kind) Region {
	ref := l.w.dataRoot
	if of == NodePage {
		ref = l.w.nodeRoot
	}
	at := slices.IndexFunc(l.w.pages.made, func(r Region) bool { return r.ID == ref.id })
	return l.w.pages.made[at]
}
