package msg

import (
	"bytes"
	"context"
	"errors"
	"io"
	"slices"
	"testing"
	"time"

	"pgregory.net/rapid"

	"waybill/failure"
	"waybill/format/cfb"
	"waybill/format/mapi"
)

var (
	keywords = mapi.Name{Set: mapi.PublicStrings, Text: "Keywords"}
	location = mapi.Name{Set: mapi.SetAppointment, ID: 0x8208}
	mapiName = mapi.Name{Set: setMAPI, Text: "Häuser"}
)

func content(t *testing.T, d mapi.Data) string {
	t.Helper()
	r, err := d.Open()
	if err != nil {
		t.Fatal(err)
	}
	b, err := io.ReadAll(r)
	if err != nil {
		t.Fatal(err)
	}
	return string(b)
}

// example has something of everything.
func example() *object {
	inner := embedded().unicode(mapi.Subject, "inner").sub(attachPrefix, 0,
		attachment().number(mapi.AttachMethod, mapi.ByValue).binary(mapi.AttachData, "deep"))
	o := message().names(keywords, location, mapiName).
		unicode(mapi.Subject, "Grüße 😀").
		ansi(mapi.Body, "\xcf\xf0\xe8\xe2\xe5\xf2").
		number(mapi.MessageCodepage, 1251).
		entry(mapi.MakeTag(mapi.MessageDeliveryTime, mapi.TypeTime), 133_000_000_000_000_000).
		entry(mapi.MakeTag(0x0029, mapi.TypeBool), 0xFFFF_FFFF_0000_0001).
		entry(mapi.MakeTag(0x0017, mapi.TypeInt32), 0xABAB_ABAB_0000_0002).
		entry(mapi.MakeTag(0x000F, mapi.TypeNull), 0).
		several(0x8000, mapi.TypeUnicode, utf16le("red"), utf16le("grün\x00"), nil).
		several(0x7FF0, mapi.TypeBinary, []byte("a"), []byte("bc")).
		value(mapi.MakeTag(0x7FF1, mapi.TypeInt16|mapi.Multi), []byte{1, 0, 2, 0}, 0).
		unicode(0x8001, "Raum 5").
		value(mapi.MakeTag(0x7FF2, mapi.TypeGUID), []byte("0123456789abcdef"), 0).
		stream(valuePrefix+"0C1A001F", utf16le("not listed"))
	for i := range 12 {
		o.sub(recipPrefix, i, recipient().ansi(mapi.DisplayName, string(rune('a'+i))+"\xff").number(mapi.RecipientType, 1))
	}
	return o.
		sub(attachPrefix, 0, attachment().number(mapi.AttachMethod, mapi.ByValue).binary(mapi.AttachData, "contents").
			unicode(mapi.AttachLongFilename, "a.txt")).
		sub(attachPrefix, 1, attachment().number(mapi.AttachMethod, mapi.EmbeddedMessage).entry(0x3701000D, 0xFFFFFFFF).
			storage(valuePrefix+"3701000D", inner.nodes()...)).
		sub(attachPrefix, 2, attachment().number(mapi.AttachMethod, mapi.OLE).entry(0x3701000D, 0xFFFFFFFF).
			storage(valuePrefix+"3701000D", &cfb.Node{Name: "Workbook", Data: mapi.Bytes("cells")})).
		sub(attachPrefix, 3, attachment().number(mapi.AttachMethod, mapi.OLE).binary(mapi.AttachData, "picture"))
}

func TestMessage(t *testing.T) {
	m, err := openBytes(example().file())
	if err != nil || len(m.Defects()) > 0 {
		t.Fatal(err, m.Defects())
	}
	p := m.Props()
	for got, want := range map[any]any{
		p.Text(mapi.Subject):              "Grüße 😀",
		p.Text(mapi.Body):                 "Привет",
		p.Text(mapi.SenderName):           "not listed",
		p.Text(p.Find(location)):          "Raum 5",
		p.Find(keywords):                  mapi.ID(0x8000),
		p.Find(mapiName):                  mapi.ID(0x8002),
		p.Bool(0x0029):                    true,
		string(p.Binary(0x7FF2)):          "0123456789abcdef",
		p.CodePage:                        1251,
		p.Find(mapi.Name{Text: "nobody"}): mapi.ID(0),
	} {
		if got != want {
			t.Errorf("%v, want %v", got, want)
		}
	}
	if got := p.Texts(0x8000); !slices.Equal(got, []string{"red", "grün", ""}) {
		t.Errorf("keywords %q", got)
	}
	if n, ok := p.Int(0x0017); n != 2 || !ok {
		t.Errorf("importance %d, %v", n, ok)
	}
	if at, ok := p.Time(mapi.MessageDeliveryTime); !ok || !at.Equal(time.Date(2022, 6, 18, 4, 26, 40, 0, time.UTC)) {
		t.Errorf("delivered %v, %v", at, ok)
	}
	if v, _ := p.Get(0x7FF1); len(v.Many) != 2 || v.Many[1].Bits != 2 || v.Many[1].Type != mapi.TypeInt16 {
		t.Errorf("numbers %v", v)
	}
	if v, _ := p.Get(0x7FF0); len(v.Many) != 2 || content(t, v.Many[1].Data) != "bc" {
		t.Errorf("binaries %v", v)
	}
	// The list counts a zero that is not stored; one that is stored is left out.
	if v, _ := p.Get(mapi.Subject); v.Data.Size() != int64(len(utf16le("Grüße 😀"))) {
		t.Errorf("the subject has %d bytes", v.Data.Size())
	}
}

func TestRecipientsAndAttachments(t *testing.T) {
	m, err := openBytes(example().file())
	if err != nil {
		t.Fatal(err)
	}
	recipients, err := m.Recipients(t.Context())
	if err != nil || len(recipients) != 12 {
		t.Fatal(len(recipients), err)
	}
	for i, r := range recipients {
		if want := string(rune('a'+i)) + "я"; r.Text(mapi.DisplayName) != want { // 0xFF in the message's code page
			t.Errorf("recipient %d is %q, want %q", i, r.Text(mapi.DisplayName), want)
		}
	}
	all, err := m.Attachments(t.Context())
	if err != nil || len(all) != 4 {
		t.Fatal(len(all), err)
	}
	kinds := [][2]bool{{false, false}, {true, false}, {false, true}, {false, true}}
	for i, a := range all {
		e, err := a.Message(t.Context())
		if err != nil || (e != nil) != kinds[i][0] {
			t.Errorf("attachment %d: message %v, %v", i, e, err)
		}
		s, err := a.Storage(t.Context())
		if err != nil || (s != nil) != kinds[i][1] {
			t.Errorf("attachment %d: object %v, %v", i, s, err)
		}
	}
	if v, _ := all[0].Props().Get(mapi.AttachData); content(t, v.Data) != "contents" || v.Data.Size() != 8 {
		t.Error("the contents differ")
	}
	inner, err := all[1].Message(t.Context())
	if err != nil || inner.Props().Text(mapi.Subject) != "inner" {
		t.Fatal(inner, err)
	}
	if deep, err := inner.Attachments(t.Context()); err != nil || len(deep) != 1 || string(deep[0].Props().Binary(mapi.AttachData)) != "deep" {
		t.Error(deep, err)
	}
	object, _ := all[2].Storage(t.Context())
	b := content(t, object)
	f, err := cfb.Open(bytes.NewReader([]byte(b)), int64(len(b)), "object")
	if err != nil || f.Root.Child("workbook") == nil || content(t, f.Root.Child("Workbook").Data) != "cells" {
		t.Error("the object is no compound file", err)
	}
	stream, _ := all[3].Storage(t.Context())
	if content(t, stream) != "picture" {
		t.Error("the object's stream differs")
	}
}

func TestAnyPropertiesAreReadBack(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		o := message().number(mapi.MessageCodepage, 65001)
		texts, numbers := map[mapi.ID]string{}, map[mapi.ID]uint32{}
		for id := mapi.ID(0x6800); id < 0x6800+mapi.ID(rapid.IntRange(0, 40).Draw(t, "count")); id++ {
			switch rapid.IntRange(0, 3).Draw(t, "kind") {
			case 0:
				numbers[id] = rapid.Uint32().Draw(t, "number")
				o.number(id, numbers[id])
			case 1:
				texts[id] = rapid.StringMatching(`[^\x00]{0,60}`).Draw(t, "text")
				o.unicode(id, texts[id])
			case 2:
				texts[id] = rapid.StringMatching(`[^\x00]{0,60}`).Draw(t, "text")
				o.ansi(id, texts[id])
			default:
				texts[id] = rapid.StringMatching(`[^\x00]{0,9}`).Draw(t, "text")
				// Stored with its zero, and listed so.
				o.value(mapi.MakeTag(id, mapi.TypeUnicode), utf16le(texts[id]+"\x00"), 0)
			}
		}
		m, err := openBytes(o.file())
		if err != nil || len(m.Defects()) > 0 {
			t.Fatal(err, m.Defects())
		}
		for id, want := range texts {
			if got := m.Props().Text(id); got != want {
				t.Fatalf("%q, want %q", got, want)
			}
			if v, ok := m.Props().Get(id); !ok || v.Type == mapi.TypeUnicode && v.Data.Size() != int64(len(utf16le(want))) {
				t.Fatalf("%q has %d bytes", want, v.Data.Size())
			}
		}
		for id, want := range numbers {
			if got, ok := m.Props().Int(id); !ok || uint32(got) != want {
				t.Fatalf("%d, want %d", got, want)
			}
		}
	})
}

func TestCancelled(t *testing.T) {
	m, err := openBytes(example().file())
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := m.Recipients(ctx); !errors.Is(err, context.Canceled) || failure.ClassOf(err) != failure.Cancelled {
		t.Error(err)
	}
	if _, err := m.Attachments(ctx); !errors.Is(err, context.Canceled) {
		t.Error(err)
	}
}
