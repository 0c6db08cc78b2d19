package dbx

import (
	"context"
	"errors"

	"waybill/failure"
)

// Sizes of a tree's node ([oedbx] tree): a header, and entries of three numbers.
const (
	nodeHead    = 0x18
	nodeEntry   = 12
	nodeEntries = 0x33
	nodeSize    = nodeHead + nodeEntries*nodeEntry
	maxDepth    = 40 // 51 entries in each node: six levels hold more than any file
)

// tree walks over a file's tree in its order.
type tree struct {
	f    *File
	w    *window
	seen *places
	// broken are the nodes that could not be read.
	broken []error
	values int64
}

func (f *File) tree() *tree {
	return &tree{f: f, w: f.window(4 << 10), seen: newPlaces(f.size, nodeSize)}
}

// walk calls each for every value; false ends the walk. An error is one of
// reading the file, or that ctx ended.
func (t *tree) walk(ctx context.Context, at int64, depth int, each func(value int64) bool) (more bool, err error) {
	if at == 0 {
		return true, nil
	}
	if err := ctx.Err(); err != nil {
		return false, t.f.fail(failure.Cancelled, "read tree", at, "tree", err)
	}
	node, err := t.node(at, depth)
	if err != nil {
		if failure.ClassOf(err) != failure.Malformed {
			return false, err
		}
		if len(t.broken) < 100 {
			t.broken = append(t.broken, err)
		}
		return true, nil
	}
	// The window moves on while children are read.
	var entries [nodeEntries][2]int64
	n := int(node[0x11])
	for i := range n {
		entries[i] = [2]int64{int64(u32(node, nodeHead+nodeEntry*i)), int64(u32(node, nodeHead+nodeEntry*i+4))}
	}
	if more, err = t.walk(ctx, int64(u32(node, 8)), depth+1, each); !more {
		return false, err
	}
	for _, e := range entries[:n] {
		if e[0] != 0 {
			t.values++
			if !each(e[0]) {
				return false, nil
			}
		}
		if more, err = t.walk(ctx, e[1], depth+1, each); !more {
			return false, err
		}
	}
	return true, nil
}

// node reads a node and checks its header.
func (t *tree) node(at int64, depth int) ([]byte, error) {
	if depth > maxDepth {
		return nil, t.f.malformed(at, "tree", "the tree is deeper than %d nodes", maxDepth)
	}
	b, err := t.w.bytes(at, nodeSize)
	if err != nil {
		return nil, err
	}
	switch {
	case int64(u32(b, 0)) != at:
		return nil, t.f.malformed(at, "tree", "there is no node of the tree")
	case int(b[0x11]) > nodeEntries:
		return nil, t.f.malformed(at, "tree", "a node has %d entries, more than fit", b[0x11])
	case !t.seen.mark(at):
		return nil, t.f.malformed(at, "tree", "%w", errors.New("a node is in the tree twice"))
	}
	return b, nil
}
