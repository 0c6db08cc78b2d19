package mapi

import (
	"fmt"
	"io"
	"time"
)

// Type is the type of a property ([MS-OXCDATA] 2.11.1).
type Type uint16

// The property types. Multi is or-ed to the type of one value.
const (
	TypeUnspecified Type = 0x0000
	TypeNull        Type = 0x0001
	TypeInt16       Type = 0x0002
	TypeInt32       Type = 0x0003
	TypeFloat32     Type = 0x0004
	TypeFloat64     Type = 0x0005
	TypeCurrency    Type = 0x0006
	TypeAppTime     Type = 0x0007
	TypeError       Type = 0x000A
	TypeBool        Type = 0x000B
	TypeObject      Type = 0x000D
	TypeInt64       Type = 0x0014
	TypeString8     Type = 0x001E
	TypeUnicode     Type = 0x001F
	TypeTime        Type = 0x0040
	TypeGUID        Type = 0x0048
	TypeServerID    Type = 0x00FB
	TypeBinary      Type = 0x0102
	Multi           Type = 0x1000
)

// Fixed is the size in bytes of one value of a type that has one size, 0 otherwise.
func (t Type) Fixed() int {
	switch t {
	case TypeInt16, TypeBool:
		return 2
	case TypeInt32, TypeFloat32, TypeError:
		return 4
	case TypeFloat64, TypeCurrency, TypeAppTime, TypeInt64, TypeTime:
		return 8
	case TypeGUID:
		return 16
	default:
		return 0
	}
}

// ID tells a property apart inside one object ([MS-OXPROPS]); from 0x8000 on it
// stands for a Name that the file's own table gives.
type ID uint16

// Tag is an ID with a type, as the formats write it.
type Tag uint32

// ID and Type take a tag apart.
func (t Tag) ID() ID     { return ID(t >> 16) }
func (t Tag) Type() Type { return Type(t & 0xFFFF) }

// MakeTag puts a tag together.
func MakeTag(id ID, t Type) Tag { return Tag(id)<<16 | Tag(t) }

func (t Tag) String() string { return fmt.Sprintf("0x%08X", uint32(t)) }

// GUID is in the order of bytes of the file ([MS-DTYP] 2.3.4.2).
type GUID [16]byte

// Name is the name of a named property ([MS-OXCDATA] 2.6.1): a number, or a
// text where Text is not empty, in a set.
type Name struct {
	Set  GUID
	ID   uint32
	Text string
}

// Data is a value of any length that is read when it is asked for.
type Data interface {
	// Size is the length in bytes, -1 when it is not known before reading.
	Size() int64
	// Open reads from the start, as often as it is called. An error of the reader
	// carries place and rule, as that of Open does.
	Open() (io.ReadCloser, error)
}

// Bytes is Data that is in memory already.
type Bytes []byte

// Value is the value of one property.
type Value struct {
	Type Type
	// Bits is a value of at most eight bytes, little-endian.
	Bits uint64
	// Data holds every longer one as the format stores it: text in the code page
	// of the object or in UTF-16LE, without a closing zero; a GUID; and the
	// object of an attachment. It is nil for what Bits holds.
	Data Data
	// Many are the values of a type with Multi.
	Many []Value
}

// epoch is 1601-01-01, where FILETIME begins, in seconds before 1970.
const epoch = 11644473600

// FileTime turns a FILETIME into a time; ok is false for 0 and for what lies
// outside of the years 1601 to 9999, which stands for "none" in real files.
func FileTime(v uint64) (t time.Time, ok bool) {
	const never = 0x7FFFFFFFFFFFFFFF
	if v == 0 || v >= never {
		return time.Time{}, false
	}
	t = time.Unix(int64(v/1e7)-epoch, int64(v%1e7)*100).UTC()
	return t, t.Year() <= 9999
}
