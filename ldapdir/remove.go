package ldapdir

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"github.com/go-ldap/ldap/v3"

	"waybill/failure"
	"waybill/ldapdir/people"
)

// Removal is one entry that this migration made, and what became of it.
type Removal struct {
	Kind string // "account", "contact" or "group"
	ID   string
	DN   string
	Err  error // why it stays
}

// Made lists the entries that this migration made and that are there: groups
// first, then contacts and accounts, in the order in which they would be removed.
// They are found by their markers, so that people may have renamed or moved them;
// an entry that only has the name of one of ours is not among them.
func (d *Directory) Made(ctx context.Context) ([]Removal, error) {
	if d.memory == nil {
		return nil, usage("ldap.memory", d.o.String(), "without the ledger nobody knows what the migration made")
	}
	var all []Removal
	ofOurs := "(" + d.o.Marker + "=" + ldap.EscapeFilter(markerPrefix+d.token+":") + "*)"
	err := d.everywhere(ctx, ofOurs, []string{d.o.Marker}, func(e *ldap.Entry) error {
		for k, states := range d.states {
			for id, state := range states {
				if state != removed && d.ours(e, d.mark(k, id)) {
					all = append(all, Removal{Kind: string(k), ID: id, DN: e.DN})
					return nil
				}
			}
		}
		return nil
	})
	order := []string{string(people.Group), string(people.Contact), string(people.Account)}
	slices.SortFunc(all, func(a, b Removal) int {
		if n := slices.Index(order, a.Kind) - slices.Index(order, b.Kind); n != 0 {
			return n
		}
		return strings.Compare(a.ID, b.ID)
	})
	return all, err
}

// Remove removes what Made lists. Each entry is looked at again just before: one
// that lost its marker stays. done is told of each. The error says how many stay.
func (d *Directory) Remove(ctx context.Context, all []Removal, done func(Removal)) error {
	stay := 0
	for _, r := range all {
		k := people.Kind(r.Kind)
		e, err := d.s.Read(ctx, r.DN, d.o.Marker)
		switch {
		case failure.ClassOf(err) == failure.Vanished && err != nil:
			err = nil
		case err == nil && !d.ours(e, d.mark(k, r.ID)):
			err = failure.New(failure.Conflict, "remove", r.DN, "ldap.not-ours", fmt.Errorf("it carries no marker of this migration any more"))
		case err == nil:
			err = d.explain(d.remove(ctx, r.DN), k, r.DN)
		}
		if err != nil && ctx.Err() != nil {
			return err
		}
		if err == nil {
			if err := d.setState(ctx, k, r.ID, removed); err != nil {
				return err
			}
		} else {
			stay++
		}
		r.Err = err
		if done != nil {
			done(r)
		}
	}
	if stay > 0 {
		return failure.New(failure.Denied, "remove what was made", d.o.String(), "ldap.left", fmt.Errorf("%d of %d entries stay", stay, len(all)))
	}
	return nil
}
