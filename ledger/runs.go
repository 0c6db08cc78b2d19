package ledger

import (
	"context"
	"database/sql"
	"os"
)

const runColumns = `id, started, ended, command, host, pid, exit_code`

func scanRun(scan func(...any) error) (Run, error) {
	var r Run
	var started, ended sql.NullInt64
	err := scan(&r.ID, &started, &ended, &r.Command, &r.Host, &r.PID, &r.Exit)
	r.Started, r.Ended = momentOf(started), momentOf(ended)
	return r, err
}

// BeginRun records the start of a run. previous is the last run if it did not end.
func (l *Ledger) BeginRun(ctx context.Context, command string) (run Run, previous *Run, err error) {
	host, _ := os.Hostname()
	now := l.now()
	err = l.writeLater(ctx, "begin run", func(w *writer) error {
		run, previous = Run{}, nil
		err := w.each(`SELECT `+runColumns+` FROM run ORDER BY id DESC LIMIT 1`, nil, func(rows *sql.Rows) error {
			last, err := scanRun(rows.Scan)
			if err == nil && last.Ended.IsZero() {
				previous = &last
			}
			return err
		})
		if err != nil {
			return err
		}
		return w.each(`INSERT INTO run (started, command, host, pid) VALUES (?, ?, ?, ?) RETURNING `+runColumns,
			[]any{now.UnixNano(), command, host, int64(os.Getpid())}, func(rows *sql.Rows) error {
				var err error
				run, err = scanRun(rows.Scan)
				return err
			})
	})
	if err != nil {
		return Run{}, nil, err
	}
	return run, previous, nil
}

// EndRun records a run's exit code.
func (l *Ledger) EndRun(ctx context.Context, run int64, exit int) error {
	now := l.now()
	return l.write(ctx, "end run", func(w *writer) error {
		_, err := w.exec(`UPDATE run SET ended = ?, exit_code = ? WHERE id = ?`, now.UnixNano(), int64(exit), run)
		return err
	})
}

// Runs lists all runs, oldest first.
func (l *Ledger) Runs(ctx context.Context) ([]Run, error) {
	var list []Run
	err := l.each(ctx, `SELECT `+runColumns+` FROM run ORDER BY id`, nil, func(rows *sql.Rows) error {
		r, err := scanRun(rows.Scan)
		list = append(list, r)
		return err
	})
	return list, explain("list runs", l.path, err)
}

// AddSample keeps a point of the throughput curve.
func (l *Ledger) AddSample(ctx context.Context, run int64, s Sample) error {
	return l.writeLater(ctx, "keep sample", func(w *writer) error {
		_, err := w.exec(`INSERT INTO sample (run, time, messages, bytes) VALUES (?, ?, ?, ?)`, run, stamp(s.Time), s.Messages, s.Bytes)
		return err
	})
}

// Samples lists the curve of a run, in the order in which it was kept.
func (l *Ledger) Samples(ctx context.Context, run int64) ([]Sample, error) {
	var list []Sample
	err := l.each(ctx, `SELECT time, messages, bytes FROM sample WHERE run = ? ORDER BY id`, []any{run}, func(rows *sql.Rows) error {
		var s Sample
		var at sql.NullInt64
		if err := rows.Scan(&at, &s.Messages, &s.Bytes); err != nil {
			return err
		}
		s.Time = momentOf(at)
		list = append(list, s)
		return nil
	})
	return list, explain("list samples", l.path, err)
}
