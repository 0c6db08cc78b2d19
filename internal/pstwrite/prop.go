package pstwrite

import (
	"time"

	"waybill/format/mapi"
)

// Text is a property with a text.
func Text(id mapi.ID, s string) Prop {
	return Prop{Tag: mapi.MakeTag(id, mapi.TypeUnicode), Value: s}
}

// Int is a property with a number of 32 bits.
func Int(id mapi.ID, n int) Prop {
	return Prop{Tag: mapi.MakeTag(id, mapi.TypeInt32), Value: n}
}

// Bool is a property that is true or false.
func Bool(id mapi.ID, is bool) Prop {
	return Prop{Tag: mapi.MakeTag(id, mapi.TypeBool), Value: is}
}

// Time is a property with a moment, kept to 100 ns.
func Time(id mapi.ID, t time.Time) Prop {
	return Prop{Tag: mapi.MakeTag(id, mapi.TypeTime), Value: t}
}

// Binary is a property with bytes.
func Binary(id mapi.ID, b []byte) Prop {
	return Prop{Tag: mapi.MakeTag(id, mapi.TypeBinary), Value: b}
}

// Float is a property with a floating-point number of 64 bits.
func Float(id mapi.ID, f float64) Prop {
	return Prop{Tag: mapi.MakeTag(id, mapi.TypeFloat64), Value: f}
}

// Texts is a property with several texts.
func Texts(id mapi.ID, all ...string) Prop {
	return Prop{Tag: mapi.MakeTag(id, mapi.TypeUnicode|mapi.Multi), Value: all}
}

// Named gives a property a name instead of an ID.
func Named(set mapi.GUID, id uint32, p Prop) Prop {
	p.Name = mapi.Name{Set: set, ID: id}
	return p
}

// NamedText gives a property a name that is a text.
func NamedText(set mapi.GUID, name string, p Prop) Prop {
	p.Name = mapi.Name{Set: set, Text: name}
	return p
}
