package parts

import (
	"bytes"
	"strings"
)

// mediaType is a Content-Type, read as leniently as it was written.
type mediaType struct {
	primary, sub string // lower case
	params       []param
}

type param struct{ name, value string }

func (m mediaType) param(name string) string {
	for _, p := range m.params {
		if p.name == name {
			return p.value
		}
	}
	return ""
}

func (m mediaType) isMessage() bool {
	return m.primary == "message" && (m.sub == "rfc822" || m.sub == "global")
}

// opaque is the type of a part that is not looked into.
func (m mediaType) opaque() mediaType {
	if m.primary == "multipart" || m.isMessage() {
		return mediaType{primary: "application", sub: "octet-stream"}
	}
	return m
}

// contentType reads the type of a part; without one it is as usual.
func contentType(header []byte, usual mediaType) mediaType {
	value := field(header, "Content-Type")
	name, rest, _ := strings.Cut(value, ";")
	primary, sub, ok := strings.Cut(strings.ToLower(strings.TrimSpace(name)), "/")
	primary, sub = strings.TrimSpace(primary), strings.TrimSpace(sub)
	if !ok || primary == "" || sub == "" || !printableASCII(primary+sub) {
		return usual
	}
	return mediaType{primary: primary, sub: sub, params: parameters(rest)}
}

// maxParams is how many parameters of one field are read.
const maxParams = 100

// parameters reads "name=value; name="value"" (RFC 2045 5.1). Continuations
// and charsets of RFC 2231 stay as they are: mail programs put them together.
func parameters(text string) []param {
	var all []param
	for len(all) < maxParams {
		text = strings.TrimLeft(text, "; \t")
		name, rest, ok := strings.Cut(text, "=")
		if !ok {
			return all
		}
		if _, behind, wrong := strings.Cut(name, ";"); wrong {
			text = behind + "=" + rest
			continue
		}
		name = strings.ToLower(strings.TrimSpace(name))
		value, behind := parameterValue(strings.TrimLeft(rest, " \t"))
		text = behind
		if name != "" && printableASCII(name) {
			all = append(all, param{name, value})
		}
	}
	return all
}

func parameterValue(text string) (value, rest string) {
	if !strings.HasPrefix(text, `"`) {
		value, rest, _ = strings.Cut(text, ";")
		return strings.TrimSpace(value), rest
	}
	var b strings.Builder
	for i := 1; i < len(text); i++ {
		switch c := text[i]; {
		case c == '"':
			return b.String(), text[i+1:]
		case c == '\\' && i+1 < len(text):
			i++
			b.WriteByte(text[i])
		default:
			b.WriteByte(c)
		}
	}
	return b.String(), ""
}

// Fields cuts a header into fields, each with its line ends and continuations.
// What is no field comes along as it is.
func Fields(header []byte) [][]byte {
	var all [][]byte
	for len(header) > 0 {
		end := 0
		for {
			n := bytes.IndexByte(header[end:], '\n')
			if n < 0 {
				end = len(header)
				break
			}
			end += n + 1
			if end == len(header) || header[end] != ' ' && header[end] != '\t' {
				break
			}
		}
		all = append(all, header[:end])
		header = header[end:]
	}
	return all
}

// FieldName is the name of a field; "" of what is none.
func FieldName(f []byte) string {
	name, _, ok := bytes.Cut(f, []byte(":"))
	if !ok {
		return ""
	}
	name = bytes.TrimRight(name, " \t")
	if !printableASCII(string(name)) {
		return ""
	}
	return string(name)
}

// field gives the value of a field, unfolded and without NUL; "" when there is none.
func field(header []byte, name string) string {
	for _, f := range Fields(header) {
		if strings.EqualFold(FieldName(f), name) {
			return FieldValue(f)
		}
	}
	return ""
}

func FieldValue(f []byte) string {
	_, value, _ := bytes.Cut(f, []byte(":"))
	return strings.TrimSpace(strings.Map(func(r rune) rune {
		switch r {
		case '\r', '\n', 0:
			return -1
		}
		return r
	}, string(value)))
}

// SelectFields gives the fields that are named, or all the others, and the
// empty line (RFC 9051 6.4.5.1).
func SelectFields(header []byte, names []string, others bool) []byte {
	var b bytes.Buffer
	for _, f := range Fields(header) {
		name := FieldName(f)
		if len(bytes.TrimRight(f, "\r\n")) == 0 || name == "" && !others {
			continue
		}
		named := false
		for _, n := range names {
			named = named || strings.EqualFold(n, name)
		}
		if named != others {
			b.Write(f)
			if f[len(f)-1] != '\n' {
				b.WriteString("\r\n")
			}
		}
	}
	b.WriteString("\r\n")
	return b.Bytes()
}

func printableASCII(s string) bool {
	return strings.IndexFunc(s, func(r rune) bool { return r <= ' ' || r > '~' }) < 0
}
