package rewrite

import (
	"maps"
	"strings"

	"waybill/directory"
	"waybill/format/imcea"
)

// Table tells the Internet addresses of people by their old ones. The zero value
// knows nobody.
type Table struct {
	// by maps keys of old addresses to Internet addresses; an empty one says that
	// several people are called so.
	by map[string]string
}

// Len is the number of old addresses for which another is known.
func (t Table) Len() int {
	n := 0
	for _, smtp := range t.by {
		if smtp != "" {
			n++
		}
	}
	return n
}

// Equal reports whether both tables replace the same by the same.
func (t Table) Equal(other Table) bool { return maps.Equal(t.by, other.by) }

// Find gives the Internet address for an old one.
func (t Table) Find(old directory.Address) (smtp string, ok bool) {
	smtp = t.by[keyOf(old)]
	return smtp, smtp != ""
}

// Maker makes a Table out of what several places know. The zero value is ready.
type Maker struct {
	by map[string]claim
}

type claim struct {
	smtp string // empty: several people
	rank int
}

// Add says that the addresses belong to one person or list: the first Internet
// address among them stands for all others. A lower rank goes before a higher
// one; where two of the same rank disagree nobody is taken.
func (m *Maker) Add(rank int, addresses []directory.Address) {
	var smtp string
	for _, a := range addresses {
		if value := strings.TrimSpace(a.Value); strings.EqualFold(a.Type, directory.SMTP) && answerable(value) {
			smtp = value
			break
		}
	}
	if smtp == "" {
		return
	}
	if m.by == nil {
		m.by = map[string]claim{}
	}
	for _, a := range addresses {
		key := keyOf(a)
		if key == "" {
			continue
		}
		have, known := m.by[key]
		switch {
		case !known, rank < have.rank:
			m.by[key] = claim{smtp, rank}
		case rank == have.rank && !strings.EqualFold(have.smtp, smtp):
			m.by[key] = claim{"", rank}
		}
	}
}

// Table is what was added so far.
func (m *Maker) Table() Table {
	t := Table{by: make(map[string]string, len(m.by))}
	for key, c := range m.by {
		t.by[key] = c.smtp
	}
	return t
}

// maxSMTP is the longest Internet address (RFC 5321 4.5.3.1).
const maxSMTP = 254

// answerable reports whether an Internet address can stand in a header as it is
// and is no old address in disguise.
func answerable(addr string) bool {
	local, domain, ok := cutLast(addr, '@')
	if !ok || local == "" || domain == "" || len(addr) > maxSMTP || hasPrefixFold(local, imcea.Prefix) {
		return false
	}
	for i := 0; i < len(local); i++ {
		if c := local[i]; !isAlnum(c) && !strings.ContainsRune("!#$%&'*+-/=?^_`{|}~.", rune(c)) {
			return false
		}
	}
	if strings.HasPrefix(local, ".") || strings.HasSuffix(local, ".") || strings.Contains(local, "..") {
		return false
	}
	for label := range strings.SplitSeq(domain, ".") {
		if label == "" {
			return false
		}
		for i := 0; i < len(label); i++ {
			if c := label[i]; !isAlnum(c) && c != '-' && c != '_' {
				return false
			}
		}
	}
	// Names below .invalid reach nobody (RFC 2606 2).
	return !strings.EqualFold(domain, "invalid") && !strings.HasSuffix(strings.ToLower(domain), ".invalid")
}

func isAlnum(c byte) bool {
	return 'a' <= c && c <= 'z' || 'A' <= c && c <= 'Z' || '0' <= c && c <= '9'
}

func hasPrefixFold(s, prefix string) bool {
	return len(s) >= len(prefix) && strings.EqualFold(s[:len(prefix)], prefix)
}

func cutLast(s string, sep byte) (before, after string, ok bool) {
	if i := strings.LastIndexByte(s, sep); i >= 0 {
		return s[:i], s[i+1:], true
	}
	return s, "", false
}
