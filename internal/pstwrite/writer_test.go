package pstwrite

import (
	"bytes"
	"fmt"
	"io"
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"

	"waybill/failure"
	"waybill/format/mapi"
)

// store is a file in memory.
type store struct{ b []byte }

func (s *store) WriteAt(p []byte, at int64) (int, error) {
	if need := int(at) + len(p); need > len(s.b) {
		s.b = append(s.b, make([]byte, need-len(s.b))...)
	}
	return copy(s.b[at:], p), nil
}

func (s *store) ReadAt(p []byte, at int64) (int, error) {
	if at >= int64(len(s.b)) {
		return 0, io.EOF
	}
	return copy(p, s.b[at:]), nil
}

// kinds are the formats that are written.
func kinds() []Options {
	return []Options{
		{Format: Unicode}, {Format: Unicode, Encryption: Permute}, {Format: Unicode, Encryption: Cyclic},
		{Format: ANSI}, {Format: ANSI, Encryption: Permute}, {Format: ANSI, Encryption: Cyclic}, {Format: Unicode4K},
	}
}

func (o Options) String() string {
	return []string{"Unicode", "ANSI", "Unicode4K"}[o.Format] + []string{"", "-permute", "-cyclic"}[o.Encryption]
}

// build writes a file and checks it.
func build(t *testing.T, o Options, fill func(w *Writer)) (*store, *Writer) {
	t.Helper()
	s := &store{}
	w, err := New(s, o)
	if err != nil {
		t.Fatal(err)
	}
	fill(w)
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	if o.Encryption == None || o.Format != Unicode4K {
		check(t, s.b)
	}
	return s, w
}

func add(t *testing.T, w *Writer, to FolderID, m Message) uint32 {
	t.Helper()
	nid, err := w.Add(to, m)
	if err != nil {
		t.Fatal(err)
	}
	return nid
}

// file is an attachment by value.
func file(name string, content []byte) Attachment {
	return Attachment{Props: []Prop{Text(mapi.AttachLongFilename, name)}, Data: mapi.Bytes(content).Open}
}

func TestEmptyStoreIsWhole(t *testing.T) {
	for _, o := range kinds() {
		t.Run(o.String(), func(t *testing.T) { build(t, o, func(*Writer) {}) })
	}
}

func TestLargeThings(t *testing.T) {
	for _, o := range []Options{{Format: Unicode}, {Format: ANSI, Encryption: Permute}, {Format: Unicode4K}} {
		t.Run(o.String(), func(t *testing.T) {
			s, w := build(t, o, func(w *Writer) {
				// A value of two levels of blocks, one of exactly one block, one byte more.
				most := w.g.most()
				add(t, w, Root, Message{Attachments: []Attachment{
					file("two levels", make([]byte, map[Format]int{Unicode: 34, ANSI: 17, Unicode4K: 1}[o.Format]<<20)), file("one block", make([]byte, most)),
					file("two blocks", make([]byte, most+1)), file("empty", nil),
				}})
				// More nodes in a node than one block lists, and rows than a heap holds.
				var m Message
				for i := range 1500 {
					m.Attachments = append(m.Attachments, file(fmt.Sprintf("a long name of a file, number %d", i), []byte{1}))
				}
				for i := range 900 {
					m.Recipients = append(m.Recipients, []Prop{Text(mapi.DisplayName, fmt.Sprintf("Recipient %d", i))})
				}
				m.Props = []Prop{Text(mapi.Subject, "many"), Text(mapi.Body, strings.Repeat("0123456789", 50000))}
				add(t, w, Root, m)
				// A table whose heap has more than 136 blocks, so that three of them tell of the others.
				if o.Format == Unicode {
					for i := range 3000 {
						add(t, w, Root, Message{Props: []Prop{Text(mapi.Subject, strings.Repeat(fmt.Sprint(i), 100))}})
					}
				}
			})
			if len(s.b) == 0 || w.blocks.count < 1000 {
				t.Fatalf("%d bytes, %d blocks", len(s.b), w.blocks.count)
			}
		})
	}
}

func TestDeepEmbedding(t *testing.T) {
	const depth = 10000 // as deep as a hostile file may be
	m := Message{Props: []Prop{Text(mapi.Subject, "innermost")}}
	for i := range depth {
		inner := m
		m = Message{Props: []Prop{Text(mapi.Subject, fmt.Sprint("level ", i))}, Attachments: []Attachment{{Embedded: &inner}}}
	}
	_, w := build(t, Options{}, func(w *Writer) { add(t, w, Root, m) })
	if w.blocks.count < 5*depth {
		t.Fatalf("only %d blocks", w.blocks.count)
	}
}

func TestAnyValueIsTaken(t *testing.T) {
	rapid.Check(t, func(r *rapid.T) {
		o := kinds()[rapid.IntRange(0, 6).Draw(r, "kind")]
		o.CodePage = rapid.SampledFrom([]int{0, 1251, 932, 65001}).Draw(r, "page")
		var m Message
		for i := range rapid.IntRange(0, 40).Draw(r, "count") {
			id := mapi.ID(0x4000 + i)
			p := []Prop{
				Text(id, rapid.String().Draw(r, "s")), Int(id, rapid.Int().Draw(r, "n")), Bool(id, true), Float(id, 1.5),
				Binary(id, rapid.SliceOfN(rapid.Byte(), 0, 9000).Draw(r, "b")), Texts(id, rapid.SliceOf(rapid.String()).Draw(r, "m")...),
				Time(id, time.Unix(rapid.Int64Range(-1<<33, 1<<33).Draw(r, "t"), 0)),
				{Tag: mapi.MakeTag(id, mapi.TypeGUID), Value: mapi.SetTask},
				{Tag: mapi.MakeTag(id, mapi.TypeInt64|mapi.Multi), Value: []int{1, 2}},
				{Tag: mapi.MakeTag(id, mapi.TypeGUID|mapi.Multi), Value: []mapi.GUID{mapi.SetTask}},
			}[rapid.IntRange(0, 9).Draw(r, "type")]
			if rapid.Bool().Draw(r, "named") {
				p = NamedText(mapi.InternetHeaders, fmt.Sprint("x-", i), p)
			}
			m.Props = append(m.Props, p)
		}
		build(t, o, func(w *Writer) {
			m.Recipients = [][]Prop{m.Props, nil}
			add(t, w, Root, m)
		})
	})
}

func TestCipherTurnsBack(t *testing.T) {
	rapid.Check(t, func(r *rapid.T) {
		c := newCipher(Encryption(rapid.IntRange(0, 2).Draw(r, "kind")))
		plain := rapid.SliceOf(rapid.Byte()).Draw(r, "plain")
		id := rapid.Uint64().Draw(r, "id")
		b := bytes.Clone(plain)
		c.encode(b, id)
		c.decode(b, id)
		if !bytes.Equal(b, plain) {
			t.Fatalf("% x is % x", plain, b)
		}
	})
}

// nothing takes all that is written and keeps none of it.
type nothing struct{}

func (nothing) WriteAt(p []byte, _ int64) (int, error) { return len(p), nil }

func TestLimitsAreTold(t *testing.T) {
	w, err := New(nothing{}, Options{Format: ANSI})
	if err != nil {
		t.Fatal(err)
	}
	w.space.g.maxEnd = 20 << 20
	_, err = w.Add(Root, Message{Attachments: []Attachment{file("large", make([]byte, 30<<20))}})
	if failure.ClassOf(err) != failure.TooLarge {
		t.Fatal(err)
	}
	w, _ = New(nothing{}, Options{})
	for name, m := range map[string]Message{
		"type":  {Props: []Prop{{Tag: mapi.MakeTag(1, mapi.TypeBool), Value: "text"}}},
		"twice": {Props: []Prop{Int(5, 1), Int(5, 2)}},
		"two":   {Attachments: []Attachment{{Data: mapi.Bytes(nil).Open, Embedded: &Message{}}}},
	} {
		if _, err := w.Add(Root, m); failure.ClassOf(err) != failure.Usage {
			t.Errorf("%s: %v", name, err)
		}
	}
	if _, err := w.Folder(1234, "x", ""); failure.ClassOf(err) != failure.Usage {
		t.Error(err)
	}
	if _, err := New(nothing{}, Options{Format: Unicode4K, Encryption: Permute}); failure.ClassOf(err) != failure.Unsupported {
		t.Error(err)
	}
	if _, err := New(nothing{}, Options{CodePage: 4711}); failure.ClassOf(err) != failure.Usage {
		t.Error(err)
	}
}
