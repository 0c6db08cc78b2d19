package eml

import (
	"context"
	"errors"
	"io"
	"iter"
	"path/filepath"
	"strings"
	"sync"
	"time"

	"waybill/connector"
	"waybill/connector/files"
	"waybill/directory"
	"waybill/failure"
	"waybill/mail"
)

// source reads a tree of message files.
type source struct {
	loc connector.Location
	dir string
	now clock
	// single is set when the directory is itself one user's.
	single bool
}

func (s *source) Capabilities() connector.Capabilities { return capabilities(s.loc) }
func (s *source) Close() error                         { return nil }
func (s *source) accounts() files.Accounts             { return files.Accounts{Dir: s.dir, System: scheme} }

func (s *source) Book(ctx context.Context) (directory.Book, error) {
	return directory.Book{}, files.Fail("read directory", s.dir, "eml.book", ctx.Err())
}

func (s *source) singleID() string {
	dir, err := filepath.Abs(s.dir)
	if err != nil {
		dir = s.dir
	}
	id, _ := files.UnescapeName(filepath.Base(dir))
	return id
}

func (s *source) Users(ctx context.Context) iter.Seq2[directory.User, error] {
	if !s.single {
		return s.accounts().Users(ctx, func(files.UserDir) error { return nil })
	}
	return func(yield func(directory.User, error) bool) {
		if err := ctx.Err(); err != nil {
			yield(directory.User{}, files.Fail("list users", s.dir, "eml.users", err))
			return
		}
		yield(directory.User{ID: s.singleID()}, nil)
	}
}

func (s *source) Mailbox(ctx context.Context, user string) (connector.SourceMailbox, error) {
	if err := ctx.Err(); err != nil {
		return nil, files.Fail("open mailbox", user, "eml.mailbox", err)
	}
	root := s.dir
	if !s.single {
		name, err := s.accounts().Find(ctx, user)
		if err != nil {
			return nil, err
		}
		root = filepath.Join(s.dir, name)
	} else if user != s.singleID() {
		return nil, failure.New(failure.Vanished, "open mailbox", s.dir+", user "+files.Printable(user), "eml.no-user",
			errors.New("the messages are those of "+s.singleID()))
	}
	return &sourceBox{root: root, now: s.now}, nil
}

// sourceBox reads one user's tree.
type sourceBox struct {
	root string
	now  clock

	mu     sync.Mutex
	layout *layout
}

func (b *sourceBox) Close() error { return nil }

func (b *sourceBox) Folders(ctx context.Context) ([]mail.Folder, error) {
	l, err := readLayout(ctx, b.root)
	if err != nil {
		return nil, err
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	b.layout = l
	return l.list(), nil
}

func (b *sourceBox) folder(ctx context.Context, path mail.Path) (folder, error) {
	if err := ctx.Err(); err != nil {
		return folder{}, files.Fail("open folder", string(path), "eml.folder", err)
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.layout == nil {
		l, err := readLayout(ctx, b.root)
		if err != nil {
			return folder{}, err
		}
		b.layout = l
	}
	return b.layout.find(path)
}

// messageNames lists the message files of a folder, sorted. What is a directory
// is a folder, whatever its name.
func messageNames(ctx context.Context, dir string) ([]string, error) {
	names, err := files.Names(ctx, dir)
	if err != nil {
		return nil, err
	}
	kept := names[:0]
	for _, name := range names {
		if isMessage(name) {
			kept = append(kept, name)
		}
	}
	return kept, nil
}

// Messages lists a folder by the names of its files.
func (b *sourceBox) Messages(ctx context.Context, path mail.Path) iter.Seq2[mail.Message, error] {
	return func(yield func(mail.Message, error) bool) {
		f, err := b.folder(ctx, path)
		if err != nil {
			yield(mail.Message{}, err)
			return
		}
		known, err := readFacts(ctx, f.dir)
		if err != nil {
			yield(mail.Message{}, err)
			return
		}
		names, err := messageNames(ctx, f.dir)
		if err != nil {
			yield(mail.Message{}, err)
			return
		}
		buf := make([]byte, maxHeader)
		for _, name := range names {
			m, err := b.message(ctx, f.dir, name, known, buf)
			switch {
			case err == nil && m.Key == "": // a directory
				continue
			case failure.ClassOf(err) == failure.Vanished && err != nil:
				continue
			case failure.ClassOf(err) == failure.Cancelled && err != nil:
				yield(mail.Message{}, err)
				return
			}
			if !yield(m, err) {
				return
			}
		}
	}
}

func (b *sourceBox) message(ctx context.Context, dir, name string, known *facts, buf []byte) (mail.Message, error) {
	m := mail.Message{Key: name, Size: -1}
	if err := ctx.Err(); err != nil {
		return m, files.Fail("list messages", dir, "eml.list", err)
	}
	path := filepath.Join(dir, name)
	info, err := files.Stat(path)
	if err != nil {
		return m, err
	}
	if info.IsDir() {
		return mail.Message{}, nil
	}
	if !info.IsRegular() {
		return m, files.NotRegular(path)
	}
	m.Size = info.Size
	var ok bool
	if m.InternalDate, m.Flags, ok = known.get(name); ok {
		return m, nil
	}
	r, err := files.Open(ctx, path)
	if err != nil {
		return m, err
	}
	defer func() { _ = r.Close() }()
	header, err := readHeader(r, buf)
	if err != nil {
		return m, err
	}
	if m.InternalDate, ok = headerDate(header); ok {
		m.Notes = []mail.Note{{Kind: "date-from-header", Text: "The message file has no date of arrival; the Date field of its header stands for it."}}
		return m, nil
	}
	m.InternalDate = time.Unix(info.ModTime.Unix(), 0).UTC()
	m.Notes = []mail.Note{{Kind: "date-from-file", Text: "The message file has no date of arrival and no readable Date field; the time of the file stands for it."}}
	return m, nil
}

func (b *sourceBox) Open(ctx context.Context, path mail.Path, m mail.Message) (io.ReadCloser, error) {
	f, err := b.folder(ctx, path)
	if err != nil {
		return nil, err
	}
	r, err := openMessage(ctx, f.dir, m.Key)
	if err != nil {
		return nil, err
	}
	return r, nil
}

// openMessage opens a message file by a key that may have come from anywhere.
func openMessage(ctx context.Context, dir, key string) (*files.Reader, error) {
	if !isMessage(key) || strings.ContainsAny(key, "/\\\x00") {
		return nil, failure.New(failure.Vanished, "open message", dir+", message "+files.Printable(key), "eml.vanished", errors.New("there is no such file"))
	}
	return files.Open(ctx, filepath.Join(dir, key))
}

// Census counts names; sizes are asked for only when it must be exact.
func (b *sourceBox) Census(ctx context.Context, path mail.Path, exact bool) (connector.Census, error) {
	f, err := b.folder(ctx, path)
	if err != nil {
		return connector.Census{}, err
	}
	c := connector.Census{State: b.state(f.dir), Bytes: -1}
	names, err := messageNames(ctx, f.dir)
	if err != nil {
		return connector.Census{}, err
	}
	if !exact {
		c.Messages = int64(len(names))
		return c, nil
	}
	c.Bytes = 0
	for _, name := range names {
		if err := ctx.Err(); err != nil {
			return connector.Census{}, files.Fail("count messages", f.dir, "eml.census", err)
		}
		info, err := files.Stat(filepath.Join(f.dir, name))
		switch {
		case err != nil && failure.ClassOf(err) == failure.Vanished, err == nil && info.IsDir():
			continue
		case err == nil && info.IsRegular():
			c.Bytes += info.Size
		}
		c.Messages++
	}
	return c, nil
}

// state is a word for the times of the folder's directory and sidecar. A file
// that is added, removed or replaced changes the directory; flags change the
// sidecar.
func (b *sourceBox) state(dir string) string {
	return files.State(b.now(), dir, filepath.Join(dir, sidecarName))
}
