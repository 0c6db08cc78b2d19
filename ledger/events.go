package ledger

import (
	"context"
	"database/sql"
	"iter"

	"waybill/event"
)

// AddEvents keeps events of a run, in one transaction.
func (l *Ledger) AddEvents(ctx context.Context, run int64, events []event.Event) error {
	if len(events) == 0 {
		return nil
	}
	return l.writeLater(ctx, "keep events", func(w *writer) error {
		for _, e := range events {
			_, err := w.exec(`INSERT INTO event (run, time, code, username, folder, key, detail, severity, text, remedy)
				VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)`,
				run, stamp(e.Time), string(e.Code), e.User, e.Folder, e.Key, clean(e.Detail), e.Severity, e.Text, e.Remedy)
			if err != nil {
				return err
			}
		}
		return nil
	})
}

// Events yields the events of a run (all runs when run is 0), in the order in
// which they were kept. An error ends it.
func (l *Ledger) Events(ctx context.Context, run int64) iter.Seq2[event.Event, error] {
	return func(yield func(event.Event, error) bool) {
		query, args := `SELECT time, code, username, folder, key, detail, severity, text, remedy FROM event`, []any(nil)
		if run != 0 {
			query, args = query+` WHERE run = ?`, []any{run}
		}
		if err := l.streamEvents(ctx, query+` ORDER BY id`, args, yield); err != nil {
			yield(event.Event{}, explain("read events", l.path, err))
		}
	}
}

func (l *Ledger) streamEvents(ctx context.Context, query string, args []any, yield func(event.Event, error) bool) error {
	s, err := l.statement(ctx, query)
	if err != nil {
		return err
	}
	rows, err := s.QueryContext(ctx, args...)
	if err != nil {
		return err
	}
	defer rows.Close()
	for rows.Next() {
		var e event.Event
		var at sql.NullInt64
		if err := rows.Scan(&at, &e.Code, &e.User, &e.Folder, &e.Key, &e.Detail, &e.Severity, &e.Text, &e.Remedy); err != nil {
			return err
		}
		e.Time = momentOf(at)
		if !yield(e, nil) {
			return nil
		}
	}
	return rows.Err()
}
