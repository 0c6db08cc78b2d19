package ldapdir

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"github.com/go-ldap/ldap/v3"

	"waybill/directory"
	"waybill/failure"
	"waybill/ldapdir/people"
)

// membersAtOnce bounds the members in one request; Active Directory refuses
// requests with many thousands.
const membersAtOnce = 500

// CreateList makes a group with those of its members that are there. A member
// that is an address of nobody here becomes a contact. Lists whose members come
// later, such as lists in lists, are completed by Finish. The rules about
// entries that are there are those of CreateAccount.
func (d *Directory) CreateList(ctx context.Context, l directory.List) error {
	f := people.GroupFacts(l)
	if err := f.Check(); err != nil {
		return err
	}
	before := d.state(people.Group, l.ID)
	if before == made {
		return d.create(ctx, f, nil) // looks whether it is still there
	}
	members, missing, err := d.members(ctx, l)
	if err != nil {
		return err
	}
	first := members[:min(len(members), membersAtOnce)]
	if err := d.create(ctx, f, first); err != nil {
		return err
	}
	rest := members[len(first):]
	if before != "" {
		rest = members // an interrupted run may have made it with fewer
	}
	if err := d.addMembers(ctx, l.ID, rest); err != nil {
		return err
	}
	if len(missing) > 0 {
		l.Members = missing
		d.lists[l.ID] = l
		return nil
	}
	return d.setState(ctx, people.Group, l.ID, made)
}

// Finish adds members that were not there when their group was made, and tells of
// those that never came. Without it such groups count as not finished, and the
// next run completes them.
func (d *Directory) Finish(ctx context.Context) error {
	ids := make([]string, 0, len(d.lists))
	for id := range d.lists {
		ids = append(ids, id)
	}
	slices.Sort(ids)
	for _, id := range ids {
		members, missing, err := d.members(ctx, d.lists[id])
		if err != nil {
			return err
		}
		if err := d.addMembers(ctx, id, members); err != nil {
			return err
		}
		for _, m := range missing {
			d.note(id, fmt.Sprintf("its member %q is nobody in this directory, and no address", m))
		}
		if err := d.setState(ctx, people.Group, id, made); err != nil {
			return err
		}
		delete(d.lists, id)
	}
	return nil
}

// members finds the entries of a list's members.
func (d *Directory) members(ctx context.Context, l directory.List) (names, missing []string, err error) {
	seen := map[string]bool{}
	for _, m := range l.Members {
		dn, err := d.member(ctx, m)
		switch {
		case err != nil:
			return nil, nil, err
		case dn == "":
			missing = append(missing, m)
		case !seen[strings.ToLower(dn)]:
			seen[strings.ToLower(dn)] = true
			names = append(names, dn)
		}
	}
	return names, missing, nil
}

// member finds one entry: one that we made, an account of that name, or one with
// that address. "" means that there is none.
func (d *Directory) member(ctx context.Context, id string) (string, error) {
	for _, k := range []people.Kind{people.Account, people.Contact, people.Group} {
		if d.state(k, id) == "" {
			continue
		}
		e, err := d.find(ctx, k, id)
		if err != nil {
			return "", err
		}
		if e != nil {
			return e.DN, nil
		}
	}
	a, err := directory.ParseAddress(id)
	isAddress := err == nil
	filters := []string{d.schema.Identity(people.Facts{Kind: people.Account, ID: id})}
	if isAddress {
		filters = append(filters, d.schema.Address(a))
	}
	var dns []string
	err = d.everywhere(ctx, people.AnyOf(filters...), []string{"objectClass"}, func(e *ldap.Entry) error {
		if !people.ContainsFold(dns, e.DN) {
			dns = append(dns, e.DN)
		}
		return nil
	})
	switch {
	case err != nil:
		return "", err
	case len(dns) == 1:
		return dns[0], nil
	case len(dns) > 1:
		return "", failure.New(failure.Conflict, "find a member", id, "ldap.ambiguous", fmt.Errorf("it may be any of %q", dns)).
			WithRemedy("give the member's address in the source, or correct the directory")
	case !isAddress:
		return "", nil
	}
	// Somebody elsewhere: a group holds entries, so there has to be one.
	stranger := directory.Contact{ID: a.Value, Name: a.Value, Addresses: []directory.Address{a}}
	if err := d.CreateContact(ctx, stranger); err != nil {
		return "", err
	}
	e, err := d.find(ctx, people.Contact, stranger.ID)
	if err != nil || e == nil {
		return "", err
	}
	return e.DN, nil
}

// addMembers adds to a group what is not in it yet.
func (d *Directory) addMembers(ctx context.Context, id string, members []string) error {
	if len(members) == 0 {
		return nil
	}
	e, err := d.find(ctx, people.Group, id)
	if err != nil {
		return err
	}
	if e == nil {
		return nil // removed meanwhile, which is somebody's will
	}
	for part := range slices.Chunk(members, membersAtOnce) {
		err := d.addPart(ctx, e.DN, part)
		for _, one := range part {
			if failure.ClassOf(err) != failure.Conflict {
				break
			}
			// Some are there already: one at a time.
			if single := d.addPart(ctx, e.DN, []string{one}); single != nil && failure.ClassOf(single) != failure.Conflict {
				return single
			}
		}
		if err != nil && failure.ClassOf(err) != failure.Conflict {
			return err
		}
	}
	if nobody, needed := d.schema.Empty(); needed {
		change := ldap.NewModifyRequest(e.DN, nil)
		change.Delete("member", []string{nobody})
		err := d.s.do(ctx, "take the empty member out of", e.DN, func(c *ldap.Conn) error { return c.Modify(change) })
		if err != nil && failure.ClassOf(err) != failure.Vanished {
			return err
		}
	}
	return nil
}

func (d *Directory) addPart(ctx context.Context, dn string, members []string) error {
	change := ldap.NewModifyRequest(dn, nil)
	change.Add("member", members)
	err := d.s.do(ctx, "add members to", dn, func(c *ldap.Conn) error { return c.Modify(change) })
	return d.explain(err, people.Group, dn)
}
