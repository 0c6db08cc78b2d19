// Package importtext reads and writes the text in which Microsoft Mail's own
// programs give away directories: IMPORT.EXE -X and GIMPORT.EXE -X (KB Q96001 to
// Q96003, Q99419, Q104281), and the files of templates (KB Q87432, Q105124). It is
// the surest way to the directory of a postoffice whose files are damaged. All
// documented.
package importtext

import (
	"fmt"
	"io"
	"strings"

	"waybill/failure"
)

// Operation is the letter in the first column.
type Operation byte

// The operations.
const (
	Add             Operation = 'A'
	Delete          Operation = 'D'
	Modify          Operation = 'M' // New says what becomes of it
	Replace         Operation = 'R' // of a whole list; Address is its type and place
	DefineTemplate  Operation = 'T' // Fields are those of the list
	Group           Operation = 'G'
	DeleteGroup     Operation = 'P'
	addressColumn             = 33 // counted from 0
	maxLine                   = 64 << 10
	maxTemplateData           = 256
)

// Entry is one line with those that belong to it.
type Entry struct {
	Line      int // counted from 1
	Operation Operation
	Name
	// New is what a Modify changes the entry to; nil when the line is missing, as in
	// files of some programs (KB Q159308).
	New *Name
	// Of is the address of the group whose member this is; empty outside of groups.
	Of string
	// Data is the template data of the entry.
	Data []Datum
	// Fields are the lines of a DefineTemplate.
	Fields []TemplateField
}

// Name is an alias with its address.
type Name struct {
	Alias string // at most 30 characters by the rules
	Type  string // PCM, SMTP, X400 ... in capitals
	Value string
}

// Address is TYPE:value; empty when there is none.
func (n Name) Address() string {
	if n.Type == "" {
		return ""
	}
	return n.Type + ":" + n.Value
}

// Datum is one value of an entry's template.
type Datum struct{ Prompt, Value string }

// types are the address types that the record knows (KB Q116466, Q94410, Q175978).
var types = map[string]bool{
	"PCM": true, "MS": true, "CSI": true, "SMTP": true, "X400": true, "MHS": true, "FAX": true, "MCI": true, "PROFS": true, "OV": true, "SNADS": true, "MSMAIL": true,
	"ATTMAIL": true, "COMPUSERVE": true, "DISOSS": true, "EASYLINK": true, "ENVOY": true, "GTE": true, "SOURCE": true, "VMGATE": true, "EX": true, "CCMAIL": true, "NOTES": true,
}

// parseName takes "alias TYPE:address" apart. Between them is a tab, or blanks up
// to the 34th column; printed examples keep that column badly (KB Q104281), so the
// type is looked for.
func parseName(s string) (n Name, ok bool) {
	if alias, address, found := strings.Cut(s, "\t"); found {
		n.Alias = strings.TrimSpace(alias)
		return n, n.setAddress(strings.TrimSpace(address)) && n.Alias != ""
	}
	fallback := -1
	for i := 0; i < len(s); i++ {
		if i > 0 && s[i-1] != ' ' || s[i] == ' ' {
			continue
		}
		word, _, found := strings.Cut(s[i:], ":")
		if !found {
			break
		}
		switch {
		case !isType(word):
		case types[strings.ToUpper(word)]:
			n.Alias = strings.TrimSpace(s[:i])
			return n, n.setAddress(strings.TrimSpace(s[i:]))
		case fallback < 0 && (i+2 >= addressColumn || i >= 2 && s[i-2] == ' '):
			fallback = i
		}
	}
	if fallback >= 0 {
		n.Alias = strings.TrimSpace(s[:fallback])
		return n, n.setAddress(strings.TrimSpace(s[fallback:]))
	}
	n.Alias = strings.TrimSpace(s)
	return n, false
}

func (n *Name) setAddress(s string) bool {
	kind, value, found := strings.Cut(s, ":")
	if !found || !isType(kind) {
		return false
	}
	n.Type, n.Value = strings.ToUpper(kind), value
	return true
}

func isType(s string) bool {
	if s == "" || len(s) > 10 {
		return false
	}
	for i := range len(s) {
		c := s[i] | 0x20
		if (c < 'a' || c > 'z') && (s[i] < '0' || s[i] > '9') {
			return false
		}
	}
	return true
}

// parseDatum reads "-Prompt:/value"; a slash in the prompt is doubled.
func parseDatum(s string) (d Datum, ok bool) {
	s = strings.TrimPrefix(s, " ")
	var prompt strings.Builder
	for i := 0; i < len(s); i++ {
		if s[i] == '/' {
			if i+1 < len(s) && s[i+1] == '/' {
				i++
			} else {
				return Datum{prompt.String(), s[i+1:]}, true
			}
		}
		prompt.WriteByte(s[i])
	}
	return d, false
}

// Write writes an entry with its data. Names that a line cannot hold are an error
// of rule "import.name".
func Write(w io.Writer, e *Entry) error {
	var b strings.Builder
	line(&b, byte(e.Operation), e.Name)
	if e.New != nil {
		line(&b, ' ', *e.New)
	}
	for _, d := range e.Data {
		if strings.HasPrefix(d.Value, "/") { // would be taken for a slash of the prompt
			return failure.New(failure.Malformed, "write address list", fmt.Sprintf("%.60q", e.Alias), "import.name", fmt.Errorf("the value of %q begins with a slash", d.Prompt))
		}
		fmt.Fprintf(&b, "-%s/%s\r\n", strings.ReplaceAll(d.Prompt, "/", "//"), d.Value)
	}
	for _, f := range e.Fields {
		fmt.Fprintf(&b, " %s\r\n", f)
	}
	text := b.String()
	if lines := strings.Count(text, "\n"); strings.Count(text, "\r\n") != lines || strings.Count(text, "\r") != lines || strings.Contains(e.Alias, "\t") || lines != e.lines() {
		return failure.New(failure.Malformed, "write address list", fmt.Sprintf("%.60q", e.Alias), "import.name", fmt.Errorf("a line break or tab inside of a value"))
	}
	if _, err := io.WriteString(w, text); err != nil {
		return failure.New(failure.ClassOf(err), "write address list", "", "import.write", err)
	}
	return nil
}

func (e *Entry) lines() int {
	n := 1 + len(e.Data) + len(e.Fields)
	if e.New != nil {
		n++
	}
	return n
}

func line(b *strings.Builder, op byte, n Name) {
	b.WriteByte(op)
	b.WriteByte(' ')
	switch {
	case n.Alias == "":
		b.WriteString(n.Address())
	case len([]rune(n.Alias))+2 < addressColumn:
		fmt.Fprintf(b, "%-*s%s", addressColumn-2, n.Alias, n.Address())
	default:
		b.WriteString(n.Alias + "\t" + n.Address())
	}
	b.WriteString("\r\n")
}
