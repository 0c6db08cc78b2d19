package wizard

import (
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"

	"waybill/failure"
	mf "waybill/format/migfile"
)

// UserList is the list of accounts that the first step of a migration from
// Microsoft Mail wrote, to be edited before the second.
type UserList struct {
	// Preamble are the lines about the post office in front of the table. The
	// documentation has the operator take them away for a spreadsheet and put
	// them back, so a list without them is read as well.
	Preamble []string
	// Columns are the names of the columns, in their order.
	Columns []string
	Entries []UserEntry
}

// UserEntry is one account of the list.
type UserEntry struct {
	// User is the name of the account in the old system, FullName that of its
	// owner. They must not be changed by hand.
	User, FullName string
	// Migrate tells whether the account is to be moved.
	Migrate bool
	Recipient
}

// UserListColumns are the columns of a user list that Waybill writes: the
// documented ones in their order (KB Q150438), then that of 5.5 (KB Q182665).
func UserListColumns() []string {
	return []string{ColumnSFSUser, ColumnSFSFullName, ColumnMigrate, ColumnClass, ColumnMode, ColumnName, ColumnDisplay, ColumnGiven, ColumnSurname,
		ColumnServer, ColumnComment, ColumnAccount, ColumnProxies}
}

// IsUserList tells whether a line is the header of a user list.
func IsUserList(line string) bool {
	fields, _, ok := splitFields(strings.TrimPrefix(line, "\ufeff"), ',', '"')
	return ok && len(fields) > 1 && matches(fields[0], []string{ColumnSFSUser})
}

// maxPreamble is how many lines may stand in front of the table; two are known.
const maxPreamble = 10

// ReadUserList reads a user list; file is for places. All faults of the file are
// reported at once, each with its line, and what could be read is returned with
// them.
func ReadUserList(file string, r io.Reader, d Dialect) (*UserList, error) {
	t, err := newTable("read user list", file, r, d, maxPreamble, ColumnSFSUser)
	if err != nil {
		return nil, err
	}
	l := &UserList{Preamble: t.Preamble, Columns: t.Columns}
	for _, c := range []string{ColumnMigrate, ColumnClass} {
		if !t.Has(c) {
			return nil, broken(t.op, t.header, "wizard.column-missing", "columns are "+strings.Join(UserListColumns(), ","), "there is no column %s", c)
		}
	}
	var faults []error
	seen := map[string]Place{}
	for {
		row, err := t.Next()
		if errors.Is(err, io.EOF) {
			break
		}
		var e UserEntry
		if err == nil {
			e, err = t.userEntry(row)
		}
		if err == nil {
			if before, twice := seen[e.User]; twice {
				err = broken(t.op, row.Place, "wizard.user-twice", "keep one of the two lines", "the account %q stands in line %d already", e.User, before.Line)
			}
			seen[e.User] = row.Place
		}
		if err != nil {
			if failure.ClassOf(err) != failure.Malformed && failure.ClassOf(err) != failure.TooLarge {
				return l, err
			}
			if faults = append(faults, err); len(faults) >= maxFaults {
				faults = append(faults, fmt.Errorf("%s: further faults are not listed", file))
				break
			}
			continue
		}
		l.Entries = append(l.Entries, e)
	}
	return l, errors.Join(faults...)
}

// userEntry reads one line.
func (t *Table) userEntry(row Row) (UserEntry, error) {
	e := UserEntry{User: row.Get(ColumnSFSUser), FullName: row.Get(ColumnSFSFullName)}
	if e.User == "" {
		return e, broken(t.op, row.Place, "wizard.user-name", "the first column names the account and must not be changed", "the line names no account")
	}
	switch word := strings.ToUpper(row.Get(ColumnMigrate)); word {
	case "Y", "YES", "TRUE", "1":
		e.Migrate = true
	case "N", "NO", "FALSE", "0", "":
	default:
		return e, broken(t.op, row.Place, "wizard.migrate-user", "write Y or N into the column MigrateUser", "MigrateUser is %.40q", word)
	}
	if !e.Migrate {
		// What else a line says of somebody who stays is nobody's concern.
		e.Recipient = Recipient{Place: row.Place, Class: Mailbox, Mode: Update, Name: row.Get(ColumnName)}
		if r, err := t.recipient(row, true); err == nil {
			e.Recipient = r
		}
		return e, nil
	}
	r, err := t.recipient(row, true)
	e.Recipient = r
	return e, err
}

// WriteTo writes the list in UTF-8; see Encode for what the Wizard reads. The
// columns are those of UserListColumns, and the attributes that entries have
// beside them.
func (l *UserList) WriteTo(w io.Writer) (int64, error) {
	d := Standard()
	out := &counter{w: w}
	for _, line := range l.Preamble {
		if _, err := io.WriteString(out, line+"\r\n"); err != nil {
			return out.n, err
		}
	}
	columns := UserListColumns()
	for _, c := range slices.Concat(l.Columns, l.attributeNames()) {
		if !slices.ContainsFunc(columns, func(have string) bool { return columnKey(have) == columnKey(c) }) {
			columns = append(columns, c)
		}
	}
	if err := d.writeRow(out, columns); err != nil {
		return out.n, err
	}
	for _, e := range l.Entries {
		if err := d.writeRow(out, e.fields(columns, d)); err != nil {
			return out.n, err
		}
	}
	return out.n, nil
}

// attributeNames are the further columns that the entries need.
func (l *UserList) attributeNames() []string {
	names := map[string]bool{}
	for _, e := range l.Entries {
		names[ColumnAddress] = names[ColumnAddress] || e.Class == Remote && len(e.Addresses) > 0
		names[ColumnAddresses] = names[ColumnAddresses] || e.Class != Remote && len(e.Addresses) > 0
		names[ColumnAlias] = names[ColumnAlias] || e.Alias != ""
		names[ColumnMembers] = names[ColumnMembers] || len(e.Members) > 0
		names[ColumnContainer] = names[ColumnContainer] || e.Container != ""
		for name := range e.Attributes {
			names[name] = true
		}
	}
	var list []string
	for name, needed := range names {
		if needed {
			list = append(list, name)
		}
	}
	slices.Sort(list)
	return list
}

func (e UserEntry) fields(columns []string, d Dialect) []string {
	yes := "N"
	if e.Migrate {
		yes = "Y"
	}
	join := func(list []string) string { return strings.Join(list, string(rune(d.MultiValue))) }
	values := map[string]string{}
	for name, v := range e.Attributes {
		values[columnKey(name)] = v
	}
	for name, v := range map[string]string{ColumnSFSUser: e.User, ColumnSFSFullName: e.FullName, ColumnMigrate: yes, ColumnClass: e.Class,
		ColumnMode: e.Mode, ColumnName: e.Name, ColumnDisplay: e.Display, ColumnAlias: e.Alias, ColumnGiven: e.Given, ColumnSurname: e.Surname,
		ColumnServer: e.Server, ColumnContainer: e.Container, ColumnMembers: join(e.Members), ColumnProxies: join(e.Proxies)} {
		values[columnKey(name)] = v
	}
	if e.Class == Remote {
		values[columnKey(ColumnAddress)] = join(e.Addresses)
	} else {
		values[columnKey(ColumnAddresses)] = join(e.Addresses)
	}
	fields := make([]string, len(columns))
	for i, c := range columns {
		if fields[i] = values[columnKey(c)]; columnKey(c) != columnKey(ColumnSFSUser) && columnKey(c) != columnKey(ColumnSFSFullName) {
			fields[i] = mf.Escape(fields[i])
		}
	}
	return fields
}

// counter counts what is written.
type counter struct {
	w io.Writer
	n int64
}

func (c *counter) Write(p []byte) (int, error) {
	n, err := c.w.Write(p)
	c.n += int64(n)
	return n, err
}
