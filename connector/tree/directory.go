package tree

import (
	"context"
	"errors"
	"iter"
	"maps"
	"reflect"
	"slices"

	"waybill/directory"
)

// listing is the users of one part, one at a time.
type listing struct {
	next func() (directory.User, error, bool)
	stop func()
	user directory.User
	err  error
	more bool
}

func (l *listing) advance() { l.user, l.err, l.more = l.next() }

// Users merges the listings of the parts, which are ordered already, and holds
// one user of each in memory.
func (s *source) Users(ctx context.Context) iter.Seq2[directory.User, error] {
	return func(yield func(directory.User, error) bool) {
		lists := make([]*listing, len(s.parts))
		for i, p := range s.parts {
			l := &listing{}
			l.next, l.stop = iter.Pull2(p.Users(ctx))
			defer l.stop()
			lists[i] = l
		}
		for _, l := range lists {
			l.advance()
		}
		for {
			u, err, ok := mergeNext(lists)
			if !ok || !yield(u, err) || u.ID == "" {
				return
			}
		}
	}
}

// mergeNext takes the user with the lowest ID from all listings that have it.
// A user without ID is the error that ends the listing.
func mergeNext(lists []*listing) (user directory.User, err error, ok bool) {
	var lowest *listing
	for _, l := range lists {
		switch {
		case !l.more:
		case l.user.ID == "":
			return directory.User{}, l.err, true
		case lowest == nil || l.user.ID < lowest.user.ID:
			lowest = l
		}
	}
	if lowest == nil {
		return directory.User{}, nil, false
	}
	user.ID = lowest.user.ID
	var errs []error
	for _, l := range lists {
		if l.more && l.user.ID == user.ID {
			user = join(user, l.user)
			errs = append(errs, l.err)
			l.advance()
		}
	}
	return user, errors.Join(errs...), true
}

// join adds what b knows of a user to a, which goes before.
func join(a, b directory.User) directory.User {
	if a.Kind == directory.Person {
		a.Kind = b.Kind
	}
	for _, field := range []struct{ to, from *string }{{&a.Name, &b.Name}, {&a.First, &b.First}, {&a.Last, &b.Last}} {
		if *field.to == "" {
			*field.to = *field.from
		}
	}
	for _, address := range b.Addresses {
		if !slices.ContainsFunc(a.Addresses, func(have directory.Address) bool { return have.Key() == address.Key() }) {
			a.Addresses = append(a.Addresses, address)
		}
	}
	if len(b.Attributes) > 0 {
		attributes := maps.Clone(b.Attributes)
		maps.Copy(attributes, a.Attributes)
		a.Attributes = attributes
	}
	return a
}

// shelf is the books of all parts.
type shelf struct {
	book  directory.Book
	taken map[string]any // by ID
}

// add puts a part's book beside those that are there.
func (s *shelf) add(part string, book directory.Book) {
	if s.taken == nil {
		s.taken = map[string]any{}
	}
	// IDs that mean something else in an earlier part.
	renamed := map[string]string{}
	known := map[string]bool{}
	look := func(id string, entry any) {
		switch have, ok := s.taken[id]; {
		case !ok:
		case reflect.DeepEqual(have, entry):
			known[id] = true
		default:
			renamed[id] = id + " (" + part + ")"
		}
	}
	for _, c := range book.Contacts {
		look(c.ID, c)
	}
	for _, l := range book.Lists {
		look(l.ID, l)
	}
	rename := func(id string) string {
		if other, ok := renamed[id]; ok {
			return other
		}
		return id
	}
	for _, c := range book.Contacts {
		if known[c.ID] {
			continue
		}
		s.taken[c.ID] = c
		c.ID = rename(c.ID)
		s.book.Contacts = append(s.book.Contacts, c)
	}
	for _, l := range book.Lists {
		if known[l.ID] && !slices.ContainsFunc(l.Members, func(m string) bool { return renamed[m] != "" }) {
			continue
		}
		s.taken[l.ID] = l
		if known[l.ID] {
			// The same words, and members that mean others.
			renamed[l.ID] = l.ID + " (" + part + ")"
		}
		l.ID = rename(l.ID)
		l.Members = slices.Clone(l.Members)
		for i := range l.Members {
			l.Members[i] = rename(l.Members[i])
		}
		s.book.Lists = append(s.book.Lists, l)
	}
}
