package pstwrite

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"io"
	"math"
	"time"
	"unicode/utf16"

	"golang.org/x/text/encoding"

	"waybill/failure"
	"waybill/format/mapi"
)

// encoded is a property in the form of the file: bits where its type has at most
// eight bytes, and otherwise bytes in memory or a stream of them.
type encoded struct {
	id     mapi.ID
	kind   mapi.Type
	bits   uint64
	bytes  []byte
	stream func() (io.ReadCloser, error)
	// placed is the node that the value is in already, with its size (objects).
	placed uint32
	size   uint32
	kept   bool // bits refer to where the value is already
}

// encoder turns values of Go into values of the file.
type encoder struct {
	ansi  bool
	pages encoding.Encoding // nil: UTF-8
}

func newEncoder(o Options) (*encoder, error) {
	page := o.CodePage
	if page == 0 {
		page = 1252
	}
	enc, ok := mapi.CodePage(page)
	if !ok {
		return nil, failure.New(failure.Usage, "write PST", "", "pstwrite.codepage", fmt.Errorf("code page %d is unknown", page))
	}
	return &encoder{ansi: o.Format == ANSI, pages: enc}, nil
}

// encode makes one property. An ANSI file has no texts of TypeUnicode.
func (e *encoder) encode(p Prop, id mapi.ID) (encoded, error) {
	out := encoded{id: id, kind: p.Tag.Type()}
	if e.ansi && out.kind&^mapi.Multi == mapi.TypeUnicode {
		out.kind-- // TypeString8
	}
	var err error
	switch data, is := p.Value.(mapi.Data); {
	case is:
		out.stream = data.Open
		if out.kind != p.Tag.Type() || out.kind.Fixed() > 0 || out.kind&mapi.Multi != 0 {
			err = wrong(p)
		}
	case out.kind&mapi.Multi != 0:
		out.bytes, err = e.many(p, out.kind)
	case out.kind == mapi.TypeGUID || out.kind.Fixed() == 0 && out.kind != mapi.TypeNull:
		out.bytes, err = e.long(p, out.kind, p.Value)
	default:
		out.bits, err = short(p, out.kind, p.Value)
	}
	return out, err
}

// long makes the bytes of a value of any length.
func (e *encoder) long(p Prop, kind mapi.Type, v any) ([]byte, error) {
	switch v := v.(type) {
	case string:
		switch kind {
		case mapi.TypeUnicode:
			return wide(v), nil
		case mapi.TypeString8:
			return e.narrow(v), nil
		}
	case []byte:
		if kind != mapi.TypeGUID {
			return v, nil
		}
	case mapi.GUID:
		if kind == mapi.TypeGUID {
			return v[:], nil
		}
	}
	return nil, wrong(p)
}

// wide is UTF-16LE.
func wide(s string) []byte {
	units := utf16.Encode([]rune(s))
	b := make([]byte, 0, 2*len(units))
	for _, u := range units {
		b = binary.LittleEndian.AppendUint16(b, u)
	}
	return b
}

// narrow is a text in the file's code page.
func (e *encoder) narrow(s string) []byte {
	if e.pages == nil {
		return []byte(s)
	}
	b, err := encoding.ReplaceUnsupported(e.pages.NewEncoder()).Bytes([]byte(s))
	if err != nil {
		return []byte(s)
	}
	return bytes.ReplaceAll(b, []byte{0x1A}, []byte("?"))
}

// short makes a value of at most eight bytes.
func short(p Prop, kind mapi.Type, v any) (uint64, error) {
	switch v := v.(type) {
	case int:
		return uint64(v), nil
	case int32:
		return uint64(v), nil
	case int64:
		return uint64(v), nil
	case uint32:
		return uint64(v), nil
	case uint64:
		return v, nil
	case bool:
		if v {
			return 1, nil
		}
		return 0, nil
	case float64:
		if kind == mapi.TypeFloat32 {
			return uint64(math.Float32bits(float32(v))), nil
		}
		return math.Float64bits(v), nil
	case time.Time:
		if v.IsZero() {
			return 0, nil
		}
		const epoch = 11644473600 // seconds from 1601 to 1970
		return uint64(v.Unix()+epoch)*1e7 + uint64(v.Nanosecond()/100), nil
	default:
		return 0, wrong(p)
	}
}

// many makes a value of a type with Multi ([MS-PST] 2.3.3.4): values of one size
// one behind the other, and others behind a table of their offsets.
func (e *encoder) many(p Prop, kind mapi.Type) ([]byte, error) {
	all, err := items(p)
	if err != nil {
		return nil, err
	}
	le, one := binary.LittleEndian, kind&^mapi.Multi
	if size := one.Fixed(); size > 0 && size <= 8 {
		var out []byte
		for _, v := range all {
			bits, err := short(p, one, v)
			if err != nil {
				return nil, err
			}
			out = append(out, le.AppendUint64(nil, bits)[:size]...)
		}
		return out, nil
	}
	out := le.AppendUint32(nil, uint32(len(all)))
	var body []byte
	for _, v := range all {
		b, err := e.long(p, one, v)
		if err != nil {
			return nil, err
		}
		if one != mapi.TypeGUID {
			out = le.AppendUint32(out, uint32(4+4*len(all)+len(body)))
		}
		body = append(body, b...)
	}
	if one == mapi.TypeGUID {
		return body, nil
	}
	return append(out, body...), nil
}

// items are the values of a slice.
func items(p Prop) ([]any, error) {
	switch v := p.Value.(type) {
	case []string:
		return anys(v), nil
	case [][]byte:
		return anys(v), nil
	case []int:
		return anys(v), nil
	case []int64:
		return anys(v), nil
	case []float64:
		return anys(v), nil
	case []time.Time:
		return anys(v), nil
	case []mapi.GUID:
		return anys(v), nil
	default:
		return nil, wrong(p)
	}
}

func anys[T any](all []T) []any {
	out := make([]any, 0, len(all))
	for _, v := range all {
		out = append(out, v)
	}
	return out
}

func wrong(p Prop) error {
	return failure.New(failure.Usage, "write PST", "property "+p.Tag.String(), "pstwrite.value",
		fmt.Errorf("the type of the property cannot have a value of type %T", p.Value))
}
