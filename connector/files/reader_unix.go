//go:build unix

package files

import (
	"context"
	"errors"
	"fmt"
	"io"
	"time"

	"golang.org/x/sys/unix"

	"waybill/failure"
)

// Reader reads one regular file from start to end without changing it, its
// access time included where the system lets us. It holds a bare descriptor:
// with tens of thousands of small files a second the poller's bookkeeping of
// os.File is what costs. It must be closed.
type Reader struct {
	ctx        context.Context
	fd         int
	path       string
	size, done int64
	modTime    time.Time
}

// Open opens a file for reading. Symlinks are followed. Something that is not a
// regular file is an error of class Malformed and is not waited for.
func Open(ctx context.Context, path string) (*Reader, error) {
	if err := ctx.Err(); err != nil {
		return nil, Fail("open file", path, "file.open", err)
	}
	fd, err := openRead(path)
	if err != nil {
		return nil, Fail("open file", path, "file.open", err)
	}
	var st unix.Stat_t
	if err := ignoringEINTR(func() error { return unix.Fstat(fd, &st) }); err != nil {
		_ = unix.Close(fd)
		return nil, Fail("open file", path, "file.open", err)
	}
	if st.Mode&unix.S_IFMT != unix.S_IFREG {
		_ = unix.Close(fd)
		return nil, NotRegular(path)
	}
	return &Reader{ctx: ctx, fd: fd, path: path, size: st.Size, modTime: time.Unix(st.Mtim.Unix())}, nil
}

// openRead keeps the access time where the file is ours (open(2), O_NOATIME).
func openRead(path string) (fd int, err error) {
	const flags = unix.O_RDONLY | unix.O_CLOEXEC | unix.O_NONBLOCK | unix.O_NOCTTY
	open := func(extra int) error {
		return ignoringEINTR(func() error { fd, err = unix.Open(path, flags|extra, 0); return err })
	}
	if err = open(noAtime); noAtime != 0 && errors.Is(err, unix.EPERM) {
		err = open(0)
	}
	return fd, err
}

// Size is the length of the file when it was opened.
func (r *Reader) Size() int64 { return r.size }

// ModTime is the time of the last change to the file when it was opened.
func (r *Reader) ModTime() time.Time { return r.modTime }

// Read reads on. A file that turns out longer or shorter than it was when it
// was opened is an error of class Transient in place of io.EOF.
func (r *Reader) Read(p []byte) (int, error) {
	if len(p) == 0 {
		return 0, nil
	}
	if err := r.ctx.Err(); err != nil {
		return 0, Fail("read file", r.path, "file.read", err)
	}
	var n int
	err := ignoringEINTR(func() (err error) { n, err = unix.Read(r.fd, p); return err })
	if err != nil {
		return 0, Fail("read file", fmt.Sprintf("%s, offset %d", r.path, r.done), "file.read", err)
	}
	r.done += int64(n)
	if r.done > r.size || n == 0 && r.done != r.size {
		return 0, failure.New(failure.Transient, "read file", fmt.Sprintf("%s, offset %d", r.path, r.done), "file.changed",
			fmt.Errorf("its length was %d bytes when it was opened", r.size))
	}
	if n == 0 {
		return 0, io.EOF
	}
	return n, nil
}

// Close gives the descriptor back. Closing twice is harmless.
func (r *Reader) Close() error {
	if r.fd < 0 {
		return nil
	}
	fd := r.fd
	r.fd = -1
	return Fail("close file", r.path, "file.close", unix.Close(fd))
}

func ignoringEINTR(f func() error) error {
	for {
		if err := f(); !errors.Is(err, unix.EINTR) {
			return err
		}
	}
}
