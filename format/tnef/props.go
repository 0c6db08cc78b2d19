package tnef

import (
	"context"
	"encoding/binary"
	"errors"
	"unicode/utf16"

	"waybill/failure"
	"waybill/format/mapi"
)

// Bounds of properties. Real objects have a few hundred, lists a few dozen values.
const (
	maxProps     = 1 << 16
	maxValues    = 1 << 16
	maxAllValues = 1 << 18 // of one object
	maxRowProps  = 1 << 20 // of all recipients
	maxNameUnits = 512
)

// object collects the properties of one object.
type object struct {
	props  *mapi.Props
	names  map[mapi.Name]mapi.ID
	used   map[mapi.ID]mapi.Name
	free   mapi.ID // for a name whose number is taken
	values int
	// class is the interface of the object in AttachData, data what follows it.
	class mapi.GUID
	data  section
}

func newObject(codePage int) *object {
	o := &object{names: map[mapi.Name]mapi.ID{}, used: map[mapi.ID]mapi.Name{}, free: 0xFFFE}
	o.props = mapi.NewProps(o.names, codePage)
	return o
}

// read decodes a list of properties ([MS-OXTNEF] 2.1.3.4). What was decoded before
// an error stays.
func (o *object) read(c *cursor) error {
	count := c.uint32()
	for i := uint32(0); i < count && c.err == nil; i++ {
		if i == maxProps {
			return failure.New(failure.TooLarge, "read TNEF", c.where(c.at), "tnef.props", errors.New("too many properties"))
		}
		t, id := mapi.Type(c.uint16()), mapi.ID(c.uint16())
		if id >= 0x8000 {
			id = o.name(c, id)
		}
		v, err := o.value(c, t, id)
		if err != nil {
			return err
		}
		if c.err == nil {
			o.props.Set(id, v)
		}
	}
	return c.err
}

// name reads a property's name and gives the identifier that stands for it here. Streams
// number their names freely; one number for two names is told apart.
func (o *object) name(c *cursor, id mapi.ID) mapi.ID {
	n := mapi.Name{Set: c.guid()}
	if kind := c.uint32(); kind == 0 {
		n.ID = c.uint32()
	} else {
		size := c.uint32()
		if size > 2*maxNameUnits {
			c.err = c.malformed(c.at, "tnef.props", "the name of a property has %d bytes", size)
			return id
		}
		text := c.value(size)
		b := make([]byte, text.size)
		if got, err := c.r.ReadAt(b, text.from); got < len(b) {
			c.err = c.ioError(text.from, err)
		}
		n.Text = unicode(b)
	}
	if known, ok := o.names[n]; ok {
		return known
	}
	for _, taken := o.used[id]; taken && o.free >= 0x8000; _, taken = o.used[id] {
		id = o.free
		o.free--
	}
	o.names[n], o.used[id] = id, n
	return id
}

func unicode(b []byte) string {
	units := make([]uint16, 0, len(b)/2)
	for ; len(b) >= 2; b = b[2:] {
		u := binary.LittleEndian.Uint16(b)
		if u == 0 {
			break
		}
		units = append(units, u)
	}
	return string(utf16.Decode(units))
}

// value reads the value or values of a property.
func (o *object) value(c *cursor, t mapi.Type, id mapi.ID) (mapi.Value, error) {
	one := t &^ mapi.Multi
	fixed := one.Fixed() > 0
	if t == one && fixed {
		return scalar(c, t), nil
	}
	if t == mapi.TypeNull || t == mapi.TypeUnspecified {
		return mapi.Value{Type: mapi.TypeNull}, nil
	}
	if !fixed && !variable(one) {
		return mapi.Value{}, c.malformed(c.at, "tnef.props", "property 0x%04X has type 0x%04X, which is none", id, t)
	}
	count := c.uint32()
	if o.values += int(min(count, maxAllValues)); count > maxValues || o.values > maxAllValues {
		return mapi.Value{}, failure.New(failure.TooLarge, "read TNEF", c.where(c.at), "tnef.props", errors.New("too many values"))
	}
	v := mapi.Value{Type: t}
	for i := uint32(0); i < count && c.err == nil; i++ {
		item := mapi.Value{Type: one}
		if fixed {
			item = scalar(c, one)
		} else {
			item.Data = o.variable(c, one, id)
		}
		if t == one {
			v = item // a plain value is a list of one
			continue
		}
		v.Many = append(v.Many, item)
	}
	if t == one && v.Data == nil {
		v.Data = mapi.Bytes(nil)
	}
	return v, nil
}

func variable(t mapi.Type) bool {
	return t == mapi.TypeString8 || t == mapi.TypeUnicode || t == mapi.TypeBinary || t == mapi.TypeObject || t == mapi.TypeServerID
}

// variable reads a value with its length.
func (o *object) variable(c *cursor, t mapi.Type, id mapi.ID) mapi.Data {
	s := c.value(c.uint32())
	switch t {
	case mapi.TypeUnicode:
		return s.withoutZero(2)
	case mapi.TypeString8:
		return s.withoutZero(1)
	case mapi.TypeObject:
		if s.size < 16 {
			if c.err == nil {
				c.err = c.malformed(s.from, "tnef.props", "an object of %d bytes names no interface", s.size)
			}
			return s
		}
		head := newCursor(s.cut(s.from, 16))
		class := head.guid()
		s = s.cut(s.from+16, s.size-16)
		if id == mapi.AttachData {
			o.class, o.data = class, s
		}
	}
	return s
}

// scalar reads a value of one size. Short ones are padded to four bytes.
func scalar(c *cursor, t mapi.Type) mapi.Value {
	v := mapi.Value{Type: t}
	switch t.Fixed() {
	case 2:
		v.Bits = uint64(c.uint32() & 0xFFFF)
	case 4:
		v.Bits = uint64(c.uint32())
	case 8:
		v.Bits = c.uint64()
	default:
		g := c.guid()
		v.Data = mapi.Bytes(g[:])
	}
	return v
}

// recipients reads a table of recipients ([MS-OXTNEF] 2.1.3.4).
func (m *Message) recipients(ctx context.Context, a attribute) ([]*mapi.Props, error) {
	c := newCursor(a.data)
	var all []*mapi.Props
	total := 0
	for left := c.uint32(); left > 0 && c.err == nil; left-- {
		if err := ctx.Err(); err != nil {
			return all, m.cancelled(err)
		}
		o := newObject(m.props.CodePage)
		err := o.read(c)
		if o.props.Len() > 0 {
			all = append(all, o.props)
		}
		if err != nil {
			return all, err
		}
		if total += o.props.Len() + 1; total > maxRowProps {
			return all, failure.New(failure.TooLarge, "read TNEF", m.where(c.at), "tnef.props", errors.New("too many recipients"))
		}
	}
	return all, c.err
}
