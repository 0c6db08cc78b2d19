package ndb

import (
	"bytes"
	"context"
	"encoding/binary"
	"io"
	"testing"

	"waybill/failure"
)

// refs makes an XBLOCK or XXBLOCK.
func refs(format Format, level byte, size uint32, ids ...uint64) []byte {
	le := binary.LittleEndian
	b := make([]byte, 2000)
	b[0], b[1] = 1, level
	le.PutUint16(b[2:], uint16(len(ids)))
	le.PutUint32(b[4:], size)
	for i, id := range ids {
		if format == ANSI {
			le.PutUint32(b[8+i*4:], uint32(id))
		} else {
			le.PutUint64(b[8+i*8:], id)
		}
	}
	return b
}

// TestDataTrees reads trees of blocks, sound and not.
func TestDataTrees(t *testing.T) {
	for _, format := range []Format{ANSI, Unicode, Unicode4K} {
		for _, c := range []struct {
			name string
			b    []byte
			want int
			rule string
		}{
			{"two blocks", refs(format, 1, 200, dataID, dataID), 200, ""},
			{"the lowest bit means nothing", refs(format, 1, 100, dataID|1), 100, ""},
			{"none", refs(format, 1, 0), 0, ""},
			{"shorter than stated", refs(format, 1, 201, dataID, dataID), 200, "pst.length"},
			{"longer than stated", refs(format, 1, 150, dataID, dataID), 100, "pst.length"},
			{"a block that is not there", refs(format, 1, 200, dataID, 400), 100, "pst.block-missing"},
			{"references where data belongs", refs(format, 1, 200, dataID, internalID), 100, "pst.data-tree"},
			{"itself", refs(format, 2, 200, internalID), 0, "pst.data-tree"},
			{"a third level", refs(format, 3, 200, dataID), -1, "pst.data-tree"},
		} {
			m := newImage(format)
			m.block(internalAt, internalID, c.b)
			f := m.open(t)
			data, err := f.Data(internalID, nil)
			if err != nil {
				if c.want >= 0 || failure.RuleOf(err) != c.rule {
					t.Errorf("%v, %s: %v", format, c.name, err)
				}
				continue
			}
			for range 2 { // it can be opened again
				r, err := data.Open()
				if err != nil {
					t.Fatal(err)
				}
				var all bytes.Buffer
				_, err = io.Copy(&all, r)
				rule := ""
				if err != nil {
					rule = failure.RuleOf(err)
				}
				if rule != c.rule || all.Len() != c.want {
					t.Errorf("%v, %s: %d bytes, %v", format, c.name, all.Len(), err)
				}
				if err := r.Close(); err != nil {
					t.Error(err)
				}
				if _, err := r.Read(make([]byte, 1)); err == nil {
					t.Error("it is read after it was closed")
				}
			}
		}
	}
}

// TestWrongSums gives data whose checksum is wrong and notes it, but no data of
// another block.
func TestWrongSums(t *testing.T) {
	for _, format := range []Format{ANSI, Unicode, Unicode4K} {
		m := newImage(format)
		m.b[dataAt+5] ^= 1
		f := m.open(t)
		k, err := f.Block(dataID)
		if err != nil {
			t.Fatal(err)
		}
		var d Defects
		for range 3 {
			b, err := f.Read(k, nil, &d)
			if err != nil || len(b) != 100 || b[5] != 1 {
				t.Errorf("%v: %v %v", format, b, err)
			}
		}
		if d.Count() != 1 || d.List()[0].Rule != "pst.crc" {
			t.Errorf("%v: %v", format, d.List())
		}
		m.block(dataAt, dataID+4, make([]byte, 100))
		if _, err := f.Read(k, nil, &d); failure.RuleOf(err) != "pst.block" {
			t.Errorf("%v: another block: %v", format, err)
		}
	}
}

// TestSubnodes finds subnodes in one block, in order or not.
func TestSubnodes(t *testing.T) {
	le := binary.LittleEndian
	for _, format := range []Format{ANSI, Unicode} {
		b := make([]byte, 2000)
		b[0], b[2] = 2, 3
		nids := []uint32{0x8025, 0x8045, 0x671} // the last stands in no order
		for i, nid := range nids {
			if format == ANSI {
				le.PutUint32(b[4+i*12:], nid)
				le.PutUint32(b[8+i*12:], dataID)
			} else {
				le.PutUint32(b[8+i*24:], nid)
				le.PutUint64(b[16+i*24:], dataID)
			}
		}
		m := newImage(format)
		m.block(internalAt, internalID, b)
		s, err := m.open(t).Subnodes(internalID, nil)
		if err != nil {
			t.Fatal(err)
		}
		for _, nid := range nids {
			if n, found, err := s.Node(NID(nid)); err != nil || !found || n.NID != NID(nid) || n.Data != dataID {
				t.Errorf("%v: %+v %v %v", format, n, found, err)
			}
		}
		if _, found, err := s.Node(0x692); found || err != nil {
			t.Errorf("%v: a subnode that is not there: %v", format, err)
		}
		n := 0
		if err := s.All(func(Node) bool { n++; return true }); err != nil || n != 3 {
			t.Errorf("%v: %d subnodes, %v", format, n, err)
		}
	}
}

// TestCancelled ends a walk.
func TestCancelled(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	m := newImage(Unicode)
	if _, err := Open(ctx, bytes.NewReader(m.b), imageSize, "x", true); err != nil {
		t.Errorf("nothing is to be searched: %v", err) // both trees are whole
	}
	clear(m.b[nodesAt : nodesAt+512])
	if _, err := Open(ctx, bytes.NewReader(m.b), imageSize, "x", true); failure.ClassOf(err) != failure.Cancelled {
		t.Errorf("the search is not cancelled: %v", err)
	}
}
