package dos

import (
	"errors"
	"fmt"
	"io/fs"
	"path"
	"slices"
	"strings"
	"sync"

	"waybill/failure"
)

// maxEntries bounds the entries of one directory: a postoffice has at most some
// hundred thousand messages in each of 16 directories.
const maxEntries = 4_000_000

// Tree opens files of a directory tree without regard to letter case, as MS-DOS
// did: some servers keep lower-case names (KB Q132059). It never writes, and it
// neither follows symbolic links nor opens anything but files and directories.
//
// Directories are listed once and remembered, so a Tree shows the names as they
// were when each was first asked for. Its methods may be called from several
// goroutines.
type Tree struct {
	fsys fs.FS
	mu   sync.Mutex
	dirs map[string]*directory
}

type directory struct {
	once    sync.Once
	entries []Entry
	byName  map[string]int // upper case name to index
	err     error
}

// Entry is one name in a directory.
type Entry struct {
	Name string // as it is on disk
	Dir  bool
	// Other marks what is neither a file nor a directory: a symbolic link, a device.
	Other bool
	// Twin marks a name that differs from an earlier one in letter case only; it
	// cannot be opened.
	Twin bool
}

// NewTree looks at fsys.
func NewTree(fsys fs.FS) *Tree {
	return &Tree{fsys: fsys, dirs: map[string]*directory{}}
}

// List gives the entries of a directory, sorted by their names in upper case. A
// directory that does not exist has none.
func (t *Tree) List(dir string) ([]Entry, error) {
	real, err := t.Resolve(dir)
	if err != nil {
		if errors.Is(err, fs.ErrNotExist) {
			return nil, nil
		}
		return nil, err
	}
	d := t.read(real)
	return d.entries, d.err
}

func (t *Tree) read(real string) *directory {
	t.mu.Lock()
	d := t.dirs[real]
	if d == nil {
		d = &directory{}
		t.dirs[real] = d
	}
	t.mu.Unlock()
	d.once.Do(func() { d.fill(t.fsys, real) })
	return d
}

func (d *directory) fill(fsys fs.FS, real string) {
	list, err := fs.ReadDir(fsys, real)
	if err != nil {
		d.err = failure.New(failure.ClassOf(err), "list directory", real, "msmail.list", err)
		return
	}
	if len(list) > maxEntries {
		d.err = failure.New(failure.TooLarge, "list directory", real, "msmail.list", fmt.Errorf("%d entries", len(list)))
		return
	}
	for _, e := range list {
		mode := e.Type()
		d.entries = append(d.entries, Entry{Name: e.Name(), Dir: mode.IsDir(), Other: !mode.IsDir() && !mode.IsRegular()})
	}
	slices.SortFunc(d.entries, func(a, b Entry) int {
		if c := strings.Compare(strings.ToUpper(a.Name), strings.ToUpper(b.Name)); c != 0 {
			return c
		}
		return strings.Compare(a.Name, b.Name)
	})
	d.byName = make(map[string]int, len(d.entries))
	for i := range d.entries {
		key := strings.ToUpper(d.entries[i].Name)
		if _, ok := d.byName[key]; ok {
			d.entries[i].Twin = true
			continue
		}
		d.byName[key] = i
	}
}

// Resolve finds the name on disk of a path whose letter case may differ. An error
// wraps fs.ErrNotExist where nothing has that name, and is of rule "msmail.link"
// where something that is neither file nor directory is in the way.
func (t *Tree) Resolve(name string) (string, error) {
	if name == "" || name == "." {
		return ".", nil
	}
	if !fs.ValidPath(name) {
		return "", failure.New(failure.Malformed, "open", fmt.Sprintf("%.60q", name), "msmail.name", fs.ErrInvalid)
	}
	real := "."
	for part := range strings.SplitSeq(name, "/") {
		d := t.read(real)
		if d.err != nil {
			return "", d.err
		}
		i, ok := d.byName[strings.ToUpper(part)]
		if !ok {
			return "", failure.New(failure.Vanished, "open", name, "msmail.missing", fs.ErrNotExist)
		}
		if d.entries[i].Other {
			return "", failure.New(failure.Denied, "open", path.Join(real, d.entries[i].Name), "msmail.link", fs.ErrInvalid).
				WithRemedy("links and devices in a postoffice are not followed; copy the file that is meant into its place in a copy of the postoffice")
		}
		real = path.Join(real, d.entries[i].Name)
	}
	return real, nil
}

// Open opens a file for reading and tells its size.
func (t *Tree) Open(name string) (fs.File, int64, error) {
	real, err := t.Resolve(name)
	if err != nil {
		return nil, 0, err
	}
	f, err := t.fsys.Open(real)
	if err != nil {
		return nil, 0, failure.New(failure.ClassOf(err), "open", name, "msmail.open", err)
	}
	info, err := f.Stat()
	if err == nil && !info.Mode().IsRegular() {
		err = fs.ErrInvalid
	}
	if err != nil {
		_ = f.Close()
		return nil, 0, failure.New(failure.ClassOf(err), "open", name, "msmail.open", err)
	}
	return f, info.Size(), nil
}

// Exists reports whether there is a file of that name.
func (t *Tree) Exists(name string) bool {
	dir, base := path.Split(name)
	real, err := t.Resolve(strings.TrimSuffix(dir, "/"))
	if err != nil {
		return false
	}
	d := t.read(real)
	i, ok := d.byName[strings.ToUpper(base)]
	return ok && !d.entries[i].Dir && !d.entries[i].Other
}

// Stat tells size and time of a file.
func (t *Tree) Stat(name string) (fs.FileInfo, error) {
	real, err := t.Resolve(name)
	if err != nil {
		return nil, err
	}
	info, err := fs.Stat(t.fsys, real)
	if err != nil {
		return nil, failure.New(failure.ClassOf(err), "look at", name, "msmail.open", err)
	}
	return info, nil
}
