package pst

import (
	"context"
	"errors"
	"fmt"
	"io"
	"iter"
	"path/filepath"
	"strconv"
	"sync"

	"waybill/connector"
	"waybill/connector/files"
	"waybill/failure"
	format "waybill/format/pst"
	"waybill/format/pst/ndb"
	"waybill/mail"
)

// mailbox reads the files of one user.
type mailbox struct {
	source *source
	owner  owner

	mu       sync.Mutex
	archives []*archive
	// old are files that changed after they were opened. Readers may still hold
	// them.
	old   []*archive
	tree  *tree
	cache cache
}

func openMailbox(ctx context.Context, s *source, o owner) (*mailbox, error) {
	m := &mailbox{source: s, owner: o, archives: make([]*archive, len(o.files))}
	for i, at := range o.files {
		a, err := s.files.lend(ctx, at, s.o)
		if err != nil {
			_ = m.Close()
			return nil, err
		}
		m.archives[i] = a
	}
	return m, nil
}

func (m *mailbox) Close() error {
	m.mu.Lock()
	defer m.mu.Unlock()
	var faults []error
	for _, a := range append(m.old, m.archives...) {
		if a != nil {
			faults = append(faults, m.source.files.giveBack(a))
		}
	}
	m.archives, m.old, m.tree = nil, nil, nil
	return errors.Join(faults...)
}

// current is the tree of folders as the files are now.
func (m *mailbox) current(ctx context.Context) (*tree, error) {
	if err := cancelled(ctx); err != nil {
		return nil, err
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	for i, a := range m.archives {
		if a.changed() == nil {
			continue
		}
		if len(m.old) >= maxFiles {
			return nil, a.changed()
		}
		fresh, err := m.source.files.lend(ctx, a.located, m.source.o)
		if err != nil {
			return nil, err
		}
		m.old, m.archives[i], m.tree = append(m.old, a), fresh, nil
		m.cache.clear()
	}
	if m.tree == nil {
		t, err := readTree(ctx, m.archives, m.source.o)
		if err != nil {
			return nil, err
		}
		m.tree = t
	}
	return m.tree, nil
}

func (m *mailbox) Folders(ctx context.Context) ([]mail.Folder, error) {
	t, err := m.current(ctx)
	if err != nil {
		return nil, err
	}
	list := make([]mail.Folder, len(t.folders))
	for i := range t.folders {
		list[i] = t.folders[i].Folder
	}
	return list, nil
}

// folder finds a folder by its path.
func (m *mailbox) folder(ctx context.Context, path mail.Path) (*folder, error) {
	t, err := m.current(ctx)
	if err != nil {
		return nil, err
	}
	i, ok := t.byPath[path]
	if !ok {
		return nil, failure.New(failure.Vanished, "open folder", m.owner.id+", folder "+string(path), "pst.no-folder", errors.New("there is no such folder"))
	}
	return &t.folders[i], nil
}

// Census counts by the folder's table; what it states is enough without exact.
func (m *mailbox) Census(ctx context.Context, path mail.Path, exact bool) (connector.Census, error) {
	f, err := m.folder(ctx, path)
	if err != nil {
		return connector.Census{}, err
	}
	if f.from == nil {
		return connector.Census{State: "empty"}, nil
	}
	c := connector.Census{Messages: int64(f.at.Items), Bytes: -1, State: f.from.state(m.source.now(), m.source.o)}
	if !exact {
		return c, nil
	}
	c.Messages, c.Bytes = 0, 0
	for e := range listing(ctx, f) {
		if e.key == "" {
			return connector.Census{}, e.err
		}
		c.Messages++
		c.Bytes += max(e.item.Size, 0)
	}
	return c, nil
}

// entry is what stands in a folder: an item, or an error.
type entry struct {
	key  string
	item format.Item
	err  error
}

// maxMissing bounds the entries for items that a folder states and does not have.
const maxMissing = 10_000

// listing yields the items of a folder, hidden ones left out. An entry without a
// key ends it.
//
// A table that cannot be read to its end is no end: what the tree of nodes has in
// the folder follows. What is then still missing of the number that the folder
// states is an entry for each, so that the sum is right.
func listing(ctx context.Context, f *folder) iter.Seq[entry] {
	return func(yield func(entry) bool) {
		a := f.from
		found, broken := 0, error(nil)
		for item, err := range a.Items(ctx, f.at.NID) {
			if c := cancelled(ctx); c != nil {
				yield(entry{err: c})
				return
			}
			switch {
			case item.Associated:
				continue
			case err != nil && item.NID == 0 && failure.ClassOf(err) != failure.Malformed:
				yield(entry{err: a.blame(err)})
				return
			case err != nil && item.NID == 0:
				broken = err
				continue
			}
			found++
			if err != nil {
				err = a.blame(err)
			}
			if !yield(entry{keyOf(item.NID), item, err}) {
				return
			}
		}
		if broken == nil {
			return
		}
		for i := 1; found+i <= f.at.Items || i == 1; i++ {
			what := fmt.Sprintf("an item of the folder cannot be found: it states %d, and %d are there", f.at.Items, found)
			if found >= f.at.Items {
				what = "the table of the folder's items is damaged; the items that the file has in the folder were read"
			}
			last := i == maxMissing
			if last {
				what = fmt.Sprintf("%d further items of the folder cannot be found", f.at.Items-found-i+1)
			}
			err := failure.New(failure.Malformed, "list items", a.path+", folder "+string(f.Path), "pst.items-lost", fmt.Errorf("%s: %w", what, broken)).
				WithRemedy("a search of the file may find more: recover=1")
			if !yield(entry{key: fmt.Sprintf("missing-%d", i), err: err}) || last {
				return
			}
		}
	}
}

func keyOf(nid format.NID) string { return strconv.FormatUint(uint64(nid), 16) }

// nodeOf reads a key.
func nodeOf(key string) (format.NID, bool) {
	n, err := strconv.ParseUint(key, 16, 32)
	nid := format.NID(n)
	return nid, err == nil && nid.Kind() == ndb.KindMessage && keyOf(nid) == key
}

func (m *mailbox) Messages(ctx context.Context, path mail.Path) iter.Seq2[mail.Message, error] {
	return func(yield func(mail.Message, error) bool) {
		f, err := m.folder(ctx, path)
		if err != nil {
			yield(mail.Message{}, err)
			return
		}
		if f.from == nil {
			return
		}
		for e := range listing(ctx, f) {
			l, err := m.present(ctx, f, e)
			switch {
			case e.key == "":
				yield(mail.Message{}, err)
				return
			case err != nil && !yield(mail.Message{Key: e.key, Size: -1}, err):
				return
			case err == nil && !yield(l.listed, nil):
				return
			}
		}
	}
}

// present makes the message of an entry.
func (m *mailbox) present(ctx context.Context, f *folder, e entry) (*letter, error) {
	if e.err != nil {
		return nil, e.err
	}
	l, err := m.make(ctx, f, e.item.NID)
	if err != nil {
		return nil, err
	}
	if l.open != nil {
		m.cache.put(f.from, l)
	}
	return l, nil
}

// make converts one item.
func (m *mailbox) make(ctx context.Context, f *folder, nid format.NID) (*letter, error) {
	k := maker{o: m.source.o, from: f.from, key: m.owner.id + ":" + f.from.label + ":" + keyOf(nid), place: filepath.Base(f.from.path) + " " + nid.String()}
	l, err := k.letter(ctx, nid)
	if err != nil {
		return nil, f.from.blame(err)
	}
	return l, nil
}

func (m *mailbox) Open(ctx context.Context, path mail.Path, msg mail.Message) (io.ReadCloser, error) {
	f, err := m.folder(ctx, path)
	if err != nil {
		return nil, err
	}
	gone := failure.New(failure.Vanished, "open message", m.owner.id+", "+string(path)+" "+files.Printable(msg.Key), "pst.no-message", errors.New("there is no such message"))
	nid, ok := nodeOf(msg.Key)
	if !ok || f.from == nil {
		return nil, gone
	}
	l := m.cache.take(f.from, msg.Key)
	if l == nil {
		l, err = m.make(ctx, f, nid)
	}
	switch {
	case err != nil && failure.RuleOf(err) == "pst.node-missing":
		return nil, gone
	case err != nil:
		return nil, err
	case l.open == nil:
		return nil, failure.New(failure.Unsupported, "open message", m.owner.id+", "+string(path)+" "+msg.Key, RuleLeft, errors.New("the item is left out"))
	}
	return &body{ReadCloser: l.open(ctx), from: f.from}, nil
}

// body is a message that is read. A file that changes meanwhile is an error, and
// not a message of two halves.
type body struct {
	io.ReadCloser
	from *archive
}

func (b *body) Read(p []byte) (int, error) {
	n, err := b.ReadCloser.Read(p)
	if err == nil {
		return n, nil
	}
	if errors.Is(err, io.EOF) {
		if changed := b.from.changed(); changed != nil {
			return n, changed
		}
		return n, io.EOF
	}
	return n, b.from.blame(err)
}
