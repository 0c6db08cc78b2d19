package tnef

import (
	"bytes"
	"encoding/binary"
	"unicode/utf16"

	"waybill/format/mapi"
)

var le = binary.LittleEndian

// stream builds a TNEF stream.
type stream struct{ b []byte }

func newStream() *stream {
	s := &stream{}
	s.b = le.AppendUint32(s.b, Signature)
	s.b = le.AppendUint16(s.b, 0x1234)
	return s.own(attTnefVersion, le.AppendUint32(nil, 0x10000))
}

func (s *stream) add(level byte, id uint32, data []byte) *stream {
	s.b = append(s.b, level)
	s.b = le.AppendUint32(s.b, id)
	s.b = le.AppendUint32(s.b, uint32(len(data)))
	sum := uint16(0)
	for _, c := range data {
		sum += uint16(c)
	}
	s.b = append(s.b, data...)
	s.b = le.AppendUint16(s.b, sum)
	return s
}

func (s *stream) own(id uint32, data []byte) *stream  { return s.add(levelMessage, id, data) }
func (s *stream) part(id uint32, data []byte) *stream { return s.add(levelAttachment, id, data) }

// attachment begins an attachment.
func (s *stream) attachment(kind uint16) *stream {
	data := le.AppendUint16(nil, kind)
	data = le.AppendUint32(data, 0xFFFFFFFF)
	return s.part(attAttachRendData, append(data, make([]byte, 8)...))
}

// list builds a list of properties.
type list struct {
	count uint32
	b     []byte
}

func (l *list) bytes() []byte { return append(le.AppendUint32(nil, l.count), l.b...) }

func (l *list) tag(id mapi.ID, t mapi.Type) *list {
	l.count++
	l.b = le.AppendUint16(l.b, uint16(t))
	l.b = le.AppendUint16(l.b, uint16(id))
	return l
}

func (l *list) number(id mapi.ID, v uint32) *list {
	l.tag(id, mapi.TypeInt32)
	l.b = le.AppendUint32(l.b, v)
	return l
}

// name follows the tag of a named property.
func (l *list) name(n mapi.Name) *list {
	l.b = append(l.b, n.Set[:]...)
	if n.Text == "" {
		l.b = le.AppendUint32(le.AppendUint32(l.b, 0), n.ID)
		return l
	}
	text := utf16le(n.Text + "\x00")
	l.b = le.AppendUint32(le.AppendUint32(l.b, 1), uint32(len(text)))
	l.b = append(l.b, padded(text)...)
	return l
}

// values follow the tag of a property of any length.
func (l *list) values(all ...[]byte) *list {
	l.b = le.AppendUint32(l.b, uint32(len(all)))
	for _, v := range all {
		l.b = le.AppendUint32(l.b, uint32(len(v)))
		l.b = append(l.b, padded(v)...)
	}
	return l
}

func (l *list) unicode(id mapi.ID, text string) *list {
	return l.tag(id, mapi.TypeUnicode).values(utf16le(text + "\x00"))
}

func padded(b []byte) []byte { return append(bytes.Clone(b), make([]byte, -len(b)&3)...) }

func utf16le(text string) []byte {
	var b []byte
	for _, u := range utf16.Encode([]rune(text)) {
		b = le.AppendUint16(b, u)
	}
	return b
}
