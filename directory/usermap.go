package directory

import (
	"bufio"
	"encoding/csv"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"
	"unicode/utf8"

	"waybill/failure"
)

// MapRow is one line of a user map: the operator's word on one source user.
type MapRow struct {
	Line    int
	User    string
	Account string // empty: the same as User
	Name    string
	Address []Address
	// First, Last, Proxies (addresses behind the user's own) and Attributes are
	// what the operator says of a new account beside that; a user map in CSV has
	// no columns for them.
	First, Last string
	Proxies     []Address
	Attributes  map[string]string
	// Action is empty, "create", "existing" or "skip".
	Action string
	// SourceLogin and TargetLogin are the names to log on with, where they differ
	// from User and Account. SourcePassword and TargetPassword say where the
	// passwords are ("file:anna.secret"), never what they are.
	SourceLogin, SourcePassword string
	TargetLogin, TargetPassword string
}

// UserMap is a read user map.
type UserMap struct {
	File string
	Rows []MapRow
}

// maxMapBytes bounds a user map: a million users of a hundred bytes and more.
const maxMapBytes = 256 << 20

var mapColumns = []string{"user", "account", "name", "address", "action", "source-login", "source-password", "target-login", "target-password"}

// ReadUserMap reads a user map: a CSV file with a header line that names at
// least the column user; further columns are account, name, address (several
// joined by ";" or "%" inside the field), action (create, existing, skip), and
// source-login, source-password, target-login and target-password for servers
// that are logged on to user by user.
// Comma, semicolon and tab separate columns, whichever the header uses. A byte
// order mark is ignored. Every fault is reported, not just the first; the error
// has class Usage and names file and lines.
func ReadUserMap(file string, r io.Reader) (*UserMap, error) {
	return readUserMap(file, r, maxMapBytes)
}

func readUserMap(file string, r io.Reader, limit int64) (*UserMap, error) {
	in := bufio.NewReaderSize(&limited{file: file, from: r, left: limit}, headBytes)
	if mark, _ := in.Peek(3); string(mark) == "\xef\xbb\xbf" {
		_, _ = in.Discard(3)
	} else if len(mark) >= 2 && (mark[0] == 0xff && mark[1] == 0xfe || mark[0] == 0xfe && mark[1] == 0xff) {
		return nil, mapError(file, 1, "map.encoding", "the file is UTF-16", "save it as CSV UTF-8")
	}
	head, _ := in.Peek(headBytes)
	reader := csv.NewReader(in)
	reader.Comma = separatorOf(string(head))
	reader.FieldsPerRecord = -1
	// Where tabs separate, one that leads is an empty field and no space.
	reader.TrimLeadingSpace = reader.Comma != '\t'
	reader.Comment = '#'

	header, err := reader.Read()
	if err != nil {
		if errors.Is(err, io.EOF) {
			return nil, mapError(file, 1, "map.empty", "the file is empty", "the first line names the columns: "+strings.Join(mapColumns, ","))
		}
		return nil, csvError(file, err)
	}
	top, _ := reader.FieldPos(0)
	columns, err := readHeader(file, top, header)
	if err != nil {
		return nil, err
	}
	m := &UserMap{File: file}
	var faults []error
	seen := map[string]int{}
	for {
		record, err := reader.Read()
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			return nil, errors.Join(append(faults, csvError(file, err))...)
		}
		line, _ := reader.FieldPos(0)
		row, err := readRow(file, line, columns, len(header), record)
		if err != nil {
			faults = append(faults, err)
			continue
		}
		if row.User == "" {
			continue // a line of separators, as spreadsheets leave them
		}
		if before, twice := seen[row.User]; twice {
			faults = append(faults, mapError(file, line, "map.duplicate", fmt.Sprintf("user %q was named in line %d already", row.User, before), "keep one of the two lines"))
			continue
		}
		seen[row.User] = line
		m.Rows = append(m.Rows, row)
	}
	if len(faults) > 0 {
		return nil, errors.Join(faults...)
	}
	if len(m.Rows) == 0 {
		return nil, mapError(file, top+1, "map.empty", "the file names no user", "add a line for each user, or leave --users away to move everybody")
	}
	return m, nil
}

func readHeader(file string, line int, header []string) (map[string]int, error) {
	columns := map[string]int{}
	for i, name := range header {
		name = strings.ToLower(strings.TrimSpace(name))
		if name == "" {
			continue
		}
		if !slices.Contains(mapColumns, name) {
			return nil, mapError(file, line, "map.column", fmt.Sprintf("column %q is unknown", name), "columns are "+strings.Join(mapColumns, ", "))
		}
		if _, twice := columns[name]; twice {
			return nil, mapError(file, line, "map.column", fmt.Sprintf("column %q stands twice", name), "keep one of the two")
		}
		columns[name] = i
	}
	if _, ok := columns["user"]; !ok {
		return nil, mapError(file, line, "map.column", "there is no column \"user\"", "the first line names the columns: "+strings.Join(mapColumns, ","))
	}
	return columns, nil
}

func readRow(file string, line int, columns map[string]int, width int, record []string) (MapRow, error) {
	if len(record) > width && !blank(record[width:]) {
		return MapRow{}, mapError(file, line, "map.fields", fmt.Sprintf("the line has %d fields, the header %d", len(record), width), "put a field that holds a separator into quotes")
	}
	if len(record) > 1 && len(record) < len(columns) {
		return MapRow{}, mapError(file, line, "map.fields", fmt.Sprintf("the line has %d fields, the header %d", len(record), len(columns)), "add the missing separators")
	}
	for _, field := range record {
		if !utf8.ValidString(field) {
			return MapRow{}, mapError(file, line, "map.encoding", "the line is not UTF-8", "save the file as CSV UTF-8")
		}
	}
	field := func(name string) string {
		if i, ok := columns[name]; ok && i < len(record) {
			return strings.TrimSpace(record[i])
		}
		return ""
	}
	row := MapRow{Line: line, User: field("user"), Account: field("account"), Name: field("name"), Action: strings.ToLower(field("action")),
		SourceLogin: field("source-login"), SourcePassword: field("source-password"), TargetLogin: field("target-login"), TargetPassword: field("target-password")}
	if row.User == "" && !blank(record) {
		return row, mapError(file, line, "map.user", "the line names no user", "fill the column user")
	}
	if !slices.Contains([]string{"", "create", "existing", "skip"}, row.Action) {
		return row, mapError(file, line, "map.action", fmt.Sprintf("action %q is unknown", row.Action), "actions are create, existing, skip, or nothing")
	}
	for _, text := range splitAddresses(field("address")) {
		a, err := ParseAddress(text)
		if err != nil {
			return row, mapError(file, line, "map.address", err.Error(), "write user@domain or TYPE:value")
		}
		row.Address = append(row.Address, a)
	}
	return row, nil
}

func blank(fields []string) bool { return strings.TrimSpace(strings.Join(fields, "")) == "" }

// splitAddresses takes joined addresses apart. An X.400 address has semicolons
// of its own and therefore reaches to the next "%".
func splitAddresses(joined string) (list []string) {
	for part := range strings.SplitSeq(joined, "%") {
		for strings.TrimSpace(part) != "" {
			one, rest, _ := strings.Cut(part, ";")
			if kind, _, ok := strings.Cut(one, ":"); ok && strings.EqualFold(strings.TrimSpace(kind), X400) {
				one, rest = part, ""
			}
			if part = rest; strings.TrimSpace(one) != "" {
				list = append(list, one)
			}
		}
	}
	return list
}

// headBytes is how far the header line is looked for.
const headBytes = 64 << 10

// separatorOf finds what the header line separates its columns with.
func separatorOf(head string) rune {
	var header string
	for line := range strings.SplitSeq(head, "\n") {
		if strings.TrimSpace(line) != "" && !strings.HasPrefix(line, "#") {
			header = line
			break
		}
	}
	best, count := ',', strings.Count(header, ",")
	for _, r := range []rune{';', '\t'} {
		if n := strings.Count(header, string(r)); n > count {
			best, count = r, n
		}
	}
	return best
}

// limited reads so many bytes and fails when there are more: a map that is cut
// off would leave users out without a word.
type limited struct {
	file string
	from io.Reader
	left int64
}

func (l *limited) Read(p []byte) (int, error) {
	n, err := l.from.Read(p)
	if l.left -= int64(n); l.left < 0 {
		return 0, failure.New(failure.TooLarge, "read user map", l.file, "map.too-large", nil).WithRemedy("split the map, and run once with each part")
	}
	return n, err
}

func mapError(file string, line int, rule, what, remedy string) error {
	return failure.New(failure.Usage, "read user map", fmt.Sprintf("%s line %d", file, line), rule, errors.New(what)).WithRemedy(remedy)
}

func csvError(file string, err error) error {
	if parse, ok := errors.AsType[*csv.ParseError](err); ok {
		// Where the line begins, not where the reader gave up: that may be the
		// end of the file.
		return mapError(file, parse.StartLine, "map.quoting", fmt.Sprintf("up to line %d column %d: %v", parse.Line, parse.Column, parse.Err), "double the quotes inside quoted fields, and close each one")
	}
	if failure.ClassOf(err) == failure.TooLarge {
		return err
	}
	return failure.New(failure.ClassOf(err), "read user map", file, "map.read", err)
}
