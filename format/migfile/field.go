package migfile

import (
	"strconv"
	"strings"
)

// Field is one value of a record, as it stands in the file, quotation marks
// included.
type Field struct{ raw string }

// NewField makes the field that holds text.
func NewField(text string) Field { return Field{quote(text)} }

// Text is the value. Of several values, each quoted by itself, it is all, with
// the semicolons between them.
func (f Field) Text() string {
	if text, ok := unquote(f.raw); ok {
		return text
	}
	return f.raw
}

// List takes a field of several values apart, at the semicolons outside
// quotation marks. Both ways of quoting are read: `"a";"b"` and `"a;""b"""`.
// Empty values are left out.
func (f Field) List() []string {
	return splitList(f.Text(), ';')
}

// Values takes a multi-valued field of a DIRECTORY section apart at its "%".
func (f Field) Values() []string { return splitList(f.Text(), '%') }

// Pointer reads a pointer into a secondary file: #FILE.SEC(offset). It may not
// be quoted.
func (f Field) Pointer() (Pointer, bool) {
	raw := trim(f.raw)
	open := strings.LastIndexByte(raw, '(')
	if len(raw) < 5 || raw[0] != '#' || open < 2 || raw[len(raw)-1] != ')' {
		return Pointer{}, false
	}
	offset, err := strconv.ParseInt(trim(raw[open+1:len(raw)-1]), 10, 64)
	if err != nil || offset < 0 || !strings.EqualFold(extension(trim(raw[1:open])), ".sec") {
		return Pointer{}, false
	}
	return Pointer{File: trim(raw[1:open]), Offset: offset}, true
}

// Pointer leads to a section of a secondary file.
type Pointer struct {
	File   string // as written; its letter case need not be that of the file
	Offset int64
}

func (p Pointer) String() string { return "#" + p.File + "(" + strconv.FormatInt(p.Offset, 10) + ")" }

// trim takes blanks away at both ends; other white space belongs to the value.
func trim(s string) string { return strings.Trim(s, " \t") }

// List takes a text of several values apart, as Field.List does: a long list of
// recipients in a section of type Other.
func List(text string) []string { return splitList(text, ';') }

// One gives the single value of a field that NewList wrote.
func (f Field) One() string {
	text := f.Text()
	if inner, ok := unquote(text); ok {
		return inner
	}
	return text
}

// unquote gives the text of a field that is one quoted string.
func unquote(raw string) (string, bool) {
	s := strings.Trim(raw, " ")
	if len(s) < 2 || s[0] != '"' || s[len(s)-1] != '"' {
		return "", false
	}
	s = s[1 : len(s)-1]
	var b strings.Builder
	for i := 0; i < len(s); i++ {
		if s[i] == '"' {
			if i+1 >= len(s) || s[i+1] != '"' {
				return "", false // the quoted string ends before the field does
			}
			i++
		}
		b.WriteByte(s[i])
	}
	return b.String(), true
}

func splitList(s string, separator byte) []string {
	var list []string
	add := func(v string) {
		v = trim(v)
		if text, ok := unquote(v); ok {
			v = text
		}
		if v != "" {
			list = append(list, v)
		}
	}
	start, state := 0, atStart
	for i := 0; i < len(s); i++ {
		c := s[i]
		if c == separator && state != inQuotes {
			add(s[start:i])
			start, state = i+1, atStart
			continue
		}
		if c == ',' || c == ';' { // no separators here
			c = 'x'
		}
		state = state.next(c)
	}
	add(s[start:])
	return list
}

// quote writes text as a field, in quotation marks unless it is a plain word.
func quote(text string) string {
	plain := strings.Trim(text, " ") == text
	for i := 0; i < len(text) && plain; i++ {
		c := text[i]
		plain = 'a' <= c && c <= 'z' || 'A' <= c && c <= 'Z' || '0' <= c && c <= '9' || c == ' ' || c == '-' || c == '_' || c == ':' && i > 0
	}
	if plain {
		return text
	}
	return `"` + strings.ReplaceAll(text, `"`, `""`) + `"`
}

// NewList makes a field of several values, each of which may hold any character.
func NewList(values []string) Field { return Field{quoteList(values, ';')} }

// NewValues makes a multi-valued field of a DIRECTORY section.
func NewValues(values []string) Field { return Field{quoteList(values, '%')} }

func quoteList(values []string, separator byte) string {
	if len(values) == 0 {
		return ""
	}
	parts := make([]string, len(values))
	for i, v := range values {
		if strings.IndexByte(v, separator) >= 0 || strings.HasPrefix(v, `"`) || trim(v) != v {
			v = `"` + strings.ReplaceAll(v, `"`, `""`) + `"`
		}
		parts[i] = v
	}
	return quote(strings.Join(parts, string(separator)))
}

// bare makes a field of text that stands as it is: TRUE, a number, a pointer.
func bare(text string) Field { return Field{text} }

// splitRecord cuts a line into fields at the commas outside quotation marks. It
// is called for text that scanQuotes found whole.
func splitRecord(text string) []Field {
	var fields []Field
	start, state := 0, atStart
	for i := 0; i < len(text); i++ {
		if text[i] == ',' && state != inQuotes {
			fields = append(fields, Field{text[start:i]})
			start = i + 1
		}
		state = state.next(text[i])
	}
	return append(fields, Field{text[start:]})
}

// quoteState follows quotation marks through a record.
type quoteState uint8

const (
	atStart    quoteState = iota // a quotation mark would open a quoted value
	unquoted                     // inside a value without quotation marks
	inQuotes                     // inside a quoted value
	afterQuote                   // behind a mark that closes a value, or is the first of two
	misquoted                    // text stands behind a closed value
)

func (q quoteState) next(c byte) quoteState {
	switch q {
	case inQuotes:
		if c == '"' {
			return afterQuote
		}
		return inQuotes
	case afterQuote:
		switch c {
		case '"':
			return inQuotes
		case ',', ';':
			return atStart
		case ' ':
			return afterQuote
		}
		return misquoted
	case misquoted:
		return misquoted
	}
	switch {
	case c == ',' || c == ';':
		return atStart
	case c == '"' && q == atStart:
		return inQuotes
	case c == ' ' && q == atStart:
		return atStart
	}
	return unquoted
}
