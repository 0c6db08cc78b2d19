package ndb

import (
	"bytes"
	"context"
	"encoding/binary"
	"errors"
	"io"
	"testing"

	"waybill/failure"
)

// image is a file of one page per tree and three blocks, which a test fills: the
// page of nodes, a data block, and an internal block.
type image struct {
	format Format
	b      []byte
}

const (
	imageSize  = 192 << 10
	nodesAt    = 8192
	blocksAt   = 16384
	dataAt     = 32768
	internalAt = 98304
	dataID     = 4
	internalID = 10
)

func newImage(format Format) *image {
	m := &image{format, make([]byte, imageSize)}
	le, lay := binary.LittleEndian, layouts[format]
	copy(m.b, "!BDN")
	copy(m.b[8:], "SM")
	le.PutUint16(m.b[10:], map[Format]uint16{ANSI: 15, Unicode: 23, Unicode4K: 36}[format])
	if format == ANSI {
		for at, v := range map[int]uint32{168: imageSize, 184: 1, 188: nodesAt, 192: 2, 196: blocksAt} {
			le.PutUint32(m.b[at:], v)
		}
	} else {
		for at, v := range map[int]uint64{184: imageSize, 216: 1, 224: nodesAt, 232: 2, 240: blocksAt} {
			le.PutUint64(m.b[at:], v)
		}
	}
	page := make([]byte, 0, lay.meta)
	for _, k := range []struct{ id, at, size uint64 }{{dataID, dataAt, 100}, {internalID, internalAt, 2000}} {
		if format == ANSI {
			page = le.AppendUint32(le.AppendUint32(page, uint32(k.id)), uint32(k.at))
			page = le.AppendUint32(page, uint32(k.size))
		} else {
			page = le.AppendUint64(le.AppendUint64(le.AppendUint64(page, k.id), k.at), k.size)
		}
	}
	m.page(blocksAt, blockPage, 2, page, 2, lay.block, 0)
	m.page(nodesAt, nodePage, 1, nil, 0, lay.node, 0)
	m.block(dataAt, dataID, make([]byte, 100))
	return m
}

// page writes a page of a tree.
func (m *image) page(at int, kind byte, id uint64, entries []byte, count, width, level int) {
	le, lay := binary.LittleEndian, layouts[m.format]
	b := m.b[at : at+lay.pageSize]
	clear(b)
	copy(b[:lay.meta], entries)
	if m.format == Unicode4K {
		le.PutUint16(b[lay.meta:], uint16(count))
		b[lay.meta+4], b[lay.meta+5] = byte(width), byte(level)
	} else {
		b[lay.meta], b[lay.meta+2], b[lay.meta+3] = byte(count), byte(width), byte(level)
	}
	t := b[lay.trailer:]
	t[0], t[1] = kind, kind
	sum := checksum(b[:lay.trailer])
	if m.format == ANSI {
		le.PutUint32(t[4:], uint32(id))
		le.PutUint32(t[8:], sum)
		return
	}
	le.PutUint32(t[4:], sum)
	le.PutUint64(t[8:], id)
}

// block writes a block.
func (m *image) block(at int, id uint64, content []byte) {
	le, lay := binary.LittleEndian, layouts[m.format]
	copy(m.b[at:], content)
	end := at + (len(content)+lay.blockTrailer+lay.blockAlign-1)/lay.blockAlign*lay.blockAlign
	t := m.b[end-lay.blockTrailer:]
	le.PutUint16(t, uint16(len(content)))
	le.PutUint16(t[2:], signature(int64(at), BID(id)))
	if m.format == ANSI {
		le.PutUint32(t[4:], uint32(id))
		le.PutUint32(t[8:], checksum(content))
		return
	}
	le.PutUint32(t[4:], checksum(content))
	le.PutUint64(t[8:], id)
}

func (m *image) open(t testing.TB) *File {
	t.Helper()
	f, err := Open(context.Background(), bytes.NewReader(m.b), imageSize, "image", false)
	if err != nil {
		t.Fatal(err)
	}
	return f
}

func known(t *testing.T, err error) {
	t.Helper()
	var e *failure.Error
	if err != nil && !errors.Is(err, io.EOF) && (!errors.As(err, &e) || e.Rule == "" || e.Where == "") {
		t.Errorf("an error of no kind: %v", err)
	}
}

// FuzzHeader opens files with any header.
func FuzzHeader(f *testing.F) {
	for _, format := range []Format{ANSI, Unicode, Unicode4K} {
		f.Add(newImage(format).b[:headerSize])
	}
	image := newImage(Unicode).b
	f.Fuzz(func(t *testing.T, header []byte) {
		b := bytes.Clone(image)
		copy(b, header[:min(len(header), headerSize)])
		file, err := Open(context.Background(), bytes.NewReader(b), int64(len(b)), "fuzz", true)
		if err != nil {
			known(t, err)
			return
		}
		nodes := 0
		known(t, file.Nodes(context.Background(), func(Node) bool { nodes++; return true }, func(err error) { known(t, err) }))
		if nodes > len(b)/16 {
			t.Errorf("%d nodes in %d bytes", nodes, len(b))
		}
	})
}

// FuzzPage reads any root of the tree of nodes, at any level.
func FuzzPage(f *testing.F) {
	f.Add([]byte{0x24, 0, 0, 0, 0, 0, 0, 0, 4, 0, 0, 0, 0, 0, 0, 0}, byte(1), byte(32), byte(0), byte(1))
	f.Add([]byte{0x24, 0, 0, 0, 0, 0, 0, 0, 1, 0, 0, 0, 0, 0, 0, 0, 0, 0x20, 0, 0, 0, 0, 0, 0}, byte(1), byte(24), byte(1), byte(1))
	f.Add([]byte{0x24, 0, 0, 0, 4, 0, 0, 0, 0, 0, 0, 0}, byte(1), byte(16), byte(0), byte(0))
	f.Fuzz(func(t *testing.T, entries []byte, count, width, level, format byte) {
		m := newImage(Format(format % 3))
		m.page(nodesAt, nodePage, 1, entries, int(count), int(width), int(level))
		file := m.open(t)
		last, nodes := NID(0), 0
		known(t, file.Nodes(context.Background(), func(n Node) bool {
			if nodes > 0 && n.NID <= last {
				t.Errorf("%v after %v", n.NID, last)
			}
			last, nodes = n.NID, nodes+1
			got, found, err := file.Node(n.NID)
			if !found || err != nil || got != n {
				t.Errorf("%v is listed, and found is %+v, %v", n.NID, got, err)
			}
			return true
		}, func(err error) { known(t, err) }))
		if nodes > 255 {
			t.Errorf("%d nodes on one page", nodes)
		}
	})
}

// FuzzInternalBlock reads any block of references: as a tree of data and as
// subnodes.
func FuzzInternalBlock(f *testing.F) {
	f.Add([]byte{1, 1, 2, 0, 200, 0, 0, 0, 4, 0, 0, 0, 0, 0, 0, 0, 4, 0, 0, 0, 0, 0, 0, 0}, byte(1))
	f.Add([]byte{1, 2, 1, 0, 200, 0, 0, 0, 10, 0, 0, 0, 0, 0, 0, 0}, byte(1))
	f.Add([]byte{2, 0, 1, 0, 0, 0, 0, 0, 0x3F, 0, 0, 0, 0, 0, 0, 0, 4, 0, 0, 0, 0, 0, 0, 0, 10, 0, 0, 0, 0, 0, 0, 0}, byte(1))
	f.Add([]byte{2, 1, 1, 0, 0, 0, 0, 0, 0x3F, 0, 0, 0, 0, 0, 0, 0, 10, 0, 0, 0, 0, 0, 0, 0}, byte(2))
	f.Add([]byte{1, 1, 2, 0, 200, 0, 0, 0, 4, 0, 0, 0, 4, 0, 0, 0}, byte(0))
	f.Fuzz(func(t *testing.T, content []byte, format byte) {
		m := newImage(Format(format % 3))
		whole := make([]byte, 2000)
		copy(whole, content)
		m.block(internalAt, internalID, whole)
		file := m.open(t)
		if data, err := file.Data(internalID, &Defects{}); err != nil {
			known(t, err)
		} else if r, err := data.Open(); err != nil {
			known(t, err)
		} else {
			n, err := io.Copy(io.Discard, r)
			known(t, err)
			if n > 1<<20 || err == nil && n != data.Size() {
				t.Errorf("%d bytes of %d came out of 192 kB", n, data.Size())
			}
			_ = r.Close()
		}
		subs, err := file.Subnodes(internalID, &Defects{})
		if err != nil {
			known(t, err)
			return
		}
		n := 0
		known(t, subs.All(func(Node) bool { n++; return true }))
		if n > 100_000 {
			t.Errorf("%d subnodes came out of one block", n)
		}
		_, _, err = subs.Node(0x3F)
		known(t, err)
	})
}
