package files

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"time"

	"waybill/failure"
)

// At reads one regular file in any order without changing it, its access time
// included where the system lets us. It may be used from several goroutines and
// must be closed.
type At struct {
	ctx     context.Context
	f       *os.File
	path    string
	size    int64
	modTime time.Time
}

// OpenAt opens a file for reading in any order. Symlinks are followed. Something
// that is not a regular file is an error of class Malformed and is not waited
// for. Reading ends with an error of class Cancelled when ctx ends.
func OpenAt(ctx context.Context, path string) (*At, error) {
	if err := ctx.Err(); err != nil {
		return nil, Fail("open file", path, "file.open", err)
	}
	f, err := OpenFile(path)
	if err != nil {
		return nil, Fail("open file", path, "file.open", err)
	}
	fi, err := f.Stat()
	if err == nil && !fi.Mode().IsRegular() {
		err = NotRegular(path)
	}
	if err != nil {
		_ = f.Close()
		return nil, Fail("open file", path, "file.open", err)
	}
	return &At{ctx: ctx, f: f, path: path, size: fi.Size(), modTime: fi.ModTime()}, nil
}

// Size is the length of the file when it was opened.
func (a *At) Size() int64 { return a.size }

// ReadAt reads as io.ReaderAt says.
func (a *At) ReadAt(p []byte, off int64) (int, error) {
	if err := a.ctx.Err(); err != nil {
		return 0, Fail("read file", a.path, "file.read", err)
	}
	n, err := a.f.ReadAt(p, off)
	if err != nil && !errors.Is(err, io.EOF) {
		err = Fail("read file", fmt.Sprintf("%s, offset %d", a.path, off), "file.read", err)
	}
	return n, err
}

// Unchanged is an error of class Transient when the file is not as it was when
// it was opened: what was read may then be of two states.
func (a *At) Unchanged() error {
	fi, err := a.f.Stat()
	if err != nil {
		return Fail("look at file", a.path, "file.stat", err)
	}
	if fi.Size() != a.size || !fi.ModTime().Equal(a.modTime) {
		return failure.New(failure.Transient, "read file", a.path, "file.changed", errors.New("it changed while it was read")).
			WithRemedy("end the mail program that has the file open")
	}
	return nil
}

// Close gives the handle back.
func (a *At) Close() error { return Fail("close file", a.path, "file.close", a.f.Close()) }
