package sitestore

import (
	"context"
	"database/sql"
	"encoding/json"
	"errors"
	"fmt"
	"iter"
	"maps"
	"slices"

	"waybill/directory"
	"waybill/failure"
	"waybill/mail"
)

// The classes of recipients.
const (
	classMailbox = "mailbox"
	classContact = "contact"
	classList    = "list"
)

// maxName bounds directory names and addresses, in bytes.
const maxName = 1024

// recipient is one row of the directory, with what hangs on it.
type recipient struct {
	id                   int64
	name, class, kind    string
	display, first, last string
	attributes           map[string]string
	addresses            []directory.Address
	members              []string
}

// AddAccount makes an account with a mailbox that holds an empty inbox. One
// that exists already, or an address that somebody has already, is an error of
// class Conflict.
func (s *Store) AddAccount(ctx context.Context, u directory.User) error {
	return s.add(ctx, "create account", recipient{name: u.ID, class: classMailbox, kind: string(u.Kind), display: u.Name,
		first: u.First, last: u.Last, attributes: u.Attributes, addresses: u.Addresses}, false)
}

// AddContact makes a custom recipient. One with the same content is left alone.
func (s *Store) AddContact(ctx context.Context, c directory.Contact) error {
	return s.add(ctx, "create contact", recipient{name: c.ID, class: classContact, display: c.Name,
		first: c.First, last: c.Last, attributes: c.Attributes, addresses: c.Addresses}, true)
}

// AddList makes a distribution list, whose members need not exist. One with the
// same content is left alone.
func (s *Store) AddList(ctx context.Context, l directory.List) error {
	return s.add(ctx, "create list", recipient{name: l.ID, class: classList, display: l.Name,
		attributes: l.Attributes, addresses: l.Addresses, members: l.Members}, true)
}

func (s *Store) add(ctx context.Context, op string, r recipient, sameIsFine bool) error {
	if r.name == "" || len(r.name) > maxName {
		return failure.New(failure.Usage, op, r.name, "site.recipient-name",
			fmt.Errorf("a directory name has 1 to %d bytes", maxName))
	}
	r.addresses = distinct(r.addresses)
	return s.change(ctx, op, func(t *tx) error {
		have, found, err := t.recipient(r.name)
		if err != nil {
			return err
		}
		if found {
			if sameIsFine && have.same(r) {
				return nil
			}
			return failure.New(failure.Conflict, op, r.name, "site.recipient-exists",
				fmt.Errorf("the directory has a %s of that name", have.class)).
				WithRemedy("choose another name in the user map, or remove the entry")
		}
		return t.insertRecipient(op, r)
	})
}

// distinct leaves out addresses that compare equal to an earlier one.
func distinct(addresses []directory.Address) []directory.Address {
	var kept []directory.Address
	for _, a := range addresses {
		if !slices.ContainsFunc(kept, func(b directory.Address) bool { return a.Key() == b.Key() }) {
			kept = append(kept, a)
		}
	}
	return kept
}

func (r recipient) same(o recipient) bool {
	return r.class == o.class && r.kind == o.kind && r.display == o.display && r.first == o.first && r.last == o.last &&
		maps.Equal(r.attributes, o.attributes) && slices.Equal(r.addresses, o.addresses) && slices.Equal(r.members, o.members)
}

func (t *tx) insertRecipient(op string, r recipient) error {
	attributes, err := json.Marshal(r.attributes)
	if err != nil {
		return err
	}
	id, err := t.Insert(`INSERT INTO recipient (name, class, kind, container, display, first, last, attributes)
		VALUES (?, ?, ?, ?, ?, ?, ?, ?)`, r.name, r.class, r.kind, Recipients, r.display, r.first, r.last, string(attributes))
	if err != nil {
		return err
	}
	for i, a := range r.addresses {
		if len(a.Type)+len(a.Value) > maxName {
			return failure.New(failure.TooLarge, op, r.name, "site.address-long", fmt.Errorf("an address has at most %d bytes", maxName))
		}
		var owner string
		taken, err := t.Get(`SELECT r.name FROM address a JOIN recipient r ON r.id = a.recipient WHERE a.key = ?`, []any{a.Key()}, &owner)
		if err != nil {
			return err
		}
		if taken {
			return failure.New(failure.Conflict, op, r.name, "site.address-taken",
				fmt.Errorf("the address %s belongs to %s", a, owner)).
				WithRemedy("an address belongs to one recipient of the site only: take it from one of the two")
		}
		if err := t.Exec(`INSERT INTO address (key, recipient, place, type, value) VALUES (?, ?, ?, ?, ?)`, a.Key(), id, i, a.Type, a.Value); err != nil {
			return err
		}
	}
	for i, m := range r.members {
		if err := t.Exec(`INSERT INTO member (list, place, member) VALUES (?, ?, ?)`, id, i, m); err != nil {
			return err
		}
	}
	if r.class != classMailbox {
		return nil
	}
	return t.createFolder(id, mail.Folder{Path: mail.Inbox, Use: mail.UseInbox, Subscribed: true})
}

func (t *tx) recipient(name string) (r recipient, found bool, err error) {
	var attributes string
	found, err = t.Get(`SELECT id, name, class, kind, display, first, last, attributes FROM recipient WHERE name = ?`, []any{name},
		&r.id, &r.name, &r.class, &r.kind, &r.display, &r.first, &r.last, &attributes)
	if err != nil || !found {
		return r, found, err
	}
	if err := json.Unmarshal([]byte(attributes), &r.attributes); err != nil {
		return r, true, err
	}
	return r, true, t.details(&r)
}

func (t *tx) details(r *recipient) error {
	addresses, err := t.Stmt(addressesOf)
	if err != nil {
		return err
	}
	members, err := t.Stmt(membersOf)
	if err != nil {
		return err
	}
	return r.read(addresses, members)
}

const (
	addressesOf = `SELECT type, value FROM address WHERE recipient = ? ORDER BY place`
	membersOf   = `SELECT member FROM member WHERE list = ? ORDER BY place`
)

// read fills in addresses and members.
func (r *recipient) read(addresses, members *sql.Stmt) error {
	rows, err := addresses.Query(r.id)
	if err != nil {
		return err
	}
	for rows.Next() {
		var a directory.Address
		if err := rows.Scan(&a.Type, &a.Value); err != nil {
			return errors.Join(err, rows.Close())
		}
		r.addresses = append(r.addresses, a)
	}
	if err := errors.Join(rows.Err(), rows.Close()); err != nil || r.class != classList {
		return err
	}
	if rows, err = members.Query(r.id); err != nil {
		return err
	}
	for rows.Next() {
		var m string
		if err := rows.Scan(&m); err != nil {
			return errors.Join(err, rows.Close())
		}
		r.members = append(r.members, m)
	}
	return errors.Join(rows.Err(), rows.Close())
}

// recipients yields the directory's entries of one class by name, a page at a
// time, so that nothing is held while the caller works.
func (s *Store) recipients(ctx context.Context, class string) iter.Seq2[recipient, error] {
	const op = "read directory"
	return func(yield func(recipient, error) bool) {
		after := ""
		for {
			var page []recipient
			err := s.index.Rows(ctx, op, `SELECT id, name, class, kind, display, first, last, attributes FROM recipient
				WHERE class = ? AND name > ? ORDER BY name LIMIT 200`, func(rows *sql.Rows) error {
				var r recipient
				var attributes string
				if err := rows.Scan(&r.id, &r.name, &r.class, &r.kind, &r.display, &r.first, &r.last, &attributes); err != nil {
					return err
				}
				page = append(page, r)
				return json.Unmarshal([]byte(attributes), &page[len(page)-1].attributes)
			}, class, after)
			if err != nil {
				yield(recipient{}, err)
				return
			}
			for _, r := range page {
				if err := s.details(&r); err != nil {
					yield(recipient{}, s.index.Fail(op, err))
					return
				}
				if !yield(r, nil) {
					return
				}
				after = r.name
			}
			if len(page) == 0 {
				return
			}
		}
	}
}

func (s *Store) details(r *recipient) error {
	addresses, err := s.index.Prepared(addressesOf)
	if err != nil {
		return err
	}
	members, err := s.index.Prepared(membersOf)
	if err != nil {
		return err
	}
	return r.read(addresses, members)
}

// Accounts yields everybody with a mailbox, by directory name.
func (s *Store) Accounts(ctx context.Context) iter.Seq2[directory.User, error] {
	return func(yield func(directory.User, error) bool) {
		for r, err := range s.recipients(ctx, classMailbox) {
			u := directory.User{ID: r.name, Kind: directory.Kind(r.kind), Name: r.display, First: r.first, Last: r.last,
				Addresses: r.addresses, Attributes: r.attributes}
			if !yield(u, err) {
				return
			}
		}
	}
}

// Book reads contacts and lists, by directory name.
func (s *Store) Book(ctx context.Context) (directory.Book, error) {
	var b directory.Book
	for r, err := range s.recipients(ctx, classContact) {
		if err != nil {
			return b, err
		}
		b.Contacts = append(b.Contacts, directory.Contact{ID: r.name, Name: r.display, First: r.first, Last: r.last,
			Addresses: r.addresses, Attributes: r.attributes})
	}
	for r, err := range s.recipients(ctx, classList) {
		if err != nil {
			return b, err
		}
		b.Lists = append(b.Lists, directory.List{ID: r.name, Name: r.display, Addresses: r.addresses, Members: r.members,
			Attributes: r.attributes})
	}
	return b, nil
}

// Remove takes an account, contact or list out of the directory, with its
// mailbox, addresses and permission entries. Bodies stay in their segments.
func (s *Store) Remove(ctx context.Context, name string) error {
	return s.remove(ctx, "remove recipient", name, "")
}

// RemoveAccount is Remove for accounts only.
func (s *Store) RemoveAccount(ctx context.Context, name string) error {
	return s.remove(ctx, "delete account", name, classMailbox)
}

func (s *Store) remove(ctx context.Context, op, name, class string) error {
	return s.change(ctx, op, func(t *tx) error {
		var id int64
		var have, container string
		found, err := t.Get(`SELECT id, class, container FROM recipient WHERE name = ?`, []any{name}, &id, &have, &container)
		if err != nil {
			return err
		}
		if !found || class != "" && have != class {
			return noRecipient(op, name)
		}
		for _, text := range []string{
			`DELETE FROM message WHERE folder IN (SELECT id FROM folder WHERE recipient = ?)`,
			`DELETE FROM folder WHERE recipient = ?`,
			`DELETE FROM address WHERE recipient = ?`,
			`DELETE FROM member WHERE list = ?`,
			`DELETE FROM recipient WHERE id = ?`,
		} {
			if err := t.Exec(text, id); err != nil {
				return err
			}
		}
		return t.Exec(`DELETE FROM permission WHERE object = ?`, string(s.info.ContainerDN(container).Child(name)))
	})
}
