package mbox

import (
	"context"
	"errors"
	"io"
	"os"
	"path/filepath"
	"sync"
	"time"

	"waybill/connector"
	"waybill/connector/files"
	"waybill/failure"
	format "waybill/format/mbox"
	"waybill/mail"
)

// sourceMailbox is one user's folders.
type sourceMailbox struct {
	source *source
	user   string
	place  place

	mu      sync.Mutex
	folders map[mail.Path]*folder
	readers sync.Pool // of *format.Reader, for single messages
}

// folder is what is known of one folder's file.
type folder struct {
	node

	mu      sync.Mutex
	index   *index
	indexed identity // the file as it was when the index was made
	dialect format.Dialect
	judged  identity // the file as it was when its dialect was told
}

func (m *sourceMailbox) Close() error { return nil }

func (m *sourceMailbox) Folders(ctx context.Context) ([]mail.Folder, error) {
	if err := alive(ctx, "list folders", m.user); err != nil {
		return nil, err
	}
	nodes, err := scanTree(ctx, m.place.dir, m.place.inbox)
	if err != nil {
		return nil, err
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	known := make(map[mail.Path]*folder, len(nodes))
	list := make([]mail.Folder, 0, len(nodes))
	for _, n := range nodes {
		f := m.folders[n.path]
		if f == nil || f.file != n.file {
			f = &folder{node: n}
		}
		known[n.path] = f
		list = append(list, mail.Folder{Path: n.path, Use: mail.GuessUse(n.path), Container: n.file == "", Notes: n.notes})
	}
	m.folders = known
	return list, nil
}

// folder finds a folder, listing them if need be.
func (m *sourceMailbox) folder(ctx context.Context, path mail.Path) (*folder, error) {
	if err := alive(ctx, "open folder", m.user+"/"+string(path)); err != nil {
		return nil, err
	}
	m.mu.Lock()
	f := m.folders[path]
	m.mu.Unlock()
	if f == nil {
		if _, err := m.Folders(ctx); err != nil {
			return nil, err
		}
		m.mu.Lock()
		f = m.folders[path]
		m.mu.Unlock()
	}
	if f == nil {
		return nil, failure.New(failure.Vanished, "open folder", m.user+"/"+string(path), "mbox.no-folder", errors.New("there is no such folder"))
	}
	return f, nil
}

func (m *sourceMailbox) Census(ctx context.Context, path mail.Path, exact bool) (connector.Census, error) {
	f, err := m.folder(ctx, path)
	if err != nil || f.file == "" {
		return connector.Census{}, err
	}
	file, id, err := statFile(f.file)
	if err != nil {
		return connector.Census{}, err
	}
	defer func() { _ = file.Close() }()
	// An append that is not finished, told by its journal, is not listed.
	dir, name := filepath.Split(f.file)
	c := connector.Census{Messages: -1, Bytes: id.size, State: files.State(time.Now(), f.file, filepath.Join(dir, journalName(name)))}
	if !exact {
		return c, nil
	}
	c.Messages, c.Bytes = 0, 0
	reader := format.NewReader(file, id.size, format.Options{Name: f.file})
	for {
		e, err := reader.Next(ctx)
		if errors.Is(err, io.EOF) {
			return c, nil
		}
		if err != nil {
			return connector.Census{}, err
		}
		if e.Kind != format.Internal {
			c.Messages++
		}
		if e.Kind == format.Message {
			c.Bytes += e.Size(false)
		}
	}
}

// unquotes tells whether quoted lines of foreign messages are to be unquoted. The
// file is read for it once, and only when a quoted line was met.
func (m *sourceMailbox) unquotes(ctx context.Context, f *folder, file *os.File, id identity) (bool, format.Dialect, error) {
	switch m.source.quoting {
	case quotingRD:
		return true, format.MBoxRD, nil
	case quotingStored:
		return false, format.MBoxO, nil
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.judged != id || f.dialect == "" {
		stats, err := format.Detect(ctx, file, id.size, f.file)
		if err != nil {
			return false, "", err
		}
		f.dialect, f.judged = stats.Dialect(), id
	}
	return f.dialect == format.MBoxRD, f.dialect, nil
}
