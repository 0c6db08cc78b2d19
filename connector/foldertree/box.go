package foldertree

import (
	"context"
	"errors"
	"path/filepath"
	"slices"
	"sync"
	"time"

	"waybill/connector"
	"waybill/connector/files"
	"waybill/failure"
	"waybill/mail"
)

// Keeper knows what one folder's files hold, and how messages get into them.
type Keeper interface {
	// Pack begins a batch.
	Pack() Packer
	// Describe writes down what the files of a batch do not hold themselves. Their
	// names, in the order of items, are not there yet, their bytes are durable.
	Describe(ctx context.Context, dir *files.Dir, names []string, items []connector.Item) error
	// Stored describes the file of a message.
	Stored(ctx context.Context, id string, info files.Info) (connector.Stored, error)
}

// TargetBox writes one account's tree. Connectors embed it. It is safe for use by
// several goroutines that write to different folders.
type TargetBox[K Keeper] struct {
	format *Format
	root   *files.Dir
	now    func() time.Time
	keeper func(dir string) K

	mu      sync.Mutex
	shelves map[mail.Path]*Shelf[K]
}

// NewTargetBox returns the box of the account whose directory is root, which is
// the box's from then on. keeper makes the Keeper of the folder in dir; it is
// called again for a folder that was not written to for a while.
func NewTargetBox[K Keeper](format *Format, root *files.Dir, now func() time.Time, keeper func(dir string) K) *TargetBox[K] {
	return &TargetBox[K]{format: format, root: root, now: now, keeper: keeper, shelves: map[mail.Path]*Shelf[K]{}}
}

// Shelf is a folder that is being written.
type Shelf[K Keeper] struct {
	Dir    string
	Keeper K

	format *Format
	parts  []string
	order  files.Order
}

// maxShelves bounds what is remembered of folders that were written earlier.
const maxShelves = 4

// Close closes the account's directory.
func (b *TargetBox[K]) Close() error { return b.root.Close() }

// Folders lists the folders that are there.
func (b *TargetBox[K]) Folders(ctx context.Context) ([]mail.Folder, error) {
	l, err := readLayout(ctx, b.format, b.root.Path())
	if err != nil {
		return nil, err
	}
	return l.list(), nil
}

// Shelf finds a folder that is there.
func (b *TargetBox[K]) Shelf(ctx context.Context, path mail.Path) (*Shelf[K], error) {
	if err := ctx.Err(); err != nil {
		return nil, files.Fail("open folder", string(path), b.format.rule("folder"), err)
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	if s, ok := b.shelves[path]; ok {
		return s, nil
	}
	l, err := readLayout(ctx, b.format, b.root.Path())
	if err != nil {
		return nil, err
	}
	f, err := l.find(path)
	if err != nil {
		return nil, err
	}
	if len(b.shelves) >= maxShelves {
		clear(b.shelves)
	}
	s := &Shelf[K]{Dir: f.Dir, Keeper: b.keeper(f.Dir), format: b.format, parts: f.parts}
	b.shelves[path] = s
	return s, nil
}

// OpenDir opens a folder's directory for writing. The caller closes it.
func (b *TargetBox[K]) OpenDir(s *Shelf[K]) (*files.Dir, error) { return b.root.Descend(s.parts...) }

// CreateFolder makes a folder's directory, and those above it. One that is there
// already is left as it is.
func (b *TargetBox[K]) CreateFolder(ctx context.Context, f mail.Folder) error {
	if err := ctx.Err(); err != nil {
		return files.Fail("create folder", string(f.Path), b.format.rule("create-folder"), err)
	}
	names := f.Path.Names()
	if len(names) == 0 || slices.Contains(names, "") {
		return failure.New(failure.Usage, "create folder", b.root.Path(), b.format.rule("folder-name"), errors.New("a folder needs a name"))
	}
	if _, err := b.Shelf(ctx, f.Path); err == nil || failure.ClassOf(err) != failure.Vanished {
		return err
	}
	parts := elements(names)
	for i, part := range parts {
		d, err := b.root.Descend(parts[:i]...)
		if err != nil {
			return err
		}
		made, err := d.Mkdir(part)
		if err == nil && made {
			err = d.Sync()
		}
		_ = d.Close()
		if err != nil {
			return err
		}
	}
	return nil
}

// DeleteFolder removes a folder that holds no messages and no folders.
func (b *TargetBox[K]) DeleteFolder(ctx context.Context, path mail.Path) error {
	s, err := b.Shelf(ctx, path)
	if err != nil {
		return err
	}
	if len(s.parts) == 0 || path == mail.Inbox {
		return failure.New(failure.Usage, "delete folder", s.Dir, b.format.rule("inbox"), errors.New("a mailbox keeps its inbox"))
	}
	names, err := files.Names(ctx, s.Dir)
	if err != nil {
		return err
	}
	for _, name := range names {
		if !b.format.Kept(name) {
			return failure.New(failure.Conflict, "delete folder", filepath.Join(s.Dir, name), b.format.rule("not-empty"), errors.New("the folder is not empty"))
		}
	}
	d, err := b.root.Descend(s.parts[:len(s.parts)-1]...)
	if err != nil {
		return err
	}
	defer func() { _ = d.Close() }()
	if err := d.RemoveAll(s.parts[len(s.parts)-1]); err != nil {
		return err
	}
	b.mu.Lock()
	delete(b.shelves, path)
	b.mu.Unlock()
	return d.Sync()
}

// Missing says that a folder has no message under that name.
func (s *Shelf[K]) Missing(op, id string) error {
	return failure.New(failure.Vanished, op, s.Dir+", message "+files.Printable(id), s.format.rule("vanished"), errors.New("there is no such file"))
}

// Remove removes a message's file.
func (b *TargetBox[K]) Remove(ctx context.Context, path mail.Path, id string) error {
	s, err := b.Shelf(ctx, path)
	if err != nil {
		return err
	}
	if !Inside(id) || !b.format.Shown(id) {
		return s.Missing("remove message", id)
	}
	d, err := b.OpenDir(s)
	if err != nil {
		return err
	}
	defer func() { _ = d.Close() }()
	if err := d.Remove(id); err != nil {
		return err
	}
	return d.Sync()
}
