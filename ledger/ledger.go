package ledger

import (
	"context"
	"database/sql"
	"errors"
	"os"
	"path/filepath"
	"sync"
	"sync/atomic"
	"time"

	"waybill/failure"
)

// Ledger is an open ledger. It implements Queue. All its methods are safe for
// concurrent use.
type Ledger struct {
	path    string
	now     func() time.Time
	lock    *lock   // nil when read-only
	writer  *writer // nil when read-only
	readers *sql.DB
	keys    *keyCodec

	mu       sync.Mutex // guards prepared
	prepared map[string]*sql.Stmt

	closed  atomic.Bool
	blocked atomic.Int64 // nanoseconds that callers waited for Checkpoint
}

var _ Queue = (*Ledger)(nil)

// Open opens the ledger at path, making it if it is not there. A ledger that
// another process writes is refused with failure.Conflict and the holder's name,
// unless it is opened read-only. A ledger of an older version is brought up to
// date; one that is newer than the program is refused with failure.Unsupported,
// a damaged one with failure.Malformed.
//
// Reading beside a writer needs the right to write the -wal and -shm files
// beside the ledger. A ledger that nobody writes can be read from a read-only
// directory too, provided that its last writer closed it; otherwise the error's
// class is failure.Denied.
func Open(ctx context.Context, path string, opt Options) (*Ledger, error) {
	l := &Ledger{path: path, now: opt.Now, prepared: map[string]*sql.Stmt{}}
	if l.now == nil {
		l.now = time.Now
	}
	var err error
	if l.keys, err = newKeyCodec(); err != nil {
		return nil, failure.New(failure.Internal, "open ledger", path, "ledger.internal", err)
	}
	l.path = resolve(path)
	if info, statErr := os.Stat(l.path); statErr == nil && !info.Mode().IsRegular() {
		err = failure.New(failure.Usage, "open ledger", path, "ledger.no-file", errors.New("a ledger is a file, and this is a directory or a device")).
			WithRemedy("name a file in it")
	} else if opt.ReadOnly {
		err = l.openReadOnly(ctx)
	} else {
		err = l.openWriting(ctx, opt.Command)
	}
	if err != nil {
		return nil, errors.Join(err, l.closeAll())
	}
	return l, nil
}

// resolve follows links to the file itself, whether it is there already or not:
// a link to a ledger is that ledger, and has the same lock.
func resolve(path string) string {
	const mostLinks = 16
	for range mostLinks {
		to, err := os.Readlink(path)
		if err != nil {
			break
		}
		if !filepath.IsAbs(to) {
			to = filepath.Join(filepath.Dir(path), to)
		}
		path = to
	}
	return path
}

func (l *Ledger) openReadOnly(ctx context.Context) error {
	if _, err := os.Stat(l.path); err != nil {
		return failure.New(failure.ClassOf(err), "open ledger", l.path, "ledger.missing", err).
			WithRemedy("name the ledger of a migration that was begun")
	}
	err := l.tryReading(ctx, forReading)
	if failure.ClassOf(err) == failure.Denied {
		// Nothing can be in a log that is not there, so the file alone is the ledger.
		if _, missing := os.Stat(l.path + "-wal"); errors.Is(missing, os.ErrNotExist) {
			err = l.tryReading(ctx, frozen)
		}
	}
	return err
}

func (l *Ledger) tryReading(ctx context.Context, kind openKind) error {
	db, err := openFile(l.path, kind)
	if err != nil {
		return explain("open ledger", l.path, err)
	}
	if err := prepare(ctx, db, l.path, true); err != nil {
		return errors.Join(err, db.Close())
	}
	series, err := shapes()
	if err == nil {
		err = migrate(ctx, db, l.path, series, true)
	}
	if err != nil {
		return errors.Join(explain("open ledger", l.path, err), db.Close())
	}
	l.readers = db
	return nil
}

func (l *Ledger) openWriting(ctx context.Context, command string) error {
	_, statErr := os.Stat(l.path)
	var err error
	if l.lock, err = acquire(l.path, command, l.now()); err != nil {
		return err
	}
	db, err := openFile(l.path, forWriting)
	if err != nil {
		return explain("open ledger", l.path, err)
	}
	if err := l.prepareWriting(ctx, db); err != nil {
		return errors.Join(err, db.Close())
	}
	if statErr != nil {
		if err := syncDir(filepath.Dir(l.path)); err != nil {
			return errors.Join(explain("open ledger", l.path, err), db.Close())
		}
	}
	if l.writer, err = newWriter(ctx, db, l.path); err != nil {
		return errors.Join(explain("open ledger", l.path, err), db.Close())
	}
	if l.readers, err = openFile(l.path, forReading); err != nil {
		return explain("open ledger", l.path, err)
	}
	// We hold the lock, so whoever ran these jobs is dead.
	return l.writeLater(ctx, "open ledger", func(w *writer) error {
		_, err := w.exec(`UPDATE mailbox SET state = ? WHERE state = ?`, int64(Queued), int64(Running))
		return err
	})
}

func (l *Ledger) prepareWriting(ctx context.Context, db *sql.DB) error {
	if err := prepare(ctx, db, l.path, false); err != nil {
		return err
	}
	series, err := shapes()
	if err != nil {
		return failure.New(failure.Internal, "open ledger", l.path, "ledger.internal", err)
	}
	return migrate(ctx, db, l.path, series, false)
}

// Close waits for the writes that were asked for, ends all reading and gives
// the lock back. Calls after Close fail with failure.Usage.
func (l *Ledger) Close() error { return explain("close ledger", l.path, l.closeAll()) }

func (l *Ledger) closeAll() error {
	l.closed.Store(true)
	var errs []error
	if l.readers != nil {
		l.mu.Lock()
		for _, s := range l.prepared {
			errs = append(errs, s.Close())
		}
		clear(l.prepared)
		l.mu.Unlock()
		errs = append(errs, l.readers.Close())
	}
	if l.writer != nil {
		errs = append(errs, l.writer.close())
	}
	errs = append(errs, l.lock.release())
	l.lock = nil
	l.keys.close()
	return errors.Join(errs...)
}

// Check reads the whole ledger and tells whether it is sound: nil, or an error
// of class failure.Malformed that says where it is not. It reads every page.
func (l *Ledger) Check(ctx context.Context) error {
	if err := l.open("check ledger"); err != nil {
		return err
	}
	return check(ctx, l.readers, l.path, "integrity_check")
}

// BlockedTime is how long callers waited for Checkpoint since Open, in total
// over all callers.
func (l *Ledger) BlockedTime() time.Duration { return time.Duration(l.blocked.Load()) }

// write runs fn in a transaction and returns when it is durable. fn may run more
// than once, and must set what it returns through variables afresh each time.
func (l *Ledger) write(ctx context.Context, op string, fn func(*writer) error) error {
	return l.writeTask(ctx, op, false, fn)
}

// writeLater is write for what nothing outside of the ledger rests on, and what
// a run after a loss of power would do again: whose turn it is, how fast it goes.
// It does not wait for the disk; the next write does that for both.
func (l *Ledger) writeLater(ctx context.Context, op string, fn func(*writer) error) error {
	return l.writeTask(ctx, op, true, fn)
}

func (l *Ledger) writeTask(ctx context.Context, op string, later bool, fn func(*writer) error) error {
	if l.writer == nil {
		return failure.New(failure.Usage, op, l.path, "ledger.read-only", errors.New("the ledger was opened for reading only"))
	}
	return explain(op, l.path, l.writer.do(ctx, later, fn))
}

// open returns an error when the ledger was closed.
func (l *Ledger) open(op string) error {
	if l.closed.Load() {
		return failure.New(failure.Usage, op, l.path, "ledger.closed", errors.New("the ledger was closed"))
	}
	return nil
}

// statement gives a prepared statement for reading.
func (l *Ledger) statement(ctx context.Context, query string) (*sql.Stmt, error) {
	if err := l.open("read ledger"); err != nil {
		return nil, err
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	if s := l.prepared[query]; s != nil {
		return s, nil
	}
	s, err := l.readers.PrepareContext(ctx, query)
	if err != nil {
		return nil, err
	}
	l.prepared[query] = s
	return s, nil
}

// each runs a query and calls scan for every row of its result.
func (l *Ledger) each(ctx context.Context, query string, args []any, scan func(*sql.Rows) error) error {
	s, err := l.statement(ctx, query)
	if err != nil {
		return err
	}
	rows, err := s.QueryContext(ctx, args...)
	if err != nil {
		return err
	}
	return drain(rows, scan)
}

// drain calls scan for every row and closes rows.
func drain(rows *sql.Rows, scan func(*sql.Rows) error) error {
	defer rows.Close()
	for rows.Next() {
		if err := scan(rows); err != nil {
			return err
		}
	}
	return rows.Err()
}
