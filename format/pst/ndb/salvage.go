package ndb

import (
	"context"
	"errors"
	"io"
	"iter"
	"slices"
	"sort"
)

// leaf is a leaf page that a search of the file found.
type leaf struct {
	first, last uint64
	offset      int64
	id          BID
}

// maxLeaves bounds what a search keeps: it is more than a file of 50 GB has.
const maxLeaves = 4 << 20

// salvage knows the leaf pages that a search of the file found, per tree, sorted
// by their first keys. Only keys that the tree has lost are looked up here: pages
// that the tree replaced long ago still lie in the file, with what was deleted.
type salvage struct {
	trees map[byte]*scattered
}

type scattered struct {
	leaves []leaf
	// reach is, for each leaf, the largest key of it and all before.
	reach []uint64
}

// search reads the file from end to end for leaf pages, if one of the trees is
// broken.
func (f *File) search(ctx context.Context) error {
	whole := true
	for _, kind := range []byte{nodePage, blockPage} {
		err := f.leaves(ctx, kind, 0, func(*page) bool { return true }, func(_ bounds, err error) bool {
			f.Defects.AddError(err)
			whole = false
			return false
		})
		if err != nil {
			return err
		}
	}
	if whole {
		return nil
	}
	s := &salvage{map[byte]*scattered{nodePage: {}, blockPage: {}}}
	buf := make([]byte, 1<<20)
	for at := int64(0); at < f.size; at += int64(len(buf)) {
		if err := f.cancelled(ctx); err != nil {
			return err
		}
		n, err := f.r.ReadAt(buf, at)
		if err != nil && !errors.Is(err, io.EOF) {
			return f.readFailure(at, err)
		}
		for i := 0; i+f.lay.pageSize <= n; i += f.lay.pageSize {
			if !s.take(f, buf[i:i+f.lay.pageSize], at+int64(i)) {
				return f.Broken("search for pages", "pst.too-many-pages", at, "there are more than %d pages of trees", maxLeaves)
			}
		}
	}
	for _, t := range s.trees {
		t.sort()
	}
	f.salvage = s
	return nil
}

// take keeps a page if it is a sound leaf of a tree; false is too many.
func (s *salvage) take(f *File, b []byte, offset int64) bool {
	kind := b[f.lay.trailer]
	t := s.trees[kind]
	if t == nil || b[f.lay.trailer+1] != kind {
		return true
	}
	p, err := f.parsePage(b, offset, kind)
	if err != nil || !p.sound || p.level != 0 || p.count == 0 {
		return true
	}
	t.leaves = append(t.leaves, leaf{p.key(0), p.key(p.count - 1), offset, p.id})
	return len(t.leaves) <= maxLeaves
}

// sort orders the leaves by first key, the newest before older ones: numbers of
// pages grow with time.
func (t *scattered) sort() {
	slices.SortFunc(t.leaves, func(a, b leaf) int {
		switch {
		case a.first != b.first && a.first < b.first, a.first == b.first && a.id > b.id:
			return -1
		case a == b:
			return 0
		default:
			return 1
		}
	})
	t.reach = make([]uint64, len(t.leaves))
	top := uint64(0)
	for i, l := range t.leaves {
		top = max(top, l.last)
		t.reach[i] = top
	}
}

// maxCandidates bounds how many old versions of a page are looked at.
const maxCandidates = 256

// lookup finds a key in the newest page that has it.
func (s *salvage) lookup(f *File, kind byte, key uint64) (best *page, at int, found bool) {
	t := s.trees[kind]
	i := sort.Search(len(t.leaves), func(i int) bool { return t.leaves[i].first > key }) - 1
	for n := 0; i >= 0 && t.reach[i] >= key && n < maxCandidates; i, n = i-1, n+1 {
		l := t.leaves[i]
		if l.last < key || best != nil && best.id > l.id {
			continue
		}
		p, err := f.page(ref{l.id, l.offset}, kind)
		if err != nil {
			continue
		}
		if j := p.find(key); j >= 0 && p.key(j) == key {
			best, at = p, j
		}
	}
	return best, at, best != nil
}

// within yields pages with the entries whose keys are lost, each key once, from
// the newest page that has it.
func (s *salvage) within(f *File, kind byte, lost bounds) iter.Seq[*page] {
	return func(yield func(*page) bool) {
		for _, l := range s.trees[kind].leaves {
			if l.last < lost.low || l.first >= lost.high {
				continue
			}
			p, err := f.page(ref{l.id, l.offset}, kind)
			if err != nil {
				continue
			}
			for i := range p.count {
				key := p.key(i)
				if key < lost.low || key >= lost.high {
					continue
				}
				if best, _, found := s.lookup(f, kind, key); !found || best.offset != p.offset {
					continue
				}
				one := *p
				one.data, one.count = p.data[i*p.entry:(i+1)*p.entry], 1
				if !yield(&one) {
					return
				}
			}
		}
	}
}
