package canon

import (
	"strings"

	"waybill/format/imcea"
	mf "waybill/format/migfile"
	"waybill/format/mime"
	"waybill/mail"
)

// The domain of addresses that are none (RFC 2606 2), and the local part for
// somebody whose address is not known.
const (
	invalidDomain = "migrated.invalid"
	noAddress     = "no-address"
)

// ToMIME makes an address for a header field. Types other than SMTP are
// encapsulated in the way of Exchange: IMCEAMS-NET_PO_USER@migrated.invalid, where
// "_" stands for "/" and "+2E" for the byte 2E. resolve finds the address of a
// name; nil when there is no directory.
func ToMIME(p mf.Party, resolve func(string) (string, bool)) (mime.Address, []mail.Note) {
	switch {
	case p.Type == "SMTP" && IsClean(p.Value):
		return mime.Address{Name: p.Name, Addr: p.Value}, nil
	case p.Type != "":
		text := "the address " + p.Type + ":" + p.Value + " is kept in encapsulated form"
		return mime.Address{Name: p.Name, Addr: imcea.Encode(p.Type, p.Value) + "@" + invalidDomain}, []mail.Note{{Kind: NoteAddress, Text: text}}
	}
	if resolve != nil {
		if addr, ok := resolve(p.Name); ok {
			return mime.Address{Name: p.Name, Addr: addr}, nil
		}
	}
	return mime.Address{Name: p.Name, Addr: noAddress + "@" + invalidDomain}, []mail.Note{{Kind: NoteNoAddress, Text: "only the name " + p.Name + " is known"}}
}

// FromMIME is the inverse of ToMIME.
func FromMIME(a mime.Address) mf.Party {
	local, domain, _ := CutLast(a.Addr, '@')
	switch {
	case a.Addr == "", strings.EqualFold(domain, invalidDomain) && strings.EqualFold(local, noAddress):
		return mf.Party{Name: a.Name}
	case strings.EqualFold(domain, invalidDomain):
		if kind, value, ok := imcea.Decode(local); ok {
			return mf.Party{Name: a.Name, Type: kind, Value: value}
		}
	}
	return mf.Party{Name: a.Name, Type: "SMTP", Value: a.Addr}
}

// CutLast cuts s at the last sep.
func CutLast(s string, sep byte) (before, after string, ok bool) {
	if i := strings.LastIndexByte(s, sep); i >= 0 {
		return s[:i], s[i+1:], true
	}
	return s, "", false
}

// IsClean tells whether an address can stand in a header field as it is.
func IsClean(addr string) bool {
	local, domain, ok := CutLast(addr, '@')
	if !ok || local == "" || domain == "" {
		return false
	}
	for i := 0; i < len(addr); i++ {
		c := addr[i]
		if c <= ' ' || c == 0x7f || strings.IndexByte(`<>()",;:\`, c) >= 0 || i < len(local) && strings.IndexByte("[]", c) >= 0 {
			return false
		}
	}
	return strings.Count(addr, "@") == 1
}

// Clean makes one line of a text: controls and runs of blanks become one blank.
func Clean(s string) string {
	var b strings.Builder
	blank := false
	for _, r := range strings.ToValidUTF8(s, "\uFFFD") {
		if r <= ' ' || r == 0x7f {
			blank = b.Len() > 0
			continue
		}
		if blank {
			b.WriteByte(' ')
			blank = false
		}
		b.WriteRune(r)
	}
	return b.String()
}

// Canonical is the text of a party as a file in that code page keeps it. It is
// the same for the party that is read from that text.
func Canonical(p mf.Party, page mf.CodePage) string {
	p.Name, p.Value = Fit(Clean(p.Name), page), Fit(Clean(p.Value), page)
	if p.Value == "" {
		p.Type = ""
	}
	return mf.ParseParty(p.String()).String()
}

// Fit replaces the characters that a code page does not have.
func Fit(s string, page mf.CodePage) string {
	b, _ := page.Encode(s)
	return Clean(page.Decode(b))
}

// BaseName is the last name of a path in anybody's notation.
func BaseName(name string) string {
	if i := strings.LastIndexAny(name, `\/`); i >= 0 {
		name = name[i+1:]
	}
	if name = Clean(name); name == "." || name == ".." {
		return ""
	}
	return name
}
