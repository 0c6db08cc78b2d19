package wizard

import (
	"strings"

	mf "waybill/format/migfile"
)

// Classes of recipients.
const (
	Mailbox = "mailbox"
	Remote  = "remote" // a custom recipient: somebody outside
	DL      = "dl"     // a distribution list
)

// What is to be done with a recipient. An empty word in the file is Update (KB
// Q146304).
const (
	Create = "create"
	Modify = "modify"
	Delete = "delete"
	Update = "update" // create or modify
)

// Recipient is one line of a directory table.
type Recipient struct {
	Place Place
	Class string // Mailbox, Remote or DL
	Mode  string // Create, Modify, Delete or Update
	// Name is the directory name, which is the key and cannot be changed later.
	Name           string
	Display        string
	Alias          string
	Given, Surname string
	// Addresses are the primary addresses, "TYPE:value"; of a custom recipient
	// the one address where mail is sent. Proxies are further ones, among them
	// the MIGRATE address that binds an account of the old system.
	Addresses, Proxies []string
	// Members of a list, and the lists that a mailbox is to join: directory
	// names, each with its container when the file names it.
	Members []string
	// Container is the path of the container, empty for the one that is chosen
	// at import. Server is the home server, often ServerChosen.
	Container, Server string
	// Attributes are the values of all other columns, by the names in the file.
	Attributes map[string]string
	// Cleared names the columns whose value is to be taken away.
	Cleared []string
}

// recipient takes a row apart. escaped tells that backslashes are doubled, as
// they are in tables with a column Mode (KB Q179050).
func (t *Table) recipient(row Row, escaped bool) (Recipient, error) {
	r := Recipient{Place: row.Place, Attributes: map[string]string{}}
	text := func(column string) string { return t.plain(row, column, escaped) }
	list := func(columns ...string) []string {
		var all []string
		for _, c := range columns {
			for _, v := range t.dialect.split(row.Get(c)) {
				switch {
				case v == clearWord:
					r.Cleared = append(r.Cleared, c)
				case !strings.HasPrefix(v, removeWord):
					all = append(all, unescape(v, escaped))
				}
			}
		}
		return all
	}
	r.Class = strings.ToLower(row.Get(ColumnClass))
	r.Mode = strings.ToLower(row.Get(ColumnMode))
	r.Name, r.Display, r.Alias = text(ColumnName), text(ColumnDisplay), text(ColumnAlias)
	r.Given, r.Surname = text(ColumnGiven), text(ColumnSurname)
	r.Container, r.Server = text(ColumnContainer), text(ColumnServer)
	r.Proxies, r.Members = list(ColumnProxies), list(ColumnMembers)
	bad := func(rule, remedy, format string, args ...any) (Recipient, error) {
		return r, broken(t.op, row.Place, rule, remedy, format, args...)
	}
	switch r.Class {
	case Mailbox, DL:
		r.Addresses = list(ColumnAddresses)
	case Remote:
		// The target address may hold a percent sign: a user%host@gateway is one.
		if v := row.Get(ColumnAddress); v != "" && v != clearWord {
			r.Addresses = []string{unescape(v, escaped)}
		}
		r.Addresses = append(r.Addresses, list(ColumnAddresses)...)
	case "":
		return bad("wizard.class", "write mailbox, remote or dl into the column Obj-Class (event 226)", "the line has no class")
	default:
		return bad("wizard.class", "mailboxes, custom recipients and lists are read; take the line out", "objects of class %.40q are no recipients", r.Class)
	}
	switch r.Mode {
	case "":
		r.Mode = Update
	case Create, Modify, Delete, Update:
	default:
		return bad("wizard.mode", "the mode is create, modify, delete or update", "the mode is %.40q", r.Mode)
	}
	if r.Name == "" {
		if r.Name = r.Alias; r.Name == "" {
			return bad("wizard.name", "fill the column Common-Name (event 225)", "the line has no directory name")
		}
	}
	for _, a := range append(append([]string{}, r.Addresses...), r.Proxies...) {
		if kind, value, ok := strings.Cut(a, ":"); !ok && !strings.Contains(a, "@") || ok && (strings.TrimSpace(kind) == "" || strings.TrimSpace(value) == "") {
			return bad("wizard.address", "write addresses as TYPE:value, joined by % (events 230 to 237)", "%.60q is no address", a)
		}
	}
	for _, c := range t.Columns {
		if v := t.plain(row, c, escaped); v != "" && !isCore(c) {
			r.Attributes[c] = v
		} else if strings.TrimSpace(row.raw(c)) == clearWord && !isList(c) {
			r.Cleared = append(r.Cleared, c)
		}
	}
	return r, nil
}

// plain is a single value; the word for an empty one is none.
func (t *Table) plain(row Row, column string, escaped bool) string {
	v := row.Get(column)
	if v == clearWord {
		return ""
	}
	return unescape(v, escaped)
}

// unescape reads "\r\n" inside a value (KB Q165394), and in tables with doubled
// backslashes these.
func unescape(v string, escaped bool) string {
	if escaped {
		v, _ = mf.Unescape(v)
		return strings.Trim(v, " \t")
	}
	return strings.ReplaceAll(v, `\r\n`, "\r\n")
}

func isList(column string) bool {
	switch columnKey(column) {
	case columnKey(ColumnAddresses), columnKey(ColumnProxies), columnKey(ColumnMembers):
		return true
	}
	return false
}

// isCore tells which columns have a field of their own in Recipient or say what
// is to be done.
func isCore(column string) bool {
	switch columnKey(column) {
	case columnKey(ColumnClass), columnKey(ColumnMode), columnKey(ColumnName), columnKey(ColumnDisplay), columnKey(ColumnAlias), columnKey(ColumnGiven),
		columnKey(ColumnSurname), columnKey(ColumnAddress), columnKey(ColumnContainer), columnKey(ColumnServer),
		columnKey(ColumnSFSUser), columnKey(ColumnSFSFullName), columnKey(ColumnMigrate):
		return true
	}
	return isList(column)
}

// MemberName is the directory name in a member or list that may be written with
// its container: Recipients/cn=anna, or a distinguished name
// /o=Org/ou=Site/cn=Recipients/cn=anna.
func MemberName(member string) string {
	if i := strings.LastIndex(strings.ToLower(member), "/cn="); i >= 0 {
		return member[i+len("/cn="):]
	}
	return member
}
