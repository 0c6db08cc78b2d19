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
	// Action is empty, "create", "existing" or "skip".
	Action string
}

// UserMap is a read user map.
type UserMap struct {
	File string
	Rows []MapRow
}

// maxMapBytes bounds a user map: a million users of a hundred bytes and more.
const maxMapBytes = 256 << 20

var mapColumns = []string{"user", "account", "name", "address", "action"}

// ReadUserMap reads a user map: a CSV file with a header line that names at
// least the column user; further columns are account, name, address (several
// joined by ";" or "%" inside the field) and action (create, existing, skip).
// Comma, semicolon and tab separate columns, whichever the header uses. A byte
// order mark is ignored. Every fault is reported, not just the first; the error
// has class Usage and names file and lines.
func ReadUserMap(file string, r io.Reader) (*UserMap, error) {
	in := bufio.NewReader(io.LimitReader(r, maxMapBytes))
	if mark, _ := in.Peek(3); string(mark) == "\xef\xbb\xbf" {
		_, _ = in.Discard(3)
	} else if len(mark) >= 2 && (mark[0] == 0xff && mark[1] == 0xfe || mark[0] == 0xfe && mark[1] == 0xff) {
		return nil, mapError(file, 1, "map.encoding", "the file is UTF-16", "save it as CSV UTF-8")
	}
	head, _ := in.Peek(4096)
	first, _, _ := strings.Cut(string(head), "\n")
	reader := csv.NewReader(in)
	reader.Comma = separatorOf(first)
	reader.FieldsPerRecord = -1
	reader.TrimLeadingSpace = true
	reader.Comment = '#'

	header, err := reader.Read()
	if err != nil {
		if errors.Is(err, io.EOF) {
			return nil, mapError(file, 1, "map.empty", "the file is empty", "the first line names the columns: "+strings.Join(mapColumns, ","))
		}
		return nil, csvError(file, err)
	}
	columns, err := readHeader(file, header)
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
			return nil, csvError(file, err)
		}
		line, _ := reader.FieldPos(0)
		row, err := readRow(file, line, columns, record)
		if err != nil {
			faults = append(faults, err)
			continue
		}
		if row.User == "" && slices.IndexFunc(record, func(s string) bool { return strings.TrimSpace(s) != "" }) < 0 {
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
		return nil, mapError(file, 2, "map.empty", "the file names no user", "add a line for each user, or leave --users away to move everybody")
	}
	return m, nil
}

func readHeader(file string, header []string) (map[string]int, error) {
	columns := map[string]int{}
	for i, name := range header {
		name = strings.ToLower(strings.TrimSpace(name))
		if name == "" {
			continue
		}
		if !slices.Contains(mapColumns, name) {
			return nil, mapError(file, 1, "map.column", fmt.Sprintf("column %q is unknown", name), "columns are "+strings.Join(mapColumns, ", "))
		}
		if _, twice := columns[name]; twice {
			return nil, mapError(file, 1, "map.column", fmt.Sprintf("column %q stands twice", name), "keep one of the two")
		}
		columns[name] = i
	}
	if _, ok := columns["user"]; !ok {
		return nil, mapError(file, 1, "map.column", "there is no column \"user\"", "the first line names the columns: "+strings.Join(mapColumns, ","))
	}
	return columns, nil
}

func readRow(file string, line int, columns map[string]int, record []string) (MapRow, error) {
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
	row := MapRow{Line: line, User: field("user"), Account: field("account"), Name: field("name"), Action: strings.ToLower(field("action"))}
	if row.User == "" && row.Account+row.Name+row.Action != "" {
		return row, mapError(file, line, "map.user", "the line names no user", "fill the column user")
	}
	if !slices.Contains([]string{"", "create", "existing", "skip"}, row.Action) {
		return row, mapError(file, line, "map.action", fmt.Sprintf("action %q is unknown", row.Action), "actions are create, existing, skip, or nothing")
	}
	for _, text := range strings.FieldsFunc(field("address"), func(r rune) bool { return r == ';' || r == '%' }) {
		a, err := ParseAddress(text)
		if err != nil {
			return row, mapError(file, line, "map.address", err.Error(), "write user@domain or TYPE:value")
		}
		row.Address = append(row.Address, a)
	}
	return row, nil
}

// separatorOf finds what the header line separates its columns with.
func separatorOf(header string) rune {
	best, count := ',', strings.Count(header, ",")
	for _, r := range []rune{';', '\t'} {
		if n := strings.Count(header, string(r)); n > count {
			best, count = r, n
		}
	}
	return best
}

func mapError(file string, line int, rule, what, remedy string) error {
	return failure.New(failure.Usage, "read user map", fmt.Sprintf("%s line %d", file, line), rule, errors.New(what)).WithRemedy(remedy)
}

func csvError(file string, err error) error {
	if parse, ok := errors.AsType[*csv.ParseError](err); ok {
		return mapError(file, parse.Line, "map.quoting", fmt.Sprintf("column %d: %v", parse.Column, parse.Err), "double the quotes inside quoted fields, and close each one")
	}
	return failure.New(failure.ClassOf(err), "read user map", file, "map.read", err)
}
