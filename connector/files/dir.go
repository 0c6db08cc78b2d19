package files

import (
	"errors"
	"io"
	"io/fs"
	"os"
	"runtime"
	"time"

	"waybill/failure"
)

// Modes of what a target makes: mail is its owner's alone.
const (
	DirMode  fs.FileMode = 0o700
	FileMode fs.FileMode = 0o600
)

// Dir is a directory that is written through. Names given to its methods are
// single path elements; a symlink in the place of a file or directory is never
// followed. It may be used from several goroutines and must be closed.
type Dir struct {
	root *os.Root
	self *os.File
	path string
	// owner is set when we may give files to the owner of the directory.
	owner *Owner
}

// Owner is whom new files belong to.
type Owner struct{ UID, GID int }

// OpenDir opens the directory that an operator named. The path itself may lead
// over symlinks; what lies below may not.
func OpenDir(path string) (*Dir, error) {
	root, err := os.OpenRoot(path)
	if err != nil {
		return nil, Fail("open directory", path, "dir.open", err)
	}
	return newDir(root, path)
}

func newDir(root *os.Root, path string) (*Dir, error) {
	self, err := root.Open(".")
	if err != nil {
		_ = root.Close()
		return nil, Fail("open directory", path, "dir.open", err)
	}
	d := &Dir{root: root, self: self, path: path}
	// A program run by root fills the mailboxes of others: what it makes must
	// belong to whoever owns the directory, or its owner could not read it.
	if os.Geteuid() == 0 {
		if fi, err := self.Stat(); err == nil {
			if o := ownerOf(fi); o.UID != 0 || o.GID != 0 {
				d.owner = &o
			}
		}
	}
	return d, nil
}

// Path is the path of the directory, for messages.
func (d *Dir) Path() string { return d.path }

// Join is the path of something in the directory, for messages and readers.
func (d *Dir) Join(name string) string { return d.path + string(os.PathSeparator) + name }

// Open opens a directory inside d. A symlink there is an error of class Denied.
func (d *Dir) Open(name string) (*Dir, error) {
	if err := d.refuseLink(name); err != nil {
		return nil, err
	}
	root, err := d.root.OpenRoot(name)
	if err != nil {
		return nil, Fail("open directory", d.Join(name), "dir.open", err)
	}
	return newDir(root, d.Join(name))
}

// Descend opens the directory that lies below d by the names of parts; without
// parts it is d itself, opened again.
func (d *Dir) Descend(parts ...string) (*Dir, error) {
	at, err := d.Open(".")
	for _, part := range parts {
		if err != nil {
			return nil, err
		}
		above := at
		at, err = above.Open(part)
		_ = above.Close()
	}
	return at, err
}

func (d *Dir) refuseLink(name string) error {
	fi, err := d.root.Lstat(name)
	if err != nil {
		return Fail("open directory", d.Join(name), "dir.open", err)
	}
	if fi.Mode()&fs.ModeSymlink != 0 {
		return failure.New(failure.Denied, "open directory", d.Join(name), "dir.symlink",
			errors.New("it is a symlink, and nothing is written through symlinks")).
			WithRemedy("name the directory that it leads to as the target")
	}
	return nil
}

// Mkdir makes a directory and gives it to the owner of d. One that is there
// already is left as it is; made tells which.
func (d *Dir) Mkdir(name string) (made bool, err error) {
	err = d.root.Mkdir(name, DirMode)
	if errors.Is(err, fs.ErrExist) {
		fi, err := d.root.Lstat(name)
		if err == nil && !fi.IsDir() {
			return false, failure.New(failure.Conflict, "make directory", d.Join(name), "dir.not-a-directory",
				errors.New("something that is not a directory has that name"))
		}
		return false, Fail("make directory", d.Join(name), "dir.make", err)
	}
	if err == nil && d.owner != nil {
		err = d.root.Lchown(name, d.owner.UID, d.owner.GID)
	}
	return err == nil, Fail("make directory", d.Join(name), "dir.make", err)
}

// Lstat describes what has that name, without following a symlink.
func (d *Dir) Lstat(name string) (fs.FileInfo, error) {
	fi, err := d.root.Lstat(name)
	return fi, Fail("look at", d.Join(name), "file.stat", err)
}

// Create makes a file for writing; one that exists already is an error.
func (d *Dir) Create(name string) (*os.File, error) {
	f, err := d.root.OpenFile(name, os.O_WRONLY|os.O_CREATE|os.O_EXCL, FileMode)
	if err != nil {
		return nil, Fail("make file", d.Join(name), "file.create", err)
	}
	return f, d.give(f, name)
}

// Append opens a file for appending, and makes it when it is missing.
func (d *Dir) Append(name string) (*os.File, error) {
	if fi, err := d.root.Lstat(name); err == nil && !fi.Mode().IsRegular() {
		return nil, NotRegular(d.Join(name))
	}
	f, err := d.root.OpenFile(name, os.O_RDWR|os.O_CREATE|os.O_APPEND, FileMode)
	if err != nil {
		return nil, Fail("open file", d.Join(name), "file.create", err)
	}
	return f, d.give(f, name)
}

func (d *Dir) give(f *os.File, name string) error {
	if d.owner == nil {
		return nil
	}
	if err := f.Chown(d.owner.UID, d.owner.GID); err != nil {
		_ = f.Close()
		return Fail("give file to its owner", d.Join(name), "file.chown", err)
	}
	return nil
}

// SetTime sets the time of the last change to a file, to the second.
func (d *Dir) SetTime(name string, t time.Time) error {
	t = time.Unix(t.Unix(), 0)
	return Fail("set time", d.Join(name), "file.time", d.root.Chtimes(name, t, t))
}

// Rename moves a file inside d, which may lie a directory deeper ("tmp/x" to
// "cur/x"). A file that has the new name already is replaced.
func (d *Dir) Rename(from, to string) error {
	return Fail("rename file", d.Join(from), "file.rename", d.root.Rename(from, to))
}

// Remove removes a file or an empty directory.
func (d *Dir) Remove(name string) error {
	return Fail("remove", d.Join(name), "file.remove", d.root.Remove(name))
}

// RemoveAll removes a file or a directory with all that is in it. Symlinks are
// removed, not followed. Nothing there is no error.
func (d *Dir) RemoveAll(name string) error {
	return Fail("remove", d.Join(name), "file.remove", d.root.RemoveAll(name))
}

// Sync makes names in the directory durable: files made, renamed and removed.
func (d *Dir) Sync() error {
	if runtime.GOOS == "windows" { // directories cannot be flushed there, and need not be
		return nil
	}
	return Fail("flush directory", d.path, "dir.sync", d.self.Sync())
}

// WriteFile replaces the file called name with what write writes: either the
// old content or the whole new one is there, whatever happens, and the new one
// is durable when WriteFile returns.
func (d *Dir) WriteFile(name string, write func(io.Writer) error) error {
	temp := ".waybill-" + Token() + ".tmp"
	f, err := d.Create(temp)
	if err != nil {
		return err
	}
	err = write(f)
	if err == nil {
		err = f.Sync()
	}
	if cerr := f.Close(); err == nil {
		err = cerr
	}
	if err == nil {
		err = d.root.Rename(temp, name)
	}
	if err != nil {
		_ = d.root.Remove(temp)
		return Fail("write file", d.Join(name), "file.write", err)
	}
	return d.Sync()
}

// Close gives the directory back.
func (d *Dir) Close() error {
	return Fail("close directory", d.path, "dir.close", errors.Join(d.self.Close(), d.root.Close()))
}
