package cfb

import (
	"encoding/binary"
	"errors"
	"io"
	"sync"

	"waybill/failure"
)

// maxEntries bounds the directory: 64 MB of it. A message with 20,000 recipients needs
// half.
const maxEntries = 1 << 19

// File is an open compound file. It may be read by several goroutines.
type File struct {
	Root *Node

	r        io.ReaderAt
	size     int64
	name     string
	shift    uint
	mini     uint // shift of mini sectors
	cutoff   int64
	sectors  int64 // how many the file has room for, a cut one at the end included
	difat    []uint32
	version4 bool

	mu    sync.Mutex
	cache [64]fatBlock

	miniFAT    []uint32 // sectors of the mini FAT
	miniStream []uint32 // sectors of the mini stream
	miniSize   int64

	defects []error
}

// fatBlock is a sector of the FAT that was read.
type fatBlock struct {
	index int64 // plus one; 0 is none
	data  []byte
}

// Open reads the header and the directory of a compound file of size bytes. name
// is for errors: cfb.signature (it is none), cfb.header, cfb.truncated, cfb.directory,
// cfb.entries (class TooLarge), or those of r.
func Open(r io.ReaderAt, size int64, name string) (*File, error) {
	f := &File{r: r, size: size, name: name}
	var h [headerSize]byte
	if n, err := r.ReadAt(h[:], 0); n < len(h) {
		if err != nil && !errors.Is(err, io.EOF) {
			return nil, f.ioError(0, err)
		}
		return nil, malformed(name, int64(n), "cfb.truncated", "the header is cut off")
	}
	if [8]byte(h[:8]) != signature {
		return nil, malformed(name, 0, "cfb.signature", "this is no compound file")
	}
	if err := f.readHeader(h[:]); err != nil {
		return nil, err
	}
	f.readDIFAT(h[:])
	// Without its mini FAT a file still has its long streams.
	var err error
	if first := binary.LittleEndian.Uint32(h[0x3C:]); first < maxRegular {
		if f.miniFAT, err = f.chain(first); err != nil {
			f.defect(err)
		}
	}
	if err := f.readDirectory(binary.LittleEndian.Uint32(h[0x30:])); err != nil {
		return nil, err
	}
	return f, nil
}

// Defects tell what of the directory could not be read.
func (f *File) Defects() []error { return f.defects }

func (f *File) defect(err error) {
	const enough = 100
	if len(f.defects) < enough {
		f.defects = append(f.defects, err)
	}
}

func (f *File) ioError(offset int64, err error) error {
	return failure.New(failure.ClassOf(err), "read compound file", where(f.name, offset), "cfb.io", err)
}

// readHeader checks the shifts ([MS-CFB] 2.2).
func (f *File) readHeader(h []byte) error {
	le := binary.LittleEndian
	if order := le.Uint16(h[0x1C:]); order != 0xFFFE {
		return malformed(f.name, 0x1C, "cfb.header", "the order of bytes is 0x%04X", order)
	}
	major, shift, mini := le.Uint16(h[0x1A:]), le.Uint16(h[0x1E:]), le.Uint16(h[0x20:])
	if shift != 9 && shift != 12 {
		return malformed(f.name, 0x1E, "cfb.header", "sectors of 2^%d bytes", shift)
	}
	if mini != miniShift {
		return malformed(f.name, 0x20, "cfb.header", "mini sectors of 2^%d bytes", mini)
	}
	f.shift, f.mini, f.version4 = uint(shift), uint(mini), major >= 4
	f.cutoff = int64(le.Uint32(h[0x38:]))
	if f.cutoff == 0 || f.cutoff > 1<<20 {
		return malformed(f.name, 0x38, "cfb.header", "short streams of up to %d bytes", f.cutoff)
	}
	f.sectors = (f.size+1<<f.shift-1)>>f.shift - 1
	if f.sectors < 1 {
		return malformed(f.name, f.size, "cfb.truncated", "there is nothing but a header")
	}
	f.sectors = min(f.sectors, maxRegular)
	return nil
}

// readDIFAT lists the sectors of the FAT ([MS-CFB] 2.5). As many are read as the
// file has use for, whatever is stated.
func (f *File) readDIFAT(h []byte) {
	perSector := int64(1) << (f.shift - 2)
	need := (f.sectors + perSector - 1) / perSector
	take := func(b []byte) {
		for ; len(b) >= 4 && int64(len(f.difat)) < need; b = b[4:] {
			f.difat = append(f.difat, binary.LittleEndian.Uint32(b))
		}
	}
	take(h[0x4C : 0x4C+4*headerDIFAT])
	next := binary.LittleEndian.Uint32(h[0x44:])
	b := make([]byte, 1<<f.shift)
	for int64(len(f.difat)) < need && next < maxRegular { // each sector adds to the list, so circles end
		if err := f.readSector(next, b); err != nil {
			f.defect(err)
			return
		}
		take(b[:len(b)-4])
		next = binary.LittleEndian.Uint32(b[len(b)-4:])
	}
}

func (f *File) offset(sector uint32) int64 { return (int64(sector) + 1) << f.shift }

// readSector reads one sector. The last one of a file may be cut off: the rest is zeros.
func (f *File) readSector(sector uint32, b []byte) error {
	if int64(sector) >= f.sectors {
		return malformed(f.name, f.size, "cfb.truncated", "sector %d lies behind the end", sector)
	}
	n, err := f.r.ReadAt(b, f.offset(sector))
	if err != nil && !errors.Is(err, io.EOF) {
		return f.ioError(f.offset(sector), err)
	}
	clear(b[n:])
	return nil
}

// next gives the FAT's entry of a sector.
func (f *File) next(sector uint32) (uint32, error) {
	perSector := uint32(1) << (f.shift - 2)
	block := int64(sector / perSector)
	if int64(sector) >= f.sectors || block >= int64(len(f.difat)) || f.difat[block] >= maxRegular {
		return 0, malformed(f.name, f.offset(sector), "cfb.chain", "sector %d is not in the allocation table", sector)
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	c := &f.cache[block%int64(len(f.cache))]
	if c.index != block+1 {
		c.index = 0
		if c.data == nil {
			c.data = make([]byte, 1<<f.shift)
		}
		if err := f.readSector(f.difat[block], c.data); err != nil {
			return 0, err
		}
		c.index = block + 1
	}
	return binary.LittleEndian.Uint32(c.data[sector%perSector*4:]), nil
}

// chain lists the sectors from first on. What was found before a break comes with
// the error.
func (f *File) chain(first uint32) (all []uint32, err error) {
	for s := first; s != endOfChain; {
		if s >= maxRegular || int64(s) >= f.sectors {
			return all, malformed(f.name, f.offset(s), "cfb.chain", "a chain leads to sector 0x%X, which is none", s)
		}
		if int64(len(all)) >= f.sectors {
			return nil, malformed(f.name, f.offset(first), "cfb.chain", "the chain from sector %d goes in a circle", first)
		}
		all = append(all, s)
		if s, err = f.next(s); err != nil {
			return all, err
		}
	}
	return all, nil
}

// nextMini gives the mini FAT's entry of a mini sector.
func (f *File) nextMini(sector uint32) (uint32, error) {
	perSector := uint32(1) << (f.shift - 2)
	if int(sector/perSector) >= len(f.miniFAT) {
		return 0, malformed(f.name, 0x3C, "cfb.chain", "mini sector %d is not in the mini FAT", sector)
	}
	var b [4]byte
	at := f.offset(f.miniFAT[sector/perSector]) + int64(sector%perSector)*4
	if n, err := f.r.ReadAt(b[:], at); n < 4 {
		if errors.Is(err, io.EOF) {
			return 0, malformed(f.name, at, "cfb.truncated", "the mini FAT is cut off")
		}
		return 0, f.ioError(at, err)
	}
	return binary.LittleEndian.Uint32(b[:]), nil
}
