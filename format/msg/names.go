package msg

import (
	"encoding/binary"
	"unicode/utf16"

	"waybill/format/cfb"
	"waybill/format/mapi"
)

// Bounds of the table of names: there are 32,766 identifiers.
const (
	maxNames      = 0x7FFE
	maxNameText   = 4 << 20
	nameEntrySize = 8
)

// setMAPI is PS_MAPI ([MS-OXPROPS] 1.3.2).
var setMAPI = mapi.GUID{0x28, 0x03, 0x02, 0x00, 0, 0, 0, 0, 0xC0, 0, 0, 0, 0, 0, 0, 0x46}

// readNames reads the table of named properties ([MS-OXMSG] 2.2.3). A file without
// one has no named properties.
func readNames(n *cfb.Node, name string) (map[mapi.Name]mapi.ID, []error) {
	names := map[mapi.Name]mapi.ID{}
	if n == nil {
		return names, nil
	}
	var defects []error
	stream := func(child string, limit int64) []byte {
		c := n.Child(valuePrefix + child)
		if c == nil || c.Data == nil {
			return nil
		}
		b, err := read(c.Data, limit)
		if err != nil {
			defects = append(defects, err)
		}
		return b
	}
	sets, entries, texts := stream("00020102", maxNames*16), stream("00030102", maxNames*nameEntrySize), stream("00040102", maxNameText)
	bad := 0
	for i := 0; len(entries) >= nameEntrySize; entries, i = entries[nameEntrySize:], i+1 {
		number, kind := binary.LittleEndian.Uint32(entries), binary.LittleEndian.Uint16(entries[4:])
		id := 0x8000 + uint32(binary.LittleEndian.Uint16(entries[6:]))
		set, ok := setOf(sets, kind>>1)
		entry := mapi.Name{Set: set, ID: number}
		if kind&1 == 1 {
			entry.ID = 0
			entry.Text, ok = textAt(texts, number, ok)
		}
		if !ok || id > 0xFFFF {
			bad++
			continue
		}
		if _, there := names[entry]; !there {
			names[entry] = mapi.ID(id)
		}
	}
	if bad > 0 {
		defects = append(defects, malformed(name, nameStorage, "msg.names", "%d names of properties cannot be read", bad))
	}
	return names, defects
}

// setOf is the property set of an index ([MS-OXMSG] 2.2.3.1.2).
func setOf(sets []byte, index uint16) (mapi.GUID, bool) {
	switch index {
	case 0:
		return mapi.GUID{}, true
	case 1:
		return setMAPI, true
	case 2:
		return mapi.PublicStrings, true
	}
	at := (int(index) - 3) * 16
	if at+16 > len(sets) {
		return mapi.GUID{}, false
	}
	return mapi.GUID(sets[at : at+16]), true
}

// textAt is the name at an offset ([MS-OXMSG] 2.2.3.1.3).
func textAt(texts []byte, offset uint32, ok bool) (string, bool) {
	if !ok || uint64(offset)+4 > uint64(len(texts)) {
		return "", false
	}
	b := texts[offset+4:]
	size := binary.LittleEndian.Uint32(texts[offset:])
	const longest = 1024
	if size > longest || uint64(size) > uint64(len(b)) {
		return "", false
	}
	units := make([]uint16, size/2)
	for i := range units {
		units[i] = binary.LittleEndian.Uint16(b[2*i:])
	}
	text := string(utf16.Decode(units))
	return text, text != ""
}
