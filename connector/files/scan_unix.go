//go:build unix

package files

import (
	"context"
	"errors"
	"io/fs"
	"time"

	"golang.org/x/sys/unix"
)

// Scan reads a directory without changing its access time where the system
// lets us. It must be closed.
type Scan struct {
	fd   int
	path string
}

// OpenScan opens a directory for listing. A symlink to one is followed.
func OpenScan(path string) (*Scan, error) {
	const flags = unix.O_RDONLY | unix.O_DIRECTORY | unix.O_CLOEXEC
	var fd int
	open := func(extra int) error {
		return ignoringEINTR(func() (err error) { fd, err = unix.Open(path, flags|extra, 0); return err })
	}
	err := open(noAtime)
	if noAtime != 0 && errors.Is(err, unix.EPERM) {
		err = open(0)
	}
	if err != nil {
		return nil, Fail("list directory", path, "dir.list", err)
	}
	return &Scan{fd: fd, path: path}, nil
}

// Each calls f with every name in the directory, in no order. The bytes are
// f's only until it returns.
func (s *Scan) Each(ctx context.Context, f func(name []byte) error) error {
	if _, err := unix.Seek(s.fd, 0, 0); err != nil {
		return Fail("list directory", s.path, "dir.list", err)
	}
	// The first piece is small: many a caller wants no more than the first name,
	// and many a directory has no more.
	buf := make([]byte, 2<<10)
	for {
		if err := ctx.Err(); err != nil {
			return Fail("list directory", s.path, "dir.list", err)
		}
		var n int
		err := ignoringEINTR(func() (err error) { n, err = readNames(s.fd, buf, f); return err })
		if err != nil {
			return Fail("list directory", s.path, "dir.list", err)
		}
		if n == 0 {
			return nil
		}
		if len(buf) < 64<<10 {
			buf = make([]byte, 64<<10)
		}
	}
}

// Stat describes a file in the directory; symlinks are followed.
func (s *Scan) Stat(name string) (Info, error) {
	var st unix.Stat_t
	err := ignoringEINTR(func() error { return unix.Fstatat(s.fd, name, &st, 0) })
	if err != nil {
		return Info{}, Fail("look at file", s.path+"/"+name, "file.stat", err)
	}
	return infoOf(&st), nil
}

// Close gives the descriptor back.
func (s *Scan) Close() error { return Fail("close directory", s.path, "dir.close", unix.Close(s.fd)) }

// Stat describes a file or directory; symlinks are followed.
func Stat(path string) (Info, error) {
	var st unix.Stat_t
	if err := ignoringEINTR(func() error { return unix.Stat(path, &st) }); err != nil {
		return Info{}, Fail("look at file", path, "file.stat", err)
	}
	return infoOf(&st), nil
}

func infoOf(st *unix.Stat_t) Info {
	info := Info{Size: st.Size, ModTime: time.Unix(st.Mtim.Unix()), ChangeTime: time.Unix(st.Ctim.Unix()), Inode: st.Ino}
	switch st.Mode & unix.S_IFMT {
	case unix.S_IFREG:
	case unix.S_IFDIR:
		info.Type = fs.ModeDir
	default:
		info.Type = fs.ModeIrregular
	}
	return info
}
