// Package entryid reads the entry ids that name people in Outlook's items
// ([MS-OXCDATA] 2.2.5, [MS-OXOCNTC] 2.2.2.2.4.1.1).
package entryid

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"unicode/utf16"

	"waybill/failure"
)

// Kind says what an entry id names.
type Kind uint8

// The kinds.
const (
	OneOff  Kind = iota + 1 // a name with an address
	Book                    // somebody in the address book of the server, by distinguished name
	Contact                 // a contact of the store
	List                    // a distribution list of the store
)

// ID is what an entry id says.
type ID struct {
	Kind Kind
	// Name is set for OneOff.
	Name string
	// AddressType and Address are set for OneOff (SMTP, EX, ...) and Book (EX).
	AddressType, Address string
	// Item is the entry id of the contact or list in its store.
	Item []byte
}

// Providers of entry ids: the 16 bytes behind the flags.
var (
	providerOneOff  = [16]byte{0x81, 0x2B, 0x1F, 0xA4, 0xBE, 0xA3, 0x10, 0x19, 0x9D, 0x6E, 0x00, 0xDD, 0x01, 0x0F, 0x54, 0x02}
	providerBook    = [16]byte{0xDC, 0xA7, 0x40, 0xC8, 0xC0, 0x42, 0x10, 0x1A, 0xB4, 0xB9, 0x08, 0x00, 0x2B, 0x2F, 0xE1, 0x82}
	providerContact = [16]byte{0xFE, 0x42, 0xAA, 0x0A, 0x18, 0xC7, 0x1A, 0x10, 0xE8, 0x85, 0x0B, 0x65, 0x1C, 0x24, 0x00, 0x00}
	providerWrapped = [16]byte{0xC0, 0x91, 0xAD, 0xD3, 0x51, 0x9D, 0xCF, 0x11, 0xA4, 0xA9, 0x00, 0xAA, 0x00, 0x47, 0xFA, 0xA4}
)

const headSize = 20 // flags and provider

func malformed(rule, format string, args ...any) error {
	return failure.New(failure.Malformed, "read an entry id", "", rule, fmt.Errorf(format, args...))
}

// Parse reads an entry id. text decodes texts that are in a code page. Errors are
// of class Malformed; where stays for the caller to add.
func Parse(b []byte, text func([]byte) string) (ID, error) { return parse(b, text, true) }

func parse(b []byte, text func([]byte) string, mayWrap bool) (ID, error) {
	if len(b) < headSize+4 {
		return ID{}, malformed("entryid.truncated", "%d bytes", len(b))
	}
	rest := b[headSize:]
	switch [16]byte(b[4:headSize]) {
	case providerOneOff:
		return oneOff(rest, text)
	case providerBook: // version and type, then the name
		if len(rest) < 9 {
			return ID{}, malformed("entryid.truncated", "%d bytes", len(b))
		}
		name, _, _ := bytes.Cut(rest[8:], []byte{0})
		return ID{Kind: Book, AddressType: "EX", Address: text(name)}, nil
	case providerContact: // version, type, index, count, and the contact's own entry id
		if len(rest) < 16 {
			return ID{}, malformed("entryid.truncated", "%d bytes", len(b))
		}
		kind := Contact
		if binary.LittleEndian.Uint32(rest[4:]) == 5 {
			kind = List
		}
		n := binary.LittleEndian.Uint32(rest[12:])
		if uint64(n) > uint64(len(rest)-16) {
			return ID{}, malformed("entryid.count", "%d bytes of %d", n, len(rest)-16)
		}
		return ID{Kind: kind, Item: bytes.Clone(rest[16 : 16+n])}, nil
	case providerWrapped:
		if !mayWrap {
			return ID{}, malformed("entryid.nesting", "wrapped twice")
		}
		switch rest[0] & 0x0F {
		case 0, 5, 6:
			return parse(rest[1:], text, false)
		case 3:
			return ID{Kind: Contact, Item: bytes.Clone(rest[1:])}, nil
		case 4:
			return ID{Kind: List, Item: bytes.Clone(rest[1:])}, nil
		}
		return ID{}, malformed("entryid.type", "type 0x%02X", rest[0])
	}
	return ID{}, malformed("entryid.provider", "provider %x", b[4:headSize])
}

// oneOff reads a One-Off EntryID behind its provider ([MS-OXCDATA] 2.2.5.1).
func oneOff(b []byte, text func([]byte) string) (ID, error) {
	wide := binary.LittleEndian.Uint16(b[2:])&0x8000 != 0
	b = b[4:]
	var texts [3]string
	for i := range texts {
		var ok bool
		if texts[i], b, ok = next(b, wide, text); !ok && i < 2 {
			return ID{}, malformed("entryid.truncated", "text %d has no end", i+1)
		}
	}
	return ID{Kind: OneOff, Name: texts[0], AddressType: texts[1], Address: texts[2]}, nil
}

// next takes a text up to its zero; ok is false where there is no zero.
func next(b []byte, wide bool, text func([]byte) string) (s string, rest []byte, ok bool) {
	if !wide {
		s, rest, ok := bytes.Cut(b, []byte{0})
		return text(s), rest, ok
	}
	var units []uint16
	for len(b) >= 2 {
		u := binary.LittleEndian.Uint16(b)
		b = b[2:]
		if u == 0 {
			return string(utf16.Decode(units)), b, true
		}
		units = append(units, u)
	}
	return string(utf16.Decode(units)), nil, false
}

// StreamMember is one member of a list that is stored as a stream.
type StreamMember struct {
	ID     []byte
	OneOff []byte // may be empty
}

// ParseStream reads PidLidDistributionListStream ([MS-OXOCNTC] 2.2.2.2.4). What
// comes before a defect is given together with the error.
func ParseStream(b []byte) ([]StreamMember, error) {
	const head = 28
	if len(b) < head {
		return nil, malformed("entryid.truncated", "a list of %d bytes", len(b))
	}
	n := binary.LittleEndian.Uint32(b[12:])
	b = b[head:]
	if uint64(n)*12 > uint64(len(b)) {
		return nil, malformed("entryid.count", "%d members in %d bytes", n, len(b))
	}
	members := make([]StreamMember, 0, n)
	for range n {
		var fields [3][]byte
		for i := range fields {
			if len(b) < 4 {
				return members, malformed("entryid.truncated", "member %d of %d is cut off", len(members)+1, n)
			}
			size := binary.LittleEndian.Uint32(b)
			b = b[4:]
			if uint64(size) > uint64(len(b)) {
				return members, malformed("entryid.count", "member %d of %d has %d bytes of %d", len(members)+1, n, size, len(b))
			}
			fields[i], b = b[:size], b[size:]
		}
		members = append(members, StreamMember{fields[0], fields[1]})
	}
	return members, nil
}
