package pstwrite

import (
	"bytes"
	"compress/zlib"
	"encoding/binary"
	"hash/crc32"
	"io"
	"testing"
)

// checker reads a file again, by the rules of [MS-PST] and without the writer's
// code, and fails the test at the first rule that is broken.
type checker struct {
	t      *testing.T
	f      []byte
	wide   bool
	four   bool
	page   int
	slot   int
	tail   int
	used   []bool               // slots of the file that are allocated
	blocks map[uint64]checked   // by ID
	refs   map[uint64]int       // how often each block is referred to
	nodes  map[uint32][2]uint64 // data and nodes
}

type checked struct {
	at, size, full int
}

func check(t *testing.T, f []byte) *checker {
	t.Helper()
	c := &checker{t: t, f: f, used: make([]bool, len(f)/64), blocks: map[uint64]checked{}, refs: map[uint64]int{}, nodes: map[uint32][2]uint64{}}
	version := c.u16(10)
	c.wide, c.four = version >= 23, version == 36
	c.page, c.slot, c.tail = 512, 64, 12
	if c.wide {
		c.tail = 16
	}
	if c.four {
		c.page, c.slot, c.tail = 4096, 512, 24
	}
	c.is(string(f[:4]) == "!BDN", "magic")
	c.is(c.u32(4) == weak(f[8:8+471]), "partial checksum of the header")
	if c.wide {
		c.is(c.u32(524) == weak(f[8:524]), "full checksum of the header")
		c.is(c.id(184) == uint64(len(f)), "size of the file in the header")
		c.tree(0x81, c.id(216), int(c.id(224)), -1, 0, c.node)
		c.tree(0x80, c.id(232), int(c.id(240)), -1, 0, c.block)
	} else {
		c.is(c.id(168) == uint64(len(f)), "size of the file in the header")
		c.tree(0x81, c.id(184), int(c.id(188)), -1, 0, c.node)
		c.tree(0x80, c.id(192), int(c.id(196)), -1, 0, c.block)
	}
	c.maps()
	for _, n := range c.nodes {
		c.data(n[0], 3)
		c.subnodes(n[1], 0)
	}
	for id := range c.blocks {
		c.is(c.refs[id] == 1, "block %#x is referred to %d times", id, c.refs[id])
	}
	return c
}

// weak is the checksum of [MS-PST] 5.3. The first bytes go the plain way; the fast
// one continues from there.
func weak(b []byte) (sum uint32) {
	for _, v := range b[:min(len(b), 600)] {
		sum = crc32.IEEETable[byte(sum)^v] ^ sum>>8
	}
	return ^crc32.Update(^sum, crc32.IEEETable, b[min(len(b), 600):])
}

func (c *checker) is(ok bool, format string, args ...any) {
	c.t.Helper()
	if !ok {
		c.t.Fatalf(format, args...)
	}
}

func (c *checker) u16(at int) int    { return int(binary.LittleEndian.Uint16(c.f[at:])) }
func (c *checker) u32(at int) uint32 { return binary.LittleEndian.Uint32(c.f[at:]) }

// id reads an identifier or an offset.
func (c *checker) id(at int) uint64 {
	if c.wide {
		return binary.LittleEndian.Uint64(c.f[at:])
	}
	return uint64(c.u32(at))
}

func (c *checker) width() int { return map[bool]int{true: 8, false: 4}[c.wide] }

func (c *checker) take(at, size int) {
	c.is(at%c.slot == 0 && size%c.slot == 0, "room at %#x is not aligned", at)
	for i := at / c.slot; i < (at+size)/c.slot; i++ {
		c.is(!c.used[i], "room at %#x is used twice", i*c.slot)
		c.used[i] = true
	}
}

// sealed checks a page's trailer.
func (c *checker) sealed(kind int, id uint64, at int) {
	c.take(at, c.page)
	end := at + c.page - c.tail
	c.is(int(c.f[end]) == kind && int(c.f[end+1]) == kind, "type of the page at %#x", at)
	sum, name := end+4, end+8
	if !c.wide {
		sum, name = end+8, end+4
	}
	c.is(c.u32(sum) == weak(c.f[at:end]), "checksum of the page at %#x", at)
	c.is(c.id(name) == id, "identifier of the page at %#x", at)
	mark := uint32(at) ^ uint32(id)
	if kind >= 0x82 && kind <= 0x85 {
		mark = 0
	}
	c.is(c.u16(end+2) == int(uint16(mark>>16)^uint16(mark)), "signature of the page at %#x", at)
}

// tree walks a B-tree of pages and gives the leaves' entries to leaf.
func (c *checker) tree(kind int, id uint64, at, level int, least uint64, leaf func(at int)) {
	c.sealed(kind, id, at)
	meta := at + c.page - c.tail - 8
	if !c.wide {
		meta = at + 496
	}
	count, most, width, own := int(c.f[meta]), int(c.f[meta+1]), int(c.f[meta+2]), int(c.f[meta+3])
	if c.four {
		meta = at + 4056
		count, most, width, own = c.u16(meta), c.u16(meta+2), int(c.f[meta+4]), int(c.f[meta+5])
	}
	c.is(count > 0 && count <= most && (level < 0 || own == level), "counts of the page at %#x", at)
	last := least
	for i := range count {
		e := at + i*width
		key := c.id(e)
		c.is(key > last || i == 0 && key >= last, "keys of the page at %#x", at)
		c.is(i > 0 || level < 0 || key == least, "first key of the page at %#x", at)
		last = key
		if own == 0 {
			leaf(e)
			continue
		}
		c.tree(kind, c.id(e+c.width()), int(c.id(e+2*c.width())), own-1, key, leaf)
	}
}

func (c *checker) node(e int) {
	w := c.width()
	c.nodes[uint32(c.id(e))] = [2]uint64{c.id(e + w), c.id(e + 2*w)}
}

// block checks a block's place and trailer.
func (c *checker) block(e int) {
	w := c.width()
	id, at, size := c.id(e), int(c.id(e+w)), c.u16(e+2*w)
	full, refs := size, c.u16(e+2*w+2)
	if c.four {
		full, refs = refs, c.u16(e+2*w+4)
	}
	c.is(refs == 2, "references of block %#x", id)
	room := (size + c.tail + c.slot - 1) / c.slot * c.slot
	c.take(at, room)
	end := at + room - c.tail
	sum, name := end+4, end+8
	if !c.wide {
		sum, name = end+8, end+4
	}
	mark := uint32(at) ^ uint32(id)
	c.is(c.u16(end) == size, "size of block %#x", id)
	c.is(c.u16(end+2) == int(uint16(mark>>16)^uint16(mark)), "signature of block %#x", id)
	c.is(c.u32(sum) == weak(c.f[at:at+size]) && c.id(name) == id, "checksum of block %#x", id)
	c.blocks[id] = checked{at, size, full}
}

// maps compares the allocation maps with what is used.
func (c *checker) maps() {
	first, bytes, skip := 0x4400, 496, 0
	if c.four {
		first, bytes = 0x22000, 4072
	}
	if !c.wide {
		skip = 4
	}
	region := bytes * 8 * c.slot
	c.is((len(c.f)-first)%region == 0, "size of the file")
	for n, at := 0, first; at < len(c.f); n, at = n+1, at+region {
		c.sealed(0x84, uint64(at), at)
		if n%8 == 0 && !c.four {
			c.sealed(0x83, uint64(at+512), at+512)
		}
		if n >= 128 && (n-128)%496 == 0 && !c.four {
			c.sealed(0x82, uint64(at+1024), at+1024)
		}
		for i := range bytes * 8 {
			bit := c.f[at+skip+i/8]&(0x80>>(i%8)) != 0
			c.is(bit == c.used[at/c.slot+i], "allocation map at %#x, bit %d is %v", at, i, bit)
		}
	}
}

// content is a block as it is before its encoding.
func (c *checker) content(id uint64) []byte {
	b, ok := c.blocks[id]
	c.is(ok, "block %#x is missing", id)
	raw := c.f[b.at : b.at+b.size]
	if b.full == b.size {
		return raw
	}
	r, err := zlib.NewReader(bytes.NewReader(raw))
	if err != nil {
		c.t.Fatal(err)
	}
	raw, err = io.ReadAll(r)
	c.is(err == nil && len(raw) == b.full, "compressed block %#x: %v", id, err)
	return raw
}

// data walks a data tree and tells its size.
func (c *checker) data(id uint64, below int) (size int) {
	if id == 0 {
		return 0
	}
	c.refs[id]++
	b := c.content(id)
	if id&2 == 0 {
		return len(b)
	}
	w := c.width()
	c.is(b[0] == 1 && int(b[1]) < below, "level of block %#x", id)
	count := int(binary.LittleEndian.Uint16(b[2:]))
	for i := range count {
		child := c.value(b[8+i*w:])
		part := c.data(child, int(b[1]))
		c.is(child&2 != 0 || i == count-1 || part == c.most(), "block %#x in the middle is not full", child)
		size += part
	}
	c.is(int(binary.LittleEndian.Uint32(b[4:])) == size, "size in block %#x", id)
	return size
}

func (c *checker) most() int {
	if c.four {
		return 65536 - c.tail
	}
	return 8192 - c.tail
}

func (c *checker) value(b []byte) uint64 {
	if c.wide {
		return binary.LittleEndian.Uint64(b)
	}
	return uint64(binary.LittleEndian.Uint32(b))
}

// subnodes walks the nodes of a node.
func (c *checker) subnodes(id uint64, depth int) {
	if id == 0 {
		return
	}
	c.refs[id]++
	b := c.content(id)
	w, head := c.width(), 8
	if !c.wide {
		head = 4
	}
	c.is(b[0] == 2 && b[1] <= 1, "type of block %#x", id)
	last := uint64(0)
	for i := range int(binary.LittleEndian.Uint16(b[2:])) {
		if b[1] == 1 {
			c.subnodes(c.value(b[head+(2*i+1)*w:]), depth)
			continue
		}
		e := b[head+3*i*w:]
		c.is(c.value(e) > last, "order in block %#x", id)
		last = c.value(e)
		c.data(c.value(e[w:]), 3)
		c.subnodes(c.value(e[2*w:]), depth+1)
	}
}
