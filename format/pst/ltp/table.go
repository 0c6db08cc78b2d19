package ltp

import (
	"context"
	"encoding/binary"
	"errors"
	"io"
	"iter"
	"math/bits"
	"slices"

	"waybill/failure"
	"waybill/format/mapi"
	"waybill/format/pst/ndb"
)

// Table is a table context ([MS-PST] 2.3.4). It is not safe for several goroutines
// at once.
type Table struct {
	*Heap
	columns  []column
	rowSize  int
	existing int // where the bits of the cells that exist begin
	index    bth
	single   []byte    // the rows, where the heap holds them
	matrix   *ndb.Tree // the rows, where a subnode holds them
	perBlock int       // rows in each block of the matrix
	block    []byte
	number   int
}

// column is a column ([MS-PST] 2.3.4.2).
type column struct {
	tag       mapi.Tag
	offset    uint16
	size, bit uint8
}

// OpenTable opens the table in the data of a node.
func OpenTable(f *ndb.File, n ndb.Node, where string, d *ndb.Defects) (*Table, error) {
	h, err := OpenHeap(f, n, where, d)
	if err != nil {
		return nil, err
	}
	if h.client != clientTable {
		return nil, h.broken("pst.table", "the heap holds no table, but type %02X", h.client)
	}
	b, err := h.Item(h.root)
	if err != nil {
		return nil, err
	}
	if len(b) < 22 || b[0] != clientTable || 22+int(b[1])*8 > len(b) {
		return nil, h.broken("pst.table", "the table's description has only %d bytes", len(b))
	}
	le := binary.LittleEndian
	t := &Table{Heap: h, number: -1}
	t.existing, t.rowSize = int(le.Uint16(b[6:])), int(le.Uint16(b[8:]))
	if t.existing < 4 || t.rowSize < t.existing {
		return nil, h.broken("pst.table", "rows of %d bytes have their bits at %d", t.rowSize, t.existing)
	}
	t.columns = make([]column, 0, b[1])
	for c := b[22 : 22+int(b[1])*8]; len(c) >= 8; c = c[8:] {
		col := column{mapi.Tag(le.Uint32(c)), le.Uint16(c[4:]), c[6], c[7]}
		if int(col.offset)+int(col.size) > t.existing || t.existing+int(col.bit)/8 >= t.rowSize {
			h.d.Add(h.broken("pst.table", "column %v lies outside of its row", col.tag))
			continue
		}
		t.columns = append(t.columns, col)
	}
	if t.index, err = h.openBTH(HID(le.Uint32(b[10:]))); err != nil {
		return nil, err
	}
	if t.index.key != 4 || t.index.entry != 4 && t.index.entry != 2 {
		return nil, h.broken("pst.table", "the index of rows has keys of %d bytes and entries of %d", t.index.key, t.index.entry)
	}
	return t, t.openRows(le.Uint32(b[14:]))
}

// openRows finds the rows: in the heap, or in a subnode ([MS-PST] 2.3.4.4).
func (t *Table) openRows(hnid uint32) (err error) {
	if hnid&0x1F == 0 {
		t.single, err = t.Item(HID(hnid))
		return err
	}
	n, err := t.subnode(ndb.NID(hnid))
	if err != nil {
		return err
	}
	if t.matrix, err = t.f.Tree(n.Data, t.d); err != nil {
		return err
	}
	first, err := t.matrix.Block(0, nil)
	if err != nil {
		if errors.Is(err, io.EOF) {
			t.matrix = nil
			return nil
		}
		return err
	}
	// Rows do not span blocks: each holds as many as fit, and what is left over
	// is unused.
	if t.perBlock = len(first) / t.rowSize; t.perBlock == 0 {
		return t.broken("pst.table", "a row of %d bytes does not fit into a block of %d", t.rowSize, len(first))
	}
	t.block, t.number = first, 0
	return nil
}

// row gives row i of the matrix.
func (t *Table) row(i int) ([]byte, error) {
	b, at := t.single, i
	if t.matrix != nil {
		number := i / t.perBlock
		if number != t.number {
			data, err := t.matrix.Block(number, nil)
			if errors.Is(err, io.EOF) {
				return nil, t.broken("pst.row", "there is no row %d", i)
			}
			if err != nil {
				return nil, err
			}
			t.block, t.number = data, number
		}
		b, at = t.block, i%t.perBlock
	}
	if at < 0 || at >= len(b)/t.rowSize {
		return nil, t.broken("pst.row", "there is no row %d", i)
	}
	return b[at*t.rowSize : (at+1)*t.rowSize : (at+1)*t.rowSize], nil
}

// Row is one row. It stays valid while the next ones are read.
type Row struct {
	t *Table
	// ID tells rows apart: where rows stand for nodes, it is the node's number.
	ID   uint32
	data []byte
}

// Rows yields the rows in the order of their IDs. An error concerns one row, whose
// ID is told, or, with ID 0, all rows that are left.
func (t *Table) Rows(ctx context.Context) iter.Seq2[Row, error] {
	return func(yield func(Row, error) bool) {
		le, ended := binary.LittleEndian, false
		err := t.index.walk(func(key, entry []byte) bool {
			if err := ctx.Err(); err != nil {
				ended = true
				yield(Row{}, failure.New(failure.Cancelled, "read table", t.where, "cancelled", err))
				return false
			}
			at := int(le.Uint16(entry))
			if len(entry) == 4 {
				at = int(le.Uint32(entry))
			}
			r := Row{t: t, ID: le.Uint32(key)}
			var err error
			if r.data, err = t.row(at); err == nil {
				if id := le.Uint32(r.data); id != r.ID {
					t.d.Add(t.broken("pst.row", "row %d is called 0x%X and should be 0x%X", at, id, r.ID))
				}
			}
			ended = !yield(r, err)
			return !ended
		})
		if err != nil && !ended {
			yield(Row{}, err)
		}
	}
}

// cell gives what stands in a column; nil where nothing does.
func (r Row) cell(c column) []byte {
	if r.data == nil || r.data[r.t.existing+int(c.bit)/8]&(0x80>>(c.bit%8)) == 0 {
		return nil
	}
	return r.data[c.offset : int(c.offset)+int(c.size)]
}

// Value gives one property of the row, under its ID.
func (r Row) Value(id mapi.ID) (v mapi.Value, ok bool) {
	for _, c := range r.t.columns {
		if c.tag.ID() == id {
			if cell := r.cell(c); cell != nil {
				return r.t.value(c.tag, cell), true
			}
		}
	}
	return mapi.Value{}, false
}

// Props gives the properties of the row: all, or those that only names.
func (r Row) Props(names map[mapi.Name]mapi.ID, codePage int, only ...mapi.ID) *mapi.Props {
	p := mapi.NewProps(names, codePage)
	p.Grow(min(len(r.t.columns), max(len(only), r.t.existingCells(r.data))))
	for _, c := range r.t.columns {
		if len(only) > 0 && !slices.Contains(only, c.tag.ID()) {
			continue
		}
		if cell := r.cell(c); cell != nil {
			p.Set(c.tag.ID(), r.t.value(c.tag, cell))
		}
	}
	return p
}

// existingCells counts the cells of a row that exist.
func (t *Table) existingCells(row []byte) (n int) {
	if row == nil {
		return 0
	}
	for _, b := range row[t.existing:] {
		n += bits.OnesCount8(b)
	}
	return n
}
