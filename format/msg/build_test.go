package msg

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"io"
	"unicode/utf16"

	"waybill/format/cfb"
	"waybill/format/mapi"
)

// object builds the storage of a message, a recipient or an attachment.
type object struct {
	header   int
	list     []byte
	children []*cfb.Node
}

func message() *object    { return &object{header: headerTop} }
func embedded() *object   { return &object{header: headerEmbedded} }
func recipient() *object  { return &object{header: headerSub} }
func attachment() *object { return recipient() }

func (o *object) entry(tag mapi.Tag, bits uint64) *object {
	o.list = binary.LittleEndian.AppendUint32(o.list, uint32(tag))
	o.list = binary.LittleEndian.AppendUint32(o.list, 6)
	o.list = binary.LittleEndian.AppendUint64(o.list, bits)
	return o
}

func (o *object) stream(name string, b []byte) *object {
	o.children = append(o.children, &cfb.Node{Name: name, Data: mapi.Bytes(b)})
	return o
}

// value adds a property that has a stream; more is what the list counts beyond it.
func (o *object) value(tag mapi.Tag, b []byte, more int) *object {
	return o.entry(tag, uint64(len(b)+more)).stream(valuePrefix+hex8(uint32(tag)), b)
}

func (o *object) unicode(id mapi.ID, text string) *object {
	return o.value(mapi.MakeTag(id, mapi.TypeUnicode), utf16le(text), 2)
}

func (o *object) ansi(id mapi.ID, b string) *object {
	return o.value(mapi.MakeTag(id, mapi.TypeString8), []byte(b), 1)
}

func (o *object) binary(id mapi.ID, b string) *object {
	return o.value(mapi.MakeTag(id, mapi.TypeBinary), []byte(b), 0)
}

func (o *object) number(id mapi.ID, v uint32) *object {
	return o.entry(mapi.MakeTag(id, mapi.TypeInt32), uint64(v))
}

// several adds a property with several values of any length.
func (o *object) several(id mapi.ID, t mapi.Type, values ...[]byte) *object {
	tag := uint32(mapi.MakeTag(id, t|mapi.Multi))
	var lengths []byte
	for i, v := range values {
		lengths = binary.LittleEndian.AppendUint32(lengths, uint32(len(v)))
		if t == mapi.TypeBinary {
			lengths = binary.LittleEndian.AppendUint32(lengths, 0)
		}
		o.stream(fmt.Sprintf("%s%08X-%08X", valuePrefix, tag, i), v)
	}
	return o.value(mapi.Tag(tag), lengths, 0)
}

func (o *object) storage(name string, children ...*cfb.Node) *object {
	o.children = append(o.children, &cfb.Node{Name: name, Children: children})
	return o
}

func (o *object) sub(prefix string, n int, child *object) *object {
	return o.storage(fmt.Sprintf("%s%08X", prefix, n), child.nodes()...)
}

// nodes are the children of the finished storage.
func (o *object) nodes() []*cfb.Node {
	list := append(make([]byte, o.header), o.list...)
	return append([]*cfb.Node{{Name: propertyStream, Data: mapi.Bytes(list)}}, o.children...)
}

func (o *object) file() []byte {
	d, err := cfb.Pack(&cfb.Node{Children: o.nodes()})
	if err != nil {
		panic(err)
	}
	r, err := d.Open()
	if err != nil {
		panic(err)
	}
	b, err := io.ReadAll(r)
	if err != nil {
		panic(err)
	}
	return b
}

// names adds the table of named properties, numbered from 0x8000 on.
func (o *object) names(names ...mapi.Name) *object {
	var sets, entries, texts []byte
	for i, n := range names {
		index := uint16(3 + len(sets)/16)
		switch n.Set {
		case setMAPI:
			index = 1
		case mapi.PublicStrings:
			index = 2
		default:
			sets = append(sets, n.Set[:]...)
		}
		number := n.ID
		if n.Text != "" {
			number = uint32(len(texts))
			text := utf16le(n.Text)
			texts = binary.LittleEndian.AppendUint32(texts, uint32(len(text)))
			texts = append(texts, text...)
			texts = append(texts, make([]byte, -len(texts)&3)...)
			index |= 1 << 15
		}
		entries = binary.LittleEndian.AppendUint32(entries, number)
		entries = binary.LittleEndian.AppendUint16(entries, index<<1|index>>15)
		entries = binary.LittleEndian.AppendUint16(entries, uint16(i))
	}
	return o.storage(nameStorage,
		&cfb.Node{Name: valuePrefix + "00020102", Data: mapi.Bytes(sets)},
		&cfb.Node{Name: valuePrefix + "00030102", Data: mapi.Bytes(entries)},
		&cfb.Node{Name: valuePrefix + "00040102", Data: mapi.Bytes(texts)})
}

func utf16le(text string) []byte {
	var b []byte
	for _, u := range utf16.Encode([]rune(text)) {
		b = binary.LittleEndian.AppendUint16(b, u)
	}
	return b
}

func openBytes(b []byte) (*Message, error) {
	return Open(bytes.NewReader(b), int64(len(b)), "test.msg")
}
