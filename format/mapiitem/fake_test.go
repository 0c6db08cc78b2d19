package mapiitem

import (
	"bytes"
	"context"
	"encoding/binary"
	"errors"
	"io"
	"math"
	"testing"
	"time"
	"unicode/utf16"

	"waybill/failure"
	"waybill/format/mapi"
)

// fake is an item made by hand.
type fake struct {
	props       *mapi.Props
	recipients  []*mapi.Props
	attachments []mapi.Attachment
	listError   error
}

func (f *fake) Props() *mapi.Props                                { return f.props }
func (f *fake) Recipients(context.Context) ([]*mapi.Props, error) { return f.recipients, f.listError }
func (f *fake) Attachments(context.Context) ([]mapi.Attachment, error) {
	return f.attachments, f.listError
}
func (a *fakeAttachment) Props() *mapi.Props                            { return a.props }
func (a *fakeAttachment) Message(context.Context) (mapi.Message, error) { return a.message, a.err }
func (a *fakeAttachment) Storage(context.Context) (mapi.Data, error)    { return nil, a.err }

type fakeAttachment struct {
	props   *mapi.Props
	message mapi.Message
	err     error
}

// broken is a value that ends with an error.
type broken struct{ good []byte }

func (b broken) Size() int64 { return int64(len(b.good)) + 100 }
func (b broken) Open() (io.ReadCloser, error) {
	return io.NopCloser(io.MultiReader(bytes.NewReader(b.good), errorReader{})), nil
}

type errorReader struct{}

func (errorReader) Read([]byte) (int, error) {
	return 0, failure.New(failure.Malformed, "read a block", "x.pst:4096", "pst.crc", errors.New("damaged"))
}

// maker makes items. Named properties get their IDs as they come.
type maker struct {
	names map[mapi.Name]mapi.ID
}

func newMaker() *maker { return &maker{names: map[mapi.Name]mapi.ID{}} }

func (k *maker) id(n mapi.Name) mapi.ID {
	if k.names[n] == 0 {
		k.names[n] = mapi.ID(0x8000 + len(k.names))
	}
	return k.names[n]
}

func lid(set mapi.GUID, n uint32) mapi.Name { return mapi.Name{Set: set, ID: n} }

// value makes a property of a Go value.
func value(v any) mapi.Value {
	switch v := v.(type) {
	case string:
		var b []byte
		for _, u := range utf16.Encode([]rune(v)) {
			b = binary.LittleEndian.AppendUint16(b, u)
		}
		return mapi.Value{Type: mapi.TypeUnicode, Data: mapi.Bytes(b)}
	case []byte:
		return mapi.Value{Type: mapi.TypeBinary, Data: mapi.Bytes(v)}
	case mapi.Data:
		return mapi.Value{Type: mapi.TypeBinary, Data: v}
	case bool:
		var n uint64
		if v {
			n = 1
		}
		return mapi.Value{Type: mapi.TypeBool, Bits: n}
	case int:
		return mapi.Value{Type: mapi.TypeInt32, Bits: uint64(uint32(v))}
	case float64:
		return mapi.Value{Type: mapi.TypeFloat64, Bits: math.Float64bits(v)}
	case time.Time:
		return mapi.Value{Type: mapi.TypeTime, Bits: uint64(v.Unix()+11644473600) * 1e7}
	case []string:
		many := mapi.Value{Type: mapi.TypeUnicode | mapi.Multi}
		for _, s := range v {
			many.Many = append(many.Many, value(s))
		}
		return many
	case [][]byte:
		many := mapi.Value{Type: mapi.TypeBinary | mapi.Multi}
		for _, b := range v {
			many.Many = append(many.Many, value(b))
		}
		return many
	}
	panic("no property of this type")
}

// props makes a set of tags (mapi.ID) and names (mapi.Name), each before its value.
func (k *maker) props(pairs ...any) *mapi.Props {
	p := mapi.NewProps(k.names, 1252)
	for i := 0; i < len(pairs); i += 2 {
		switch id := pairs[i].(type) {
		case mapi.ID:
			p.Set(id, value(pairs[i+1]))
		case mapi.Name:
			p.Set(k.id(id), value(pairs[i+1]))
		default:
			panic("neither tag nor name")
		}
	}
	return p
}

func (k *maker) item(class string, pairs ...any) *fake {
	return &fake{props: k.props(append([]any{mapi.MessageClass, class}, pairs...)...)}
}

func (k *maker) attachment(pairs ...any) *fakeAttachment {
	return &fakeAttachment{props: k.props(pairs...)}
}

// convert converts an item and writes it, twice.
func convert(t *testing.T, m mapi.Message, o Options) (*Item, string) {
	t.Helper()
	i, err := Convert(t.Context(), m, o)
	if err != nil {
		t.Fatal(err)
	}
	if i == nil {
		t.Fatal("the item counts as mail")
	}
	var first, again bytes.Buffer
	if err := i.Write(t.Context(), &first); err != nil {
		t.Fatal(err)
	}
	j, err := Convert(t.Context(), m, o)
	if err != nil {
		t.Fatal(err)
	}
	if err := j.Write(t.Context(), &again); err != nil || first.String() != again.String() {
		t.Errorf("converted twice, the bytes differ (%v):\n%s\n%s", err, &first, &again)
	}
	return i, first.String()
}

// noteKinds lists the kinds of notes.
func noteKinds(i *Item) (kinds []string) {
	for _, n := range i.Notes {
		kinds = append(kinds, n.Kind)
	}
	return kinds
}

func at(s string) time.Time {
	t, err := time.Parse("2006-01-02T15:04", s)
	if err != nil {
		panic(err)
	}
	return t
}
