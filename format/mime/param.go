package mime

import (
	"fmt"
	"strconv"
	"strings"
)

// ParseParams reads a header value of the form "value; name=value; ..." (RFC
// 2045 5.1) with the extensions of RFC 2231, and never fails: what it does not
// understand it passes over. The value and the names are in lower case; values
// are decoded, encoded words (which do not belong there) included.
func ParseParams(s string) (value string, params map[string]string) {
	value, rest, _ := strings.Cut(s, ";")
	value = strings.ToLower(strings.TrimSpace(stripComments(value)))
	params = map[string]string{}
	type piece struct {
		text    string
		encoded bool
	}
	pieces := map[string]map[int]piece{}
	for rest != "" {
		var name, text string
		name, text, rest = nextParam(rest)
		if name == "" {
			continue
		}
		base, number, encoded := splitParamName(name)
		if pieces[base] == nil {
			if len(pieces) >= 100 {
				break
			}
			pieces[base] = map[int]piece{}
		}
		if _, have := pieces[base][number]; !have {
			pieces[base][number] = piece{text, encoded}
		}
	}
	for name, set := range pieces {
		whole, extended := set[-1]
		if len(set) > 1 || !extended {
			var b []byte
			charset := ""
			found := false
			for i := 0; ; i++ {
				p, ok := set[i]
				if !ok {
					break
				}
				found = true
				if !p.encoded {
					b = append(b, p.text...)
					continue
				}
				text := p.text
				if i == 0 {
					charset, text = splitExtended(text)
				}
				b = append(b, percentDecode(text)...)
			}
			if found {
				params[name] = decodeBytes(b, charset)
				continue
			}
		}
		if !whole.encoded {
			params[name] = DecodeWords(whole.text)
			continue
		}
		charset, text := splitExtended(whole.text)
		params[name] = decodeBytes(percentDecode(text), charset)
	}
	return value, params
}

// splitParamName takes "name*1*" apart; number is -1 without one.
func splitParamName(name string) (base string, number int, encoded bool) {
	name = strings.ToLower(name)
	if strings.HasSuffix(name, "*") {
		name, encoded = name[:len(name)-1], true
	}
	if i := strings.LastIndexByte(name, '*'); i > 0 {
		if n, err := strconv.Atoi(name[i+1:]); err == nil && n >= 0 && n < 1000 {
			return name[:i], n, encoded
		}
	}
	return name, -1, encoded
}

func splitExtended(s string) (charset, text string) {
	parts := strings.SplitN(s, "'", 3)
	if len(parts) == 3 {
		return parts[0], parts[2]
	}
	return "", s
}

func percentDecode(s string) []byte {
	out := make([]byte, 0, len(s))
	for i := 0; i < len(s); i++ {
		if s[i] == '%' && i+2 < len(s) && unhex(s[i+1]) >= 0 && unhex(s[i+2]) >= 0 {
			out = append(out, byte(unhex(s[i+1])<<4|unhex(s[i+2])))
			i += 2
			continue
		}
		out = append(out, s[i])
	}
	return out
}

// nextParam reads one parameter and the semicolon behind it.
func nextParam(s string) (name, value, rest string) {
	s = strings.TrimLeft(s, " \t\r\n;")
	i := strings.IndexAny(s, "=;")
	if i < 0 {
		return "", "", ""
	}
	if s[i] == ';' {
		return "", "", s[i+1:]
	}
	name = strings.TrimSpace(stripComments(s[:i]))
	s = strings.TrimLeft(s[i+1:], " \t\r\n")
	if strings.HasPrefix(s, `"`) {
		var b strings.Builder
		for i = 1; i < len(s); i++ {
			if s[i] == '\\' && i+1 < len(s) && (s[i+1] == '"' || s[i+1] == '\\') {
				i++
			} else if s[i] == '"' {
				break
			}
			b.WriteByte(s[i])
		}
		rest = s[min(i+1, len(s)):]
		if j := strings.IndexByte(rest, ';'); j >= 0 {
			return name, b.String(), rest[j+1:]
		}
		return name, b.String(), ""
	}
	value, rest, _ = strings.Cut(s, ";")
	if i := strings.Index(value, " ("); i >= 0 {
		value = value[:i]
	}
	return name, strings.TrimSpace(value), rest
}

// stripComments takes parenthesised comments out (RFC 5322 3.2.2).
func stripComments(s string) string {
	if !strings.ContainsRune(s, '(') {
		return s
	}
	var b strings.Builder
	depth, quoted := 0, false
	for i := 0; i < len(s); i++ {
		switch c := s[i]; {
		case c == '\\' && i+1 < len(s):
			if depth == 0 {
				b.WriteString(s[i : i+2])
			}
			i++
		case c == '"' && depth == 0:
			quoted = !quoted
			b.WriteByte(c)
		case c == '(' && !quoted:
			depth++
		case c == ')' && depth > 0:
			depth--
		case depth == 0:
			b.WriteByte(c)
		}
	}
	return b.String()
}

// Param is one parameter of a header field to be written.
type Param struct{ Name, Value string }

// formatParam writes p as one or more "name=value" pieces, extended and
// continued as RFC 2231 3 and 4 tell when the value is long or not ASCII.
func formatParam(p Param) []string {
	plain, token := true, p.Value != ""
	for i := 0; i < len(p.Value); i++ {
		c := p.Value[i]
		plain = plain && c >= ' ' && c < 0x7f
		token = token && c > ' ' && c < 0x7f && strings.IndexByte(`()<>@,;:\"/[]?='*%`, c) < 0
	}
	plain = plain && !strings.Contains(p.Value, "=?")
	switch {
	case token && len(p.Value) <= 60:
		return []string{p.Name + "=" + p.Value}
	case plain && len(p.Value) <= 60:
		return []string{p.Name + `="` + strings.NewReplacer(`\`, `\\`, `"`, `\"`).Replace(p.Value) + `"`}
	}
	var pieces []string
	var b strings.Builder
	b.WriteString("UTF-8''")
	for i := 0; i < len(p.Value); i++ {
		c := p.Value[i]
		if 'a' <= c && c <= 'z' || 'A' <= c && c <= 'Z' || '0' <= c && c <= '9' || c == '.' || c == '-' || c == '_' {
			b.WriteByte(c)
		} else {
			fmt.Fprintf(&b, "%%%02X", c)
		}
		if b.Len() >= 55 && i+1 < len(p.Value) {
			pieces = append(pieces, b.String())
			b.Reset()
		}
	}
	pieces = append(pieces, b.String())
	if len(pieces) == 1 {
		return []string{p.Name + "*=" + pieces[0]}
	}
	for i := range pieces {
		pieces[i] = fmt.Sprintf("%s*%d*=%s", p.Name, i, pieces[i])
	}
	return pieces
}
