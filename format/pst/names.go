package pst

import (
	"encoding/binary"
	"errors"
	"unicode/utf16"

	"waybill/failure"
	"waybill/format/mapi"
	"waybill/format/pst/ndb"
)

// The streams of the table of named properties ([MS-PST] 2.4.7).
const (
	guidStream   mapi.ID = 0x0002
	entryStream  mapi.ID = 0x0003
	stringStream mapi.ID = 0x0004
)

// maxName is the longest name in bytes; longer ones are damage.
const maxName = 4096

// propertySetMAPI is the set of properties that have fixed IDs (PS_MAPI).
var propertySetMAPI = mapi.GUID{0x28, 0x03, 0x02, 0x00, 0, 0, 0, 0, 0xC0, 0, 0, 0, 0, 0, 0, 0x46}

// readNames reads the table of named properties. Names that cannot be read are
// left out, and the error tells that there are some.
func (f *File) readNames() (map[mapi.Name]mapi.ID, error) {
	names := map[mapi.Name]mapi.ID{}
	p := mapi.NewProps(nil, 0)
	if err := f.properties(ndb.NameToIDMap, p, &f.db.Defects); err != nil {
		return names, err
	}
	le := binary.LittleEndian
	sets, entries, texts := p.Binary(guidStream), p.Binary(entryStream), p.Binary(stringStream)
	var broken error
	for ; len(entries) >= 8; entries = entries[8:] {
		number, which, index := le.Uint32(entries), le.Uint16(entries[4:]), le.Uint16(entries[6:])
		n := mapi.Name{ID: number}
		ok := index < 0x8000
		switch set := int(which >> 1); {
		case set == 0:
		case set == 1:
			n.Set = propertySetMAPI
		case set == 2:
			n.Set = mapi.PublicStrings
		case (set-2)*16 <= len(sets):
			copy(n.Set[:], sets[(set-3)*16:])
		default:
			ok = false
		}
		if ok && which&1 != 0 {
			n.ID = 0
			n.Text, ok = nameAt(texts, number)
		}
		if !ok {
			broken = failure.New(failure.Malformed, "read names of properties", f.where(ndb.NameToIDMap), "pst.names",
				errors.New("a name lies outside of the table"))
			continue
		}
		if _, twice := names[n]; !twice {
			names[n] = mapi.ID(0x8000 + index)
		}
	}
	return names, broken
}

// nameAt reads a name out of the stream of names: a length and UTF-16.
func nameAt(texts []byte, at uint32) (string, bool) {
	if int64(at)+4 > int64(len(texts)) {
		return "", false
	}
	size := binary.LittleEndian.Uint32(texts[at:])
	b := texts[at+4:]
	if size > maxName || int(size) > len(b) {
		return "", false
	}
	units := make([]uint16, size/2)
	for i := range units {
		units[i] = binary.LittleEndian.Uint16(b[i*2:])
	}
	return string(utf16.Decode(units)), true
}
