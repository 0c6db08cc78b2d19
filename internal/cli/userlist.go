package cli

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"maps"
	"os"
	"path/filepath"
	"strconv"
	"strings"

	"waybill/directory"
	"waybill/engine"
	"waybill/failure"
	"waybill/format/wizard"
)

// sniffBytes is how much of a file tells what table it is.
const sniffBytes = 64 << 10

// readUserMap reads the file that says who goes where: a user map, or one of the
// Migration Wizard's lists, known by its header. nil without a path.
func readUserMap(path string) (*directory.UserMap, error) {
	if path == "" {
		return nil, nil
	}
	f, err := os.Open(path)
	if err != nil {
		return nil, failure.New(failure.Usage, "read user map", path, "map.open", err)
	}
	defer f.Close()
	head := make([]byte, sniffBytes)
	n, err := io.ReadFull(f, head)
	if err != nil && !errors.Is(err, io.EOF) && !errors.Is(err, io.ErrUnexpectedEOF) {
		return nil, failure.New(failure.ClassOf(err), "read user map", path, "map.read", err)
	}
	all := io.MultiReader(bytes.NewReader(head[:n]), f)
	switch wizard.Sniff(head[:n]) {
	case wizard.UserListTable:
		list, err := wizard.ReadUserList(path, all, wizard.Standard())
		if err != nil {
			return nil, mapFault(path, err)
		}
		return mapOfUserList(path, list)
	case wizard.IMAPListTable:
		list, err := wizard.ReadIMAPList(path, all, wizard.Standard())
		if err != nil {
			return nil, mapFault(path, err)
		}
		return mapOfIMAPList(path, list)
	case wizard.DirectoryTable:
		return nil, failure.New(failure.Usage, "read user map", path, "map.directory", errors.New("this is a table of recipients for directory import")).
			WithRemedy("read it as a system: exchangecsv:" + path)
	}
	return directory.ReadUserMap(path, all)
}

// mapFault makes a wrong use of the program out of faults in a list, so that it
// ends like that of a user map.
func mapFault(path string, err error) error {
	return failure.New(failure.Usage, "read user list", path, failure.RuleOf(err), err)
}

// mapOfUserList makes a user map of the Wizard's user list.
func mapOfUserList(path string, list *wizard.UserList) (*directory.UserMap, error) {
	m := &directory.UserMap{File: path}
	var faults []error
	for _, e := range list.Entries {
		row := directory.MapRow{Line: e.Place.Line, User: e.User, Account: e.Name, Name: e.Display, First: e.Given, Last: e.Surname}
		bad := func(rule, remedy, what string) {
			faults = append(faults, failure.New(failure.Usage, "read user list", e.Place.String(), rule, errors.New(what)).WithRemedy(remedy))
		}
		switch {
		case !e.Migrate:
			row.Action = string(directory.Skip)
		case e.Class != wizard.Mailbox:
			bad("map.class", "write N into MigrateUser, and make the recipient with the table of exchangecsv: or in the target", "an account that becomes a custom recipient or a list has no mailbox that could be filled")
		case e.Mode == wizard.Create:
			row.Action = string(directory.Create)
		case e.Mode == wizard.Modify:
			row.Action = string(directory.Existing)
		case e.Mode == wizard.Delete:
			bad("map.mode", "delete the account in the target yourself, when you are sure", "a migration deletes nobody")
		}
		for _, part := range []struct {
			texts []string
			list  *[]directory.Address
		}{{e.Addresses, &row.Address}, {e.Proxies, &row.Proxies}} {
			for _, text := range part.texts {
				a, err := directory.ParseAddress(text)
				if err != nil {
					bad("map.address", "write addresses as TYPE:value, joined by %", err.Error())
					continue
				}
				*part.list = append(*part.list, a)
			}
		}
		row.Attributes = attributesOf(e)
		m.Rows = append(m.Rows, row)
	}
	if len(m.Rows) == 0 {
		faults = append(faults, failure.New(failure.Usage, "read user list", path, "map.empty", errors.New("the list names no user")))
	}
	return m, errors.Join(faults...)
}

// attributesOf are what a line says beside names and addresses.
func attributesOf(e wizard.UserEntry) map[string]string {
	all := maps.Clone(e.Attributes)
	if all == nil {
		all = map[string]string{}
	}
	for name, v := range map[string]string{wizard.ColumnAlias: e.Alias, wizard.ColumnContainer: e.Container, wizard.ColumnMembers: strings.Join(e.Members, "%")} {
		if v != "" {
			all[name] = v
		}
	}
	if e.Server != "" && !strings.EqualFold(e.Server, wizard.ServerChosen) {
		all[wizard.ColumnServer] = e.Server
	}
	if len(all) == 0 {
		return nil
	}
	return all
}

// mapOfIMAPList makes a user map of the Wizard's list for IMAP servers. Its
// passwords go into the environment of this process, and the map says where.
func mapOfIMAPList(path string, list []wizard.IMAPEntry) (*directory.UserMap, error) {
	m := &directory.UserMap{File: path}
	seen := map[string]bool{}
	for _, e := range list {
		row := directory.MapRow{Line: e.Place.Line, User: e.Mailbox, Account: e.Target, SourceLogin: e.Mailbox}
		if seen[e.Mailbox] {
			return nil, failure.New(failure.Usage, "read IMAP user list", e.Place.String(), "map.duplicate", fmt.Errorf("user %q was named before", e.Mailbox)).WithRemedy("keep one of the two lines")
		}
		seen[e.Mailbox] = true
		if e.Address != "" {
			a, err := directory.ParseAddress(e.Address)
			if err != nil {
				return nil, failure.New(failure.Usage, "read IMAP user list", e.Place.String(), "map.address", err)
			}
			row.Address = []directory.Address{a}
		}
		if e.Password != "" {
			name := fmt.Sprintf("WAYBILL_LIST_PASSWORD_%d", e.Place.Line)
			if err := os.Setenv(name, e.Password); err != nil {
				return nil, failure.New(failure.Usage, "read IMAP user list", e.Place.String(), "map.password", errors.New("the password holds a character that none may hold"))
			}
			row.SourcePassword = "env:" + name
		}
		m.Rows = append(m.Rows, row)
	}
	if len(m.Rows) == 0 {
		return nil, failure.New(failure.Usage, "read IMAP user list", path, "map.empty", errors.New("the list names no user"))
	}
	return m, nil
}

// userListOf makes the list for a second step out of a plan: everybody who was
// extracted, to be made under the same name.
func userListOf(plan *engine.Plan) *wizard.UserList {
	list := &wizard.UserList{}
	for _, u := range plan.Users {
		if !u.Moves() {
			continue
		}
		r := wizard.Recipient{Class: wizard.Mailbox, Mode: wizard.Create, Name: u.Account, Display: u.Name, Given: u.First, Surname: u.Last, Server: wizard.ServerChosen,
			Attributes: map[string]string{}}
		for _, a := range u.Addresses {
			if parsed, err := directory.ParseAddress(a); err == nil && parsed.Type != directory.Migrate && len(r.Addresses) == 0 {
				r.Addresses = []string{a}
				continue
			}
			r.Proxies = append(r.Proxies, a)
		}
		for name, v := range u.Attribute {
			switch {
			case strings.EqualFold(name, wizard.ColumnServer):
				r.Server = v
			case strings.EqualFold(name, wizard.ColumnContainer):
				r.Container = v
			case strings.EqualFold(name, wizard.ColumnAlias):
				r.Alias = v
			default:
				r.Attributes[name] = v
			}
		}
		list.Entries = append(list.Entries, wizard.UserEntry{User: u.Account, FullName: u.Name, Migrate: true, Recipient: r})
	}
	return list
}

// writeUserList writes a list, and returns where: a file that is there with other
// content is somebody's work and stays, and the list goes beside it.
func writeUserList(path, codePage string, list *wizard.UserList) (string, error) {
	fault := func(err error) (string, error) {
		return "", failure.New(failure.ClassOf(err), "write user list", path, "map.write", err)
	}
	number := 65001
	if codePage != "" {
		var err error
		if number, err = strconv.Atoi(codePage); err != nil {
			return fault(err)
		}
	}
	var b bytes.Buffer
	e, err := wizard.NewEncoder(&b, number)
	if err != nil {
		return "", err
	}
	if _, err := list.WriteTo(e); err != nil {
		return fault(err)
	}
	if err := e.Close(); err != nil {
		return fault(err)
	}
	for n := 1; ; n++ {
		at := path
		if n > 1 {
			ending := filepath.Ext(path)
			at = fmt.Sprintf("%s-%d%s", strings.TrimSuffix(path, ending), n, ending)
		}
		have, err := os.ReadFile(at)
		switch {
		case err == nil && bytes.Equal(have, b.Bytes()):
			return at, nil
		case err == nil:
			continue
		case !errors.Is(err, os.ErrNotExist):
			return fault(err)
		}
		if err := os.WriteFile(at, b.Bytes(), 0o640); err != nil {
			return fault(err)
		}
		return at, nil
	}
}
