package ledger

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"strconv"
	"time"

	"waybill/directory"
	"waybill/failure"
)

const mailboxColumns = `id, username, kind, name, account, action, state, attempt, until, error, class`

// mailboxFields are where the columns of a mailbox go.
type mailboxFields struct {
	Mailbox
	kind, class string
	state       int64
	until       int64
}

func (f *mailboxFields) into() []any {
	return []any{&f.ID, &f.User, &f.kind, &f.Name, &f.Account, &f.Action, &f.state, &f.Attempt, &f.until, &f.Error, &f.class}
}

func (f *mailboxFields) mailbox() Mailbox {
	m := f.Mailbox
	m.Kind, m.Class, m.State = directory.Kind(f.kind), failure.ParseClass(f.class), JobState(f.state)
	if f.until != 0 {
		m.Until = moment(f.until)
	}
	return m
}

// PutMailbox adds or updates what the plan says of a mailbox (user, kind, name,
// account, action, and why it cannot be moved), found by User, and returns it
// with its ID and the state of its job, which it does not touch. Changing the account of a mailbox that has
// rows or open intents is failure.Conflict; an empty account leaves the
// recorded one, for a mailbox that is left out this time.
func (l *Ledger) PutMailbox(ctx context.Context, m Mailbox) (Mailbox, error) {
	put, err := l.PutMailboxes(ctx, []Mailbox{m})
	if err != nil {
		return m, err
	}
	return put[0], nil
}

// PutMailboxes is PutMailbox for many, all or none, in one transaction.
func (l *Ledger) PutMailboxes(ctx context.Context, mailboxes []Mailbox) ([]Mailbox, error) {
	var put []Mailbox
	err := l.writeLater(ctx, "put mailboxes", func(w *writer) error {
		put = make([]Mailbox, 0, len(mailboxes))
		for _, m := range mailboxes {
			m, err := w.putMailbox(m)
			if err != nil {
				return err
			}
			put = append(put, m)
		}
		return nil
	})
	if err != nil {
		return nil, err
	}
	return put, nil
}

func (w *writer) putMailbox(m Mailbox) (Mailbox, error) {
	where := "user " + strconv.Quote(m.User)
	if m.User == "" {
		return m, failure.New(failure.Usage, "put mailbox", w.path, "ledger.mailbox.user", errors.New("a mailbox has a user"))
	}
	account := m.Account
	var id int64
	var recorded string
	found, err := w.row(`SELECT id, account FROM mailbox WHERE username = ?`, []any{m.User}, &id, &recorded)
	if err != nil {
		return m, err
	}
	if found && recorded != account && recorded != "" {
		used, err := w.mailboxUsed(id)
		switch {
		case err != nil:
			return m, err
		case used && account == "":
			account = recorded
		case used:
			return m, failure.New(failure.Conflict, "put mailbox", where, "ledger.account",
				fmt.Errorf("messages were already copied to account %q, and now %q is asked for", recorded, account)).
				WithRemedy("go on with the recorded account, or begin a new ledger")
		}
	}
	var out mailboxFields
	_, err = w.row(`INSERT INTO mailbox (username, kind, name, account, action, error) VALUES (?, ?, ?, ?, ?, ?)
		ON CONFLICT (username) DO UPDATE SET kind = excluded.kind, name = excluded.name,
			account = excluded.account, action = excluded.action,
			error = CASE WHEN excluded.error = '' THEN mailbox.error ELSE excluded.error END
		RETURNING `+mailboxColumns,
		[]any{m.User, string(m.Kind), m.Name, account, m.Action, m.Error}, out.into()...)
	return out.mailbox(), err
}

// mailboxUsed reports whether anything was sent for a mailbox.
func (w *writer) mailboxUsed(id int64) (bool, error) {
	var one int64
	return w.row(`SELECT 1 FROM folder WHERE mailbox = ? AND (
		EXISTS (SELECT 1 FROM message WHERE message.folder = folder.id) OR
		EXISTS (SELECT 1 FROM intent WHERE intent.folder = folder.id)) LIMIT 1`, []any{id}, &one)
}

// List returns all mailboxes, ordered by user.
func (l *Ledger) List(ctx context.Context) ([]Mailbox, error) {
	var list []Mailbox
	err := l.each(ctx, `SELECT `+mailboxColumns+` FROM mailbox ORDER BY username`, nil, func(rows *sql.Rows) error {
		var f mailboxFields
		if err := rows.Scan(f.into()...); err != nil {
			return err
		}
		list = append(list, f.mailbox())
		return nil
	})
	return list, explain("list mailboxes", l.path, err)
}

// stamp is a moment as the tables keep it: nanoseconds, nil for the zero time.
func stamp(t time.Time) any {
	if t.IsZero() {
		return nil
	}
	return t.UnixNano()
}

// moment is the inverse of stamp.
func moment(ns int64) time.Time { return time.Unix(0, ns).UTC() }

// momentOf is moment for a column that may be empty.
func momentOf(ns sql.NullInt64) time.Time {
	if !ns.Valid {
		return time.Time{}
	}
	return moment(ns.Int64)
}
