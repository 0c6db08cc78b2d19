// Package exchangecsv reads the table of recipients of Exchange's directory
// export and import as a mail system: exchangecsv:FILE. Its mailboxes are users,
// its custom recipients contacts, its lists lists with their members.
//
// A table holds no mail. Every mailbox in it is one with an empty inbox, so that
// accounts, contacts and lists can be made from the table alone; beside other
// systems, as part of a tree, its users lend their names and addresses to the
// mailboxes there.
//
// # Options
//
//	codepage=1252   the code page of a table that is neither Unicode nor UTF-8
//	separator=;     what stands between columns, instead of the comma
//	multivalue=|    what stands between the values of a column, instead of "%"
package exchangecsv

import (
	"context"
	"errors"
	"fmt"
	"io"
	"iter"
	"os"
	"slices"
	"strconv"
	"strings"

	"waybill/connector"
	"waybill/connector/files"
	"waybill/directory"
	"waybill/failure"
	mf "waybill/format/migfile"
	"waybill/format/wizard"
	"waybill/mail"
)

const scheme = "exchangecsv"

// maxRecipients bounds a table; Exchange 5.5 held some hundred thousand.
const maxRecipients = 5_000_000

// source is a table that was read.
type source struct {
	caps  connector.Capabilities
	users []entry
	byID  map[string]int // in users
	book  directory.Book
}

// entry is a user, or a line that cannot be one.
type entry struct {
	user directory.User
	err  error
}

// Source reads the table that loc names. Lines that break a rule are errors of
// the users they name; a table without a header is an error as a whole.
func Source(ctx context.Context, loc connector.Location) (connector.Source, error) {
	if err := loc.RejectOptions("codepage", "separator", "multivalue"); err != nil {
		return nil, err
	}
	dialect, err := dialectOf(loc)
	if err != nil {
		return nil, err
	}
	f, err := os.Open(loc.Path)
	if err != nil {
		return nil, files.Fail("open directory table", loc.Path, "exchangecsv.open", err)
	}
	defer func() { _ = f.Close() }()
	if info, err := f.Stat(); err == nil && info.IsDir() {
		return nil, failure.New(failure.Usage, "open directory table", loc.Path, "exchangecsv.open", errors.New("this is a directory")).WithRemedy("name the CSV file")
	}
	s := &source{caps: connector.Capabilities{System: scheme, Location: loc.String(), Contacts: true, Lists: true, SpecialUse: true}}
	table, err := wizard.NewDirectory(loc.Path, f, dialect)
	if err != nil {
		return nil, err
	}
	return s, s.read(ctx, table)
}

func dialectOf(loc connector.Location) (wizard.Dialect, error) {
	d := wizard.Standard()
	if text := loc.Options.Get("codepage"); text != "" {
		number, err := strconv.Atoi(text)
		if err != nil {
			return d, failure.New(failure.Usage, "open", loc.String(), "usage.codepage", err)
		}
		if d.Page, err = mf.NewCodePage(number, loc.String()); err != nil {
			return d, err
		}
	}
	for name, value := range map[string]*byte{"separator": &d.Comma, "multivalue": &d.MultiValue} {
		switch text := loc.Options.Get(name); {
		case text == "tab":
			*value = '\t'
		case len(text) == 1:
			*value = text[0]
		case text != "":
			return d, failure.New(failure.Usage, "open", loc.String(), "usage.option", fmt.Errorf("%s is one character, or tab", name))
		}
	}
	return d, nil
}

// read takes all lines.
func (s *source) read(ctx context.Context, table *wizard.Directory) error {
	seen := map[string]wizard.Place{}
	joins := map[string][]string{} // list to the mailboxes that shall join it
	for n := 0; ; n++ {
		if ctx.Err() != nil {
			return failure.New(failure.Cancelled, "read directory table", s.caps.Location, "cancelled", ctx.Err())
		}
		if n >= maxRecipients {
			return failure.New(failure.TooLarge, "read directory table", s.caps.Location, "exchangecsv.size", fmt.Errorf("more than %d lines", maxRecipients))
		}
		r, err := table.Next()
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil && failure.ClassOf(err) != failure.Malformed && failure.ClassOf(err) != failure.TooLarge {
			return err
		}
		if err == nil {
			err = judge(r, seen)
		}
		if err != nil {
			s.users = append(s.users, entry{directory.User{ID: strings.TrimSpace(fmt.Sprintf("%s (line %d)", r.Name, r.Place.Line))}, err})
			continue
		}
		s.take(r, joins)
	}
	for i := range s.book.Lists {
		l := &s.book.Lists[i]
		for _, member := range joins[strings.ToLower(l.ID)] {
			if !slices.ContainsFunc(l.Members, func(have string) bool { return strings.EqualFold(have, member) }) {
				l.Members = append(l.Members, member)
			}
		}
	}
	slices.SortStableFunc(s.users, func(a, b entry) int { return strings.Compare(a.user.ID, b.user.ID) })
	s.byID = make(map[string]int, len(s.users))
	for i, e := range s.users {
		s.byID[e.user.ID] = i
	}
	slices.SortStableFunc(s.book.Contacts, func(a, b directory.Contact) int { return strings.Compare(a.ID, b.ID) })
	slices.SortStableFunc(s.book.Lists, func(a, b directory.List) int { return strings.Compare(a.ID, b.ID) })
	return nil
}

// judge tells why a line that can be read is no recipient.
func judge(r wizard.Recipient, seen map[string]wizard.Place) error {
	if r.Mode == wizard.Delete {
		return failure.New(failure.Unsupported, "read directory table", r.Place.String(), "exchangecsv.delete", errors.New("the line says that the recipient is to be deleted")).
			WithRemedy("take the line out")
	}
	key := strings.ToLower(r.Name)
	if before, twice := seen[key]; twice {
		return failure.New(failure.Conflict, "read directory table", r.Place.String(), "exchangecsv.twice", fmt.Errorf("%s stands in line %d already", r.Name, before.Line)).
			WithRemedy("keep one of the two lines, or give one another directory name")
	}
	seen[key] = r.Place
	return nil
}

// take makes a user, a contact or a list of a line.
func (s *source) take(r wizard.Recipient, joins map[string][]string) {
	addresses := addressesOf(r)
	attributes := attributesOf(r)
	members := make([]string, len(r.Members))
	for i, m := range r.Members {
		members[i] = wizard.MemberName(m)
	}
	switch r.Class {
	case wizard.Mailbox:
		s.users = append(s.users, entry{user: directory.User{ID: r.Name, Name: r.Display, First: r.Given, Last: r.Surname, Addresses: addresses, Attributes: attributes}})
		for _, list := range members { // on a mailbox's line: lists it shall join (KB Q156734)
			joins[strings.ToLower(list)] = append(joins[strings.ToLower(list)], r.Name)
		}
	case wizard.Remote:
		s.book.Contacts = append(s.book.Contacts, directory.Contact{ID: r.Name, Name: r.Display, First: r.Given, Last: r.Surname, Addresses: addresses, Attributes: attributes})
	case wizard.DL:
		s.book.Lists = append(s.book.Lists, directory.List{ID: r.Name, Name: r.Display, Addresses: addresses, Members: members, Attributes: attributes})
	}
}

// addressesOf are the addresses, that for SMTP first: it is the one that other
// systems want.
func addressesOf(r wizard.Recipient) (list []directory.Address) {
	for _, text := range slices.Concat(r.Addresses, r.Proxies) {
		if a, err := directory.ParseAddress(text); err == nil {
			list = append(list, a)
		}
	}
	if r.Class != wizard.Remote {
		slices.SortStableFunc(list, func(a, b directory.Address) int { return rank(a) - rank(b) })
	}
	return list
}

func rank(a directory.Address) int {
	switch a.Type {
	case directory.SMTP:
		return 0
	case directory.Migrate:
		return 2
	}
	return 1
}

func attributesOf(r wizard.Recipient) map[string]string {
	all := map[string]string{}
	for name, v := range r.Attributes {
		if !strings.EqualFold(name, wizard.ColumnMemberOf) { // told by the lists themselves
			all[name] = v
		}
	}
	for name, v := range map[string]string{wizard.ColumnAlias: r.Alias, wizard.ColumnContainer: r.Container} {
		if v != "" {
			all[name] = v
		}
	}
	if r.Server != "" && !strings.EqualFold(r.Server, wizard.ServerChosen) {
		all[wizard.ColumnServer] = r.Server
	}
	if len(all) == 0 {
		return nil
	}
	return all
}

func (s *source) Capabilities() connector.Capabilities { return s.caps }
func (s *source) Close() error                         { return nil }

func (s *source) Users(ctx context.Context) iter.Seq2[directory.User, error] {
	return func(yield func(directory.User, error) bool) {
		for _, e := range s.users {
			if ctx.Err() != nil {
				yield(directory.User{}, cancelled(ctx))
				return
			}
			if !yield(e.user, e.err) {
				return
			}
		}
	}
}

func cancelled(ctx context.Context) error {
	return failure.New(failure.Cancelled, "read directory table", "", "cancelled", ctx.Err())
}

func (s *source) Book(ctx context.Context) (directory.Book, error) {
	if ctx.Err() != nil {
		return directory.Book{}, cancelled(ctx)
	}
	return s.book, nil
}

func (s *source) Mailbox(ctx context.Context, user string) (connector.SourceMailbox, error) {
	if ctx.Err() != nil {
		return nil, cancelled(ctx)
	}
	i, ok := s.byID[user]
	if !ok {
		return nil, failure.New(failure.Vanished, "open mailbox", user, "exchangecsv.no-user", nil)
	}
	if err := s.users[i].err; err != nil {
		return nil, err
	}
	return empty{user}, nil
}

// empty is a mailbox of which the table says no more than that it exists.
type empty struct{ user string }

func (empty) Close() error { return nil }

func (empty) Folders(ctx context.Context) ([]mail.Folder, error) {
	if ctx.Err() != nil {
		return nil, cancelled(ctx)
	}
	return []mail.Folder{{Path: mail.Inbox, Use: mail.UseInbox}}, nil
}

func (b empty) check(ctx context.Context, folder mail.Path) error {
	if ctx.Err() != nil {
		return cancelled(ctx)
	}
	if folder != mail.Inbox {
		return failure.New(failure.Vanished, "open folder", b.user+", "+string(folder), "exchangecsv.no-folder", nil)
	}
	return nil
}

func (b empty) Census(ctx context.Context, folder mail.Path, _ bool) (connector.Census, error) {
	return connector.Census{State: "no mail"}, b.check(ctx, folder)
}

func (b empty) Messages(ctx context.Context, folder mail.Path) iter.Seq2[mail.Message, error] {
	return func(yield func(mail.Message, error) bool) {
		if err := b.check(ctx, folder); err != nil {
			yield(mail.Message{}, err)
		}
	}
}

func (b empty) Open(ctx context.Context, folder mail.Path, m mail.Message) (io.ReadCloser, error) {
	if err := b.check(ctx, folder); err != nil {
		return nil, err
	}
	return nil, failure.New(failure.Vanished, "open message", b.user+", "+string(folder)+" "+m.Key, "exchangecsv.no-message", nil)
}
