package pstwrite

import (
	"encoding/binary"
	"fmt"

	"waybill/failure"
	"waybill/format/mapi"
)

// names is the file's map of named properties ([MS-PST] 2.4.7).
type names struct {
	ids     map[mapi.Name]mapi.ID
	entries []byte
	texts   []byte
	sets    []byte
	known   map[mapi.GUID]uint16
	buckets map[uint32][]byte
}

const (
	nameBuckets = 251
	mostNames   = 0x7FFE
)

func newNames() *names {
	return &names{
		ids:     map[mapi.Name]mapi.ID{},
		known:   map[mapi.GUID]uint16{{}: 0, mapiSet(): 1, mapi.PublicStrings: 2},
		buckets: map[uint32][]byte{},
	}
}

// mapiSet is PS_MAPI ([MS-OXPROPS] 1.3.2).
func mapiSet() mapi.GUID {
	return mapi.GUID{0x28, 0x03, 0x02, 0x00, 0, 0, 0, 0, 0xC0, 0, 0, 0, 0, 0, 0, 0x46}
}

// id finds the ID of a name, or gives it the next one.
func (n *names) id(name mapi.Name) (mapi.ID, error) {
	if id, ok := n.ids[name]; ok {
		return id, nil
	}
	count := len(n.ids)
	if count == mostNames {
		return 0, failure.New(failure.TooLarge, "write PST", fmt.Sprintf("name %v", name), "pstwrite.names", nil)
	}
	set, ok := n.known[name.Set]
	if !ok {
		set = uint16(len(n.sets)/16) + 3
		n.known[name.Set] = set
		n.sets = append(n.sets, name.Set[:]...)
	}
	le := binary.LittleEndian
	number, hash, kind := name.ID, name.ID, set<<1
	if name.Text != "" {
		text := wide(name.Text)
		number, hash, kind = uint32(len(n.texts)), checksum(text), kind|1
		n.texts = append(le.AppendUint32(n.texts, uint32(len(text))), text...)
		for len(n.texts)%4 != 0 {
			n.texts = append(n.texts, 0)
		}
	}
	entry := func(b []byte, number uint32) []byte {
		return le.AppendUint16(le.AppendUint16(le.AppendUint32(b, number), kind), uint16(count))
	}
	n.entries = entry(n.entries, number)
	bucket := (hash ^ uint32(kind)) % nameBuckets
	n.buckets[bucket] = entry(n.buckets[bucket], hash)
	id := mapi.ID(0x8000 + count)
	n.ids[name] = id
	return id, nil
}

// props are the map as properties ([MS-PST] 2.4.7.1 to 2.4.7.5).
func (n *names) props() []encoded {
	all := []encoded{{id: 1, kind: mapi.TypeInt32, bits: nameBuckets}}
	for id, b := range [][]byte{n.sets, n.entries, n.texts} {
		all = append(all, encoded{id: mapi.ID(2 + id), kind: mapi.TypeBinary, bytes: b})
	}
	for bucket, b := range n.buckets {
		all = append(all, encoded{id: mapi.ID(0x1000 + bucket), kind: mapi.TypeBinary, bytes: b})
	}
	return all
}
