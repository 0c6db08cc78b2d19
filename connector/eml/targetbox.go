package eml

import (
	"context"
	"errors"
	"io"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"time"

	"waybill/connector"
	"waybill/connector/files"
	"waybill/failure"
	"waybill/mail"
)

// targetBox writes one account's tree.
type targetBox struct {
	root *files.Dir
	now  clock

	mu      sync.Mutex
	shelves map[mail.Path]*shelf
}

// shelf is a folder that is being written.
type shelf struct {
	dir   string
	parts []string

	order files.Order

	mu    sync.Mutex
	facts *facts
	size  int64     // of the sidecar when it was read
	time  time.Time // of its last change then
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
		return nil, files.Fail("open folder", string(path), "eml.folder", err)
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
		return files.Fail("create folder", string(f.Path), "eml.create-folder", err)
	}
	names := f.Path.Names()
	if len(names) == 0 || slices.Contains(names, "") {
		return failure.New(failure.Usage, "create folder", b.root.Path(), "eml.folder-name", errors.New("a folder needs a name"))
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
		return failure.New(failure.Usage, "delete folder", s.dir, "eml.inbox", errors.New("a mailbox keeps its inbox"))
	}
	names, err := files.Names(ctx, s.dir)
	if err != nil {
		return err
	}
	for _, name := range names {
		if name != sidecarName {
			return failure.New(failure.Conflict, "delete folder", filepath.Join(s.dir, name), "eml.not-empty", errors.New("the folder is not empty"))
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

// known returns the folder's facts, read again when its sidecar changed. The
// caller holds s.mu.
func (s *shelf) read(ctx context.Context) (*facts, error) {
	info, err := files.Stat(filepath.Join(s.dir, sidecarName))
	if err != nil && failure.ClassOf(err) != failure.Vanished {
		return nil, err
	}
	if s.facts != nil && info.Size == s.size && info.ModTime.Equal(s.time) {
		return s.facts, nil
	}
	fs, err := readFacts(ctx, s.dir)
	if err != nil {
		return nil, err
	}
	s.facts, s.size, s.time = fs, info.Size, info.ModTime
	return fs, nil
}

// write adds lines to the sidecar and to what is known. The caller holds s.mu
// and has called read.
func (s *shelf) write(d *files.Dir, lines []line) error {
	if err := appendLines(d, s.facts.whole, lines); err != nil {
		s.facts = nil
		return err
	}
	s.facts.whole = true
	for _, l := range lines {
		s.facts.set(l)
	}
	info, err := files.Stat(filepath.Join(s.dir, sidecarName))
	s.size, s.time = info.Size, info.ModTime
	return err
}

// stored describes a message that is there. The caller holds s.mu.
func (s *shelf) stored(ctx context.Context, id string, size int64, modTime time.Time) (connector.Stored, error) {
	fs, err := s.read(ctx)
	if err != nil {
		return connector.Stored{}, err
	}
	date, set, ok := fs.get(id)
	if !ok {
		date = time.Unix(modTime.Unix(), 0).UTC()
	}
	return connector.Stored{ID: id, Size: size, InternalDate: date, Flags: set}, nil
}

func (b *targetBox) Open(ctx context.Context, path mail.Path, id string) (connector.Stored, io.ReadCloser, error) {
	s, err := b.shelf(ctx, path)
	if err != nil {
		return connector.Stored{}, nil, err
	}
	r, err := openMessage(ctx, s.dir, id)
	if err != nil {
		return connector.Stored{}, nil, err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	stored, err := s.stored(ctx, id, r.Size(), r.ModTime())
	if err != nil {
		_ = r.Close()
		return connector.Stored{}, nil, err
	}
	return stored, r, nil
}

// SetFlags writes a new line about the message, provided that the last one says
// what was expected.
func (b *targetBox) SetFlags(ctx context.Context, path mail.Path, id string, was, want mail.FlagSet) error {
	s, err := b.shelf(ctx, path)
	if err != nil {
		return err
	}
	r, err := openMessage(ctx, s.dir, id)
	if err != nil {
		return err
	}
	if err := r.Close(); err != nil {
		return err
	}
	d, err := b.root.Descend(s.parts...)
	if err != nil {
		return err
	}
	defer func() { _ = d.Close() }()
	s.mu.Lock()
	defer s.mu.Unlock()
	have, err := s.stored(ctx, id, r.Size(), r.ModTime())
	if err != nil {
		return err
	}
	if !have.Flags.Equal(was) {
		return failure.New(failure.Conflict, "set flags", d.Join(id), "eml.flags-changed", errors.New("the flags are "+have.Flags.String()))
	}
	return s.write(d, []line{newLine(id, have.InternalDate, want)})
}

func (b *targetBox) Remove(ctx context.Context, path mail.Path, id string) error {
	s, err := b.shelf(ctx, path)
	if err != nil {
		return err
	}
	if !isMessage(id) || strings.ContainsAny(id, "/\\\x00") {
		return failure.New(failure.Vanished, "remove message", s.dir+", message "+files.Printable(id), "eml.vanished", errors.New("there is no such file"))
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
