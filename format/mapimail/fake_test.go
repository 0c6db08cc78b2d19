package mapimail

import (
	"context"
	"errors"
	"io"
	"net/mail"
	"strings"
	"testing"
	"time"
	"unicode/utf16"

	"waybill/failure"
	"waybill/format/mapi"
	"waybill/format/mime"
	waymail "waybill/mail"
)

// item is a MAPI message made by hand.
type item struct {
	props          *mapi.Props
	recipients     []*mapi.Props
	attachments    []mapi.Attachment
	recErr, attErr error
}

func (m *item) Props() *mapi.Props { return m.props }
func (m *item) Recipients(context.Context) ([]*mapi.Props, error) {
	return m.recipients, m.recErr
}
func (m *item) Attachments(context.Context) ([]mapi.Attachment, error) {
	return m.attachments, m.attErr
}

// file is an attachment made by hand.
type file struct {
	props   *mapi.Props
	message mapi.Message
	storage mapi.Data
	err     error
}

func (f *file) Props() *mapi.Props                                { return f.props }
func (f *file) Message(context.Context) (mapi.Message, error)     { return f.message, f.err }
func (f *file) Storage(context.Context) (data mapi.Data, e error) { return f.storage, f.err }

// named is a named property and its value.
type namedValue struct {
	name  mapi.Name
	value any
}

// props makes properties: pairs of an ID and a value of Go, or namedValues.
func props(list ...any) *mapi.Props {
	names := map[mapi.Name]mapi.ID{}
	p := mapi.NewProps(names, 0)
	for i := 0; i < len(list); i++ {
		if n, is := list[i].(namedValue); is {
			names[n.name] = mapi.ID(0x8000 + len(names))
			p.Set(names[n.name], value(n.value))
			continue
		}
		id, ok := list[i].(mapi.ID)
		if !ok {
			panic("an ID is missing")
		}
		i++
		p.Set(id, value(list[i]))
	}
	return p
}

// ansi is text of one byte per character.
type ansi []byte

func value(v any) mapi.Value {
	switch v := v.(type) {
	case string:
		return mapi.Value{Type: mapi.TypeUnicode, Data: wide(v)}
	case []string:
		many := make([]mapi.Value, len(v))
		for i, s := range v {
			many[i] = value(s)
		}
		return mapi.Value{Type: mapi.TypeUnicode | mapi.Multi, Many: many}
	case ansi:
		return mapi.Value{Type: mapi.TypeString8, Data: mapi.Bytes(v)}
	case []byte:
		return mapi.Value{Type: mapi.TypeBinary, Data: mapi.Bytes(v)}
	case mapi.Data:
		return mapi.Value{Type: mapi.TypeBinary, Data: v}
	case int:
		return mapi.Value{Type: mapi.TypeInt32, Bits: uint64(uint32(int32(v)))}
	case bool:
		bits := uint64(0)
		if v {
			bits = 1
		}
		return mapi.Value{Type: mapi.TypeBool, Bits: bits}
	case time.Time:
		return mapi.Value{Type: mapi.TypeTime, Bits: uint64(v.Unix()+11644473600) * 1e7}
	case mapi.Value:
		return v
	default:
		panic("no value of MAPI")
	}
}

func wide(s string) mapi.Bytes {
	var b mapi.Bytes
	for _, u := range utf16.Encode([]rune(s)) {
		b = append(b, byte(u), byte(u>>8))
	}
	return b
}

func attach(list ...any) *file {
	return &file{props: props(append([]any{mapi.AttachMethod, mapi.ByValue}, list...)...)}
}

func recipient(kind int, name, addressType, address string) *mapi.Props {
	return props(mapi.RecipientType, kind, mapi.DisplayName, name, mapi.AddressType, addressType, mapi.EmailAddress, address)
}

// broken is data that ends with damage behind its bytes.
type broken struct {
	bytes []byte
	size  int64
	err   error
}

func (b broken) Size() int64 { return b.size }
func (b broken) Open() (io.ReadCloser, error) {
	return io.NopCloser(io.MultiReader(strings.NewReader(string(b.bytes)), failing{b.err})), nil
}

type failing struct{ err error }

func (f failing) Read([]byte) (int, error) { return 0, f.err }

var damage = failure.New(failure.Malformed, "read block", "mail.pst: block 0x24", "pst.crc", errors.New("wrong checksum"))

// convertAll converts and reads the message, twice, and wants the same bytes.
func convertAll(t testing.TB, m mapi.Message, o Options) (*Mail, string) {
	t.Helper()
	var all [2]string
	var last *Mail
	for i := range all {
		got, err := Convert(t.Context(), m, o)
		if err != nil {
			t.Fatal(err)
		}
		r := got.Open(t.Context())
		b, err := io.ReadAll(r)
		if err != nil {
			t.Fatalf("reading: %v", err)
		}
		if err := r.Close(); err != nil {
			t.Fatal(err)
		}
		all[i], last = string(b), got
	}
	if all[0] != all[1] {
		t.Fatalf("the same message gave other bytes:\n%s\n---\n%s", all[0], all[1])
	}
	return last, all[0]
}

// outline shows the structure of a message: types, names and texts of its parts.
func outline(t testing.TB, r *mime.Reader) string {
	t.Helper()
	var b strings.Builder
	for {
		p, err := r.Next()
		if errors.Is(err, io.EOF) {
			return b.String()
		}
		if err != nil {
			t.Fatal(err)
		}
		b.WriteString(strings.Repeat("  ", p.Depth) + p.Type)
		if p.Name != "" {
			b.WriteString(" name=" + p.Name)
		}
		if p.Disposition != "" {
			b.WriteString(" " + p.Disposition)
		}
		if len(p.Defects) > 0 {
			b.WriteString(" DEFECTS " + strings.Join(p.Defects, " "))
		}
		b.WriteString("\n")
		if p.Multipart {
			continue
		}
		if p.Type == "message/rfc822" {
			inner := p.Message()
			if inner == nil {
				b.WriteString("TOO DEEP\n")
				continue
			}
			b.WriteString(outline(t, inner))
			continue
		}
		text, err := io.ReadAll(p.Text())
		if err != nil {
			t.Fatal(err)
		}
		if s := strings.TrimSpace(string(text)); s != "" && strings.HasPrefix(p.Type, "text/") {
			b.WriteString(strings.Repeat("  ", p.Depth) + "| " + strings.ReplaceAll(strings.ReplaceAll(s, "\r", ""), "\n", "/") + "\n")
		}
	}
}

// head gives the header of a message, parsed by the standard library.
func headOf(t testing.TB, text string) mail.Header {
	t.Helper()
	m, err := mail.ReadMessage(strings.NewReader(text))
	if err != nil {
		t.Fatalf("the standard library cannot read the message: %v\n%s", err, text)
	}
	return m.Header
}

func kinds(notes []waymail.Note) string {
	var list []string
	for _, n := range notes {
		list = append(list, n.Kind)
	}
	return strings.Join(list, " ")
}

func at(s string) time.Time {
	t, err := time.Parse(time.RFC3339, s)
	if err != nil {
		panic(err)
	}
	return t
}
