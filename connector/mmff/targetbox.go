package mmff

import (
	"context"
	"errors"
	"io"
	"path/filepath"
	"slices"
	"strings"
	"sync"

	"waybill/connector"
	"waybill/connector/files"
	"waybill/failure"
	"waybill/mail"
)

// targetBox writes one account's tree.
type targetBox struct {
	root *files.Dir
	now  clock
	form form

	mu      sync.Mutex
	shelves map[mail.Path]*shelf
}

// shelf is a folder that is being written.
type shelf struct {
	dir   string
	parts []string

	order files.Order
}

// maxShelves bounds what is remembered of folders that were written earlier.
const maxShelves = 4

func (b *targetBox) Close() error { return b.root.Close() }

func (b *targetBox) Folders(ctx context.Context) ([]mail.Folder, error) {
	l, err := readLayout(ctx, b.root.Path())
	if err != nil {
		return nil, err
	}
	return l.list(), nil
}

// shelf finds a folder that is there.
func (b *targetBox) shelf(ctx context.Context, path mail.Path) (*shelf, error) {
	if err := ctx.Err(); err != nil {
		return nil, files.Fail("open folder", string(path), "mmff.folder", err)
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	if s, ok := b.shelves[path]; ok {
		return s, nil
	}
	l, err := readLayout(ctx, b.root.Path())
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
	s := &shelf{dir: f.dir, parts: f.parts}
	b.shelves[path] = s
	return s, nil
}

func (b *targetBox) CreateFolder(ctx context.Context, f mail.Folder) error {
	if err := ctx.Err(); err != nil {
		return files.Fail("create folder", string(f.Path), "mmff.create-folder", err)
	}
	names := f.Path.Names()
	if len(names) == 0 || slices.Contains(names, "") {
		return failure.New(failure.Usage, "create folder", b.root.Path(), "mmff.folder-name", errors.New("a folder needs a name"))
	}
	if _, err := b.shelf(ctx, f.Path); err == nil || failure.ClassOf(err) != failure.Vanished {
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

func (b *targetBox) DeleteFolder(ctx context.Context, path mail.Path) error {
	s, err := b.shelf(ctx, path)
	if err != nil {
		return err
	}
	if len(s.parts) == 0 || path == mail.Inbox {
		return failure.New(failure.Usage, "delete folder", s.dir, "mmff.inbox", errors.New("a mailbox keeps its inbox"))
	}
	names, err := files.Names(ctx, s.dir)
	if err != nil {
		return err
	}
	for _, name := range names {
		if !strings.HasPrefix(name, ".") {
			return failure.New(failure.Conflict, "delete folder", filepath.Join(s.dir, name), "mmff.not-empty", errors.New("the folder is not empty"))
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

func (b *targetBox) Open(ctx context.Context, path mail.Path, id string) (connector.Stored, io.ReadCloser, error) {
	s, err := b.shelf(ctx, path)
	if err != nil {
		return connector.Stored{}, nil, err
	}
	if !isDelivery(id) {
		return connector.Stored{}, nil, noMessage(s.dir, id)
	}
	f, err := openFile(ctx, filepath.Join(s.dir, id))
	if err != nil {
		return connector.Stored{}, nil, err
	}
	r, err := f.open(ctx, b.form, 0, 1)
	if err != nil {
		_ = f.Close()
		return connector.Stored{}, nil, err
	}
	return connector.Stored{ID: id, Size: -1}, r, nil
}

// SetFlags refuses: the format has none.
func (b *targetBox) SetFlags(ctx context.Context, path mail.Path, id string, was, want mail.FlagSet) error {
	s, err := b.shelf(ctx, path)
	if err != nil {
		return err
	}
	if info, err := files.Stat(filepath.Join(s.dir, id)); !isDelivery(id) || err != nil || !info.IsRegular() {
		return noMessage(s.dir, id)
	}
	none := mail.FlagSet{}
	if !was.Equal(none) {
		return failure.New(failure.Conflict, "set flags", filepath.Join(s.dir, id), "mmff.flags-changed", errors.New("the format keeps no flags"))
	}
	if want.Equal(none) {
		return nil
	}
	return failure.New(failure.Unsupported, "set flags", filepath.Join(s.dir, id), "mmff.no-flags", errors.New("the format keeps no flags"))
}

func noMessage(dir, id string) error {
	return failure.New(failure.Vanished, "open message", dir+", message "+files.Printable(id), "mmff.vanished", errors.New("there is no such file"))
}

func (b *targetBox) Remove(ctx context.Context, path mail.Path, id string) error {
	s, err := b.shelf(ctx, path)
	if err != nil {
		return err
	}
	if !isDelivery(id) {
		return noMessage(s.dir, id)
	}
	d, err := b.root.Descend(s.parts...)
	if err != nil {
		return err
	}
	defer func() { _ = d.Close() }()
	if err := d.Remove(id); err != nil {
		return err
	}
	return d.Sync()
}
