package ledger

import (
	"context"
	"database/sql"
	"fmt"
	"strings"
)

// tallyQuery counts and adds per folder, in the order of the table, so that
// nothing has to be sorted.
func tallyQuery(one bool) string {
	var b strings.Builder
	b.WriteString(`SELECT folder`)
	for s := Delivered; s <= Skipped; s++ {
		fmt.Fprintf(&b, `, count(*) FILTER (WHERE state = %d), coalesce(sum(size) FILTER (WHERE state = %d AND size > 0), 0)`, s, s)
	}
	b.WriteString(` FROM message`)
	if one {
		b.WriteString(` WHERE folder IN (SELECT id FROM folder WHERE mailbox = ?)`)
	}
	b.WriteString(` GROUP BY folder`)
	return b.String()
}

// ofMailbox adds the condition that a folder belongs to a mailbox, unless it is 0.
func ofMailbox(query, condition string, mailbox int64) (string, []any) {
	if mailbox == 0 {
		return query, nil
	}
	return query + condition, []any{mailbox}
}

// Tallies counts rows per folder of all mailboxes (or one, when mailbox is not
// 0), in the order of mailboxes and of their folders' making, as they were at
// one moment.
func (l *Ledger) Tallies(ctx context.Context, mailbox int64) ([]Tally, error) {
	tallies, err := l.tallies(ctx, mailbox)
	return tallies, explain("count messages", l.path, err)
}

func (l *Ledger) tallies(ctx context.Context, mailbox int64) ([]Tally, error) {
	if err := l.open("count messages"); err != nil {
		return nil, err
	}
	tx, err := l.readers.BeginTx(ctx, &sql.TxOptions{ReadOnly: true})
	if err != nil {
		return nil, err
	}
	defer func() { _ = tx.Rollback() }()

	var list []Tally
	at := map[int64]int{}
	query, args := ofMailbox(`SELECT `+folderColumns+` FROM folder`, ` WHERE mailbox = ?`, mailbox)
	rows, err := tx.QueryContext(ctx, query+` ORDER BY mailbox, id`, args...)
	if err != nil {
		return nil, err
	}
	err = drain(rows, func(rows *sql.Rows) error {
		var f folderFields
		if err := rows.Scan(f.into()...); err != nil {
			return err
		}
		at[f.ID] = len(list)
		list = append(list, Tally{Folder: f.folder()})
		return nil
	})
	if err != nil {
		return nil, err
	}

	if rows, err = tx.QueryContext(ctx, tallyQuery(mailbox != 0), args...); err != nil {
		return nil, err
	}
	err = drain(rows, func(rows *sql.Rows) error {
		var t Tally
		into := []any{&t.Folder.ID}
		for s := Delivered; s <= Skipped; s++ {
			into = append(into, &t.Messages[s], &t.Bytes[s])
		}
		if err := rows.Scan(into...); err != nil {
			return err
		}
		if i, ok := at[t.Folder.ID]; ok {
			list[i].Messages, list[i].Bytes = t.Messages, t.Bytes
		}
		return nil
	})
	if err != nil {
		return nil, err
	}
	return list, l.tallySent(ctx, tx, mailbox, func(folder int64) {
		if i, ok := at[folder]; ok {
			list[i].Messages[Sent]++
		}
	})
}

// tallySent calls count for every key in open intents that has no row.
func (l *Ledger) tallySent(ctx context.Context, tx *sql.Tx, mailbox int64, count func(folder int64)) error {
	query, args := ofMailbox(`SELECT seq, position, keys, folder FROM intent`,
		` WHERE folder IN (SELECT id FROM folder WHERE mailbox = ?)`, mailbox)
	rows, err := tx.QueryContext(ctx, query+` ORDER BY folder, seq`, args...)
	if err != nil {
		return err
	}
	hasRow, err := tx.PrepareContext(ctx, `SELECT count(*) FROM message WHERE folder = ? AND key = ?`)
	if err != nil {
		return err
	}
	defer hasRow.Close()

	var current int64
	seen := map[string]bool{} // of the current folder: two intents may name one key
	return drain(rows, func(rows *sql.Rows) error {
		var folder int64
		in, err := l.scanIntent(rows, 0, &folder)
		if err != nil {
			return err
		}
		if folder != current {
			current = folder
			clear(seen)
		}
		for _, k := range in.Keys {
			if seen[k] {
				continue
			}
			seen[k] = true
			var there int64
			if err := hasRow.QueryRowContext(ctx, folder, []byte(k)).Scan(&there); err != nil {
				return err
			}
			if there == 0 {
				count(folder)
			}
		}
		return nil
	})
}

// AnyArrived reports whether a message of the mailbox is Delivered or Verified.
// It stops at the first, so that it costs little for a mailbox that was moved.
func (l *Ledger) AnyArrived(ctx context.Context, mailbox int64) (bool, error) {
	found := false
	query := fmt.Sprintf(`SELECT 1 FROM folder CROSS JOIN message ON message.folder = folder.id
		WHERE folder.mailbox = ? AND message.state IN (%d, %d) LIMIT 1`, Delivered, Verified)
	err := l.each(ctx, query, []any{mailbox}, func(*sql.Rows) error { found = true; return nil })
	return found, explain("look for messages", l.path, err)
}

// NoteCounts counts notes by kind, for one mailbox or (0) for all.
func (l *Ledger) NoteCounts(ctx context.Context, mailbox int64) (map[string]int64, error) {
	counts := map[string]int64{}
	query, args := ofMailbox(`SELECT note_kind.name, count(*) FROM note JOIN note_kind ON note_kind.id = note.kind`,
		` WHERE note.folder IN (SELECT id FROM folder WHERE mailbox = ?)`, mailbox)
	err := l.each(ctx, query+` GROUP BY note_kind.name`, args, func(rows *sql.Rows) error {
		var kind string
		var n int64
		if err := rows.Scan(&kind, &n); err != nil {
			return err
		}
		counts[kind] = n
		return nil
	})
	return counts, explain("count notes", l.path, err)
}
