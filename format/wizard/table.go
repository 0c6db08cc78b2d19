package wizard

import (
	"errors"
	"fmt"
	"io"
	"strings"

	"waybill/failure"
	mf "waybill/format/migfile"
)

// Dialect is how a table is written. The options file of directory import could
// change all three characters (KB Q152472).
type Dialect struct {
	Comma      byte // between columns
	Quote      byte // round values
	MultiValue byte // between the values of one column
	// Page is for text that is neither Unicode nor UTF-8.
	Page mf.CodePage
}

// Standard is the dialect of Exchange: comma, quotation mark, percent sign, and
// the code page of Western Windows.
func Standard() Dialect {
	page, _ := mf.NewCodePage(ANSI, "")
	return Dialect{Comma: ',', Quote: '"', MultiValue: '%', Page: page}
}

// withDefaults fills what is not set.
func (d Dialect) withDefaults() Dialect {
	standard := Standard()
	if d.Comma == 0 {
		d.Comma = standard.Comma
	}
	if d.Quote == 0 {
		d.Quote = standard.Quote
	}
	if d.MultiValue == 0 {
		d.MultiValue = standard.MultiValue
	}
	if d.Page.Number == 0 {
		d.Page = standard.Page
	}
	return d
}

// Table reads a table with one line of column names.
type Table struct {
	Columns []string
	// Preamble are the lines in front of the names.
	Preamble []string

	lines   *lines
	dialect Dialect
	index   map[string]int
	op      string
	header  Place
}

// Row is one line of a table.
type Row struct {
	Place  Place
	table  *Table
	fields []string
}

// newTable reads up to the line whose first column is one of first, which must
// be among the first few lines.
func newTable(op, file string, r io.Reader, d Dialect, preamble int, first ...string) (*Table, error) {
	d = d.withDefaults()
	t := &Table{lines: newLines(file, r, d.Page), dialect: d, op: op, index: map[string]int{}}
	for {
		fields, place, raw, err := t.record()
		if errors.Is(err, io.EOF) {
			return nil, broken(op, Place{file, max(t.lines.number, 1)}, "wizard.no-header", "the line with the names begins with "+strings.Join(first, " or "), "there is no line with the names of the columns")
		}
		var fault *failure.Error
		if err != nil && (!errors.As(err, &fault) || fault.Class != failure.Malformed) {
			return nil, err
		}
		if err == nil && len(fields) > 0 && matches(fields[0], first) {
			t.header = place
			return t, t.name(fields)
		}
		if len(t.Preamble) >= preamble {
			return nil, broken(op, place, "wizard.no-header", "the line with the names begins with "+strings.Join(first, " or ")+" (event 226)", "the first column is %.40q", raw)
		}
		t.Preamble = append(t.Preamble, raw)
	}
}

func matches(field string, names []string) bool {
	for _, n := range names {
		if columnKey(field) == columnKey(n) {
			return true
		}
	}
	return false
}

// name takes the names of the columns.
func (t *Table) name(fields []string) error {
	if len(fields) > maxColumns {
		return failure.New(failure.TooLarge, t.op, t.header.String(), "wizard.columns", fmt.Errorf("the table has %d columns", len(fields)))
	}
	for len(fields) > 0 && strings.TrimSpace(fields[len(fields)-1]) == "" {
		fields = fields[:len(fields)-1] // as spreadsheets leave them
	}
	for i, name := range fields {
		name = strings.TrimSpace(name)
		key := columnKey(name)
		if _, twice := t.index[key]; twice {
			return broken(t.op, t.header, "wizard.column-twice", "keep one of the two (events 152, 264)", "the column %.60q stands twice", name)
		}
		if key == "" {
			return broken(t.op, t.header, "wizard.column-name", "name the column", "column %d has no name", i+1)
		}
		t.index[key] = i
		t.Columns = append(t.Columns, name)
	}
	return nil
}

// Has reports whether there is a column of one of the names.
func (t *Table) Has(names ...string) bool {
	for _, n := range names {
		if _, ok := t.index[columnKey(n)]; ok {
			return true
		}
	}
	return false
}

// Next reads the next row. An error that comes with a place concerns that row
// only; io.EOF ends the table.
func (t *Table) Next() (Row, error) {
	fields, place, _, err := t.record()
	row := Row{Place: place, table: t, fields: fields}
	if err != nil {
		return row, err
	}
	for len(fields) > len(t.Columns) && strings.TrimSpace(fields[len(fields)-1]) == "" {
		fields = fields[:len(fields)-1]
	}
	if row.fields = fields; len(fields) != len(t.Columns) {
		return row, broken(t.op, place, "wizard.fields", "give every line as many values as the first line has names (event 291)", "the line has %d values, the header %d names", len(fields), len(t.Columns))
	}
	return row, nil
}

// Get is the value of the first column of one of the names that has one; empty
// when there is none.
func (r Row) Get(names ...string) string {
	for _, n := range names {
		if i, ok := r.table.index[columnKey(n)]; ok && i < len(r.fields) && strings.TrimSpace(r.fields[i]) != "" {
			return strings.TrimSpace(r.fields[i])
		}
	}
	return ""
}

// raw is the value of a column with the blanks around it.
func (r Row) raw(name string) string {
	if i, ok := r.table.index[columnKey(name)]; ok && i < len(r.fields) {
		return r.fields[i]
	}
	return ""
}

// record reads one record: a line, or several when a quoted value runs over line
// ends. Empty lines and comments are passed over.
func (t *Table) record() (fields []string, place Place, raw string, err error) {
	for {
		raw, err = t.lines.next()
		place = t.lines.place()
		if err != nil {
			return nil, place, "", err
		}
		if strings.Trim(raw, " \t\x1a") != "" && !strings.HasPrefix(raw, "!") {
			break
		}
	}
	first := raw
	var joined []string
	for {
		fields, closed, ok := splitFields(raw, t.dialect.Comma, t.dialect.Quote)
		if !ok {
			t.lines.back(joined)
			return nil, place, first, broken(t.op, place, "wizard.quote", "double the quotation marks inside a value, and quote the whole value", "text stands behind a quotation mark that closes a value")
		}
		if closed {
			return fields, place, raw, nil
		}
		more, err := t.lines.next()
		if err == nil {
			joined = append(joined, more)
		}
		if err != nil || len(joined) > maxJoined || len(raw)+len(more) > maxLine {
			if err != nil {
				t.lines.number-- // the line that could not be read is still to come
			}
			t.lines.back(joined)
			return nil, place, first, broken(t.op, place, "wizard.quote", "close the quotation mark, and double those inside a value", "a quotation mark is not closed")
		}
		raw += "\r\n" + more
	}
}

// splitFields cuts a record at the commas outside quotation marks. closed tells
// that no quotation mark is open at its end.
func splitFields(s string, comma, quote byte) (fields []string, closed, ok bool) {
	for {
		rest := strings.TrimLeft(s, " ")
		if rest == "" || rest[0] != quote {
			i := strings.IndexByte(s, comma)
			if i < 0 {
				return append(fields, s), true, true
			}
			fields, s = append(fields, s[:i]), s[i+1:]
			continue
		}
		var b strings.Builder
		i, done := 1, false
		for ; i < len(rest) && !done; i++ {
			switch {
			case rest[i] != quote:
				b.WriteByte(rest[i])
			case i+1 < len(rest) && rest[i+1] == quote:
				b.WriteByte(quote)
				i++
			default:
				done = true
			}
		}
		if !done {
			return nil, false, true
		}
		fields = append(fields, b.String())
		rest = strings.TrimLeft(rest[i:], " ")
		if rest == "" {
			return fields, true, true
		}
		if rest[0] != comma {
			return nil, true, false
		}
		s = rest[1:]
	}
}

// split takes the values of one column apart.
func (d Dialect) split(value string) []string {
	var list []string
	for v := range strings.SplitSeq(value, string(rune(d.MultiValue))) {
		if v = strings.TrimSpace(v); v != "" {
			list = append(list, v)
		}
	}
	return list
}

// writeRow writes one line of a table.
func (d Dialect) writeRow(w io.Writer, fields []string) error {
	var b strings.Builder
	for i, f := range fields {
		if i > 0 {
			b.WriteByte(d.Comma)
		}
		b.WriteString(d.quoted(f))
	}
	_, err := io.WriteString(w, b.String()+"\r\n")
	return err
}

// quoted puts a value into quotation marks if it needs them.
func (d Dialect) quoted(value string) string {
	special := string(d.Comma) + string(d.Quote) + "\r\n!#"
	if strings.Trim(value, " \t") == value && !strings.ContainsAny(value, special) {
		return value
	}
	q := string(d.Quote)
	return q + strings.ReplaceAll(value, q, q+q) + q
}
