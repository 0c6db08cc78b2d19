package entryid

import (
	"bytes"
	"encoding/binary"
	"testing"
	"unicode/utf16"

	"pgregory.net/rapid"

	"waybill/failure"
)

func ascii(b []byte) string { return string(b) }

func head(provider [16]byte) []byte { return append(make([]byte, 4), provider[:]...) }

func encodeOneOff(wide bool, texts ...string) []byte {
	b := append(head(providerOneOff), 0, 0)
	if !wide {
		b = append(b, 1, 0)
		for _, s := range texts {
			b = append(append(b, s...), 0)
		}
		return b
	}
	b = append(b, 1, 0x90)
	for _, s := range texts {
		for _, u := range utf16.Encode([]rune(s + "\x00")) {
			b = binary.LittleEndian.AppendUint16(b, u)
		}
	}
	return b
}

func wrap(kind byte, inside []byte) []byte {
	return append(append(head(providerWrapped), kind), inside...)
}

func TestKinds(t *testing.T) {
	book := append(head(providerBook), 1, 0, 0, 0, 0, 0, 0, 0)
	book = append(book, "/o=Org/cn=anna\x00"...)
	item := []byte("the entry id of a contact")
	contact := append(head(providerContact), 3, 0, 0, 0, 4, 0, 0, 0, 1, 0, 0, 0, byte(len(item)), 0, 0, 0)
	contact = append(contact, item...)
	for name, c := range map[string]struct {
		b    []byte
		want ID
	}{
		"one-off":            {encodeOneOff(false, "Anna", "SMTP", "anna@a.example"), ID{Kind: OneOff, Name: "Anna", AddressType: "SMTP", Address: "anna@a.example"}},
		"one-off, Unicode":   {encodeOneOff(true, "Änne 漢", "SMTP", "anna@a.example"), ID{Kind: OneOff, Name: "Änne 漢", AddressType: "SMTP", Address: "anna@a.example"}},
		"wrapped one-off":    {wrap(0, encodeOneOff(true, "A", "EX", "/o=x")), ID{Kind: OneOff, Name: "A", AddressType: "EX", Address: "/o=x"}},
		"address book":       {book, ID{Kind: Book, AddressType: "EX", Address: "/o=Org/cn=anna"}},
		"wrapped user":       {wrap(0xB5, book), ID{Kind: Book, AddressType: "EX", Address: "/o=Org/cn=anna"}},
		"contact":            {contact, ID{Kind: Contact, Item: item}},
		"wrapped contact":    {wrap(0xC3, item), ID{Kind: Contact, Item: item}},
		"wrapped list":       {wrap(0xB4, item), ID{Kind: List, Item: item}},
		"no zero at the end": {encodeOneOff(false, "A", "SMTP", "a@b")[:0:0], ID{}},
	} {
		got, err := Parse(c.b, ascii)
		if c.want.Kind == 0 {
			if failure.ClassOf(err) != failure.Malformed {
				t.Errorf("%s: %v", name, err)
			}
			continue
		}
		if err != nil || got.Kind != c.want.Kind || got.Name != c.want.Name || got.Address != c.want.Address ||
			got.AddressType != c.want.AddressType || !bytes.Equal(got.Item, c.want.Item) {
			t.Errorf("%s: %+v, %v", name, got, err)
		}
	}
}

func TestNestingEnds(t *testing.T) {
	b := encodeOneOff(false, "A", "SMTP", "a@b")
	for range 1000 {
		b = wrap(0, b)
	}
	if _, err := Parse(b, ascii); failure.RuleOf(err) != "entryid.nesting" {
		t.Error(err)
	}
}

func encodeStream(members []StreamMember) []byte {
	b := append([]byte{1, 0, 0, 0}, make([]byte, 8)...)
	b = binary.LittleEndian.AppendUint32(b, uint32(len(members)))
	b = append(b, make([]byte, 12)...)
	for _, m := range members {
		for _, f := range [][]byte{m.ID, m.OneOff, nil} {
			b = binary.LittleEndian.AppendUint32(b, uint32(len(f)))
			b = append(b, f...)
		}
	}
	return append(b, make([]byte, 8)...)
}

func TestStreams(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		var members []StreamMember
		for range rapid.IntRange(0, 6).Draw(t, "members") {
			members = append(members, StreamMember{rapid.SliceOf(rapid.Byte()).Draw(t, "id"), rapid.SliceOf(rapid.Byte()).Draw(t, "one-off")})
		}
		b := encodeStream(members)
		got, err := ParseStream(b)
		if err != nil || len(got) != len(members) {
			t.Fatal(err, len(got))
		}
		for i := range got {
			if !bytes.Equal(got[i].ID, members[i].ID) || !bytes.Equal(got[i].OneOff, members[i].OneOff) {
				t.Fatalf("member %d: %+v", i, got[i])
			}
		}
		cut := rapid.IntRange(0, len(b)-8).Draw(t, "cut")
		if got, err := ParseStream(b[:cut]); cut < len(b)-8 && err == nil && len(got) == len(members) && len(members) > 0 {
			t.Fatalf("cut at %d of %d: nothing noticed", cut, len(b))
		}
	})
	if _, err := ParseStream(append(make([]byte, 12), 0xFF, 0xFF, 0xFF, 0x7F, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0)); failure.RuleOf(err) != "entryid.count" {
		t.Error(err)
	}
}

func FuzzParse(f *testing.F) {
	f.Add(wrap(0, encodeOneOff(true, "A", "SMTP", "a@b.example")))
	f.Add(encodeStream([]StreamMember{{[]byte("x"), encodeOneOff(false, "A", "SMTP", "a@b")}}))
	f.Add(wrap(0xC3, []byte("contact")))
	f.Fuzz(func(t *testing.T, b []byte) {
		if id, err := Parse(b, ascii); err == nil && len(id.Name)+len(id.Address)+len(id.Item) > 3*len(b) {
			t.Fatalf("%+v out of %d bytes", id, len(b))
		}
		members, _ := ParseStream(b)
		if len(members)*12 > len(b) {
			t.Fatalf("%d members out of %d bytes", len(members), len(b))
		}
	})
}
