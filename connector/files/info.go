package files

import (
	"io/fs"
	"time"
)

// Info describes a file.
type Info struct {
	Size    int64
	ModTime time.Time
	// ChangeTime is when anything about the file last changed; it is ModTime
	// where the system does not tell.
	ChangeTime time.Time
	// Inode is 0 where the system does not tell.
	Inode uint64
	// Type is 0 for a regular file, fs.ModeDir for a directory, and
	// fs.ModeIrregular for everything else.
	Type fs.FileMode
}

// IsRegular reports whether it is a regular file.
func (i Info) IsRegular() bool { return i.Type == 0 }

// IsDir reports whether it is a directory.
func (i Info) IsDir() bool { return i.Type == fs.ModeDir }

// IsDir reports whether path is a directory, or a symlink to one.
func IsDir(path string) bool {
	info, err := Stat(path)
	return err == nil && info.IsDir()
}
