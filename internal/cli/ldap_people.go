package cli

import (
	"context"
	"fmt"
	"iter"
	"maps"
	"os"
	"strings"

	"waybill/connector"
	"waybill/directory"
	"waybill/ldapdir"
	"waybill/secret"
)

// peopleFlags name a directory that knows the source's people, for sources that
// know mailboxes only.
type peopleFlags struct {
	UsersFrom         string `name:"users-from" placeholder:"LDAP" help:"Take names and addresses of the source's users, contacts and lists from this directory (docs/directories.md)."`
	UsersFromPassword string `name:"users-from-password-from" placeholder:"PLACE" help:"Where the password for that directory is (env:WAYBILL_USERS_FROM_PASSWORD)."`
}

// withPeople gives a source the people of a directory, where one is named.
func (e *env) withPeople(source connector.Source, f peopleFlags) (connector.Source, error) {
	if f.UsersFrom == "" {
		return source, nil
	}
	place := f.UsersFromPassword
	if place == "" && os.Getenv("WAYBILL_USERS_FROM_PASSWORD") != "" {
		place = "env:WAYBILL_USERS_FROM_PASSWORD"
	}
	o, err := ldapdir.Parse(f.UsersFrom)
	if err != nil {
		return nil, err
	}
	o.TLSCA, o.TLSInsecure, o.PlainForced = e.servers.TLSCA, e.servers.TLSInsecure, e.servers.PlainForced
	o.Policy, o.MustChange = ldapdir.NoPassword, false
	if place != "" {
		if o.Password, err = secret.Parse(place); err != nil {
			return nil, err
		}
	}
	d, err := ldapdir.Open(e.ctx, o, nil, nil)
	if err != nil {
		return nil, err
	}
	defer d.Close()
	all, err := d.Contents(e.ctx)
	if err != nil {
		return nil, err
	}
	for _, r := range all.Referrals {
		_, _ = fmt.Fprintln(e.stderr, "waybill: warning: another server holds a part of the directory, and was not asked:", printable(r))
	}
	return newPeopled(source, all), nil
}

// peopled is a source whose people are described by a directory. Who has a
// mailbox is still the source's word.
type peopled struct {
	connector.Source
	all  ldapdir.Contents
	byID map[string][]int // by name or address without case: places in all.Users
}

func newPeopled(source connector.Source, all ldapdir.Contents) *peopled {
	p := &peopled{Source: source, all: all, byID: map[string][]int{}}
	for i, u := range all.Users {
		names := map[string]bool{strings.ToLower(u.ID): true}
		for _, a := range u.Addresses {
			if a.Type == directory.SMTP {
				names[strings.ToLower(a.Value)] = true
			}
		}
		for name := range names {
			p.byID[name] = append(p.byID[name], i)
		}
	}
	return p
}

// Wrapped implements connector.Wrapper.
func (p *peopled) Wrapped() any { return p.Source }

// find gives the one person of that name or address; -1 for none, or several.
func (p *peopled) find(id string) int {
	if found := p.byID[strings.ToLower(id)]; len(found) == 1 {
		return found[0]
	}
	return -1
}

// Users implements connector.Source: what the source knows itself goes first.
func (p *peopled) Users(ctx context.Context) iter.Seq2[directory.User, error] {
	return func(yield func(directory.User, error) bool) {
		for u, err := range p.Source.Users(ctx) {
			if i := p.find(u.ID); err == nil && i >= 0 && u.Kind == directory.Person {
				u = described(u, p.all.Users[i])
			}
			if !yield(u, err) {
				return
			}
		}
	}
}

// described adds what the directory knows of a user.
func described(u, known directory.User) directory.User {
	if u.Name == "" || u.Name == u.ID {
		u.Name = known.Name
	}
	if u.First == "" && u.Last == "" {
		u.First, u.Last = known.First, known.Last
	}
	have := map[string]bool{}
	var all []directory.Address
	for _, a := range append(append(all, u.Addresses...), known.Addresses...) {
		if !have[a.Key()] {
			have[a.Key()] = true
			all = append(all, a)
		}
	}
	u.Addresses = all
	attributes := map[string]string{}
	maps.Copy(attributes, known.Attributes)
	maps.Copy(attributes, u.Attributes)
	if len(attributes) > 0 {
		u.Attributes = attributes
	}
	return u
}

// Book implements connector.Source. Members are called as the source calls its
// users; somebody without a mailbox there is an address.
func (p *peopled) Book(ctx context.Context) (directory.Book, error) {
	book, err := p.Source.Book(ctx)
	if err != nil {
		return book, err
	}
	names := map[string]string{} // in the directory: in the source
	for u, err := range p.Source.Users(ctx) {
		if err != nil && u.ID == "" {
			return book, err
		}
		if i := p.find(u.ID); err == nil && i >= 0 {
			names[p.all.Users[i].ID] = u.ID
		}
	}
	for _, u := range p.all.Users {
		if a, ok := u.Address(directory.SMTP); ok && names[u.ID] == "" {
			names[u.ID] = a.String()
		}
	}
	have := map[string]bool{}
	for _, c := range book.Contacts {
		have[strings.ToLower(c.ID)] = true
	}
	for _, l := range book.Lists {
		have[strings.ToLower(l.ID)] = true
	}
	for _, c := range p.all.Contacts {
		if !have[strings.ToLower(c.ID)] {
			book.Contacts = append(book.Contacts, c)
		}
	}
	for _, l := range p.all.Lists {
		if have[strings.ToLower(l.ID)] {
			continue
		}
		members := make([]string, len(l.Members))
		for i, m := range l.Members {
			if members[i] = m; names[m] != "" {
				members[i] = names[m]
			}
		}
		l.Members = members
		book.Lists = append(book.Lists, l)
	}
	return book, nil
}
