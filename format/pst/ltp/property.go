package ltp

import (
	"encoding/binary"

	"waybill/format/mapi"
	"waybill/format/pst/ndb"
)

// maxProperties bounds how many properties an object may have: their numbers have
// 16 bits, and each once.
const maxProperties = 1 << 16

// Properties reads the property context of a node ([MS-PST] 2.3.3) into p. What
// could not be read of single values is noted in d, and in the values; the error
// tells that properties are missing, and those before it are there.
func Properties(f *ndb.File, n ndb.Node, where string, p *mapi.Props, d *ndb.Defects) error {
	h, err := OpenHeap(f, n, where, d)
	if err != nil {
		return err
	}
	if h.client != clientProperty {
		return h.broken("pst.properties", "the heap holds no properties, but type %02X", h.client)
	}
	t, err := h.openBTH(h.root)
	if err != nil {
		return err
	}
	if t.key != 2 || t.entry != 6 {
		return h.broken("pst.properties", "properties have keys of %d bytes and entries of %d", t.key, t.entry)
	}
	le, count := binary.LittleEndian, 0
	if b, err := h.Item(t.root); err == nil && t.levels == 0 {
		p.Grow(len(b) / 8)
	}
	err = t.walk(func(key, entry []byte) bool {
		tag := mapi.MakeTag(mapi.ID(le.Uint16(key)), mapi.Type(le.Uint16(entry)))
		p.Set(tag.ID(), h.value(tag, entry[2:6]))
		count++
		return count < maxProperties
	})
	return err
}
