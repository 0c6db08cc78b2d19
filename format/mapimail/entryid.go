package mapimail

import (
	"bytes"
	"encoding/binary"
	"unicode/utf16"

	"waybill/format/mapi"
)

// Providers of entry identifiers, behind their four bytes of flags ([MS-OXCDATA]
// 2.2.5).
var (
	oneOffProvider   = []byte{0x81, 0x2B, 0x1F, 0xA4, 0xBE, 0xA3, 0x10, 0x19, 0x9D, 0x6E, 0x00, 0xDD, 0x01, 0x0F, 0x54, 0x02}
	exchangeProvider = []byte{0xDC, 0xA7, 0x40, 0xC8, 0xC0, 0x42, 0x10, 0x1A, 0xB4, 0xB9, 0x08, 0x00, 0x2B, 0x2F, 0xE1, 0x82}
)

// parseEntry reads who an entry identifier names: somebody without a place in a
// directory ([MS-OXCDATA] 2.2.5.1) or an object of an Exchange directory (2.2.5.2).
func parseEntry(b []byte) (party, bool) {
	if len(b) < 24 {
		return party{}, false
	}
	provider, rest := b[4:20], b[20:]
	switch {
	case bytes.Equal(provider, oneOffProvider):
		const inUnicode = 0x8000
		wide := binary.LittleEndian.Uint16(rest[2:])&inUnicode != 0
		rest = rest[4:]
		var texts [3]string
		for i := range texts {
			texts[i], rest = cutText(rest, wide)
		}
		return party{name: unquote(texts[0]), kind: texts[1], address: texts[2]}, texts[1] != "" && texts[2] != ""
	case bytes.Equal(provider, exchangeProvider) && len(rest) > 8:
		dn, _ := cutText(rest[8:], false)
		return party{kind: "EX", address: dn}, dn != ""
	}
	return party{}, false
}

// cutText takes a text off that ends with a zero, or with b.
func cutText(b []byte, wide bool) (string, []byte) {
	if !wide {
		text, rest, _ := bytes.Cut(b, []byte{0})
		return mapi.DecodeText(text, 0), rest
	}
	var units []uint16
	for len(b) >= 2 {
		u := binary.LittleEndian.Uint16(b)
		if b = b[2:]; u == 0 {
			break
		}
		units = append(units, u)
	}
	return string(utf16.Decode(units)), b
}

// parseEntryList reads a FlatEntryList ([MS-OXCDATA] 2.3.3): a count, a size, and
// entries that each have their size in front and are padded to four bytes.
func parseEntryList(b []byte) []party {
	const most = 1000
	if len(b) < 8 {
		return nil
	}
	count := binary.LittleEndian.Uint32(b)
	b = b[8:]
	var list []party
	for ; count > 0 && len(b) >= 4 && len(list) < most; count-- {
		size := uint64(binary.LittleEndian.Uint32(b))
		b = b[4:]
		if size > uint64(len(b)) {
			break
		}
		if p, ok := parseEntry(b[:size]); ok {
			list = append(list, p)
		}
		b = b[min(uint64(len(b)), (size+3)&^3):]
	}
	return list
}
