package ldapdir

import (
	"context"
	"fmt"
	"strconv"
	"strings"

	"github.com/go-ldap/ldap/v3"

	"waybill/directory"
	"waybill/failure"
	"waybill/ldapdir/people"
)

// Contents are the people of a directory.
type Contents struct {
	Users []directory.User
	directory.Book
	// Referrals are other servers that hold parts of the directory. They were
	// not asked: they are other logons.
	Referrals []string
}

// maxMembers bounds the members of one group.
const maxMembers = 1_000_000

// Contents reads all people, contacts and groups below the base, a page at a
// time. Members are the IDs of what is read too, and names otherwise. A limit of
// the server's is an error of class TooLarge, never a short list.
func (d *Directory) Contents(ctx context.Context) (Contents, error) {
	var all Contents
	ids := map[string]string{} // names of entries, normalised, to their IDs
	type pending struct{ members []string }
	var lists []pending
	from, err := d.s.search(ctx, d.o.Base, d.schema.Filter(), d.schema.Wanted(), func(e *ldap.Entry) error {
		f, members, ok := d.schema.Facts(e)
		if !ok || f.Check() != nil {
			return nil
		}
		ids[normal(e.DN)] = f.ID
		switch f.Kind {
		case people.Account:
			all.Users = append(all.Users, directory.User{ID: f.ID, Name: f.Name, First: f.First, Last: f.Last, Addresses: f.Addresses, Attributes: f.Attributes})
		case people.Contact:
			all.Contacts = append(all.Contacts, directory.Contact{ID: f.ID, Name: f.Name, First: f.First, Last: f.Last, Addresses: f.Addresses, Attributes: f.Attributes})
		case people.Group:
			all.Lists = append(all.Lists, directory.List{ID: f.ID, Name: f.Name, Addresses: f.Addresses, Attributes: f.Attributes})
			lists = append(lists, pending{members: append(members, ranged(e)...)})
			if next := nextRange(e); next > 0 {
				lists[len(lists)-1].members = append(lists[len(lists)-1].members, moreMark+e.DN)
			}
		}
		return nil
	})
	all.Referrals = from.referrals
	if err != nil {
		return all, err
	}
	for i, l := range lists {
		for _, dn := range l.members {
			if list, more := strings.CutPrefix(dn, moreMark); more {
				rest, err := d.rest(ctx, list, len(l.members)-1)
				if err != nil {
					return all, err
				}
				for _, m := range rest {
					all.Lists[i].Members = append(all.Lists[i].Members, memberID(ids, m))
				}
				continue
			}
			if dn != "" { // the empty name is nobody
				all.Lists[i].Members = append(all.Lists[i].Members, memberID(ids, dn))
			}
		}
	}
	return all, nil
}

// moreMark stands before the name of a group whose members did not all come.
const moreMark = "\x00"

func memberID(ids map[string]string, dn string) string {
	if id, ok := ids[normal(dn)]; ok {
		return id
	}
	return dn // somebody outside of the base
}

// normal is a name as it compares equal.
func normal(dn string) string {
	parsed, err := ldap.ParseDN(dn)
	if err != nil {
		return strings.ToLower(dn)
	}
	return strings.ToLower(parsed.String())
}

// ranged gives the members that came under member;range=0-1499, as Active
// Directory gives many of them ([MS-ADTS] 3.1.1.3.1.3.3).
func ranged(e *ldap.Entry) []string {
	for _, a := range e.Attributes {
		if strings.HasPrefix(strings.ToLower(a.Name), "member;range=") {
			return a.Values
		}
	}
	return nil
}

// nextRange is where the rest begins; 0 when that was all.
func nextRange(e *ldap.Entry) int {
	for _, a := range e.Attributes {
		name := strings.ToLower(a.Name)
		if !strings.HasPrefix(name, "member;range=") {
			continue
		}
		_, last, _ := strings.Cut(strings.TrimPrefix(name, "member;range="), "-")
		if n, err := strconv.Atoi(last); err == nil && n >= 0 && n < maxMembers {
			return n + 1
		}
	}
	return 0
}

// rest reads the members of a group from a place on.
func (d *Directory) rest(ctx context.Context, dn string, from int) (members []string, err error) {
	for next := from; next > 0; {
		e, err := d.s.Read(ctx, dn, fmt.Sprintf("member;range=%d-*", next))
		if err != nil {
			return members, err
		}
		part := ranged(e)
		if len(part) == 0 {
			return members, nil
		}
		if members = append(members, part...); len(members) > maxMembers {
			return members, failure.New(failure.TooLarge, "read members", dn, "ldap.too-many", fmt.Errorf("more than %d members", maxMembers))
		}
		after := nextRange(e)
		if after != 0 && after <= next {
			return members, failure.New(failure.Malformed, "read members", dn, "ldap.range", fmt.Errorf("the range does not advance: %d after %d", after, next))
		}
		next = after
	}
	return members, nil
}

// Resolve finds the SMTP address of who had a legacy Exchange name, such as
// /o=Org/ou=Site/cn=Recipients/cn=anna: by the proxy address that was kept of it,
// by legacyExchangeDN, or, in the directory of Exchange 5.5, by the name itself.
// ok is false when nobody, or more than one, has it.
func (d *Directory) Resolve(ctx context.Context, legacy string) (smtp string, ok bool) {
	if legacy == "" || len(legacy) > 4*people.MaxID {
		return "", false
	}
	filters := []string{d.schema.Address(directory.Address{Type: people.X500, Value: legacy})}
	switch d.o.Schema {
	case people.ActiveDirectory:
		filters = append(filters, people.Equals("legacyExchangeDN", legacy))
	case people.Exchange55:
		if dn := people.DNOf(legacy); dn != "" {
			if e, err := d.s.Read(ctx, dn, d.schema.Wanted()...); err == nil {
				return d.primary(e)
			}
		}
	}
	hits := 0
	err := d.everywhere(ctx, people.AnyOf(filters...), d.schema.Wanted(), func(e *ldap.Entry) error {
		hits++
		smtp, ok = d.primary(e)
		return nil
	})
	if err != nil || hits != 1 {
		return "", false
	}
	return smtp, ok
}

func (d *Directory) primary(e *ldap.Entry) (string, bool) {
	f, _, _ := d.schema.Facts(e)
	for _, a := range f.Addresses {
		if a.Type == directory.SMTP {
			return a.Value, true
		}
	}
	return "", false
}
