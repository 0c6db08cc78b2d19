package migfile

import (
	"strings"
)

// Party is a sender or recipient: a friendly name, an address, or both, written
// "Name[TYPE:address]".
type Party struct {
	Name string
	// Type is in upper case; it and Value are empty when only the name is known.
	Type, Value string
}

// ParseParty reads a sender or recipient. Text that does not end in a typed
// address between brackets is a name.
func ParseParty(s string) Party {
	s = trim(s)
	if !strings.HasSuffix(s, "]") {
		return Party{Name: s}
	}
	depth, open := 0, -1
	for i := len(s) - 1; i >= 0 && open < 0; i-- {
		switch s[i] {
		case ']':
			depth++
		case '[':
			if depth--; depth == 0 {
				open = i
			}
		}
	}
	if open < 0 {
		return Party{Name: s}
	}
	kind, value, ok := strings.Cut(s[open+1:len(s)-1], ":")
	kind, value = trim(kind), trim(value)
	if !ok || !isType(kind) || value == "" {
		return Party{Name: s}
	}
	p := Party{Name: trim(s[:open]), Type: strings.ToUpper(kind), Value: value}
	if strings.EqualFold(p.Name, p.Value) {
		p.Name = ""
	}
	return p
}

// isType tells whether s can be the type of an address.
func isType(s string) bool {
	for i := 0; i < len(s); i++ {
		if c := s[i]; !('a' <= c && c <= 'z' || 'A' <= c && c <= 'Z' || '0' <= c && c <= '9') {
			return false
		}
	}
	return s != "" && len(s) <= 20
}

// String writes the party. A name that would be taken for an address is the
// caller's to avoid: ParseParty(p.String()) need not be p.
func (p Party) String() string {
	switch {
	case p.Type == "":
		return p.Name
	case p.Name == "":
		return p.Value + "[" + p.Type + ":" + p.Value + "]"
	}
	return p.Name + "[" + p.Type + ":" + p.Value + "]"
}
