package maildir

import (
	"context"
	"errors"
	"iter"
	"path/filepath"
	"slices"
	"strings"

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

func (s *source) Book(ctx context.Context) (directory.Book, error) {
	return directory.Book{}, files.Fail("read directory", s.dir, "maildir.book", ctx.Err())
}

// Users yields a user for every directory in the system's. One that holds no
// Maildir is an error of that user's, so that nobody is left behind unseen.
func (s *source) Users(ctx context.Context) iter.Seq2[directory.User, error] {
	return func(yield func(directory.User, error) bool) {
		if err := ctx.Err(); err != nil {
			yield(directory.User{}, files.Fail("list users", s.dir, "maildir.users", err))
			return
		}
		if s.single {
			yield(directory.User{ID: s.singleID()}, nil)
			return
		}
		list, err := userDirs(ctx, s.dir)
		if err != nil {
			yield(directory.User{}, err)
			return
		}
		for i, u := range list {
			if err := ctx.Err(); err != nil {
				yield(directory.User{}, files.Fail("list users", s.dir, "maildir.users", err))
				return
			}
			_, err := userRoot(ctx, filepath.Join(s.dir, u.name))
			if i > 0 && list[i-1].id == u.id {
				err = failure.New(failure.Conflict, "list users", filepath.Join(s.dir, u.name), "maildir.user-twice",
					errors.New("another directory stands for the same user")).WithRemedy("rename one of the two directories")
			}
			if !yield(directory.User{ID: u.id}, err) {
				return
			}
		}
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

// userDir is a directory that stands for a user.
type userDir struct{ id, name string }

// userDirs lists the directories of users, ordered by the users' IDs.
func userDirs(ctx context.Context, dir string) ([]userDir, error) {
	names, err := listNames(ctx, dir)
	if err != nil {
		return nil, err
	}
	var list []userDir
	for _, name := range names {
		if strings.HasPrefix(name, ".") || !files.IsDir(filepath.Join(dir, name)) {
			continue
		}
		id, _ := files.UnescapeName(name)
		list = append(list, userDir{id: id, name: name})
	}
	slices.SortStableFunc(list, func(a, b userDir) int { return strings.Compare(a.id, b.id) })
	return list, nil
}

// findUser finds the directory of a user without listing all of them where
// that can be helped.
func findUser(ctx context.Context, dir, user string) (string, error) {
	if user != "" {
		if name, _ := files.EscapeName(user); files.IsDir(filepath.Join(dir, name)) {
			return filepath.Join(dir, name), nil
		}
		list, err := userDirs(ctx, dir)
		if err != nil {
			return "", err
		}
		for _, u := range list {
			if u.id == user {
				return filepath.Join(dir, u.name), nil
			}
		}
	}
	return "", failure.New(failure.Vanished, "open mailbox", dir+", user "+files.Printable(user), "maildir.no-user",
		errors.New("there is no directory of that user"))
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
		found, err := findUser(ctx, s.dir, user)
		if err != nil {
			return nil, err
		}
		dir = found
	}
	root, err := userRoot(ctx, dir)
	if err != nil {
		return nil, err
	}
	return &sourceBox{root: root, opt: s.opt}, nil
}
