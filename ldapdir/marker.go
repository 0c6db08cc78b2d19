package ldapdir

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"fmt"

	"github.com/go-ldap/ldap/v3"

	"waybill/directory"
	"waybill/failure"
	"waybill/ldapdir/people"
)

const markerPrefix = "waybill:"

// mark is the marker of an entry: only this migration knows the token, and it
// holds for one entry.
func (d *Directory) mark(k people.Kind, id string) string {
	if len(id) > 100 { // rangeUpper of Extension-Name is 255
		sum := sha256.Sum256([]byte(id))
		id = hex.EncodeToString(sum[:])
	}
	return markerPrefix + d.token + ":" + string(k) + ":" + id
}

// ours reports whether an entry carries the marker.
func (d *Directory) ours(e *ldap.Entry, mark string) bool {
	return people.ContainsFold(e.GetEqualFoldAttributeValues(d.o.Marker), mark)
}

// everywhere searches the base, and the containers that lie outside of it.
func (d *Directory) everywhere(ctx context.Context, filter string, attributes []string, each func(*ldap.Entry) error) error {
	bases := []string{d.o.Base}
	for _, k := range []people.Kind{people.Account, people.Contact, people.Group} {
		container := d.schema.Container(k)
		inside := false
		for _, base := range bases {
			inside = inside || below(container, base)
		}
		if !inside {
			bases = append(bases, container)
		}
	}
	for _, base := range bases {
		if _, err := d.s.search(ctx, base, filter, attributes, each); err != nil {
			return err
		}
	}
	return nil
}

// below reports whether a name is base, or lies below it.
func below(dn, base string) bool {
	x, errX := ldap.ParseDN(dn)
	y, errY := ldap.ParseDN(base)
	return errX == nil && errY == nil && (y.EqualFold(x) || y.AncestorOfFold(x))
}

// find looks for an entry that we made, wherever people moved it to since.
func (d *Directory) find(ctx context.Context, k people.Kind, id string) (*ldap.Entry, error) {
	var entry *ldap.Entry
	err := d.everywhere(ctx, people.Equals(d.o.Marker, d.mark(k, id)), []string{d.o.Marker, "objectClass"}, func(e *ldap.Entry) error {
		entry = e
		return nil
	})
	return entry, err
}

// clash looks for entries of other people that have the name or an address of
// the one to be made. Two entries with one address make mail go to either.
func (d *Directory) clash(ctx context.Context, f people.Facts) error {
	var filters []string
	what := map[string]string{}
	if identity := d.schema.Identity(f); identity != "" {
		filters = append(filters, identity)
	}
	for _, a := range f.Addresses {
		if a.Type == directory.EX {
			a.Type = people.X500
		}
		filters = append(filters, d.schema.Address(a))
		what[a.Key()] = a.String()
	}
	mark := d.mark(f.Kind, f.ID)
	const portion = 50
	for len(filters) > 0 {
		n := min(portion, len(filters))
		var stranger *ldap.Entry
		err := d.everywhere(ctx, people.AnyOf(filters[:n]...), d.schema.Wanted(), func(e *ldap.Entry) error {
			if !d.ours(e, mark) {
				stranger = e
			}
			return nil
		})
		if err != nil {
			return err
		}
		if stranger != nil {
			return d.conflict(f, stranger, what)
		}
		filters = filters[n:]
	}
	return nil
}

func (d *Directory) conflict(f people.Facts, e *ldap.Entry, addresses map[string]string) error {
	shared := "the name"
	if theirs, _, ok := d.schema.Facts(e); ok {
		for _, a := range theirs.Addresses {
			if text := addresses[a.Key()]; text != "" {
				shared = "the address " + text
			}
		}
	}
	return failure.New(failure.Conflict, "create "+string(f.Kind), f.ID, "ldap.taken", fmt.Errorf("%s belongs to %q, which this migration did not make", shared, e.DN)).
		WithRemedy("if it is the same person, say so in the user map; if not, change the name or the address")
}
