package ledger

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"io/fs"
	"net/url"
	"os"
	"path/filepath"
	"strconv"
	"strings"

	"modernc.org/sqlite"
	sqlite3 "modernc.org/sqlite/lib"

	"waybill/failure"
)

// applicationID marks a SQLite file as a ledger: "WAYB".
const applicationID = 0x57415942

// openKind says how a file is opened.
type openKind uint8

const (
	forWriting openKind = iota
	forReading
	// frozen reads a file that nobody writes, in a directory where SQLite cannot
	// make the files that it shares with a writer.
	frozen
)

// openFile opens the SQLite file at path. Nothing is read yet.
func openFile(path string, kind openKind) (*sql.DB, error) {
	abs, err := filepath.Abs(path)
	if err != nil {
		return nil, err
	}
	abs = filepath.ToSlash(abs)
	if !strings.HasPrefix(abs, "/") {
		abs = "/" + abs // C:/x is file:///C:/x
	}
	q := url.Values{}
	add := func(name string, value any) { q.Add("_pragma", fmt.Sprintf("%s(%v)", name, value)) }
	add("busy_timeout", 10_000)
	add("temp_store", "memory")
	switch kind {
	case forWriting:
		q.Set("_txlock", "immediate")
		// A few MB hold the inner pages of a table of ten million rows. What
		// else is asked for again soon is in the system's own cache, which does
		// not count as ours.
		add("cache_size", -8000) // KiB
		add("synchronous", "full")
		add("wal_autocheckpoint", 4000)
		add("journal_size_limit", 64<<20)
	case forReading, frozen:
		q.Set("mode", "ro")
		if kind == frozen {
			q.Set("immutable", "1")
		}
		add("query_only", 1)
		add("cache_size", -2000)
	}
	u := url.URL{Scheme: "file", Path: abs, RawQuery: q.Encode()}
	db, err := sql.Open("sqlite", u.String())
	if err != nil {
		return nil, err
	}
	if kind == forWriting {
		db.SetMaxOpenConns(1)
	}
	// Readers are not limited: an iterator holds a connection while its consumer
	// may ask for more, and a limit would let them wait for each other.
	db.SetMaxIdleConns(4)
	return db, nil
}

// prepare makes a new file a ledger, or checks that an old one is one and that
// it is not damaged in an obvious way.
func prepare(ctx context.Context, db *sql.DB, path string, readOnly bool) error {
	var id, tables int64
	if err := db.QueryRowContext(ctx, `PRAGMA application_id`).Scan(&id); err != nil {
		return explain("open ledger", path, err)
	}
	if err := db.QueryRowContext(ctx, `SELECT count(*) FROM sqlite_master`).Scan(&tables); err != nil {
		return explain("open ledger", path, err)
	}
	if id != applicationID && (tables > 0 || id != 0 || readOnly) {
		return failure.New(failure.Malformed, "open ledger", path, "ledger.foreign",
			errors.New("it is a database of another program, or an empty one")).WithRemedy("name the ledger of a migration, or a file that does not exist yet")
	}
	if id == applicationID {
		if err := checkShallow(ctx, db, path); err != nil {
			return err
		}
	}
	if readOnly {
		return nil
	}
	for _, pragma := range []string{
		`PRAGMA application_id = ` + strconv.Itoa(applicationID),
		`PRAGMA journal_mode = WAL`,
	} {
		if _, err := db.ExecContext(ctx, pragma); err != nil {
			return explain("open ledger", path, err)
		}
	}
	return nil
}

// quickCheckLimit is the size up to which a ledger is checked whole when it is opened.
const quickCheckLimit = 16 << 20

// checkShallow finds damage that costs little to find: a file cut short, and in
// a small ledger any broken page.
func checkShallow(ctx context.Context, db *sql.DB, path string) error {
	var pages, size int64
	if err := db.QueryRowContext(ctx, `PRAGMA page_count`).Scan(&pages); err != nil {
		return explain("open ledger", path, err)
	}
	if err := db.QueryRowContext(ctx, `PRAGMA page_size`).Scan(&size); err != nil {
		return explain("open ledger", path, err)
	}
	wal, err := os.Stat(path + "-wal")
	if unlogged := err != nil || wal.Size() == 0; unlogged {
		if info, err := os.Stat(path); err == nil && info.Size() < pages*size {
			return damaged("open ledger", path, fmt.Errorf("the file has %d bytes and should have %d", info.Size(), pages*size))
		}
	}
	if pages*size > quickCheckLimit {
		return nil
	}
	return check(ctx, db, path, "quick_check")
}

// check runs one of SQLite's own checks.
func check(ctx context.Context, db *sql.DB, path, pragma string) error {
	var found string
	if err := db.QueryRowContext(ctx, `PRAGMA `+pragma+`(1)`).Scan(&found); err != nil {
		return explain("check ledger", path, err)
	}
	if found != "ok" {
		return damaged("check ledger", path, errors.New(found))
	}
	return nil
}

func damaged(op, path string, err error) error {
	return failure.New(failure.Malformed, op, path, "ledger.damaged", err).
		WithRemedy("the file was damaged outside of Waybill: check the disk, put back a copy of the ledger with its -wal file, or begin a new ledger in a new target; do not go on with this one")
}

// explain gives an error of SQLite or of the system its class.
func explain(op, where string, err error) error {
	var known *failure.Error
	if err == nil || errors.As(err, &known) {
		return err
	}
	if errors.Is(err, context.Canceled) || errors.Is(err, context.DeadlineExceeded) {
		return failure.New(failure.Cancelled, op, where, "cancelled", err)
	}
	var e *sqlite.Error
	if !errors.As(err, &e) {
		if errors.Is(err, fs.ErrPermission) {
			return denied(op, where, err)
		}
		return failure.New(failure.ClassOf(err), op, where, "ledger."+failure.ClassOf(err).String(), err)
	}
	switch e.Code() & 0xff {
	case sqlite3.SQLITE_FULL:
		return failure.New(failure.Full, op, where, "ledger.full", err).
			WithRemedy("free space on the disk that holds the ledger, and run again; what was acknowledged is safe")
	case sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB:
		return damaged(op, where, err)
	case sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED, sqlite3.SQLITE_PROTOCOL:
		return failure.New(failure.Transient, op, where, "ledger.busy", err).
			WithRemedy("another program has the ledger's file open; close it")
	case sqlite3.SQLITE_READONLY, sqlite3.SQLITE_PERM, sqlite3.SQLITE_AUTH, sqlite3.SQLITE_CANTOPEN:
		return denied(op, where, err)
	case sqlite3.SQLITE_IOERR:
		return failure.New(failure.Transient, op, where, "ledger.io", err).
			WithRemedy("check the disk that holds the ledger, and run again")
	case sqlite3.SQLITE_NOMEM:
		return failure.New(failure.Transient, op, where, "ledger.memory", err)
	case sqlite3.SQLITE_TOOBIG:
		return failure.New(failure.TooLarge, op, where, "ledger.too-large", err)
	case sqlite3.SQLITE_INTERRUPT:
		return failure.New(failure.Cancelled, op, where, "cancelled", err)
	}
	return failure.New(failure.Internal, op, where, "ledger.internal", err)
}

func denied(op, where string, err error) error {
	return failure.New(failure.Denied, op, where, "ledger.denied", err).
		WithRemedy("make the file, its -wal and -shm files and their directory writable for this user (a reader needs that too while a migration runs)")
}
