package ltp

import (
	"bytes"
	"context"
	"encoding/binary"
	"errors"
	"hash/crc32"
	"io"
	"testing"

	"waybill/failure"
	"waybill/format/mapi"
	"waybill/format/pst/ndb"
	"waybill/internal/pstwrite"
)

// container makes a Unicode file of one node, whose data is data and whose
// subnode 0x3F has the data of sub.
func container(t testing.TB, data, sub []byte) (*ndb.File, ndb.Node) {
	t.Helper()
	data, sub = data[:min(len(data), 8176)], sub[:min(len(sub), 8176)]
	le := binary.LittleEndian
	sum := func(b []byte) uint32 { return ^crc32.Update(^uint32(0), crc32.IEEETable, b) }
	f := make([]byte, 40<<10)
	copy(f, "!BDN")
	copy(f[8:], "SM")
	le.PutUint16(f[10:], 23)
	le.PutUint64(f[184:], uint64(len(f)))
	for at, v := range map[int]uint64{216: 0x11, 224: 1024, 232: 0x12, 240: 1536} {
		le.PutUint64(f[at:], v)
	}
	page := func(offset int, kind byte, id uint64, entry int, all ...[]uint64) {
		b := f[offset : offset+512]
		for i, e := range all {
			for j, v := range e {
				le.PutUint64(b[i*entry+j*8:], v)
			}
		}
		b[488], b[489], b[490] = byte(len(all)), 20, byte(entry)
		b[496], b[497] = kind, kind
		le.PutUint32(b[500:], sum(b[:496]))
		le.PutUint64(b[504:], id)
	}
	list := make([]byte, 32)
	list[0], list[2] = 2, 1
	le.PutUint64(list[8:], 0x3F)
	le.PutUint64(list[16:], 12)
	blocks := [][]uint64{}
	for i, b := range [][]byte{data, list, sub} {
		id := []uint64{4, 10, 12}[i]
		offset := 4096 + i*8704
		copy(f[offset:], b)
		end := offset + (len(b)+16+63)/64*64
		le.PutUint16(f[end-16:], uint16(len(b)))
		le.PutUint32(f[end-12:], sum(b))
		le.PutUint64(f[end-8:], id)
		blocks = append(blocks, []uint64{id, uint64(offset), uint64(len(b)) | 2<<16})
	}
	page(1024, 0x81, 0x11, 32, []uint64{0x24, 4, 10, 0})
	page(1536, 0x80, 0x12, 24, blocks...)
	file, err := ndb.Open(context.Background(), bytes.NewReader(f), int64(len(f)), "fuzz", false)
	if err != nil {
		t.Fatal(err)
	}
	n, found, err := file.Node(0x24)
	if err != nil || !found {
		t.Fatal("the container is wrong", err)
	}
	return file, n
}

// seeds adds the heaps of a real small file: of messages, folders, tables.
func seeds(f *testing.F, kind ndb.Kind) {
	var file memory
	w, err := pstwrite.New(&file, pstwrite.Options{})
	if err != nil {
		f.Fatal(err)
	}
	_, err = w.Add(pstwrite.Root, pstwrite.Message{Props: []pstwrite.Prop{
		pstwrite.Text(mapi.Subject, "a seed"), pstwrite.Texts(0x8001, "several", "texts"),
	}})
	if err != nil {
		f.Fatal(err)
	}
	if err := w.Close(); err != nil {
		f.Fatal(err)
	}
	db, err := ndb.Open(context.Background(), bytes.NewReader(file.b), int64(len(file.b)), "seed", false)
	if err != nil {
		f.Fatal(err)
	}
	err = db.Nodes(context.Background(), func(n ndb.Node) bool {
		if n.NID.Kind() == kind {
			if tree, err := db.Tree(n.Data, nil); err == nil {
				if b, err := tree.Block(0, nil); err == nil {
					f.Add(b, []byte("what a subnode has"))
				}
			}
		}
		return true
	}, func(error) {})
	if err != nil {
		f.Fatal(err)
	}
	f.Add([]byte{}, []byte{})
}

// memory is a file in memory.
type memory struct{ b []byte }

func (m *memory) WriteAt(p []byte, off int64) (int, error) {
	if need := int(off) + len(p); need > len(m.b) {
		m.b = append(m.b, make([]byte, need-len(m.b))...)
	}
	return copy(m.b[off:], p), nil
}

// known fails on errors that do not tell what they should.
func known(t *testing.T, err error) {
	t.Helper()
	var e *failure.Error
	if err != nil && (!errors.As(err, &e) || e.Rule == "" || e.Class != failure.Malformed) {
		t.Errorf("an error of no kind: %v", err)
	}
}

// values reads all values, and bounds what they have together.
func values(t *testing.T, p *mapi.Props) {
	t.Helper()
	total := 0
	for id, v := range p.All() {
		total += len(v.Many)
		_ = p.Texts(id)
		if v.Data == nil {
			continue
		}
		r, err := v.Data.Open()
		if err != nil {
			known(t, err)
			continue
		}
		n, err := io.Copy(io.Discard, r)
		known(t, err)
		if err == nil && n != v.Data.Size() {
			t.Errorf("a value of %d bytes says %d", n, v.Data.Size())
		}
		_ = r.Close()
	}
	if total > 1<<20 {
		t.Errorf("%d values came out of 16 kB", total)
	}
}

func FuzzProperties(f *testing.F) {
	seeds(f, ndb.KindMessage)
	f.Fuzz(func(t *testing.T, data, sub []byte) {
		file, n := container(t, data, sub)
		p := mapi.NewProps(nil, 1252)
		known(t, Properties(file, n, "fuzz", p, &ndb.Defects{}))
		values(t, p)
	})
}

func FuzzTable(f *testing.F) {
	seeds(f, ndb.KindContentsTable)
	seeds(f, ndb.KindHierarchyTable)
	f.Fuzz(func(t *testing.T, data, sub []byte) {
		file, n := container(t, data, sub)
		table, err := OpenTable(file, n, "fuzz", &ndb.Defects{})
		if err != nil {
			known(t, err)
			return
		}
		rows := 0
		for row, err := range table.Rows(context.Background()) {
			known(t, err)
			if rows++; err == nil && rows < 100 {
				values(t, row.Props(nil, 1252))
			}
		}
		if rows > 8192 {
			t.Errorf("%d rows came out of 16 kB", rows)
		}
	})
}

// TestTables reads hand-made rows and values of the container, so that the fuzz
// targets are known to reach them.
func TestTables(t *testing.T) {
	le := binary.LittleEndian
	// A table of one column of 4 bytes and one text, with one row, in one heap.
	heap := func(items ...[]byte) []byte {
		b := make([]byte, 12)
		b[2], b[3] = 0xEC, clientTable
		le.PutUint32(b[4:], 0x20)
		starts := []int{}
		for _, x := range items {
			starts = append(starts, len(b))
			b = append(b, x...)
		}
		starts = append(starts, len(b))
		le.PutUint16(b, uint16(len(b)))
		b = le.AppendUint16(b, uint16(len(items)))
		b = le.AppendUint16(b, 0)
		for _, s := range starts {
			b = le.AppendUint16(b, uint16(s))
		}
		return b
	}
	info := []byte{clientTable, 2, 12, 0, 12, 0, 12, 0, 13, 0, 0x40, 0, 0, 0, 0x80, 0, 0, 0, 0, 0, 0, 0,
		0x03, 0, 0xF2, 0x67, 0, 0, 4, 0, // the row's number
		0x1F, 0, 0x01, 0x30, 4, 0, 4, 1, // a text
	}
	index := []byte{clientTree, 4, 4, 0, 0x60, 0, 0, 0}
	rows := []byte{7, 0, 0, 0, 0xA0, 0, 0, 0, 0, 0, 0, 0, 0xC0}
	data := heap(info, index, []byte{7, 0, 0, 0, 0, 0, 0, 0}, rows, []byte{'h', 0, 'i', 0})
	file, n := container(t, data, nil)
	table, err := OpenTable(file, n, "test", nil)
	if err != nil {
		t.Fatal(err)
	}
	seen := 0
	for row, err := range table.Rows(t.Context()) {
		if err != nil || row.ID != 7 {
			t.Fatal(row.ID, err)
		}
		p := row.Props(nil, 0)
		if number, _ := p.Int(0x67F2); number != 7 || p.Text(mapi.DisplayName) != "hi" {
			t.Errorf("%d %q", number, p.Text(mapi.DisplayName))
		}
		seen++
	}
	if seen != 1 {
		t.Errorf("%d rows", seen)
	}
}
