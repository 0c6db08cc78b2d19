package mbox

import (
	"context"
	"errors"
	"io"
	"os"
	"strings"
	"sync"

	"waybill/connector/files"
	"waybill/failure"
	format "waybill/format/mbox"
	"waybill/mail"
)

// targetMailbox is an account's directory.
type targetMailbox struct {
	account string
	dir     *files.Dir
	// writing is held while this mailbox writes a file. A reader that meets a
	// journal then knows that it belongs to an append under way, not to one that
	// was cut off.
	writing sync.Mutex
}

func (m *targetMailbox) Close() error { return m.dir.Close() }

func (m *targetMailbox) where(folder mail.Path) string { return m.account + "/" + string(folder) }

func (m *targetMailbox) Folders(ctx context.Context) ([]mail.Folder, error) {
	if err := alive(ctx, "list folders", m.account); err != nil {
		return nil, err
	}
	nodes, err := scanTree(ctx, m.dir.Path(), "")
	if err != nil {
		return nil, err
	}
	list := make([]mail.Folder, len(nodes))
	for i, n := range nodes {
		list[i] = mail.Folder{Path: n.path, Use: mail.GuessUse(n.path), Container: n.file == "", Notes: n.notes}
	}
	return list, nil
}

// elements are the path elements of a folder's file; the last has no ending yet.
func (m *targetMailbox) elements(folder mail.Path) ([]string, error) {
	stored, file, _ := storedName(folder, 0)
	if folder == "" || stored != folder {
		return nil, failure.New(failure.Usage, "open folder", m.where(folder), "mbox.folder-name", errors.New("no folder here can have that name"))
	}
	return strings.Split(strings.TrimSuffix(file, suffix), "/"), nil
}

// parent opens the directory that a folder's file is in, and makes it when asked.
func (m *targetMailbox) parent(elements []string, create bool) (*files.Dir, error) {
	at, err := files.OpenDir(m.dir.Path())
	if err != nil {
		return nil, err
	}
	for _, e := range elements {
		made := false
		if create {
			made, err = at.Mkdir(e)
		}
		if made && err == nil {
			err = at.Sync()
		}
		var next *files.Dir
		if err == nil {
			next, err = at.Open(e)
		}
		_ = at.Close()
		if err != nil {
			return nil, err
		}
		at = next
	}
	return at, nil
}

func (m *targetMailbox) CreateFolder(ctx context.Context, f mail.Folder) error {
	if err := alive(ctx, "create folder", m.where(f.Path)); err != nil {
		return err
	}
	elements, err := m.elements(f.Path)
	if err != nil {
		return err
	}
	last := len(elements) - 1
	if f.Container {
		last++
	}
	dir, err := m.parent(elements[:last], true)
	if err != nil {
		return err
	}
	defer func() { _ = dir.Close() }()
	if f.Container {
		return nil
	}
	name := elements[last] + suffix
	if fi, err := dir.Lstat(name); err == nil {
		if !fi.Mode().IsRegular() {
			return files.NotRegular(dir.Join(name))
		}
		return nil
	}
	return makeFile(dir, name)
}

// DeleteFolder removes the folder's file, and its directory if nothing is in it.
func (m *targetMailbox) DeleteFolder(ctx context.Context, folder mail.Path) error {
	b, err := m.open(ctx, folder, true)
	if err != nil {
		return err
	}
	defer b.close()
	reader := format.NewReader(b.file, b.size, format.Options{Name: b.path})
	if _, err := reader.Next(ctx); err == nil {
		return failure.New(failure.Conflict, "delete folder", m.where(folder), "mbox.not-empty", errors.New("there is mail in the folder"))
	} else if !errors.Is(err, io.EOF) {
		return err
	}
	if err := b.dir.Remove(b.name); err != nil {
		return err
	}
	children := strings.TrimSuffix(b.name, suffix)
	if _, err := b.dir.Lstat(children); err == nil {
		// Fails, as it should, when there are subfolders.
		_ = b.dir.Remove(children)
	}
	return b.dir.Sync()
}

// box is an open folder.
type box struct {
	dir  *files.Dir
	name string
	path string
	file *os.File
	size int64
	node uint64

	release func() // of a writer; nil for readers
}

func (b *box) close() {
	_ = b.file.Close()
	_ = b.dir.Close()
	if b.release != nil {
		b.release()
	}
}

// open opens a folder's file. For writing it is locked first. What an append that
// was cut off has left behind is cleared away in both cases; for that the file is
// locked too.
func (m *targetMailbox) open(ctx context.Context, folder mail.Path, write bool) (*box, error) {
	if err := alive(ctx, "open folder", m.where(folder)); err != nil {
		return nil, err
	}
	elements, err := m.elements(folder)
	if err != nil {
		return nil, err
	}
	last := len(elements) - 1
	dir, err := m.parent(elements[:last], false)
	if err != nil {
		return nil, err
	}
	b := &box{dir: dir, name: elements[last] + suffix}
	b.path = dir.Join(b.name)
	idle := true
	if write {
		m.writing.Lock()
		b.release = m.writing.Unlock
	} else if idle = m.writing.TryLock(); idle {
		defer m.writing.Unlock()
	}
	if err := b.openFile(ctx, write, idle); err != nil {
		if b.release != nil {
			b.release()
		}
		_ = dir.Close()
		return nil, err
	}
	return b, nil
}

// openFile opens the file; idle says that this mailbox writes no file just now,
// so that a journal is one that was left behind.
func (b *box) openFile(ctx context.Context, write, idle bool) error {
	fi, err := b.dir.Lstat(b.name)
	if err != nil {
		return err
	}
	if !fi.Mode().IsRegular() {
		return files.NotRegular(b.path)
	}
	cut, err := b.hasJournal()
	if err != nil {
		return err
	}
	// os.Root refuses symlinks that lead out of the directory.
	root, err := os.OpenRoot(b.dir.Path())
	if err != nil {
		return files.Fail("open mbox", b.path, "mbox.open", err)
	}
	defer func() { _ = root.Close() }()
	mode := os.O_RDONLY
	if write || cut && idle {
		mode = os.O_RDWR
	}
	if b.file, err = root.OpenFile(b.name, mode, 0); err != nil {
		return files.Fail("open mbox", b.path, "mbox.open", err)
	}
	if mode == os.O_RDWR {
		err = lock(b.file)
	}
	if err == nil && mode == os.O_RDWR {
		err = b.recover(ctx)
	}
	if err == nil {
		err = b.stat()
	}
	if err != nil {
		_ = b.file.Close()
	}
	return err
}

func (b *box) stat() error {
	fi, err := b.file.Stat()
	if err != nil {
		return files.Fail("look at mbox", b.path, "mbox.open", err)
	}
	b.size, b.node = fi.Size(), inode(fi)
	return nil
}
