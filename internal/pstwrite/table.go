package pstwrite

import (
	"cmp"
	"encoding/binary"
	"slices"

	"waybill/failure"
	"waybill/format/mapi"
)

// Columns that every table has ([MS-PST] 2.3.4.4.1): the row's number and version.
const (
	rowNumber  mapi.Tag = 0x67F20003
	rowVersion mapi.Tag = 0x67F30003
)

// column is where the cells of a column are in a row.
type column struct {
	tag   mapi.Tag
	at    int
	width int
	bit   int
}

// table writes a table context ([MS-PST] 2.3.4) row by row.
type table struct {
	b       *blocks
	heap    *heap
	beside  nodes
	columns []column // by tag
	bounds  [4]int   // ends of the cells of 8 and 4, of 2, of 1 bytes, and of the bitmap
	rows    []byte   // those of the current block
	spilled []blockID
	index   []byte
	count   int
	ansi    bool
}

// newTable begins a table. columns need neither order nor the two that every table has.
func newTable(b *blocks, columns []mapi.Tag) *table {
	t := &table{b: b, ansi: !b.g.wide}
	all := []mapi.Tag{rowNumber, rowVersion}
	for _, c := range columns {
		if t.ansi && c.Type() == mapi.TypeUnicode {
			c = mapi.MakeTag(c.ID(), mapi.TypeString8)
		}
		all = append(all, c)
	}
	at := 0
	place := func(width, class int) {
		for bit, c := range all {
			if w := cellWidth(c.Type()); w == width || width == 4 && w == 8 {
				t.columns = append(t.columns, column{c, at, w, bit})
				at += w
			}
		}
		t.bounds[class] = at
	}
	place(4, 0)
	place(2, 1)
	place(1, 2)
	t.bounds[3] = at + (len(all)+7)/8
	slices.SortFunc(t.columns, func(x, y column) int { return cmp.Compare(x.tag, y.tag) })
	return t
}

// cellWidth is the room of a cell ([MS-PST] 2.3.4.2): values of another size are
// in the heap.
func cellWidth(t mapi.Type) int {
	switch size := t.Fixed(); {
	case t == mapi.TypeBool:
		return 1
	case size == 2 || size == 8:
		return size
	default:
		return 4
	}
}

// add adds a row. Properties that are no column are left out.
func (t *table) add(number uint32, props []encoded) error {
	if t.heap == nil {
		t.heap = newHeap(t.b, tableContext)
	}
	if t.b.g.rowIndex == 2 && t.count == 1<<16 {
		return failure.New(failure.TooLarge, "write PST", "table", "pstwrite.rows", nil).
			WithRemedy("tables of ANSI files have at most 65,536 rows")
	}
	size := t.bounds[3]
	if len(t.rows)+size > t.b.g.most() {
		if err := t.spill(true); err != nil {
			return err
		}
	}
	start := len(t.rows)
	t.rows = append(t.rows, make([]byte, size)...)
	row := t.rows[start:]
	le := binary.LittleEndian
	for _, c := range t.columns {
		var bits uint64
		switch c.tag {
		case rowNumber:
			bits = uint64(number)
		case rowVersion:
			bits = uint64(t.count + 1)
		default:
			i := slices.IndexFunc(props, func(p encoded) bool { return p.id == c.tag.ID() && p.kind == c.tag.Type() })
			if i < 0 {
				continue
			}
			if bits = props[i].bits; !inMemory(props[i].kind) {
				at, err := t.b.place(t.heap, &t.beside, props[i])
				if err != nil {
					return err
				}
				bits = uint64(at)
			}
		}
		copy(row[c.at:c.at+c.width], le.AppendUint64(nil, bits))
		row[t.bounds[2]+c.bit/8] |= 0x80 >> (c.bit % 8)
	}
	t.index = le.AppendUint32(t.index, number)
	t.index = append(t.index, le.AppendUint32(nil, uint32(t.count))[:t.b.g.rowIndex]...)
	t.count++
	return nil
}

// spill writes the rows of the current block; all blocks but the last are full.
func (t *table) spill(full bool) error {
	if full {
		t.rows = append(t.rows, make([]byte, t.b.g.most()-len(t.rows))...)
	}
	id, err := t.b.write(t.rows, 0)
	t.spilled, t.rows = append(t.spilled, id), t.rows[:0]
	return err
}

// finish writes the rest of the table.
func (t *table) finish() (data, sub blockID, err error) {
	if t.heap == nil {
		t.heap = newHeap(t.b, tableContext)
	}
	var rows uint32
	switch {
	case len(t.spilled) > 0 || len(t.rows) > largest:
		size := int64(len(t.spilled))*int64(t.b.g.most()) + int64(len(t.rows))
		if len(t.rows) > 0 {
			if err = t.spill(false); err != nil {
				return 0, 0, err
			}
		}
		tree, err := t.b.join(t.spilled, size)
		if err != nil {
			return 0, 0, err
		}
		rows = t.beside.add(typeValue, tree, 0)
	case len(t.rows) > 0:
		id, err := t.heap.put(t.rows)
		if err != nil {
			return 0, 0, err
		}
		rows = uint32(id)
	}
	index, err := t.heap.index(4, t.b.g.rowIndex, sortedRows(t.index, 4+t.b.g.rowIndex))
	if err != nil {
		return 0, 0, err
	}
	root, err := t.heap.put(t.info(index, rows))
	if err != nil {
		return 0, 0, err
	}
	if data, err = t.heap.finish(root); err != nil {
		return 0, 0, err
	}
	sub, err = t.b.subtree(t.beside.all)
	return data, sub, err
}

// info makes the TCINFO ([MS-PST] 2.3.4.1).
func (t *table) info(index heapID, rows uint32) []byte {
	le := binary.LittleEndian
	p := []byte{tableContext, byte(len(t.columns))}
	for _, end := range t.bounds {
		p = le.AppendUint16(p, uint16(end))
	}
	p = le.AppendUint32(p, uint32(index))
	p = le.AppendUint32(p, rows)
	p = le.AppendUint32(p, 0)
	for _, c := range t.columns {
		p = le.AppendUint32(p, uint32(c.tag))
		p = le.AppendUint16(p, uint16(c.at))
		p = append(p, byte(c.width), byte(c.bit))
	}
	return p
}

// sortedRows sorts the entries of a table's index by the rows' numbers.
func sortedRows(index []byte, width int) []byte {
	entries := slices.Collect(slices.Chunk(index, width))
	byNumber := func(x, y []byte) int {
		return cmp.Compare(binary.LittleEndian.Uint32(x), binary.LittleEndian.Uint32(y))
	}
	if slices.IsSortedFunc(entries, byNumber) {
		return index
	}
	slices.SortFunc(entries, byNumber)
	return slices.Concat(entries...)
}
