package pstwrite

import "encoding/binary"

// finishHeader writes the header ([MS-PST] 2.2.2.6) and the density list.
func (w *Writer) finishHeader() error {
	g, le := w.g, binary.LittleEndian
	end := g.firstMap + (w.space.region+1)*g.region()
	nextBlock, nextPage := uint64(w.blocks.count+1)<<2, w.pages.last+2

	h := le.AppendUint16(nil, 0x4D53) // "SM": personal folders
	if g.four {
		h = le.AppendUint16(h[:0], 0x4F53) // "SO": offline folders
	}
	h = le.AppendUint16(h, g.version)
	h = le.AppendUint16(h, map[bool]uint16{false: 19, true: 12}[g.four])
	h = append(h, 1, 1)
	h = append(h, make([]byte, 8)...)
	if g.wide {
		h = le.AppendUint64(h, 0)
		h = le.AppendUint64(h, nextPage)
	} else {
		h = le.AppendUint32(h, uint32(nextBlock))
		h = le.AppendUint32(h, uint32(nextPage))
	}
	h = le.AppendUint32(h, 1)
	for _, n := range w.counters {
		h = le.AppendUint32(h, n)
	}
	if g.wide {
		h = le.AppendUint64(h, 0)
	}
	h = w.root(h, end)
	if g.wide {
		h = le.AppendUint32(h, 0)
	}
	maps := byte(0xFF)
	if g.four {
		maps = 0
	}
	for range 256 {
		h = append(h, maps)
	}
	h = append(h, 0x80, byte(w.options.Encryption), 0, 0)
	var whole []byte
	if g.wide {
		h = le.AppendUint64(h, nextBlock)
		full := checksum(h[:516])
		h = append(le.AppendUint32(h, full), make([]byte, 36)...)
	} else {
		h = append(h, make([]byte, 48)...)
	}
	whole = append([]byte("!BDN"), le.AppendUint32(nil, checksum(h[:471]))...)
	if err := w.space.write(0, append(whole, h...)); err != nil {
		return err
	}
	if g.wide {
		at := g.firstMap - int64(g.page)
		body := make([]byte, g.page-g.trailer)
		if err := w.space.write(at, w.space.seal(body, pageDensity, at, w.pages.last+1)); err != nil {
			return err
		}
	}
	if w.space.next < end {
		return w.space.write(end-1, []byte{0})
	}
	return nil
}

// root appends the ROOT ([MS-PST] 2.2.2.5).
func (w *Writer) root(h []byte, end int64) []byte {
	g := w.g
	h = binary.LittleEndian.AppendUint32(h, 0)
	h = g.putID(h, uint64(end))
	h = g.putID(h, uint64(end-g.region()))
	h = g.putID(h, uint64(w.space.free))
	h = g.putID(h, 0)
	for _, r := range []reference{w.nodeRoot, w.dataRoot} {
		h = g.putID(g.putID(h, r.id), uint64(r.at))
	}
	return append(h, 2, 0, 0, 0) // the allocation maps are valid
}
