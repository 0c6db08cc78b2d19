package wizard

import (
	"io"
	"maps"
	"slices"
	"strings"

	mf "waybill/format/migfile"
)

// Directory reads the table of recipients that Exchange's directory export
// writes and its directory import takes.
type Directory struct {
	*Table
	escaped bool
}

// IsDirectory tells whether a file whose first line is head is a table of
// recipients: its first column is Obj-Class (event 226).
func IsDirectory(head string, d Dialect) bool {
	fields, _, ok := splitFields(head, d.withDefaults().Comma, d.withDefaults().Quote)
	return ok && len(fields) > 1 && matches(fields[0], []string{ColumnClass})
}

// NewDirectory reads the first line of a table of recipients; file is for
// places. Errors have class Malformed: no column Obj-Class in the first place
// (wizard.no-header, event 226), Mode not in the second (wizard.mode-column, event
// 222), no directory name (wizard.name-column, event 225), a column twice
// (wizard.column-twice, events 152 and 264).
func NewDirectory(file string, r io.Reader, d Dialect) (*Directory, error) {
	t, err := newTable("read directory table", file, r, d, 0, ColumnClass)
	if err != nil {
		return nil, err
	}
	if t.Has(ColumnMode) && t.index[columnKey(ColumnMode)] != 1 {
		return nil, broken(t.op, t.header, "wizard.mode-column", "move it there (event 222)", "the column Mode is not the second")
	}
	if !t.Has(ColumnName) && !t.Has(ColumnAlias) {
		return nil, broken(t.op, t.header, "wizard.name-column", "add the column Common-Name (event 225)", "there is no column with the directory name")
	}
	return &Directory{Table: t, escaped: t.Has(ColumnMode)}, nil
}

// Next reads the next recipient. An error together with a place concerns that
// line only, and what could be read of it is returned; io.EOF ends the table.
func (d *Directory) Next() (Recipient, error) {
	row, err := d.Table.Next()
	if err != nil {
		return Recipient{Place: row.Place}, err
	}
	return d.recipient(row, d.escaped)
}

// DirectoryWriter writes a table of recipients for directory import.
type DirectoryWriter struct {
	out     io.Writer
	dialect Dialect
	columns []string
}

// DirectoryColumns are the columns that every table which Waybill writes has, in
// their order. They are enough to make mailboxes, custom recipients and lists.
func DirectoryColumns() []string {
	return []string{ColumnClass, ColumnMode, ColumnName, ColumnDisplay, ColumnAlias, ColumnGiven, ColumnSurname, ColumnServer, ColumnAddresses,
		ColumnAddress, ColumnProxies, ColumnMembers, ColumnContainer}
}

// NewDirectoryWriter writes the line of names: DirectoryColumns, then further
// ones. The text is UTF-8; see Encode for what Exchange reads.
func NewDirectoryWriter(w io.Writer, d Dialect, further ...string) (*DirectoryWriter, error) {
	dw := &DirectoryWriter{out: w, dialect: d.withDefaults(), columns: DirectoryColumns()}
	for _, c := range further {
		known := func(have string) bool { return columnKey(have) == columnKey(c) }
		if !slices.ContainsFunc(dw.columns, known) && c != "" {
			dw.columns = append(dw.columns, c)
		}
	}
	return dw, dw.dialect.writeRow(w, dw.columns)
}

// Write writes one recipient. Attributes without a column are left out, and are
// returned by name.
func (w *DirectoryWriter) Write(r Recipient) (left []string, err error) {
	values := map[string]string{}
	for name, v := range r.Attributes {
		values[columnKey(name)] = v
	}
	join := func(list []string) string { return strings.Join(list, string(rune(w.dialect.MultiValue))) }
	first, rest := r.Addresses, []string(nil)
	core := map[string]string{
		ColumnClass: r.Class, ColumnMode: r.Mode, ColumnName: r.Name, ColumnDisplay: r.Display, ColumnAlias: r.Alias,
		ColumnGiven: r.Given, ColumnSurname: r.Surname, ColumnServer: r.Server, ColumnContainer: r.Container, ColumnMembers: join(r.Members),
	}
	if r.Class == Remote {
		first, rest = r.Addresses[:min(1, len(r.Addresses))], r.Addresses[min(1, len(r.Addresses)):]
		core[ColumnAddress] = join(first)
	} else {
		core[ColumnAddresses] = join(first)
	}
	core[ColumnProxies] = join(append(slices.Clone(rest), r.Proxies...))
	for name, v := range core {
		values[columnKey(name)] = v
	}
	fields := make([]string, len(w.columns))
	used := map[string]bool{}
	for i, c := range w.columns {
		fields[i] = mf.Escape(values[columnKey(c)])
		used[columnKey(c)] = true
	}
	for _, name := range slices.Sorted(maps.Keys(r.Attributes)) {
		if !used[columnKey(name)] {
			left = append(left, name)
		}
	}
	return left, w.dialect.writeRow(w.out, fields)
}
