package mbox

import (
	"context"
	"errors"
	"io/fs"
	"iter"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"waybill/connector/files"
	"waybill/directory"
	"waybill/failure"
	"waybill/mail"
)

// removing begins the name of a directory that is being removed. The dot keeps
// everybody from taking it for an account.
const removing = ".waybill-old-"

func (t *target) Accounts(ctx context.Context) iter.Seq2[directory.User, error] {
	return func(yield func(directory.User, error) bool) {
		list, err := t.accounts(ctx)
		if err != nil {
			yield(directory.User{}, err)
			return
		}
		for _, u := range list {
			if err := alive(ctx, "list accounts", t.loc.Path); err != nil {
				yield(directory.User{}, err)
				return
			}
			if !u.Twice && !yield(directory.User{ID: u.ID}, nil) {
				return
			}
		}
	}
}

// accounts lists the directories of accounts by the names that they stand for.
// There are none where the directory is not there yet: it is made with the first.
func (t *target) accounts(ctx context.Context) ([]files.UserDir, error) {
	if err := alive(ctx, "list accounts", t.loc.Path); err != nil {
		return nil, err
	}
	list, err := files.Accounts{Dir: t.loc.Path, System: "mbox"}.List(ctx)
	if failure.ClassOf(err) == failure.Vanished {
		return nil, nil
	}
	// Names of mbox files are written with care for more endings than others.
	for i := range list {
		list[i].ID, list[i].Twice = nameOf(list[i].Name), false
	}
	slices.SortStableFunc(list, func(a, b files.UserDir) int { return strings.Compare(a.ID, b.ID) })
	for i := range list {
		list[i].Twice = i > 0 && list[i-1].ID == list[i].ID
	}
	return list, err
}

// find returns the name of an account's directory: the one that we would make,
// or else one that somebody else named.
func (t *target) find(ctx context.Context, id string) (string, error) {
	if element, ok := elementOf(id); ok && id != "" && files.IsDir(filepath.Join(t.loc.Path, element)) {
		return element, nil
	}
	list, err := t.accounts(ctx)
	if err != nil {
		return "", err
	}
	for _, u := range list {
		if u.ID == id {
			return u.Name, nil
		}
	}
	return "", failure.New(failure.Vanished, "find account", filepath.Join(t.loc.Path, files.Printable(id)), "mbox.no-account", errors.New("there is no such account"))
}

// element is the path element of a new account.
func (t *target) element(id string) (string, error) {
	element, ok := elementOf(id)
	if id == "" || !ok {
		return "", failure.New(failure.Unsupported, "name account", id, "mbox.account-name",
			errors.New("the name is empty or too long for a directory")).WithRemedy("give the account another name in the user map")
	}
	return element, nil
}

// CreateAccount makes the directory beside its place and moves it there, so that
// an account is whole or not there.
func (t *target) CreateAccount(ctx context.Context, u directory.User) error {
	if err := alive(ctx, "create account", u.ID); err != nil {
		return err
	}
	element, err := t.element(u.ID)
	if err != nil {
		return err
	}
	if err := os.Mkdir(t.loc.Path, files.DirMode); err == nil {
		t.made.Store(true)
	} else if !errors.Is(err, fs.ErrExist) {
		return files.Fail("make directory", t.loc.Path, "dir.make", err)
	}
	root, err := files.OpenDir(t.loc.Path)
	if err != nil {
		return err
	}
	defer func() { _ = root.Close() }()
	for _, taken := range []string{element, element + suffix} {
		if _, err := root.Lstat(taken); err == nil {
			return failure.New(failure.Conflict, "create account", root.Join(taken), "mbox.account-exists", errors.New("there is an account of that name"))
		} else if failure.ClassOf(err) != failure.Vanished {
			return err
		}
	}
	fresh := ".waybill-" + files.Token() + ".tmp"
	err = fill(root, fresh)
	if err == nil {
		err = root.Rename(fresh, element)
	}
	if err != nil {
		_ = root.RemoveAll(fresh)
		return err
	}
	return root.Sync()
}

// fill makes the directory of an account with its empty inbox.
func fill(root *files.Dir, name string) error {
	if _, err := root.Mkdir(name); err != nil {
		return err
	}
	dir, err := root.Open(name)
	if err != nil {
		return err
	}
	defer func() { _ = dir.Close() }()
	return makeFile(dir, string(mail.Inbox)+suffix)
}

// makeFile makes an empty file, durably.
func makeFile(dir *files.Dir, name string) error {
	f, err := dir.Create(name)
	if err != nil {
		return err
	}
	if err := errors.Join(f.Sync(), f.Close()); err != nil {
		return files.Fail("make file", dir.Join(name), "file.create", err)
	}
	return dir.Sync()
}

// DeleteAccount takes the directory out of its place before it is emptied, so
// that after a crash an account is there whole or not at all. What a crash left
// is cleared away when the same account is deleted again.
func (t *target) DeleteAccount(ctx context.Context, id string) error {
	if err := alive(ctx, "delete account", id); err != nil {
		return err
	}
	root, err := files.OpenDir(t.loc.Path)
	if err != nil {
		return err
	}
	defer func() { _ = root.Close() }()
	if element, ok := elementOf(id); ok && id != "" {
		if err := root.RemoveAll(removing + element); err != nil {
			return err
		}
	}
	name, err := t.find(ctx, id)
	if err != nil {
		return err
	}
	if fi, err := root.Lstat(name); err != nil {
		return err
	} else if !fi.IsDir() {
		return failure.New(failure.Denied, "delete account", root.Join(name), "mbox.symlink",
			errors.New("it is a symlink, and nothing is removed through symlinks")).WithRemedy("remove it by hand")
	}
	if err := root.Rename(name, removing+name); err != nil {
		return err
	}
	// The account is gone; what is left to do may be left to the next time.
	if err := root.Sync(); err != nil {
		return err
	}
	if err := root.RemoveAll(removing + name); err != nil {
		return err
	}
	if err := root.Sync(); err != nil {
		return err
	}
	if t.made.Load() && os.Remove(t.loc.Path) == nil { // refused while anything is in it
		t.made.Store(false)
	}
	return nil
}
