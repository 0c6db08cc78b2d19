package ledger

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"iter"

	"waybill/failure"
)

// The settings that Bind keeps.
const (
	settingSource = "source"
	settingTarget = "target"
)

// Bind ties the ledger to a source and a target on first use and refuses any
// other pair later, with failure.Conflict. Names are compared as they are written.
func (l *Ledger) Bind(ctx context.Context, source, target string) error {
	if source == "" || target == "" {
		return failure.New(failure.Usage, "bind ledger", l.path, "ledger.pair", errors.New("a ledger needs a source and a target"))
	}
	return l.write(ctx, "bind ledger", func(w *writer) error {
		var haveSource, haveTarget string
		for name, into := range map[string]*string{settingSource: &haveSource, settingTarget: &haveTarget} {
			if _, err := w.row(`SELECT value FROM setting WHERE name = ?`, []any{name}, into); err != nil {
				return err
			}
		}
		switch {
		case haveSource == source && haveTarget == target:
			return nil
		case haveSource != "" || haveTarget != "":
			return failure.New(failure.Conflict, "bind ledger", l.path, "ledger.pair",
				fmt.Errorf("it belongs to the migration from %s to %s, not from %s to %s", haveSource, haveTarget, source, target)).
				WithRemedy("name the same systems as before, or another ledger")
		}
		for name, value := range map[string]string{settingSource: source, settingTarget: target} {
			if _, err := w.exec(`INSERT INTO setting (name, value) VALUES (?, ?)`, name, value); err != nil {
				return err
			}
		}
		return nil
	})
}

// Pair returns what the ledger is bound to; empty strings before Bind.
func (l *Ledger) Pair(ctx context.Context) (source, target string, err error) {
	err = l.each(ctx, `SELECT name, value FROM setting WHERE name IN (?, ?)`, []any{settingSource, settingTarget}, func(rows *sql.Rows) error {
		var name, value string
		if err := rows.Scan(&name, &value); err != nil {
			return err
		}
		if name == settingSource {
			source = value
		} else {
			target = value
		}
		return nil
	})
	return source, target, explain("read the pair of the ledger", l.path, err)
}

// SetProvisioned remembers that this migration made something in the target:
// kind is "account", "contact" or "list". It is called before the making
// (state "intended") and after it ("made"), so that after a crash our own
// account is known from a stranger's of the same name.
func (l *Ledger) SetProvisioned(ctx context.Context, kind, id, state string) error {
	// What is about to be made has to be on the disk before it is made. That it
	// is made, or removed, may follow: without it a run looks again.
	later := state == ProvisionedMade || state == ProvisionedRemoved
	return l.writeTask(ctx, "remember what was made", later, func(w *writer) error {
		_, err := w.exec(`INSERT INTO provisioned (kind, id, state) VALUES (?, ?, ?)
			ON CONFLICT (kind, id) DO UPDATE SET state = excluded.state`, kind, id, state)
		return err
	})
}

// The states of provisioned things that SetProvisioned need not wait for.
const (
	ProvisionedMade    = "made"
	ProvisionedRemoved = "removed"
)

// Provisioned returns id -> state for a kind.
func (l *Ledger) Provisioned(ctx context.Context, kind string) (map[string]string, error) {
	made := map[string]string{}
	err := l.each(ctx, `SELECT id, state FROM provisioned WHERE kind = ?`, []any{kind}, func(rows *sql.Rows) error {
		var id, state string
		if err := rows.Scan(&id, &state); err != nil {
			return err
		}
		made[id] = state
		return nil
	})
	return made, explain("read what was made", l.path, err)
}

// Unsettled yields, ordered by id, what was begun for a kind and is neither made
// nor removed. It reads in portions, so that states may be set meanwhile.
func (l *Ledger) Unsettled(ctx context.Context, kind string) iter.Seq2[Provision, error] {
	return func(yield func(Provision, error) bool) {
		const portion = 500
		last := ""
		for {
			var list []Provision
			err := l.each(ctx, `SELECT id, state FROM provisioned WHERE kind = ? AND id > ? AND state NOT IN (?, ?) ORDER BY id LIMIT ?`,
				[]any{kind, last, ProvisionedMade, ProvisionedRemoved, portion}, func(rows *sql.Rows) error {
					var p Provision
					if err := rows.Scan(&p.ID, &p.State); err != nil {
						return err
					}
					list = append(list, p)
					return nil
				})
			if err != nil {
				yield(Provision{}, explain("read what was begun", l.path, err))
				return
			}
			for _, p := range list {
				if !yield(p, nil) {
					return
				}
				last = p.ID
			}
			if len(list) < portion {
				return
			}
		}
	}
}

// Provision is something in the target, and what became of it.
type Provision struct{ ID, State string }

// PutDocument keeps a small document (a plan, findings as JSON) under a name.
func (l *Ledger) PutDocument(ctx context.Context, name string, body []byte) error {
	if body == nil {
		body = []byte{}
	}
	return l.writeLater(ctx, "keep document", func(w *writer) error {
		_, err := w.exec(`INSERT INTO document (name, body) VALUES (?, ?)
			ON CONFLICT (name) DO UPDATE SET body = excluded.body`, name, body)
		return err
	})
}

// Document returns a document, nil when there is none.
func (l *Ledger) Document(ctx context.Context, name string) ([]byte, error) {
	var body []byte
	err := l.each(ctx, `SELECT body FROM document WHERE name = ?`, []any{name}, func(rows *sql.Rows) error {
		if err := rows.Scan(&body); err != nil {
			return err
		}
		if body == nil {
			body = []byte{} // it is there, and empty
		}
		return nil
	})
	return body, explain("read document", l.path, err)
}
