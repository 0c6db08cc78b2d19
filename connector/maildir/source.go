package maildir

import (
	"context"
	"errors"
	"iter"
	"path/filepath"

	"waybill/connector"
	"waybill/connector/files"
	"waybill/directory"
	"waybill/failure"
)

// source reads a directory of Maildirs.
type source struct {
	loc connector.Location
	dir string
	opt options
	// single is set when the directory is itself one user's Maildir.
	single bool
}

func (s *source) Capabilities() connector.Capabilities { return capabilities(s.loc) }
func (s *source) Close() error                         { return nil }
func (s *source) accounts() files.Accounts             { return files.Accounts{Dir: s.dir, System: scheme} }

func (s *source) Book(ctx context.Context) (directory.Book, error) {
	return directory.Book{}, files.Fail("read directory", s.dir, "maildir.book", ctx.Err())
}

// Users yields a user for every directory in the system's. One that holds no
// Maildir is an error of that user's, so that nobody is left behind unseen.
func (s *source) Users(ctx context.Context) iter.Seq2[directory.User, error] {
	if !s.single {
		return s.accounts().Users(ctx, func(u files.UserDir) error {
			_, err := userRoot(ctx, filepath.Join(s.dir, u.Name))
			return err
		})
	}
	return func(yield func(directory.User, error) bool) {
		if err := ctx.Err(); err != nil {
			yield(directory.User{}, files.Fail("list users", s.dir, "maildir.users", err))
			return
		}
		yield(directory.User{ID: s.singleID()}, nil)
	}
}

func (s *source) singleID() string {
	dir, err := filepath.Abs(s.dir)
	if err != nil {
		dir = s.dir
	}
	name := filepath.Base(dir)
	if name == "Maildir" || name == "mail" {
		// A home directory's mail is known by the name of the home.
		if home := filepath.Base(filepath.Dir(dir)); home != "." && home != string(filepath.Separator) {
			name = home
		}
	}
	id, _ := files.UnescapeName(name)
	return id
}

func (s *source) Mailbox(ctx context.Context, user string) (connector.SourceMailbox, error) {
	if err := ctx.Err(); err != nil {
		return nil, files.Fail("open mailbox", user, "maildir.mailbox", err)
	}
	dir := s.dir
	if s.single {
		if user != s.singleID() {
			return nil, failure.New(failure.Vanished, "open mailbox", dir+", user "+files.Printable(user), "maildir.no-user",
				errors.New("the Maildir is that of "+s.singleID()))
		}
	} else {
		name, err := s.accounts().Find(ctx, user)
		if err != nil {
			return nil, err
		}
		dir = filepath.Join(s.dir, name)
	}
	root, err := userRoot(ctx, dir)
	if err != nil {
		return nil, err
	}
	return &sourceBox{root: root, opt: s.opt}, nil
}
