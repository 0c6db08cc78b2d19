package sitestore

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"io/fs"
	"net/url"
	"time"

	"waybill/failure"
)

// lockPatience is how long a change waits for another process that is writing
// the site.
const lockPatience = 5 * time.Second

// writer is the one connection of this process that changes the index. Whoever
// holds turn uses it.
type writer struct {
	turn  chan struct{}
	db    *sql.DB
	conn  *sql.Conn
	stmts map[string]*sql.Stmt
}

func openWriter(ctx context.Context, s *Store) (*writer, error) {
	query := url.Values{"_txlock": {"immediate"}, "_pragma": {"busy_timeout(250)", "journal_mode(WAL)", "synchronous(FULL)",
		"cache_size(-16384)", "wal_autocheckpoint(8000)", "journal_size_limit(67108864)", "temp_store(MEMORY)"}}
	db, err := sql.Open("sqlite", dsn(s.path, query))
	if err != nil {
		return nil, s.fail("open site", err)
	}
	db.SetMaxOpenConns(1)
	// The first connection may wait for another process: switching to the
	// write-ahead log needs the file for itself.
	var conn *sql.Conn
	err = patiently(ctx, func() error {
		conn, err = db.Conn(context.WithoutCancel(ctx))
		return err
	})
	if err != nil {
		_ = db.Close()
		return nil, s.fail("open site", err)
	}
	return &writer{turn: make(chan struct{}, 1), db: db, conn: conn, stmts: map[string]*sql.Stmt{}}, nil
}

func (w *writer) close() error {
	w.turn <- struct{}{} // wait for a change that is under way
	defer func() { <-w.turn }()
	if w.conn == nil {
		return nil
	}
	for _, st := range w.stmts {
		_ = st.Close()
	}
	err := errors.Join(w.conn.Close(), w.db.Close())
	w.conn = nil
	return err
}

// patiently calls try again while another process holds the index. The waiting
// is done by SQLite, a quarter of a second each time.
func patiently(ctx context.Context, try func() error) error {
	until := time.Now().Add(lockPatience)
	for {
		err := try()
		if err == nil || !isBusy(err) || time.Now().After(until) {
			return err
		}
		if cause := ctx.Err(); cause != nil {
			return cause
		}
	}
}

// tx is a change under way.
type tx struct {
	s *Store
	w *writer
}

// change runs fn in one transaction. An error of fn undoes everything. When
// change returns nil, the change is durable. It does not stop half-way when the
// context ends; it does not begin then.
func (s *Store) change(ctx context.Context, op string, fn func(t *tx) error) error {
	if s.write == nil {
		return failure.New(failure.Denied, op, s.path, "site.read-only", errors.New("the site was opened for reading"))
	}
	if err := ended(ctx, op, s.path); err != nil {
		return err
	}
	select {
	case s.write.turn <- struct{}{}:
	case <-ctx.Done():
		return ended(ctx, op, s.path)
	}
	defer func() { <-s.write.turn }()
	if s.write.conn == nil {
		return failure.New(failure.Usage, op, s.path, "site.closed", fs.ErrClosed)
	}
	t := &tx{s: s, w: s.write}
	if err := patiently(ctx, func() error { return t.exec("BEGIN IMMEDIATE") }); err != nil {
		return s.fail(op, err)
	}
	if err := fn(t); err != nil {
		_ = t.exec("ROLLBACK")
		return s.fail(op, err)
	}
	if err := t.exec("COMMIT"); err != nil {
		// A commit that fails may leave the transaction open.
		_ = t.exec("ROLLBACK")
		return s.fail(op, err)
	}
	return nil
}

func (t *tx) stmt(text string) (*sql.Stmt, error) {
	if st := t.w.stmts[text]; st != nil {
		return st, nil
	}
	st, err := t.w.conn.PrepareContext(context.Background(), text)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", text, err)
	}
	t.w.stmts[text] = st
	return st, nil
}

func (t *tx) exec(text string, args ...any) error {
	_, err := t.run(text, args...)
	return err
}

func (t *tx) run(text string, args ...any) (sql.Result, error) {
	st, err := t.stmt(text)
	if err != nil {
		return nil, err
	}
	return st.Exec(args...)
}

// insert runs an INSERT and returns the new row's id.
func (t *tx) insert(text string, args ...any) (int64, error) {
	r, err := t.run(text, args...)
	if err != nil {
		return 0, err
	}
	return r.LastInsertId()
}

// count runs a statement and returns how many rows it changed.
func (t *tx) count(text string, args ...any) (int64, error) {
	r, err := t.run(text, args...)
	if err != nil {
		return 0, err
	}
	return r.RowsAffected()
}

// get scans the one row of a query; found is false when there is none.
func (t *tx) get(text string, args []any, into ...any) (found bool, err error) {
	st, err := t.stmt(text)
	if err != nil {
		return false, err
	}
	switch err := st.QueryRow(args...).Scan(into...); {
	case errors.Is(err, sql.ErrNoRows):
		return false, nil
	case err != nil:
		return false, err
	}
	return true, nil
}
