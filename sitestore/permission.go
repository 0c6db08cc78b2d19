package sitestore

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"strings"

	"waybill/failure"
	"waybill/sitestore/acl"
)

// Everyone may be granted roles by name: principals are operators, accounts or
// service accounts; nobody needs to exist before being granted something.

// TopLevelFolders is what Grant and Revoke call the list of those who may make
// folders at the top of the public folders. It is kept on the configuration
// and is a list, not a role (KB Q149284).
const TopLevelFolders = "Top Level Folders"

// ObjectDN finds the object that on names: "organization", "site",
// "configuration", "mailbox:ID", "container:NAME", "server", "store", or a
// distinguished name.
func (s *Store) ObjectDN(ctx context.Context, on string) (acl.DN, error) {
	kind, name, _ := strings.Cut(on, ":")
	switch acl.Level(strings.ToLower(on)) {
	case acl.Organization:
		return s.info.OrganizationDN(), nil
	case acl.Site:
		return s.info.SiteDN(), nil
	case acl.Configuration:
		return s.info.ConfigurationDN(), nil
	case "server":
		return s.info.ServerDN(), nil
	case "store":
		return s.info.StoreDN(), nil
	}
	switch {
	case strings.EqualFold(kind, "mailbox") && name != "":
		return s.RecipientDN(ctx, name)
	case strings.EqualFold(kind, "container") && name != "":
		return s.info.ContainerDN(name), nil
	case strings.HasPrefix(on, "/o="):
		return acl.DN(on), nil
	}
	return "", failure.New(failure.Usage, "find object", on, "site.object", errors.New("there is no such object")).
		WithRemedy("name organization, site, configuration, server, store, container:NAME or mailbox:ACCOUNT")
}

// RecipientDN is the distinguished name of a mailbox, contact or list.
func (s *Store) RecipientDN(ctx context.Context, name string) (acl.DN, error) {
	var container string
	found, err := s.index.Row(ctx, "find recipient", `SELECT container FROM recipient WHERE name = ?`, []any{name}, &container)
	if err != nil {
		return "", err
	}
	if !found {
		return "", noRecipient("find recipient", name)
	}
	return s.info.ContainerDN(container).Child(name), nil
}

func noRecipient(op, name string) error {
	return failure.New(failure.Vanished, op, name, "site.no-such-recipient", errors.New("the directory has nobody of that name"))
}

// Grant gives principal a role on an object named as in ObjectDN. rights are
// only for the role Custom. Giving the same again changes nothing.
func (s *Store) Grant(ctx context.Context, principal, role, on string, rights acl.Rights) error {
	const op = "grant role"
	if strings.TrimSpace(principal) == "" {
		return failure.New(failure.Usage, op, on, "site.principal", errors.New("a role is granted to somebody"))
	}
	if strings.EqualFold(role, TopLevelFolders) {
		return s.change(ctx, op, func(t *tx) error {
			return t.Exec(`INSERT OR IGNORE INTO top_level (principal) VALUES (?)`, principal)
		})
	}
	r, dn, err := s.roleOn(ctx, op, role, on)
	if err != nil {
		return err
	}
	held, offered := acl.RightsOf(r, dn.Level())
	if !offered {
		return failure.New(failure.Usage, op, string(dn), "site.role-not-offered",
			fmt.Errorf("the role %q is not offered at the level %q", r, dn.Level())).
			WithRemedy("grant another role, or Custom with the rights it should hold")
	}
	if r == acl.Custom {
		if held = rights & acl.All; held == 0 {
			return failure.New(failure.Usage, op, string(dn), "site.custom-empty", errors.New("the role Custom needs rights"))
		}
	}
	return s.change(ctx, op, func(t *tx) error {
		return t.Exec(`INSERT INTO permission (object, principal, role, rights) VALUES (?, ?, ?, ?)
			ON CONFLICT DO UPDATE SET rights = excluded.rights`, string(dn), principal, string(r), int64(held))
	})
}

func (s *Store) roleOn(ctx context.Context, op, role, on string) (acl.Role, acl.DN, error) {
	r, err := acl.ParseRole(role)
	if err != nil {
		return "", "", failure.New(failure.Usage, op, on, "site.role", err)
	}
	dn, err := s.ObjectDN(ctx, on)
	return r, dn, err
}

// Revoke takes a role back; an empty role takes back every role that principal
// has on that object. What is not there is an error of class Vanished. Taking
// the last entry from organization, site or configuration opens it to everybody
// (KB Q241152).
func (s *Store) Revoke(ctx context.Context, principal, role, on string) error {
	const op = "revoke role"
	var query string
	var args []any
	if strings.EqualFold(role, TopLevelFolders) {
		query, args = `DELETE FROM top_level WHERE principal = ?`, []any{principal}
	} else {
		dn, err := s.ObjectDN(ctx, on)
		if err != nil {
			return err
		}
		query, args = `DELETE FROM permission WHERE object = ? AND principal = ?`, []any{string(dn), principal}
		if role != "" {
			r, err := acl.ParseRole(role)
			if err != nil {
				return failure.New(failure.Usage, op, on, "site.role", err)
			}
			query, args = query+` AND role = ?`, append(args, string(r))
		}
	}
	return s.change(ctx, op, func(t *tx) error {
		n, err := t.Count(query, args...)
		if err == nil && n == 0 {
			err = failure.New(failure.Vanished, op, on, "site.no-such-entry", fmt.Errorf("%s holds no such role there", principal))
		}
		return err
	})
}

// Entries lists every permission entry of the site, by object and principal.
func (s *Store) Entries(ctx context.Context) ([]acl.Entry, error) {
	return s.entries(ctx, `SELECT object, principal, role, rights FROM permission ORDER BY object, principal, role`)
}

func (s *Store) entries(ctx context.Context, query string, args ...any) ([]acl.Entry, error) {
	var entries []acl.Entry
	err := s.index.Rows(ctx, "read permissions", query, func(r *sql.Rows) error {
		var e acl.Entry
		if err := r.Scan(&e.Object, &e.Principal, &e.Role, &e.Rights); err != nil {
			return err
		}
		entries = append(entries, e)
		return nil
	}, args...)
	return entries, err
}

// Effective tells what principal may do with an object, and where each right
// comes from.
func (s *Store) Effective(ctx context.Context, principal string, object acl.DN) (acl.Effective, error) {
	var entries []acl.Entry
	for _, at := range object.Chain() {
		here, err := s.entries(ctx, `SELECT object, principal, role, rights FROM permission WHERE object = ?`, string(at))
		if err != nil {
			return acl.Effective{}, err
		}
		entries = append(entries, here...)
	}
	return acl.Evaluate(entries, principal, object), nil
}

// TopLevel lists who may make folders at the top of the public folders.
func (s *Store) TopLevel(ctx context.Context) ([]string, error) {
	var principals []string
	err := s.index.Rows(ctx, "read permissions", `SELECT principal FROM top_level ORDER BY principal`, func(r *sql.Rows) error {
		var p string
		err := r.Scan(&p)
		principals = append(principals, p)
		return err
	})
	return principals, err
}

// AddContainer makes a container for recipients below the site.
func (s *Store) AddContainer(ctx context.Context, name string) error {
	if name == "" || strings.EqualFold(name, "Configuration") {
		return failure.New(failure.Usage, "add container", name, "site.container-name", errors.New("a container needs a name, other than Configuration"))
	}
	return s.change(ctx, "add container", func(t *tx) error {
		return t.Exec(`INSERT INTO container (name) VALUES (?)`, name)
	})
}
