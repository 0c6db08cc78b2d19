package cfb

import (
	"encoding/binary"
	"fmt"
	"io"
	"unicode/utf16"

	"waybill/failure"
)

// The colour of all nodes: balanced trees need no red ones to be read.
const black = 1

// write puts out the file, region by region.
func (p *packed) write(w io.Writer) error {
	steps := []func(io.Writer) error{p.writeDIFAT, p.writeFAT, p.writeDirectory, p.writeMiniFAT, p.writeMiniStream, p.writeStreams}
	if _, err := w.Write(p.header()); err != nil {
		return err
	}
	for _, step := range steps {
		if err := step(w); err != nil {
			return err
		}
	}
	return nil
}

func writeUint32(w io.Writer, v uint32) error {
	var b [4]byte
	binary.LittleEndian.PutUint32(b[:], v)
	_, err := w.Write(b[:])
	return err
}

// fill pads what is written so far to whole units.
func fill(w io.Writer, written int64, shift uint, with byte) error {
	n := -written & (1<<shift - 1)
	b := make([]byte, n)
	for i := range b {
		b[i] = with
	}
	_, err := w.Write(b)
	return err
}

// writeDIFAT lists the FAT sectors that the header has no room for; the last entry
// of each sector leads to the next.
func (p *packed) writeDIFAT(w io.Writer) error {
	perSector := int64(1)<<(p.shift-2) - 1
	listed := int64(headerDIFAT)
	for s := range p.difat.count {
		for range perSector {
			v := uint32(freeSector)
			if listed < p.fat.count {
				v = uint32(p.fat.first + listed)
			}
			listed++
			if err := writeUint32(w, v); err != nil {
				return err
			}
		}
		next := uint32(endOfChain)
		if s+1 < p.difat.count {
			next = uint32(p.difat.first + s + 1)
		}
		if err := writeUint32(w, next); err != nil {
			return err
		}
	}
	return nil
}

func (p *packed) writeFAT(w io.Writer) error {
	for _, r := range p.regions {
		for i := range r.count {
			v := r.mark
			switch {
			case v != 0:
			case i+1 == r.count:
				v = endOfChain
			default:
				v = uint32(r.first + i + 1)
			}
			if err := writeUint32(w, v); err != nil {
				return err
			}
		}
	}
	return fill(w, p.sectors*4, p.shift, 0xFF)
}

func (p *packed) writeDirectory(w io.Writer) error {
	le := binary.LittleEndian
	var blank [entrySize]byte
	le.PutUint32(blank[0x44:], noEntry)
	le.PutUint32(blank[0x48:], noEntry)
	le.PutUint32(blank[0x4C:], noEntry)
	perSector := int64(1) << p.shift / entrySize
	for i := range p.directory.count * perSector {
		b := blank
		if i < int64(len(p.entries)) {
			e := &p.entries[i]
			kind, name, start, size := byte(kindStorage), e.node.Name, e.start, e.size
			switch {
			case i == 0:
				kind, name, start, size = kindRoot, directoryName, p.miniStream.start(), p.miniSize
			case e.node.Data != nil:
				kind = kindStream
			default:
				start = 0 // [MS-CFB] 2.6.3
			}
			units := utf16.Encode([]rune(name))
			for j, u := range units {
				le.PutUint16(b[2*j:], u)
			}
			le.PutUint16(b[0x40:], uint16(2*len(units)+2))
			b[0x42], b[0x43] = kind, black
			le.PutUint32(b[0x44:], e.left)
			le.PutUint32(b[0x48:], e.right)
			le.PutUint32(b[0x4C:], e.child)
			copy(b[0x50:], e.node.CLSID[:])
			le.PutUint32(b[0x60:], e.node.State)
			le.PutUint64(b[0x64:], e.node.Created)
			le.PutUint64(b[0x6C:], e.node.Modified)
			le.PutUint32(b[0x74:], start)
			le.PutUint64(b[0x78:], uint64(size))
		}
		if _, err := w.Write(b[:]); err != nil {
			return err
		}
	}
	return nil
}

func (p *packed) writeMiniFAT(w io.Writer) error {
	next := uint32(0)
	for _, e := range p.entries {
		if e.size == 0 || e.size >= miniCutoff {
			continue
		}
		for left := (e.size + 1<<miniShift - 1) >> miniShift; left > 0; left-- {
			next++
			v := next
			if left == 1 {
				v = endOfChain
			}
			if err := writeUint32(w, v); err != nil {
				return err
			}
		}
	}
	return fill(w, int64(next)*4, p.shift, 0xFF)
}

func (p *packed) writeMiniStream(w io.Writer) error {
	for i := range p.entries {
		if e := &p.entries[i]; e.size > 0 && e.size < miniCutoff {
			if err := e.copy(w, miniShift); err != nil {
				return err
			}
		}
	}
	return fill(w, p.miniSize, p.shift, 0)
}

func (p *packed) writeStreams(w io.Writer) error {
	for i := range p.entries {
		if e := &p.entries[i]; e.size >= miniCutoff {
			if err := e.copy(w, p.shift); err != nil {
				return err
			}
		}
	}
	return nil
}

// copy writes a stream's contents, padded.
func (e *packedEntry) copy(w io.Writer, shift uint) error {
	r, err := e.node.Data.Open()
	if err != nil {
		return err
	}
	n, err := io.Copy(w, io.LimitReader(r, e.size))
	_ = r.Close()
	if err == nil && n != e.size {
		err = failure.New(failure.Malformed, "write compound file", e.node.Name, "cfb.pack", fmt.Errorf("%d bytes came, %d were stated", n, e.size))
	}
	if err != nil {
		return err
	}
	return fill(w, e.size, shift, 0)
}
