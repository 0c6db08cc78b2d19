package mime

import "strings"

// Address is one mailbox of an address field.
type Address struct {
	Name string // display name, decoded
	Addr string // user@domain; empty when the field holds a name only
}

// String writes the address for a header field (RFC 5322 3.4).
func (a Address) String() string {
	addr := a.Addr
	switch {
	case a.Name == "":
		return quoteLocal(addr)
	case addr == "":
		return quoteName(a.Name) + " <>"
	}
	return quoteName(a.Name) + " <" + quoteLocal(addr) + ">"
}

func quoteName(name string) string {
	plain, atom := true, true
	for i := 0; i < len(name); i++ {
		c := name[i]
		plain = plain && c >= ' ' && c < 0x7f
		atom = atom && (c == ' ' || isAtom(c))
	}
	plain = plain && !strings.Contains(name, "=?") && len(name) < 400 && name == strings.Trim(name, " ")
	switch {
	case plain && atom && !strings.Contains(name, "  "):
		return name
	case plain:
		return `"` + strings.NewReplacer(`\`, `\\`, `"`, `\"`).Replace(name) + `"`
	}
	return encodeAlways(name)
}

// encodeAlways is EncodeWords for text that must not stand as it is, even if
// that would be legal in an unstructured field.
func encodeAlways(s string) string {
	if e := EncodeWords(s); e != s {
		return e
	}
	var words []string
	for len(s) > 0 {
		n := min(39, len(s))
		words = append(words, encodeWord(s[:n], true))
		s = s[n:]
	}
	return strings.Join(words, " ")
}

func isAtom(c byte) bool {
	return 'a' <= c && c <= 'z' || 'A' <= c && c <= 'Z' || '0' <= c && c <= '9' || strings.IndexByte("!#$%&'*+-/=?^_`{|}~", c) >= 0
}

// quoteLocal quotes the local part of an address where it has to be.
func quoteLocal(addr string) string {
	at := strings.LastIndexByte(addr, '@')
	if at < 0 {
		return addr
	}
	local := addr[:at]
	if strings.HasPrefix(local, `"`) && strings.HasSuffix(local, `"`) && len(local) > 1 {
		return addr
	}
	for i := 0; i < len(local); i++ {
		if c := local[i]; !isAtom(c) && c != '.' && c < 0x80 {
			return `"` + strings.NewReplacer(`\`, `\\`, `"`, `\"`).Replace(local) + `"` + addr[at:]
		}
	}
	return addr
}

// ParseAddresses reads an address field, however broken, and never fails: text
// without an address becomes a name. Groups give their members. At most 100,000
// addresses are read.
func ParseAddresses(value string) []Address {
	var list []Address
	s := &addressScanner{s: value}
	for len(list) < 100000 {
		a, ok, more := s.next()
		if ok {
			list = append(list, a)
		}
		if !more {
			return list
		}
	}
	return list
}

type addressScanner struct {
	s string
	i int
}

// next reads up to the next comma or semicolon, or the colon behind a group's name.
func (s *addressScanner) next() (a Address, ok, more bool) {
	var words, comment strings.Builder // words: the display name, or a bare address
	quoted := false                    // words holds a quoted string
	angle, haveAngle := "", false
	for s.i < len(s.s) {
		c := s.s[s.i]
		switch c {
		case ',', ';':
			s.i++
			a, ok = makeAddress(words.String(), comment.String(), angle, haveAngle, quoted)
			return a, ok, true
		case ':':
			if haveAngle || strings.ContainsRune(words.String(), '@') || strings.Contains(words.String(), "[") {
				words.WriteByte(c)
				s.i++
				continue
			}
			s.i++ // a group's name; its members follow (RFC 5322 3.4)
			return Address{}, false, true
		case '"':
			text, isLocal := s.quoted()
			if isLocal {
				words.WriteString(`"` + strings.NewReplacer(`\`, `\\`, `"`, `\"`).Replace(text) + `"`)
			} else {
				words.WriteString(text)
				quoted = true
			}
		case '(':
			start := s.i
			text, closed := s.comment()
			if !closed {
				s.i = start + 1
				words.WriteByte('(')
				continue
			}
			comment.WriteString(text)
		case '<':
			end := strings.IndexByte(s.s[s.i:], '>')
			if end < 0 {
				angle, haveAngle = s.s[s.i+1:], true
				s.i = len(s.s)
				continue
			}
			if !haveAngle || strings.TrimSpace(angle) == "" {
				angle, haveAngle = s.s[s.i+1:s.i+end], true
			}
			s.i += end + 1
		case '[':
			end := max(strings.IndexByte(s.s[s.i:], ']'), 0)
			words.WriteString(s.s[s.i : s.i+end+1])
			s.i += end + 1
		default:
			words.WriteByte(c)
			s.i++
		}
	}
	a, ok = makeAddress(words.String(), comment.String(), angle, haveAngle, quoted)
	return a, ok, false
}

// quoted reads a quoted string; local tells that an "@" follows it at once. A
// string that is not closed ends at the next comma.
func (s *addressScanner) quoted() (text string, local bool) {
	var b strings.Builder
	for i := s.i + 1; i < len(s.s); i++ {
		switch c := s.s[i]; {
		case c == '\\' && i+1 < len(s.s):
			i++
			b.WriteByte(s.s[i])
		case c == '"':
			s.i = i + 1
			return b.String(), s.i < len(s.s) && s.s[s.i] == '@'
		default:
			b.WriteByte(c)
		}
	}
	rest := s.s[s.i+1:]
	if i := strings.IndexAny(rest, ",;<"); i >= 0 {
		rest = rest[:i]
	}
	s.i += 1 + len(rest)
	return rest, false
}

func (s *addressScanner) comment() (text string, closed bool) {
	depth := 0
	var b strings.Builder
	for i := s.i; i < len(s.s); i++ {
		switch c := s.s[i]; {
		case c == '\\' && i+1 < len(s.s):
			i++
			b.WriteByte(s.s[i])
			continue
		case c == '(':
			if depth++; depth == 1 {
				continue
			}
		case c == ')':
			if depth--; depth == 0 {
				s.i = i + 1
				return b.String(), true
			}
		}
		b.WriteByte(s.s[i])
	}
	return "", false
}

func makeAddress(words, comment, angle string, haveAngle, quoted bool) (Address, bool) {
	words = strings.Trim(words, " \t\r\n")
	if haveAngle {
		addr := strings.Trim(angle, " \t\r\n")
		if i := strings.IndexByte(addr, ':'); i > 0 && addr[0] == '@' {
			addr = addr[i+1:] // a source route (RFC 5322 4.4)
		}
		name := DecodeWords(words)
		if name == "" {
			name = DecodeWords(comment)
		}
		return Address{name, addr}, name != "" || addr != ""
	}
	if at := strings.LastIndexByte(words, '@'); at > 0 && !quoted && !strings.ContainsAny(words[at:], " \t") {
		local := strings.TrimLeft(words[:at], " ")
		if !strings.ContainsAny(local, " \t") || strings.HasPrefix(local, `"`) {
			return Address{DecodeWords(comment), words}, true
		}
		if i := strings.LastIndexAny(local, " \t"); i >= 0 { // a name in front of a bare address
			return Address{DecodeWords(strings.TrimSpace(words[:i])), words[i+1:]}, true
		}
	}
	name := DecodeWords(words)
	if name == "" {
		name = DecodeWords(comment)
	}
	return Address{Name: name}, name != ""
}
