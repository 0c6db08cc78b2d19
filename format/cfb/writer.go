package cfb

import (
	"bufio"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"slices"
	"unicode/utf16"

	"waybill/failure"
)

// Pack makes a compound file out of a storage, as Data: the file is computed while
// it is read, and contents are never held. It is how an object that is embedded in
// another file becomes one that programs can open. The same tree gives the same
// bytes.
//
// A stream whose length is not known, or a tree that no file can hold, is an
// error (cfb.pack); errors of contents come when the file is read.
func Pack(root *Node) (Data, error) {
	p := &packed{shift: 9}
	if err := p.collect(root); err != nil {
		return nil, err
	}
	total := int64(0)
	for _, e := range p.entries {
		total += e.size
	}
	// Version 3 ends at 2 GB ([MS-CFB] 2.2).
	const largest3 = 1<<31 - 1<<26
	if total > largest3 {
		p.shift = 12
	}
	p.layOut()
	if p.sectors >= maxRegular {
		return nil, packError(failure.TooLarge, "%d bytes are more than a compound file holds", total)
	}
	return p, nil
}

func packError(class failure.Class, format string, args ...any) error {
	return failure.New(class, "write compound file", "", "cfb.pack", fmt.Errorf(format, args...))
}

// packed is the layout of a file that is to be written.
type packed struct {
	shift   uint
	entries []packedEntry
	regions []region // in the order of the file, side by side from sector 0
	sectors int64
	// Where the header points to, and how many sectors that is.
	difat, fat, directory, miniFAT, miniStream region
	miniSize                                   int64
}

type packedEntry struct {
	node               *Node
	left, right, child uint32
	size               int64
	start              uint32 // sector or mini sector
}

// region is a row of sectors that belong together.
type region struct {
	first, count int64
	mark         uint32 // what the FAT says of them; 0 for a chain
}

func (p *packed) cut(size int64) int64 { return (size + 1<<p.shift - 1) >> p.shift }

// collect lists the entries, the root first, and links siblings to balanced trees.
func (p *packed) collect(root *Node) error {
	p.entries = []packedEntry{{node: root, left: noEntry, right: noEntry, child: noEntry}}
	for at := 0; at < len(p.entries); at++ {
		e := &p.entries[at]
		if e.node.Data != nil {
			continue
		}
		children := slices.Clone(e.node.Children)
		slices.SortStableFunc(children, func(a, b *Node) int { return compareNames(a.Name, b.Name) })
		if len(p.entries)+len(children) > maxEntries {
			return packError(failure.TooLarge, "more than %d entries", maxEntries)
		}
		first := len(p.entries)
		e.child = middle(first, first+len(children))
		for _, c := range children {
			if n := len(utf16.Encode([]rune(c.Name))); n > maxNameUnits {
				return packError(failure.Malformed, "the name %.64q has %d units", c.Name, n)
			}
			ce := packedEntry{node: c, left: noEntry, right: noEntry, child: noEntry}
			if c.Data != nil {
				if ce.size = c.Data.Size(); ce.size < 0 {
					return packError(failure.Malformed, "the length of %.64q is not known", c.Name)
				}
			}
			p.entries = append(p.entries, ce)
		}
		p.link(first, first+len(children))
	}
	return nil
}

// middle is the root of the balanced tree over entries from..to-1.
func middle(from, to int) uint32 {
	if from >= to {
		return noEntry
	}
	return uint32((from + to) / 2)
}

func (p *packed) link(from, to int) {
	if from >= to {
		return
	}
	m := (from + to) / 2
	p.entries[m].left, p.entries[m].right = middle(from, m), middle(m+1, to)
	p.link(from, m)
	p.link(m+1, to)
}

// layOut gives everything its sectors.
func (p *packed) layOut() {
	miniCount, data := int64(0), int64(0)
	for i := range p.entries {
		e := &p.entries[i]
		switch {
		case e.size == 0:
			e.start = endOfChain
		case e.size < miniCutoff:
			e.start = uint32(miniCount)
			miniCount += (e.size + 1<<miniShift - 1) >> miniShift
		default:
			data += p.cut(e.size)
		}
	}
	p.miniSize = miniCount << miniShift
	p.directory.count = p.cut(int64(len(p.entries)) * entrySize)
	p.miniFAT.count = p.cut(miniCount * 4)
	p.miniStream.count = p.cut(p.miniSize)
	rest := p.directory.count + p.miniFAT.count + p.miniStream.count + data
	perSector := int64(1) << (p.shift - 2)
	for {
		total := p.difat.count + p.fat.count + rest
		fat := (total + perSector - 1) / perSector
		difat := (max(fat-headerDIFAT, 0) + perSector - 2) / (perSector - 1)
		if fat == p.fat.count && difat == p.difat.count {
			break
		}
		p.fat.count, p.difat.count = fat, difat
	}
	p.difat.mark, p.fat.mark = difatSector, fatSector
	for _, r := range []*region{&p.difat, &p.fat, &p.directory, &p.miniFAT, &p.miniStream} {
		p.place(r)
	}
	for i := range p.entries {
		if e := &p.entries[i]; e.size >= miniCutoff {
			r := region{count: p.cut(e.size)}
			p.place(&r)
			e.start = uint32(r.first)
		}
	}
}

func (p *packed) place(r *region) {
	r.first = p.sectors
	p.sectors += r.count
	if r.count > 0 {
		p.regions = append(p.regions, *r)
	}
}

// Size is the length of the file.
func (p *packed) Size() int64 { return (p.sectors + 1) << p.shift }

// Open computes the file from its beginning.
func (p *packed) Open() (io.ReadCloser, error) {
	r, w := io.Pipe()
	go func() {
		out := bufio.NewWriterSize(w, 32<<10)
		err := p.write(out)
		if err == nil {
			err = out.Flush()
		}
		if errors.Is(err, io.ErrClosedPipe) {
			err = nil
		}
		_ = w.CloseWithError(err)
	}()
	return r, nil
}

// start is the first sector of a region, for the header.
func (r region) start() uint32 {
	if r.count == 0 {
		return endOfChain
	}
	return uint32(r.first)
}

// header fills the first sector ([MS-CFB] 2.2).
func (p *packed) header() []byte {
	h := make([]byte, 1<<p.shift)
	le := binary.LittleEndian
	copy(h, signature[:])
	le.PutUint16(h[0x18:], 0x3E)
	le.PutUint16(h[0x1A:], 3)
	if p.shift == 12 {
		le.PutUint16(h[0x1A:], 4)
		le.PutUint32(h[0x28:], uint32(p.directory.count))
	}
	le.PutUint16(h[0x1C:], 0xFFFE)
	le.PutUint16(h[0x1E:], uint16(p.shift))
	le.PutUint16(h[0x20:], miniShift)
	le.PutUint32(h[0x2C:], uint32(p.fat.count))
	le.PutUint32(h[0x30:], p.directory.start())
	le.PutUint32(h[0x38:], miniCutoff)
	le.PutUint32(h[0x3C:], p.miniFAT.start())
	le.PutUint32(h[0x40:], uint32(p.miniFAT.count))
	le.PutUint32(h[0x44:], p.difat.start())
	le.PutUint32(h[0x48:], uint32(p.difat.count))
	for i := range int64(headerDIFAT) {
		v := uint32(freeSector)
		if i < p.fat.count {
			v = uint32(p.fat.first + i)
		}
		le.PutUint32(h[0x4C+4*i:], v)
	}
	return h
}
