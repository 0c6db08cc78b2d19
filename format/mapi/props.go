package mapi

import (
	"bytes"
	"io"
	"iter"
	"slices"
	"time"
	"unicode/utf16"
)

// MaxText is the longest text or binary value that Text and Binary give; longer
// ones are for Open. It is far above what any property but a body holds.
const MaxText = 1 << 20

// Props are the properties of one object.
type Props struct {
	order  []ID
	values []Value // of the IDs in order
	// unsorted says that the IDs do not ascend; then many of them have an index.
	unsorted bool
	index    map[ID]int
	names    map[Name]ID
	// CodePage is that of texts of TypeString8; 0 is not known.
	CodePage int
}

// NewProps makes an empty set. names is the file's table of named properties; it
// is shared and not changed.
func NewProps(names map[Name]ID, codePage int) *Props {
	return &Props{names: names, CodePage: codePage}
}

// Grow makes room for n more properties.
func (p *Props) Grow(n int) {
	p.order, p.values = slices.Grow(p.order, n), slices.Grow(p.values, n)
}

// few is how many properties in no order are searched one by one.
const few = 64

// find is where a property stands; -1 where it is not set. Most formats keep
// properties in the order of their IDs, and no index is needed.
func (p *Props) find(id ID) int {
	switch {
	case p.index != nil:
		if i, there := p.index[id]; there {
			return i
		}
		return -1
	case p.unsorted:
		return slices.Index(p.order, id)
	}
	if i, there := slices.BinarySearch(p.order, id); there {
		return i
	}
	return -1
}

// Set adds or replaces a property.
func (p *Props) Set(id ID, v Value) {
	last := len(p.order) - 1
	if last >= 0 && (p.unsorted || id <= p.order[last]) {
		if i := p.find(id); i >= 0 {
			p.values[i] = v
			return
		}
		p.unsorted = true
	}
	p.order, p.values = append(p.order, id), append(p.values, v)
	switch {
	case p.index != nil:
		p.index[id] = last + 1
	case p.unsorted && last > few:
		p.index = make(map[ID]int, 2*last)
		for i, id := range p.order {
			p.index[id] = i
		}
	}
}

// All yields the properties in the order of the file.
func (p *Props) All() iter.Seq2[ID, Value] {
	return func(yield func(ID, Value) bool) {
		for i, id := range p.order {
			if !yield(id, p.values[i]) {
				return
			}
		}
	}
}

// Len is how many properties there are.
func (p *Props) Len() int { return len(p.order) }

// Get gives a property; ok is false where it is not set, and where the file
// says that it could not be had (TypeError).
func (p *Props) Get(id ID) (v Value, ok bool) {
	i := p.find(id)
	if i < 0 {
		return Value{}, false
	}
	v = p.values[i]
	return v, v.Type != TypeError && v.Type != TypeNull
}

// Find tells the ID of a named property in this file; 0 where it has none.
func (p *Props) Find(n Name) ID { return p.names[n] }

// Names yields the named properties that are set.
func (p *Props) Names() iter.Seq2[Name, ID] {
	return func(yield func(Name, ID) bool) {
		for n, id := range p.names {
			if p.find(id) >= 0 && !yield(n, id) {
				return
			}
		}
	}
}

// Int is a number of any integer type, or of a Bool.
func (p *Props) Int(id ID) (n int64, ok bool) {
	v, ok := p.Get(id)
	if !ok {
		return 0, false
	}
	switch v.Type {
	case TypeInt16:
		return int64(int16(v.Bits)), true
	case TypeInt32:
		return int64(int32(v.Bits)), true
	case TypeInt64, TypeCurrency:
		return int64(v.Bits), true
	case TypeBool:
		return int64(v.Bits & 1), true
	default:
		return 0, false
	}
}

// Bool is a truth value, false where it is not set.
func (p *Props) Bool(id ID) bool {
	v, ok := p.Get(id)
	return ok && v.Type.Fixed() > 0 && v.Type.Fixed() <= 8 && v.Bits != 0
}

// Time is a moment in UTC; ok is false where none is set.
func (p *Props) Time(id ID) (t time.Time, ok bool) {
	v, ok := p.Get(id)
	if !ok || v.Type != TypeTime {
		return time.Time{}, false
	}
	return FileTime(v.Bits)
}

// Text is a text in UTF-8, at most MaxText bytes of its stored form; empty where
// it is not set. What cannot be decoded becomes U+FFFD.
func (p *Props) Text(id ID) string {
	v, ok := p.Get(id)
	if !ok {
		return ""
	}
	return p.Decode(v)
}

// Texts are the values of a property with several texts, or the one of a plain one.
func (p *Props) Texts(id ID) []string {
	v, ok := p.Get(id)
	switch {
	case !ok:
		return nil
	case v.Type&Multi == 0:
		return []string{p.Decode(v)}
	}
	all := make([]string, 0, len(v.Many))
	for _, one := range v.Many {
		all = append(all, p.Decode(one))
	}
	return all
}

// Decode turns one text value into UTF-8, under the limits of Text.
func (p *Props) Decode(v Value) string {
	b := head(v)
	switch v.Type &^ Multi {
	case TypeUnicode:
		return decodeUTF16(b)
	case TypeString8:
		b, _, _ = bytes.Cut(b, []byte{0})
		return DecodeText(b, p.CodePage)
	default:
		return ""
	}
}

// Binary is a value's bytes, at most MaxText of them; nil where it is not set.
func (p *Props) Binary(id ID) []byte {
	v, ok := p.Get(id)
	if !ok {
		return nil
	}
	return head(v)
}

// head reads at most MaxText bytes.
func head(v Value) []byte {
	if v.Data == nil {
		return nil
	}
	if b, is := v.Data.(Bytes); is {
		return b[:min(len(b), MaxText)]
	}
	r, err := v.Data.Open()
	if err != nil {
		return nil
	}
	b, _ := io.ReadAll(io.LimitReader(r, MaxText))
	_ = r.Close()
	return b
}

// decodeUTF16 decodes UTF-16LE up to the first zero.
func decodeUTF16(b []byte) string {
	units := make([]uint16, 0, len(b)/2)
	for ; len(b) >= 2; b = b[2:] {
		u := uint16(b[0]) | uint16(b[1])<<8
		if u == 0 {
			break
		}
		units = append(units, u)
	}
	return string(utf16.Decode(units))
}

// Size is the length.
func (b Bytes) Size() int64 { return int64(len(b)) }

// Open reads from memory.
func (b Bytes) Open() (io.ReadCloser, error) { return io.NopCloser(bytes.NewReader(b)), nil }

// IDs lists the properties that are set, sorted.
func (p *Props) IDs() []ID { return slices.Sorted(slices.Values(p.order)) }
