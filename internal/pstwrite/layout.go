package pstwrite

// Region is a page or a block in the file.
type Region struct {
	Kind   Kind
	Level  int    // of a page in its B-tree; 0 is a leaf
	Offset int64  // in the file
	Size   int    // bytes of content; of pages, all
	Room   int    // bytes up to the next page or block, with the trailer
	ID     uint64 // of the page or block
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
