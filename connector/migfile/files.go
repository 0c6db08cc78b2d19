package migfile

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"sync"

	"waybill/failure"
	mf "waybill/format/migfile"
)

// files finds the files of a packing list, whose names may be written in other
// letter case than on disk, and keeps a few secondary files open.
type files struct {
	dir   string
	page  mf.CodePage
	names map[string]string // lower case to the name on disk

	mu   sync.Mutex
	open map[string]*secondary
	// order of use, oldest first
	recent []string
}

type secondary struct {
	*mf.Secondary
	f *os.File
	// users counts who is reading; the file closes when it is out of the cache
	// and nobody reads.
	users int
	stale bool
}

// maxOpen bounds the secondary files that stay open.
const maxOpen = 32

func newFiles(dir string, page mf.CodePage) (*files, error) {
	entries, err := os.ReadDir(dir)
	if err != nil {
		return nil, failure.New(failure.ClassOf(err), "open migration files", dir, "migfile.read", err)
	}
	f := &files{dir: dir, page: page, names: map[string]string{}, open: map[string]*secondary{}}
	for _, e := range entries {
		lower := strings.ToLower(e.Name())
		if _, have := f.names[lower]; !have || e.Name() == lower {
			f.names[lower] = e.Name()
		}
	}
	return f, nil
}

// find gives the name on disk.
func (f *files) find(name string) (string, error) {
	if onDisk, ok := f.names[strings.ToLower(name)]; ok {
		return onDisk, nil
	}
	return "", failure.New(failure.Vanished, "open migration file", filepath.Join(f.dir, name), "migfile.file-missing",
		fmt.Errorf("%s is named and does not exist: %w", name, fs.ErrNotExist)).
		WithRemedy("an extraction that could not write it says nothing; extract again, or copy the file beside the packing list")
}

// primary opens a primary file.
func (f *files) primary(name string) (*os.File, error) {
	file, err := os.Open(filepath.Join(f.dir, name))
	if err != nil {
		return nil, failure.New(failure.ClassOf(err), "open migration file", filepath.Join(f.dir, name), "migfile.read", err)
	}
	return file, nil
}

// acquire opens a secondary file; release gives it back.
func (f *files) acquire(name string) (*secondary, error) {
	onDisk, err := f.find(name)
	if err != nil {
		if e, ok := errors.AsType[*failure.Error](err); ok {
			e.Class = failure.Malformed // the message is here, its content is not
		}
		return nil, err
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	if s := f.open[onDisk]; s != nil {
		s.users++
		return s, nil
	}
	file, err := os.Open(filepath.Join(f.dir, onDisk))
	if err != nil {
		return nil, failure.New(failure.ClassOf(err), "open migration file", filepath.Join(f.dir, onDisk), "migfile.read", err)
	}
	info, err := file.Stat()
	if err != nil {
		_ = file.Close()
		return nil, failure.New(failure.ClassOf(err), "open migration file", filepath.Join(f.dir, onDisk), "migfile.read", err)
	}
	s := &secondary{Secondary: mf.NewSecondary(file, info.Size(), onDisk, f.page), f: file, users: 1}
	f.open[onDisk] = s
	f.recent = append(f.recent, onDisk)
	if len(f.recent) > maxOpen {
		old := f.recent[0]
		f.recent = f.recent[1:]
		f.drop(old)
	}
	return s, nil
}

func (f *files) release(s *secondary) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if s.users--; s.users == 0 && s.stale {
		_ = s.f.Close()
	}
}

// drop takes a file out of the cache; f.mu is held.
func (f *files) drop(name string) {
	s := f.open[name]
	delete(f.open, name)
	if s == nil {
		return
	}
	if s.stale = true; s.users == 0 {
		_ = s.f.Close()
	}
}

// close closes what is open and forgets it; readers that are in use end on their own.
func (f *files) close() {
	f.mu.Lock()
	defer f.mu.Unlock()
	for name := range f.open {
		f.drop(name)
	}
	f.recent = nil
}

func lower(name string) string { return strings.ToLower(name) }

func (f *files) path(name string) string { return filepath.Join(f.dir, name) }
