package ndb

import (
	"encoding/binary"
	"sync/atomic"
)

// The types of pages that are read ([MS-PST] 2.2.2.7.1, ptype).
const (
	blockPage = 0x80
	nodePage  = 0x81
)

// maxLevel is far above the height of any tree: four levels hold all that fits
// into 50 GB.
const maxLevel = 15

// page is a page of a tree, checked ([MS-PST] 2.2.2.7.7.1).
type page struct {
	data   []byte // entries only
	offset int64
	id     BID
	kind   byte
	level  uint8
	count  int
	entry  int  // size of an entry
	wide   bool // numbers of 64 bits
	sound  bool
}

// key is the key of entry i: a NID or a BID.
func (p *page) key(i int) uint64 {
	if p.kind == nodePage {
		return uint64(binary.LittleEndian.Uint32(p.data[i*p.entry:]))
	}
	return p.blockKey(i)
}

// blockKey reads a BID of the page's width.
func (p *page) blockKey(i int) uint64 {
	b := p.data[i*p.entry:]
	if !p.wide {
		return uint64(binary.LittleEndian.Uint32(b)) &^ 1
	}
	return binary.LittleEndian.Uint64(b) &^ 1
}

// find is the last entry whose key is not above key; -1 where all are.
func (p *page) find(key uint64) int {
	low, high := 0, p.count
	for low < high {
		if mid := (low + high) / 2; p.key(mid) <= key {
			low = mid + 1
		} else {
			high = mid
		}
	}
	return low - 1
}

// child is where entry i of a page above the leaves leads to.
func (p *page) child(i int) ref {
	b := p.data[i*p.entry:]
	if !p.wide {
		return ref{BID(binary.LittleEndian.Uint32(b[4:])), int64(binary.LittleEndian.Uint32(b[8:]))}
	}
	return ref{BID(binary.LittleEndian.Uint64(b[8:])), int64(binary.LittleEndian.Uint64(b[16:]))}
}

// pageCache keeps pages by their offsets: each has one place, and a newer page
// takes it. It needs no lock, and its size is fixed.
type pageCache struct {
	slots []atomic.Pointer[page]
	shift uint
}

// cacheBytes is how much the pages of a cache take at most.
const cacheBytes = 8 << 20

func newPageCache(size int64, pageSize int) pageCache {
	slots := 64
	for slots*pageSize < cacheBytes && int64(slots)*int64(pageSize) < size {
		slots *= 2
	}
	shift := uint(64)
	for n := slots; n > 1; n /= 2 {
		shift--
	}
	return pageCache{make([]atomic.Pointer[page], slots), shift}
}

// slot spreads offsets evenly: the multiplier is 2^64 divided by the golden ratio.
func (c *pageCache) slot(offset int64) *atomic.Pointer[page] {
	return &c.slots[uint64(offset>>9)*0x9E3779B97F4A7C15>>c.shift]
}

// page reads a page of a tree, or finds it in the cache.
func (f *File) page(at ref, kind byte) (*page, error) {
	slot := f.pages.slot(at.offset)
	if p := slot.Load(); p != nil && p.offset == at.offset && p.kind == kind && (p.id == at.id || p.sound) {
		return p, nil
	}
	p, err := f.readPage(at, kind)
	if err != nil {
		return nil, err
	}
	slot.Store(p)
	return p, nil
}

// readPage reads and checks a page. A wrong checksum alone is a defect.
func (f *File) readPage(at ref, kind byte) (*page, error) {
	if at.offset <= 0 || at.offset > f.size-int64(f.lay.pageSize) {
		return nil, f.Broken("read page", "pst.truncated", at.offset, "the page lies outside of the file of %d bytes", f.size)
	}
	buf := make([]byte, f.lay.pageSize)
	if _, err := f.r.ReadAt(buf, at.offset); err != nil {
		return nil, f.readFailure(at.offset, err)
	}
	p, err := f.parsePage(buf, at.offset, kind)
	if err != nil {
		return nil, err
	}
	if !p.sound {
		f.Defects.Add(f.Broken("read page", "pst.crc", at.offset, "the checksum of a page is wrong"))
	}
	if p.id != at.id {
		if !p.sound {
			return nil, f.Broken("read page", "pst.page", at.offset, "here is page 0x%X with a wrong checksum, and not page 0x%X", uint64(p.id), uint64(at.id))
		}
		f.Defects.Add(f.Broken("read page", "pst.page-id", at.offset, "the page is called 0x%X, and 0x%X where it is referred to", uint64(p.id), uint64(at.id)))
	}
	return p, nil
}

// parsePage checks a page: its trailer, the sizes and counts, the order of keys.
func (f *File) parsePage(buf []byte, offset int64, kind byte) (*page, error) {
	t := buf[f.lay.trailer:]
	if t[0] != kind || t[1] != kind {
		return nil, f.Broken("read page", "pst.page", offset, "the page is of type %02X %02X, not %02X", t[0], t[1], kind)
	}
	le := binary.LittleEndian
	p := &page{data: buf[:f.lay.meta:f.lay.meta], offset: offset, kind: kind, wide: f.Format != ANSI}
	var sum uint32
	if f.Format == ANSI {
		p.id, sum = BID(le.Uint32(t[4:])), le.Uint32(t[8:])
	} else {
		sum, p.id = le.Uint32(t[4:]), BID(le.Uint64(t[8:]))
	}
	p.sound = checksum(buf[:f.lay.trailer]) == sum
	m := buf[f.lay.meta:]
	if f.Format == Unicode4K {
		p.count, p.entry, p.level = int(le.Uint16(m)), int(m[4]), m[5]
	} else {
		p.count, p.entry, p.level = int(m[0]), int(m[2]), m[3]
	}
	least := f.lay.id + f.lay.ref
	if p.level == 0 {
		least = f.lay.node
		if kind == blockPage {
			least = f.lay.block
		}
	}
	if p.entry < least || p.count*p.entry > f.lay.meta || p.level > maxLevel {
		return nil, f.Broken("read page", "pst.page", offset, "%d entries of %d bytes on level %d do not fit into a page", p.count, p.entry, p.level)
	}
	for i := 1; i < p.count; i++ {
		if p.key(i-1) >= p.key(i) {
			return nil, f.Broken("read page", "pst.page-order", offset, "key 0x%X stands before key 0x%X", p.key(i-1), p.key(i))
		}
	}
	return p, nil
}
