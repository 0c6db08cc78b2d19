package foldertree

import (
	"context"
	"errors"
	"iter"
	"path/filepath"
	"sync"

	"waybill/connector/files"
	"waybill/directory"
	"waybill/failure"
	"waybill/mail"
)

// Source is what sources over trees share: users and their directories.
// Connectors embed it.
type Source struct {
	Format *Format
	Dir    string
	// Single is set when Dir is itself the directory of one user, called Only, and
	// does not hold one directory for each user.
	Single bool
	Only   string
}

// NameOf is the user whose directory dir is, by its name.
func NameOf(dir string) string {
	if whole, err := filepath.Abs(dir); err == nil {
		dir = whole
	}
	id, _ := files.UnescapeName(filepath.Base(dir))
	return id
}

func (s *Source) accounts() files.Accounts {
	return files.Accounts{Dir: s.Dir, System: s.Format.System}
}

// Close does nothing: no file stays open.
func (s *Source) Close() error { return nil }

// Book is empty: files know no contacts and no distribution lists.
func (s *Source) Book(ctx context.Context) (directory.Book, error) {
	return directory.Book{}, files.Fail("read directory", s.Dir, s.Format.rule("book"), ctx.Err())
}

// Users yields the users, ordered by their IDs.
func (s *Source) Users(ctx context.Context) iter.Seq2[directory.User, error] {
	if !s.Single {
		return s.accounts().Users(ctx, func(files.UserDir) error { return nil })
	}
	return func(yield func(directory.User, error) bool) {
		if err := ctx.Err(); err != nil {
			yield(directory.User{}, files.Fail("list users", s.Dir, s.Format.rule("users"), err))
			return
		}
		yield(directory.User{ID: s.Only}, nil)
	}
}

// Root finds a user's directory. No such user is an error of class Vanished.
func (s *Source) Root(ctx context.Context, user string) (string, error) {
	if err := ctx.Err(); err != nil {
		return "", files.Fail("open mailbox", user, s.Format.rule("mailbox"), err)
	}
	if !s.Single {
		name, err := s.accounts().Find(ctx, user)
		return filepath.Join(s.Dir, name), err
	}
	if user != s.Only {
		return "", failure.New(failure.Vanished, "open mailbox", s.Dir+", user "+files.Printable(user), s.Format.rule("no-user"),
			errors.New("the messages are those of "+s.Only))
	}
	return s.Dir, nil
}

// SourceBox finds the folders of one user's tree. Connectors embed it.
type SourceBox struct {
	Format *Format
	Root   string
	// Flat is set when Root is one folder, the inbox, whatever directories it has.
	Flat bool

	mu     sync.Mutex
	layout *layout
}

// Close does nothing: no file stays open.
func (b *SourceBox) Close() error { return nil }

func (b *SourceBox) read(ctx context.Context) (*layout, error) {
	if b.Flat {
		return inboxOnly(b.Format, b.Root), files.Fail("list folders", b.Root, b.Format.rule("folders"), ctx.Err())
	}
	return readLayout(ctx, b.Format, b.Root)
}

// Folders lists the folders anew.
func (b *SourceBox) Folders(ctx context.Context) ([]mail.Folder, error) {
	l, err := b.read(ctx)
	if err != nil {
		return nil, err
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	b.layout = l
	return l.list(), nil
}

// Folder finds a folder among those that were listed, and lists them first where
// nobody did. No such folder is an error of class Vanished.
func (b *SourceBox) Folder(ctx context.Context, path mail.Path) (Folder, error) {
	if err := ctx.Err(); err != nil {
		return Folder{}, files.Fail("open folder", string(path), b.Format.rule("folder"), err)
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.layout == nil {
		l, err := b.read(ctx)
		if err != nil {
			return Folder{}, err
		}
		b.layout = l
	}
	return b.layout.find(path)
}
