package mai

import (
	"bytes"
	"strings"
)

// NativeAddress is the type of network/postoffice/mailbox addresses (derived, KB
// Q104423). Other types were not published.
const NativeAddress byte = 0x02

// Party is a sender or recipient as it stands in a decrypted string (derived):
// type, address, NUL, a flag with bit 0x01 when a name follows, the name and NUL,
// and some bytes whose meaning is not known.
type Party struct {
	Type    byte
	Address string // in the code page
	Flag    byte
	Name    string // in the code page; empty when there is none
	Tail    []byte
}

const (
	partyFlag = 0x80
	partyName = 0x01
)

// ParseParty takes a decrypted string apart. It is not ok when the string cannot
// be a party: then the key is wrong, or the string damaged.
func ParseParty(plain []byte) (p Party, ok bool) {
	if len(plain) < 2 {
		return p, false
	}
	p.Type = plain[0]
	address, rest, found := bytes.Cut(plain[1:], []byte{0})
	if len(address) == 0 || !printable(address) {
		return p, false
	}
	p.Address = string(address)
	if p.Type == NativeAddress && strings.Count(p.Address, "/") < 2 {
		return p, false
	}
	if !found || len(rest) == 0 {
		return p, true
	}
	p.Flag, rest = rest[0], rest[1:]
	if p.Flag&partyName != 0 {
		name, tail, _ := bytes.Cut(rest, []byte{0})
		if !printable(name) {
			return p, false
		}
		p.Name, rest = string(name), tail
	}
	if len(rest) > 0 {
		p.Tail = bytes.Clone(rest)
	}
	return p, true
}

// AppendParty writes a party as ParseParty reads it.
func AppendParty(b []byte, p Party) []byte {
	b = append(b, p.Type)
	b = append(append(b, p.Address...), 0, p.Flag)
	if p.Flag&partyName != 0 {
		b = append(append(b, p.Name...), 0)
	}
	return append(b, p.Tail...)
}

// Native makes the party of a network/postoffice/mailbox address, with a name or
// without, as in the published dump.
func Native(address, name string) Party {
	if name == "" {
		return Party{Type: NativeAddress, Address: address, Flag: partyFlag, Tail: []byte{0, 1, 1}}
	}
	return Party{Type: NativeAddress, Address: address, Flag: partyFlag | partyName, Name: name, Tail: []byte{0}}
}

func printable(b []byte) bool {
	for _, c := range b {
		if c < ' ' || c == 0x7F {
			return false
		}
	}
	return true
}

// Plausible tells whether b can be text: hardly any control characters. Bytes
// decrypted with a wrong key are one eighth control characters.
func Plausible(b []byte) bool {
	return len(b) == 0 || implausible(b)*100 <= len(b)
}

// implausible counts the bytes that text does not have.
func implausible(b []byte) (n int) {
	for _, c := range b {
		switch {
		case c >= ' ' && c != 0x7F, c == '\r', c == '\n', c == '\t', c == '\f', c == 0x1A, c == 0x1B:
		default:
			n++
		}
	}
	return n
}
