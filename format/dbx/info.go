package dbx

import (
	"encoding/binary"
	"time"

	"waybill/format/mapi"
)

// info is an object of numbered values ([oedbx] indexed info): twelve bytes of
// header, four for each value, and the data of the longer ones.
type info struct {
	w    *window
	at   int64
	end  int64
	data int64
	// value holds the upper three bytes of each entry, and direct tells that they
	// are the value itself and no offset.
	value  [maxIndexEntries]uint32
	direct [maxIndexEntries]bool
	has    [maxIndexEntries]bool
}

const infoHead = 12

// info reads the index of the object at an offset.
func (f *File) info(w *window, at int64) (*info, error) {
	b, err := w.bytes(at, infoHead)
	if err != nil {
		return nil, err
	}
	length, n := int64(u32(b, 4)), int(b[10])
	switch {
	case int64(u32(b, 0)) != at:
		return nil, f.malformed(at, "info", "there is no object with facts of an entry")
	case n > maxIndexEntries || length < int64(4*n) || length > maxIndexedInfo || at+infoHead+length > f.size:
		return nil, f.malformed(at, "info", "an object of %d bytes with %d values does not fit", length, n)
	}
	i := &info{w: w, at: at, end: at + infoHead + length, data: at + infoHead + int64(4*n)}
	if b, err = w.bytes(at+infoHead, 4*n); err != nil {
		return nil, err
	}
	for k := range n {
		e := u32(b, 4*k)
		id := e & 0x7f
		i.value[id], i.direct[id], i.has[id] = e>>8, e&0x80 != 0, true
	}
	return i, nil
}

// bytes gives up to n bytes of a value that lies among the data.
func (i *info) bytes(id, n int) []byte {
	at := i.data + int64(i.value[id])
	if !i.has[id] || i.direct[id] || at >= i.end {
		return nil
	}
	b, err := i.w.bytes(at, int(min(int64(n), i.end-at)))
	if err != nil {
		return nil
	}
	return b
}

// number gives a number of four bytes.
func (i *info) number(id int) (uint32, bool) {
	if !i.has[id] {
		return 0, false
	}
	if i.direct[id] {
		return i.value[id], true
	}
	if b := i.bytes(id, 4); len(b) == 4 {
		return u32(b, 0), true
	}
	return 0, false
}

// time gives a FILETIME; the zero time where there is none.
func (i *info) time(id int) time.Time {
	if b := i.bytes(id, 8); len(b) == 8 {
		if t, ok := mapi.FileTime(binary.LittleEndian.Uint64(b)); ok {
			return t
		}
	}
	return time.Time{}
}

// text gives a text that ends with a zero byte; longer ones are cut.
func (i *info) text(id, longest int) []byte {
	b := i.bytes(id, longest)
	for n, c := range b {
		if c == 0 {
			return append([]byte(nil), b[:n]...)
		}
	}
	return append([]byte(nil), b...)
}
