//go:build !unix

package files

import (
	"context"
	"fmt"
	"io"
	"os"
	"time"

	"waybill/failure"
)

// Reader reads one regular file from start to end. It must be closed.
type Reader struct {
	ctx        context.Context
	f          *os.File
	path       string
	size, done int64
	modTime    time.Time
}

// Open opens a file for reading. Symlinks are followed. Something that is not a
// regular file is an error of class Malformed.
func Open(ctx context.Context, path string) (*Reader, error) {
	if err := ctx.Err(); err != nil {
		return nil, Fail("open file", path, "file.open", err)
	}
	f, err := os.Open(path)
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
	return &Reader{ctx: ctx, f: f, path: path, size: fi.Size(), modTime: fi.ModTime()}, nil
}

// Size is the length of the file when it was opened.
func (r *Reader) Size() int64 { return r.size }

// ModTime is the time of the last change to the file when it was opened.
func (r *Reader) ModTime() time.Time { return r.modTime }

// Read reads on. A file that turns out longer or shorter than it was when it
// was opened is an error of class Transient in place of io.EOF.
func (r *Reader) Read(p []byte) (int, error) {
	if err := r.ctx.Err(); err != nil {
		return 0, Fail("read file", r.path, "file.read", err)
	}
	n, err := r.f.Read(p)
	r.done += int64(n)
	if r.done > r.size || err == io.EOF && r.done != r.size {
		return 0, failure.New(failure.Transient, "read file", fmt.Sprintf("%s, offset %d", r.path, r.done), "file.changed",
			fmt.Errorf("its length was %d bytes when it was opened", r.size))
	}
	if err != nil && err != io.EOF {
		err = Fail("read file", fmt.Sprintf("%s, offset %d", r.path, r.done), "file.read", err)
	}
	return n, err
}

// Close gives the handle back.
func (r *Reader) Close() error { return r.f.Close() }
