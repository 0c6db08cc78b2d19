//go:build !unix

package files

import (
	"context"
	"errors"
	"io"
	"io/fs"
	"os"
	"path/filepath"
)

// Scan reads a directory. It must be closed.
type Scan struct {
	f    *os.File
	path string
}

// OpenScan opens a directory for listing. A symlink to one is followed.
func OpenScan(path string) (*Scan, error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, Fail("list directory", path, "dir.list", err)
	}
	return &Scan{f: f, path: path}, nil
}

// Each calls f with every name in the directory, in no order. The bytes are
// f's only until it returns.
func (s *Scan) Each(ctx context.Context, f func(name []byte) error) error {
	if _, err := s.f.Seek(0, io.SeekStart); err != nil {
		return Fail("list directory", s.path, "dir.list", err)
	}
	for {
		if err := ctx.Err(); err != nil {
			return Fail("list directory", s.path, "dir.list", err)
		}
		names, err := s.f.Readdirnames(1024)
		for _, name := range names {
			if err := f([]byte(name)); err != nil {
				return Fail("list directory", s.path, "dir.list", err)
			}
		}
		if errors.Is(err, io.EOF) {
			return nil
		}
		if err != nil {
			return Fail("list directory", s.path, "dir.list", err)
		}
	}
}

// Stat describes a file in the directory; symlinks are followed.
func (s *Scan) Stat(name string) (Info, error) { return Stat(filepath.Join(s.path, name)) }

// Close gives the handle back.
func (s *Scan) Close() error { return s.f.Close() }

// Stat describes a file or directory; symlinks are followed.
func Stat(path string) (Info, error) {
	fi, err := os.Stat(path)
	if err != nil {
		return Info{}, Fail("look at file", path, "file.stat", err)
	}
	info := Info{Size: fi.Size(), ModTime: fi.ModTime(), ChangeTime: fi.ModTime()}
	switch {
	case fi.IsDir():
		info.Type = fs.ModeDir
	case !fi.Mode().IsRegular():
		info.Type = fs.ModeIrregular
	}
	return info, nil
}
