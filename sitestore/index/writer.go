package index

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

func (f *File) openWriter(ctx context.Context) error {
	query := url.Values{"_txlock": {"immediate"}, "_pragma": {"busy_timeout(250)", "journal_mode(WAL)", "synchronous(FULL)",
		"cache_size(-16384)", "wal_autocheckpoint(8000)", "journal_size_limit(67108864)", "temp_store(MEMORY)"}}
	db, err := sql.Open("sqlite", dsn(f.path, query))
	if err != nil {
		return f.Fail("open site", err)
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
		return f.Fail("open site", err)
	}
	f.write = &writer{turn: make(chan struct{}, 1), db: db, conn: conn, stmts: map[string]*sql.Stmt{}}
	return nil
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

// Tx is a change under way.
type Tx struct {
	w *writer
}

// Change runs fn in one transaction. An error of fn undoes everything. When
// Change returns nil, the change is durable. It does not stop half-way when the
// context ends; it does not begin then.
func (f *File) Change(ctx context.Context, op string, fn func(t *Tx) error) error {
	if f.write == nil {
		return failure.New(failure.Denied, op, f.path, "site.read-only", errors.New("the site was opened for reading"))
	}
	if err := Ended(ctx, op, f.path); err != nil {
		return err
	}
	select {
	case f.write.turn <- struct{}{}:
	case <-ctx.Done():
		return Ended(ctx, op, f.path)
	}
	defer func() { <-f.write.turn }()
	if f.write.conn == nil {
		return failure.New(failure.Usage, op, f.path, "site.closed", fs.ErrClosed)
	}
	t := &Tx{w: f.write}
	if err := patiently(ctx, func() error { return t.Exec("BEGIN IMMEDIATE") }); err != nil {
		return f.Fail(op, err)
	}
	if err := fn(t); err != nil {
		_ = t.Exec("ROLLBACK")
		return f.Fail(op, err)
	}
	if err := t.Exec("COMMIT"); err != nil {
		// A commit that fails may leave the transaction open.
		_ = t.Exec("ROLLBACK")
		return f.Fail(op, err)
	}
	return nil
}

// Stmt is a prepared statement, kept for as long as the index is open.
func (t *Tx) Stmt(text string) (*sql.Stmt, error) {
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

// Exec runs a statement.
func (t *Tx) Exec(text string, args ...any) error {
	_, err := t.run(text, args...)
	return err
}

func (t *Tx) run(text string, args ...any) (sql.Result, error) {
	st, err := t.Stmt(text)
	if err != nil {
		return nil, err
	}
	return st.Exec(args...)
}

// Insert runs an INSERT and returns the new row's id.
func (t *Tx) Insert(text string, args ...any) (int64, error) {
	r, err := t.run(text, args...)
	if err != nil {
		return 0, err
	}
	return r.LastInsertId()
}

// Count runs a statement and returns how many rows it changed.
func (t *Tx) Count(text string, args ...any) (int64, error) {
	r, err := t.run(text, args...)
	if err != nil {
		return 0, err
	}
	return r.RowsAffected()
}

// Get scans the one row of a query; found is false when there is none.
func (t *Tx) Get(text string, args []any, into ...any) (found bool, err error) {
	st, err := t.Stmt(text)
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
