package sitestore

import (
	"context"
	"errors"
	"fmt"
	"path/filepath"

	"modernc.org/sqlite"
	sqlite3 "modernc.org/sqlite/lib"

	"waybill/failure"
)

// fail classifies an error of the index. Errors that have a class keep it.
func (s *Store) fail(op string, err error) error {
	if err == nil {
		return nil
	}
	if _, ok := errors.AsType[*failure.Error](err); ok {
		return err
	}
	f := failure.New(failure.ClassOf(err), op, s.path, "site.index", err)
	var code *sqlite.Error
	switch {
	case errors.Is(err, context.Canceled), errors.Is(err, context.DeadlineExceeded):
		f.Rule = ""
	case errors.As(err, &code):
		s.classify(f, code.Code()&0xff)
	}
	return f
}

func (s *Store) classify(f *failure.Error, code int) {
	switch code {
	case sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED:
		f.Class, f.Rule = failure.Transient, "site.locked"
		f.Err = fmt.Errorf("another process is writing this site (%s)", s.holders())
		f.Remedy = "wait for that process to end, or end it, and run again"
	case sqlite3.SQLITE_FULL:
		f.Class, f.Rule = failure.Full, "site.full"
		f.Remedy = "make room on the disk that holds the site and run again; nothing of this step was stored"
	case sqlite3.SQLITE_NOTADB:
		f.Class, f.Rule = failure.Malformed, "site.not-a-site"
		f.Remedy = "name a file that was made with waybill site create"
	case sqlite3.SQLITE_CORRUPT:
		f.Class, f.Rule = failure.Malformed, "site.damaged"
		f.Remedy = "restore the site file and its .d folder from a backup"
	case sqlite3.SQLITE_READONLY, sqlite3.SQLITE_PERM, sqlite3.SQLITE_AUTH:
		f.Class, f.Rule = failure.Denied, "site.read-only"
		f.Remedy = fmt.Sprintf("give this user write permission on %s and on the folder %s", s.path, filepath.Dir(s.path))
	case sqlite3.SQLITE_CANTOPEN:
		f.Class, f.Rule = failure.Vanished, "site.cannot-open"
		f.Remedy = "check that the file and its folder are there and may be opened by this user"
	case sqlite3.SQLITE_INTERRUPT:
		f.Class, f.Rule = failure.Cancelled, ""
	case sqlite3.SQLITE_IOERR:
		f.Class, f.Rule = failure.Transient, "site.io"
		f.Remedy = "check the disk that holds the site"
	case sqlite3.SQLITE_CONSTRAINT:
		f.Class, f.Rule = failure.Conflict, "site.exists"
	}
}

func isBusy(err error) bool {
	var code *sqlite.Error
	return errors.As(err, &code) && (code.Code()&0xff == sqlite3.SQLITE_BUSY || code.Code()&0xff == sqlite3.SQLITE_LOCKED)
}

// ended is the error of a call whose context is over, nil while it is not.
func ended(ctx context.Context, op, where string) error {
	if err := ctx.Err(); err != nil {
		return failure.New(failure.Cancelled, op, where, "", err)
	}
	return nil
}
