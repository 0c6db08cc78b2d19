package index

import (
	"context"
	"database/sql"
	"errors"
	"net/url"
	"os"
	"path/filepath"
	"sync"
	"time"
)

// readPool is the connections that read, with their prepared statements.
type readPool struct {
	path      string
	readOnly  bool
	mu        sync.Mutex
	current   *sql.DB
	stmts     map[string]*sql.Stmt
	retired   []*sql.DB
	immutable bool // nobody had the site open when current was opened
	size      int64
	changed   time.Time
}

func (p *readPool) open(path string, readOnly bool) error {
	p.path, p.readOnly = path, readOnly
	// The cache is each connection's own: enough for the inner pages of the index
	// of bodies, whose digests come in no order. The leaves are the system's to cache.
	query := url.Values{"_pragma": {"busy_timeout(5000)", "query_only(1)", "cache_size(-2048)"}}
	p.immutable = false
	if readOnly {
		query.Set("mode", "ro")
		if info, err := os.Stat(path); err == nil && !p.hasLog() {
			// Nobody has the site open. Reading it as a file that does not
			// change keeps SQLite from making files of its own beside it.
			p.immutable, p.size, p.changed = true, info.Size(), info.ModTime()
			query.Set("immutable", "1")
		}
	}
	db, err := sql.Open("sqlite", dsn(path, query))
	if err != nil {
		return err
	}
	db.SetMaxOpenConns(8)
	db.SetMaxIdleConns(8)
	if p.current != nil {
		p.retired = append(p.retired, p.current)
	}
	p.current, p.stmts = db, map[string]*sql.Stmt{}
	return nil
}

func (p *readPool) hasLog() bool {
	info, err := os.Stat(p.path + "-wal")
	return err == nil && info.Size() > 0
}

// refresh opens the site again when it was opened as a file that does not
// change and somebody has begun to change it. The caller holds mu.
func (p *readPool) refresh() error {
	if !p.immutable {
		return nil
	}
	info, err := os.Stat(p.path)
	if err == nil && info.Size() == p.size && info.ModTime().Equal(p.changed) && !p.hasLog() {
		return nil
	}
	return p.open(p.path, p.readOnly)
}

func (p *readPool) db() *sql.DB {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.current
}

// stmt is a prepared statement; it stays usable until close.
func (p *readPool) stmt(text string) (*sql.Stmt, error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.current == nil {
		return nil, sql.ErrConnDone
	}
	if err := p.refresh(); err != nil {
		return nil, err
	}
	if st := p.stmts[text]; st != nil {
		return st, nil
	}
	st, err := p.current.Prepare(text)
	if err != nil {
		return nil, err
	}
	p.stmts[text] = st
	return st, nil
}

func (p *readPool) close() error {
	p.mu.Lock()
	defer p.mu.Unlock()
	var errs []error
	for _, db := range append(p.retired, p.current) {
		if db != nil {
			errs = append(errs, db.Close())
		}
	}
	p.current, p.retired, p.stmts = nil, nil, nil
	return errors.Join(errs...)
}

// Rows runs a query of the read pool and hands each row to scan. Queries are
// short: the driver is not asked to watch the context, which costs more than
// the query does.
func (f *File) Rows(ctx context.Context, op, text string, scan func(*sql.Rows) error, args ...any) error {
	if err := Ended(ctx, op, f.path); err != nil {
		return err
	}
	st, err := f.reads.stmt(text)
	if err != nil {
		return f.Fail(op, err)
	}
	rows, err := st.Query(args...)
	if err != nil {
		return f.Fail(op, err)
	}
	defer rows.Close()
	for rows.Next() {
		if err := scan(rows); err != nil {
			return f.Fail(op, err)
		}
	}
	return f.Fail(op, rows.Err())
}

// Row runs a query that gives one row; found is false when it gives none.
func (f *File) Row(ctx context.Context, op, text string, args []any, into ...any) (found bool, err error) {
	if err := Ended(ctx, op, f.path); err != nil {
		return false, err
	}
	st, err := f.reads.stmt(text)
	if err != nil {
		return false, f.Fail(op, err)
	}
	switch err := st.QueryRow(args...).Scan(into...); {
	case errors.Is(err, sql.ErrNoRows):
		return false, nil
	case err != nil:
		return false, f.Fail(op, err)
	}
	return true, nil
}

// Prepared is a prepared statement that reads; it stays usable until the index is
// closed.
func (f *File) Prepared(text string) (*sql.Stmt, error) { return f.reads.stmt(text) }

func dsn(path string, query url.Values) string {
	return (&url.URL{Scheme: "file", Path: filepath.ToSlash(path), RawQuery: query.Encode()}).String()
}
