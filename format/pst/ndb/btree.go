package ndb

import (
	"context"
	"encoding/binary"
	"math"
)

// bounds are the keys that a page may hold: low <= key < high.
type bounds struct{ low, high uint64 }

var everything = bounds{0, math.MaxUint64}

// root is the root of a tree.
func (f *File) root(kind byte) ref {
	if kind == nodePage {
		return f.nodeRoot
	}
	return f.blockRoot
}

// rootPage reads the root.
func (f *File) rootPage(kind byte) (*page, error) { return f.page(f.root(kind), kind) }

// below reads the page that entry i of p leads to, and tells its bounds. The
// level must be one less and the keys must lie inside of the bounds; so no path
// is longer than the root is high, and no page is reached twice.
func (f *File) below(p *page, i int, b bounds) (*page, bounds, error) {
	b.low = max(b.low, p.key(i))
	if i+1 < p.count {
		b.high = min(b.high, p.key(i+1))
	}
	at := p.child(i)
	child, err := f.page(at, p.kind)
	switch {
	case err != nil:
		return nil, b, err
	case child.level != p.level-1:
		return nil, b, f.Broken("read page", "pst.page-level", at.offset, "the page has level %d below a page of level %d", child.level, p.level)
	case child.count == 0:
		return nil, b, f.Broken("read page", "pst.page", at.offset, "the page has no entries")
	case child.key(0) < b.low || child.key(child.count-1) >= b.high:
		return nil, b, f.Broken("read page", "pst.page-order", at.offset, "keys 0x%X to 0x%X stand where 0x%X to 0x%X belong",
			child.key(0), child.key(child.count-1), b.low, b.high)
	}
	return child, b, nil
}

// lookup finds the leaf entry of a key.
func (f *File) lookup(kind byte, key uint64) (p *page, i int, found bool, err error) {
	b := everything
	p, err = f.rootPage(kind)
	for err == nil {
		i = p.find(key)
		if i < 0 {
			return nil, 0, false, nil
		}
		if p.level == 0 {
			return p, i, p.key(i) == key, nil
		}
		p, b, err = f.below(p, i, b)
	}
	if f.salvage != nil {
		if p, i, found = f.salvage.lookup(f, kind, key); found {
			return p, i, true, nil
		}
	}
	return nil, 0, false, err
}

// leaves walks over the leaf pages whose keys are at least from, in order. What
// cannot be read is told to broken, with the keys that are lost by it, and
// walked around. visit ends the walk by returning false.
func (f *File) leaves(ctx context.Context, kind byte, from uint64, visit func(*page) bool, broken func(bounds, error) bool) error {
	root, err := f.rootPage(kind)
	if err != nil {
		broken(everything, err)
		return nil
	}
	_, err = f.descend(ctx, root, everything, from, visit, broken)
	return err
}

func (f *File) descend(ctx context.Context, p *page, b bounds, from uint64, visit func(*page) bool, broken func(bounds, error) bool) (bool, error) {
	if p.level == 0 {
		return visit(p), nil
	}
	if err := f.cancelled(ctx); err != nil {
		return false, err
	}
	for i := max(p.find(from), 0); i < p.count; i++ {
		child, inside, err := f.below(p, i, b)
		if err != nil {
			if !broken(inside, err) {
				return false, nil
			}
			continue
		}
		if more, err := f.descend(ctx, child, inside, from, visit, broken); !more || err != nil {
			return false, err
		}
	}
	return true, nil
}

// nodeAt decodes entry i of a leaf page ([MS-PST] 2.2.2.7.7.4).
func nodeAt(p *page, i int) Node {
	b, le := p.data[i*p.entry:], binary.LittleEndian
	if !p.wide {
		return Node{NID(le.Uint32(b)), BID(le.Uint32(b[4:])), BID(le.Uint32(b[8:])), NID(le.Uint32(b[12:]))}
	}
	return Node{NID(le.Uint32(b)), BID(le.Uint64(b[8:])), BID(le.Uint64(b[16:])), NID(le.Uint32(b[24:]))}
}

// Node finds a node; found is false where the file has none of that number.
func (f *File) Node(nid NID) (n Node, found bool, err error) {
	p, i, found, err := f.lookup(nodePage, uint64(nid))
	if !found {
		return Node{}, false, err
	}
	return nodeAt(p, i), true, nil
}

// Nodes walks over all nodes, in the order of their numbers, until visit returns
// false. The error of a part of the tree that cannot be read goes to broken, and
// the walk goes on behind that part.
func (f *File) Nodes(ctx context.Context, visit func(Node) bool, broken func(error)) error {
	return f.leavesOrSalvage(ctx, nodePage, func(p *page) bool {
		for i := range p.count {
			if !visit(nodeAt(p, i)) {
				return false
			}
		}
		return true
	}, broken)
}

// leavesOrSalvage walks over the leaves; where the tree is broken, over the pages
// that a search found for the lost keys.
func (f *File) leavesOrSalvage(ctx context.Context, kind byte, visit func(*page) bool, broken func(error)) error {
	more := true
	return f.leaves(ctx, kind, 0, func(p *page) bool {
		more = visit(p)
		return more
	}, func(lost bounds, err error) bool {
		broken(err)
		if f.salvage == nil {
			return true
		}
		for p := range f.salvage.within(f, kind, lost) {
			if more = visit(p); !more {
				return false
			}
		}
		return true
	})
}

// Roots tells whether the roots of both trees can be read.
func (f *File) Roots() error {
	if _, err := f.rootPage(nodePage); err != nil {
		return err
	}
	_, err := f.rootPage(blockPage)
	return err
}
