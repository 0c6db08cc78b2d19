// Package contentline writes the lines that vCard (RFC 6350 3.2) and iCalendar
// (RFC 5545 3.1) are made of: names, parameters, escaped values, folded at 75
// octets. Values of any length stream; nothing is held in memory.
package contentline

import (
	"context"
	"io"
	"strings"
	"unicode/utf8"
)

// Line is one property, or the BEGIN or END of a component.
type Line struct {
	// Group ties lines together (vCard only: RFC 6350 3.3); mostly empty.
	Group  string
	Name   string
	Params []Param
	// Value is written as it is: text must have been through Text.
	Value string
	// Stream, when set, follows behind Value.
	Stream *Stream
}

// Param is one parameter. Several values are separated by commas.
type Param struct {
	Name   string
	Values []string
}

// P makes a parameter.
func P(name string, values ...string) Param { return Param{Name: name, Values: values} }

// Encoding says how the bytes of a Stream are written.
type Encoding uint8

// The encodings of streams.
const (
	// Escaped text, which is in UTF-8 when it is read.
	Escaped Encoding = iota
	// Base64 without line breaks of its own (RFC 4648 4).
	Base64
)

// Stream is a value that is read when its line is written.
type Stream struct {
	// Open gives the value from the start each time it is called.
	Open     func(ctx context.Context) (io.ReadCloser, error)
	Encoding Encoding
}

// Document is a list of lines: one vCard, one iCalendar object.
type Document []Line

// Add appends a line with a ready value.
func (d *Document) Add(name, value string, params ...Param) {
	*d = append(*d, Line{Name: name, Value: value, Params: params})
}

// AddText appends a line with a text, unless the text is empty.
func (d *Document) AddText(name, text string, params ...Param) {
	if text != "" {
		d.Add(name, Text(text), params...)
	}
}

// AddStream appends a line whose value is read later. prefix is written before it.
func (d *Document) AddStream(name, prefix string, s *Stream, params ...Param) {
	*d = append(*d, Line{Name: name, Value: prefix, Params: params, Stream: s})
}

// Begin and End frame a component.
func (d *Document) Begin(component string) { d.Add("BEGIN", component) }

// End closes what Begin opened.
func (d *Document) End(component string) { d.Add("END", component) }

// head gives a line up to its value.
func (l *Line) head() string {
	var b strings.Builder
	if l.Group != "" {
		b.WriteString(Token(l.Group) + ".")
	}
	b.WriteString(Token(l.Name))
	for _, p := range l.Params {
		b.WriteString(";" + Token(p.Name) + "=")
		for i, v := range p.Values {
			if i > 0 {
				b.WriteByte(',')
			}
			b.WriteString(paramValue(v))
		}
	}
	b.WriteByte(':')
	return b.String()
}

// Token makes a name of letters, digits and hyphens (RFC 5545 3.1); other
// characters become hyphens. An empty one becomes X.
func Token(s string) string {
	if s == "" {
		return "X"
	}
	return strings.Map(func(r rune) rune {
		switch {
		case r >= 'a' && r <= 'z', r >= 'A' && r <= 'Z', r >= '0' && r <= '9', r == '-':
			return r
		default:
			return '-'
		}
	}, s)
}

// paramValue quotes a value where it must be quoted (RFC 5545 3.2) and encodes
// what quotes cannot hold (RFC 6868).
func paramValue(s string) string {
	var b strings.Builder
	quoted := s == ""
	for _, r := range strings.ToValidUTF8(s, string(utf8.RuneError)) {
		switch {
		case r == '^':
			b.WriteString("^^")
		case r == '"':
			b.WriteString("^'")
		case r == '\n':
			b.WriteString("^n")
		case r < ' ' || r == 0x7f:
			if r == '\t' {
				b.WriteByte(' ')
			}
		default:
			quoted = quoted || r == ':' || r == ';' || r == ','
			b.WriteRune(r)
		}
	}
	if quoted {
		return `"` + b.String() + `"`
	}
	return b.String()
}

// Text escapes a text value (RFC 5545 3.3.11, RFC 6350 3.4). Line ends of every
// kind become \n; other control characters, which neither format can hold, go.
func Text(s string) string {
	var e escaper
	return string(e.escape(nil, []byte(strings.ToValidUTF8(s, string(utf8.RuneError)))))
}

// List joins escaped texts with commas (CATEGORIES, NICKNAME).
func List(texts ...string) string { return join(",", texts) }

// Compound joins escaped texts with semicolons (N, ADR, ORG).
func Compound(texts ...string) string { return join(";", texts) }

func join(separator string, texts []string) string {
	var b strings.Builder
	for i, s := range texts {
		if i > 0 {
			b.WriteString(separator)
		}
		b.WriteString(Text(s))
	}
	return b.String()
}

// URI makes a value of a URI: what may not stand in a line is percent-encoded.
func URI(s string) string {
	var b strings.Builder
	for i := range len(s) {
		c := s[i]
		if c <= ' ' || c == 0x7f || c == '"' || c == '<' || c == '>' || c == '\\' || c == '^' || c == '`' || c == '{' || c == '|' || c == '}' || c >= 0x80 {
			const hex = "0123456789ABCDEF"
			b.WriteByte('%')
			b.WriteByte(hex[c>>4])
			b.WriteByte(hex[c&15])
			continue
		}
		b.WriteByte(c)
	}
	return b.String()
}
