package rewrite

import (
	"slices"
	"strings"

	"waybill/directory"
	"waybill/format/imcea"
)

// The type under which a directory keeps an Exchange name that is no longer the
// name of its owner.
const typeX500 = "X500"

// maxOld bounds an old address, in bytes. A name in an Exchange directory has at
// most 1,024, and each may take three in an Internet address.
const maxOld = 4 << 10

// oldTypes are types of addresses that stand in headers as TYPE:value.
func oldTypes() []string {
	return []string{directory.EX, typeX500, directory.X400, directory.MS, "MSPEER", "MSA", directory.CCMAIL, "NOTES", "GWISE", "PROFS", "SNADS"}
}

// recognize reads an old address in any of the forms that occur in headers.
func recognize(text string) (old directory.Address, ok bool) {
	if len(text) > maxOld {
		return old, false
	}
	text = unfold(text)
	if hasPrefixFold(text, `"`+imcea.Prefix) || strings.HasPrefix(text, `"/`) {
		text = unquote(text)
	}
	if hasPrefixFold(text, imcea.Prefix) {
		// No blank belongs into this form: they come from folding.
		return decapsulate(strings.Map(func(r rune) rune {
			if r == ' ' || r == '\t' {
				return -1
			}
			return r
		}, text))
	}
	if kind, value, found := strings.Cut(text, ":"); found && slices.ContainsFunc(oldTypes(), func(t string) bool { return strings.EqualFold(t, kind) }) {
		value = strings.TrimSpace(value)
		return directory.Address{Type: strings.ToUpper(kind), Value: value}, value != ""
	}
	if strings.HasPrefix(text, "/") {
		return slashes(text)
	}
	if _, isX400 := x400(text, ';'); isX400 {
		return directory.Address{Type: directory.X400, Value: text}, true
	}
	return old, false
}

// unfold takes line breaks out (RFC 5322 2.2.3) and blanks off the ends.
func unfold(s string) string {
	s = strings.NewReplacer("\r\n", "", "\n", "", "\r", "").Replace(s)
	return strings.Trim(s, " \t")
}

// unquote takes the quotes off a local part.
func unquote(text string) string {
	var b strings.Builder
	for i := 1; i < len(text); i++ {
		switch c := text[i]; {
		case c == '\\' && i+1 < len(text):
			i++
			b.WriteByte(text[i])
		case c == '"':
			b.WriteString(text[i+1:])
			return b.String()
		default:
			b.WriteByte(c)
		}
	}
	return text
}

// decapsulate reads IMCEAEX-_O=ORG_CN=ANNA@host: "_" stands for "/", and "+2E" for
// the byte 2E. The host says nothing: it is the one of the gateway.
func decapsulate(text string) (old directory.Address, ok bool) {
	local, _, _ := cutLast(text, '@')
	kind, value, found := imcea.Decode(local)
	written, _, _ := strings.Cut(local[len(imcea.Prefix):], "-")
	if !found || len(written) > 8 || kind == directory.SMTP {
		return old, false
	}
	for i := 0; i < len(written); i++ {
		if !isAlnum(written[i]) {
			return old, false
		}
	}
	value = strings.TrimSpace(strings.ToValidUTF8(value, "\uFFFD"))
	return directory.Address{Type: kind, Value: value}, value != ""
}

// slashes reads a name of an Exchange directory, or an X.400 address as a local
// part (RFC 2156 4.2), either with or without a host behind it.
func slashes(text string) (old directory.Address, ok bool) {
	if i := strings.LastIndexByte(text, '@'); i > 0 && !strings.ContainsAny(text[i:], "/=") {
		text = text[:i]
	}
	if hasPrefixFold(text, "/o=") && strings.Contains(strings.ToLower(text), "/cn=") {
		return directory.Address{Type: directory.EX, Value: text}, true
	}
	if _, isX400 := x400(text, '/'); isX400 {
		return directory.Address{Type: directory.X400, Value: text}, true
	}
	return old, false
}

// keyOf is the form in which old addresses are compared; empty for what is none.
func keyOf(a directory.Address) string {
	kind, value := strings.ToUpper(a.Type), strings.TrimSpace(strings.ToValidUTF8(a.Value, "\uFFFD"))
	switch {
	case value == "" || len(value) > maxOld:
		return ""
	case kind == "" || kind == directory.SMTP || kind == directory.Migrate:
		return ""
	case kind == directory.EX || kind == typeX500: // one name space
		return directory.EX + ":" + strings.ToLower(value)
	case kind == directory.X400:
		sep := byte(';')
		if strings.HasPrefix(value, "/") {
			sep = '/'
		}
		if parts, ok := x400(value, sep); ok {
			return directory.X400 + ":" + strings.Join(parts, ";")
		}
	}
	return kind + ":" + strings.ToLower(value)
}

// x400 reads attribute=value pairs and gives them sorted, with the short names of
// Exchange and without those that are empty: neither order, letters nor an
// administration domain of one blank tell people apart (X.402 18.4, F.401 B).
func x400(text string, sep byte) (parts []string, ok bool) {
	country := false
	for part := range strings.SplitSeq(text, string(sep)) {
		if strings.TrimSpace(part) == "" {
			continue
		}
		name, value, found := strings.Cut(part, "=")
		name, value = strings.ToLower(strings.TrimSpace(name)), strings.ToLower(strings.Join(strings.Fields(value), " "))
		if !found || !isAttribute(name) {
			return nil, false
		}
		switch name {
		case "admd":
			name = "a"
		case "prmd":
			name = "p"
		case "sn", "surname":
			name = "s"
		case "gn", "given-name":
			name = "g"
		}
		name = strings.Replace(strings.Replace(name, "dd.", "dda:", 1), "dda.", "dda:", 1)
		country = country || name == "c"
		if value != "" {
			parts = append(parts, name+"="+value)
		}
	}
	slices.Sort(parts)
	return parts, country && len(parts) > 1
}

// isAttribute reports whether an attribute of an X.400 address has such a name.
func isAttribute(name string) bool {
	switch name {
	case "c", "a", "admd", "p", "prmd", "o", "s", "sn", "surname", "g", "gn", "given-name", "i", "q", "cn", "x.121", "n-id", "t-id",
		"ou", "ou1", "ou2", "ou3", "ou4":
		return true
	}
	return strings.HasPrefix(name, "dda:") || strings.HasPrefix(name, "dda.") || strings.HasPrefix(name, "dd.")
}
