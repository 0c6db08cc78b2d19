package glb

import (
	"errors"
	"fmt"
	"io"

	"waybill/failure"
)

// MaxTable is the largest directory file that is read, in bytes: over a million
// records of an address list, which is more than any tool could hold (KB Q126592).
const MaxTable = 64 << 20

// Table is a file of records of one size behind a header.
type Table struct {
	Name   string
	Header []byte
	// Stray are the bytes behind the last whole record; old IMPORT programs left
	// some in XTN files (KB Q128243).
	Stray  []byte
	record int
	data   []byte
}

// ReadTable reads a whole directory file. A file that is shorter than its header
// gives an empty table whose Header is short; a file above MaxTable is an error of
// rule "msmail.table-size".
func ReadTable(r io.Reader, name string, header, record int) (Table, error) {
	t := Table{Name: name, record: record}
	data, err := io.ReadAll(io.LimitReader(r, MaxTable+1))
	if err != nil {
		if _, known := errors.AsType[*failure.Error](err); known {
			return t, err
		}
		return t, failure.New(failure.ClassOf(err), "read", name, "msmail.read", err)
	}
	if len(data) > MaxTable {
		return t, failure.New(failure.TooLarge, "read", name, "msmail.table-size", fmt.Errorf("more than %d bytes", MaxTable))
	}
	header = min(header, len(data))
	t.Header, data = data[:header:header], data[header:]
	whole := len(data) / record * record
	t.data, t.Stray = data[:whole:whole], data[whole:]
	return t, nil
}

// Len is the number of whole records.
func (t *Table) Len() int {
	if t.record == 0 {
		return 0
	}
	return len(t.data) / t.record
}

// Record gives the bytes of record i, which must be below Len. They belong to the
// table.
func (t *Table) Record(i int) []byte {
	at := i * t.record
	return t.data[at : at+t.record : at+t.record]
}

// Offset is where record i begins in the file.
func (t *Table) Offset(i int) int64 { return int64(len(t.Header)) + int64(i)*int64(t.record) }

// Index finds the record that begins at a file offset.
func (t *Table) Index(offset uint32) (int, bool) {
	at := int64(offset) - int64(len(t.Header))
	if t.record == 0 || at < 0 || at%int64(t.record) != 0 || at/int64(t.record) >= int64(t.Len()) {
		return 0, false
	}
	return int(at / int64(t.record)), true
}

// Width is the size of a record.
func (t *Table) Width() int { return t.record }
