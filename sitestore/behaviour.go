package sitestore

import (
	"context"
	"errors"

	"waybill/event"
	"waybill/failure"
	"waybill/rights"
	"waybill/sitestore/acl"
)

// Q255888 is the behaviour that KB Q255888 tells of: an operator with the role
// Service Account Admin can make any number of mailboxes and fill one at a
// time, but when several are open at once only the first takes mail; the others
// stay empty, and event 7044 is all that shows.
const Q255888 = "q255888"

var errNoBehaviour = errors.New("there is no such behaviour")

func checkBehaviour(name string) error {
	if name == "" || name == Q255888 {
		return nil
	}
	return failure.New(failure.Usage, "set behaviour", name, "site.behaviour", errNoBehaviour).
		WithRemedy("the only one besides none is " + Q255888)
}

// SetBehaviour makes the site behave in a certain way, from now on and in all
// processes: Q255888, or "" for none.
func (s *Store) SetBehaviour(ctx context.Context, name string) error {
	if err := checkBehaviour(name); err != nil {
		return err
	}
	return s.change(ctx, "set behaviour", func(t *tx) error {
		return t.Exec(`UPDATE site SET behaviour = ?`, name)
	})
}

// Behaviour is what SetBehaviour set.
func (s *Store) Behaviour(ctx context.Context) (string, error) {
	var name string
	_, err := s.index.Row(ctx, "read behaviour", `SELECT behaviour FROM site`, nil, &name)
	return name, err
}

// enter notes that a mailbox is open for writing. It costs two transactions for
// each mailbox and is done only while the site behaves as Q255888.
func (s *Store) enter(ctx context.Context, operator, account string) (int64, error) {
	var id int64
	err := s.change(ctx, "open mailbox", func(t *tx) (err error) {
		id, err = t.Insert(`INSERT INTO open_mailbox (holder, operator, account) VALUES (?, ?, ?)`,
			s.holders.Name(), operator, account)
		return err
	})
	return id, err
}

func (s *Store) leave(ctx context.Context, id int64) error {
	return s.change(context.WithoutCancel(ctx), "close mailbox", func(t *tx) error {
		return t.Exec(`DELETE FROM open_mailbox WHERE id = ?`, id)
	})
}

// trapped reports whether the behaviour Q255888 keeps an open mailbox from
// taking mail: the operator opened another one before it that is still open.
func (s *Store) trapped(t *tx, entry int64, operator, account string) (bool, error) {
	st, err := t.Stmt(`SELECT id, holder FROM open_mailbox WHERE operator = ? AND account <> ? AND id < ? ORDER BY id`)
	if err != nil {
		return false, err
	}
	rows, err := st.Query(operator, account, entry)
	if err != nil {
		return false, err
	}
	type open struct {
		id     int64
		holder string
	}
	var others []open
	for rows.Next() {
		var o open
		if err := rows.Scan(&o.id, &o.holder); err != nil {
			_ = rows.Close()
			return false, err
		}
		others = append(others, o)
	}
	if err := errors.Join(rows.Err(), rows.Close()); err != nil {
		return false, err
	}
	for _, o := range others {
		if s.holders.Alive(o.holder) {
			return true, nil
		}
		// Left behind by a process that ended without closing.
		if err := t.Exec(`DELETE FROM open_mailbox WHERE id = ?`, o.id); err != nil {
			return false, err
		}
	}
	return false, nil
}

// trapRefusal is the answer of a mailbox that the behaviour keeps closed.
func (n *Session) trapRefusal(ctx context.Context, op, account string) error {
	const detail = "event 7044: the mailbox could not be written to (80004005). " +
		"The account has another mailbox open; with Service Account Admin it may fill one mailbox at a time. " +
		"Permissions Admin on organization, site and configuration is what works"
	i := n.store.info
	var findings []rights.Finding
	for _, dn := range []acl.DN{i.OrganizationDN(), i.SiteDN(), i.ConfigurationDN()} {
		held, err := n.store.Effective(ctx, n.operator, dn)
		if err != nil {
			return err
		}
		findings = append(findings, rights.Finding{Action: "append to several mailboxes at the same time", Identity: n.operator,
			Where: string(dn), Needed: string(acl.PermissionsAdmin), Held: held.Held(), Detail: detail,
			Grant: n.grant(acl.PermissionsAdmin, n.word(dn)), Event: string(event.RightMissing)})
	}
	return refusal(op, account, "site.q255888", findings)
}
