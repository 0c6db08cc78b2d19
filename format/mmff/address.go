package mmff

import "strings"

// CSI is the type of an address that names none: a mailbox of the postoffice's
// own network, NETWORK/POSTOFFICE/MAILBOX.
const CSI = "CSI"

// Address is a typed address. The format has no names beside it.
type Address struct {
	Type  string // in upper case
	Value string
}

// maxType is the longest type of an address; what is longer in front of a colon
// belongs to the address.
const maxType = 20

// ParseAddress reads an address; one without a type is CSI (KB Q106623). A line
// break inside it is written ^0D (KB Q94410).
func ParseAddress(text string) Address {
	text = strings.TrimSpace(strings.ReplaceAll(text, "^0D", "\r"))
	kind, value, ok := strings.Cut(text, ":")
	if kind = strings.TrimSpace(kind); !ok || !isWord(kind) || strings.TrimSpace(value) == "" {
		return Address{Type: CSI, Value: text}
	}
	return Address{Type: strings.ToUpper(kind), Value: strings.TrimSpace(value)}
}

func isWord(s string) bool {
	for i := 0; i < len(s); i++ {
		if c := s[i]; !('a' <= c && c <= 'z' || 'A' <= c && c <= 'Z' || '0' <= c && c <= '9') {
			return false
		}
	}
	return s != "" && len(s) <= maxType
}

// String is the address as it is written, type included.
func (a Address) String() string {
	return a.Type + ":" + strings.ReplaceAll(a.Value, "\r", "^0D")
}
