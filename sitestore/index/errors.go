package index

import (
	"context"
	"errors"
	"fmt"
	"path/filepath"

	"modernc.org/sqlite"
	sqlite3 "modernc.org/sqlite/lib"

	"waybill/failure"
)

// Fail classifies an error of the index. Errors that have a class keep it.
func (f *File) Fail(op string, err error) error {
	if err == nil {
		return nil
	}
	if _, ok := errors.AsType[*failure.Error](err); ok {
		return err
	}
	e := failure.New(failure.ClassOf(err), op, f.path, "site.index", err)
	var code *sqlite.Error
	switch {
	case errors.Is(err, context.Canceled), errors.Is(err, context.DeadlineExceeded):
		e.Rule = ""
	case errors.As(err, &code):
		f.classify(e, code.Code()&0xff)
	}
	return e
}

func (f *File) classify(e *failure.Error, code int) {
	switch code {
	case sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED:
		e.Class, e.Rule = failure.Transient, "site.locked"
		e.Err = fmt.Errorf("another process is writing this site (%s)", f.others())
		e.Remedy = "wait for that process to end, or end it, and run again"
	case sqlite3.SQLITE_FULL:
		e.Class, e.Rule = failure.Full, "site.full"
		e.Remedy = "make room on the disk that holds the site and run again; nothing of this step was stored"
	case sqlite3.SQLITE_NOTADB:
		e.Class, e.Rule = failure.Malformed, "site.not-a-site"
		e.Remedy = "name a file that was made with waybill site create"
	case sqlite3.SQLITE_CORRUPT:
		e.Class, e.Rule = failure.Malformed, "site.damaged"
		e.Remedy = "restore the site file and its .d folder from a backup"
	case sqlite3.SQLITE_READONLY, sqlite3.SQLITE_PERM, sqlite3.SQLITE_AUTH:
		e.Class, e.Rule = failure.Denied, "site.read-only"
		e.Remedy = fmt.Sprintf("give this user write permission on %s and on the folder %s", f.path, filepath.Dir(f.path))
	case sqlite3.SQLITE_CANTOPEN:
		e.Class, e.Rule = failure.Vanished, "site.cannot-open"
		e.Remedy = "check that the file and its folder are there and may be opened by this user"
	case sqlite3.SQLITE_INTERRUPT:
		e.Class, e.Rule = failure.Cancelled, ""
	case sqlite3.SQLITE_IOERR:
		e.Class, e.Rule = failure.Transient, "site.io"
		e.Remedy = "check the disk that holds the site"
	case sqlite3.SQLITE_CONSTRAINT:
		e.Class, e.Rule = failure.Conflict, "site.exists"
	}
}

func isBusy(err error) bool {
	var code *sqlite.Error
	return errors.As(err, &code) && (code.Code()&0xff == sqlite3.SQLITE_BUSY || code.Code()&0xff == sqlite3.SQLITE_LOCKED)
}

// Ended is the error of a call whose context is over, nil while it is not.
func Ended(ctx context.Context, op, where string) error {
	if err := ctx.Err(); err != nil {
		return failure.New(failure.Cancelled, op, where, "", err)
	}
	return nil
}
