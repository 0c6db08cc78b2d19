package pstwrite

import "encoding/binary"

// geometry are the sizes in which the three formats differ.
type geometry struct {
	wide      bool // identifiers and offsets of 64 bits
	four      bool // pages of 4 kB, blocks compressed
	version   uint16
	page      int // bytes of a page
	trailer   int // bytes of a page's trailer, and of a block's
	entries   int // bytes of a B-tree page that entries may fill
	slot      int // bytes that a bit of an allocation map stands for
	firstMap  int64
	mapBytes  int // bytes of bits in an allocation map
	mapStart  int // where they begin in their page
	block     int // the largest block, with its trailer
	id        int // bytes of a block's identifier
	rowIndex  int // bytes of a row's number in a table's index
	indexBits uint
	maxEnd    int64 // the largest file
}

// The formats' geometries: [MS-PST] 2.2.2.5 to 2.2.2.8; that of 4 kB pages is not
// in [MS-PST] and was taken from files of Outlook 2013 and from libpff's
// description of the format.
func geometryOf(f Format) geometry {
	switch f {
	case ANSI:
		return geometry{version: 14, page: 512, trailer: 12, entries: 496, slot: 64, firstMap: 0x4400, mapBytes: 496,
			mapStart: 4, block: 8192, id: 4, rowIndex: 2, indexBits: 11, maxEnd: 1<<31 - 1}
	case Unicode4K:
		return geometry{wide: true, four: true, version: 36, page: 4096, trailer: 24, entries: 4056, slot: 512,
			firstMap: 0x22000, mapBytes: 4072, block: 65536, id: 8, rowIndex: 4, indexBits: 14, maxEnd: 1 << 40}
	default:
		return geometry{wide: true, version: 23, page: 512, trailer: 16, entries: 488, slot: 64, firstMap: 0x4400,
			mapBytes: 496, block: 8192, id: 8, rowIndex: 4, indexBits: 11, maxEnd: 1 << 38}
	}
}

// region is how many bytes an allocation map covers, from itself on.
func (g geometry) region() int64 { return int64(g.mapBytes) * 8 * int64(g.slot) }

// most is how many bytes fit into one block.
func (g geometry) most() int { return g.block - g.trailer }

// footprint is the room of a block with size bytes of content.
func (g geometry) footprint(size int) int {
	return (size + g.trailer + g.slot - 1) / g.slot * g.slot
}

// putID appends an identifier of a block, or an offset.
func (g geometry) putID(b []byte, id uint64) []byte {
	if g.wide {
		return binary.LittleEndian.AppendUint64(b, id)
	}
	return binary.LittleEndian.AppendUint32(b, uint32(id))
}

// signature ties a page or block to its place ([MS-PST] 5.5).
func signature(at int64, id uint64) uint16 {
	x := uint32(uint64(at)) ^ uint32(id)
	return uint16(x>>16) ^ uint16(x)
}
