package files

import (
	"context"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"waybill/failure"
)

// Accounts is a directory that holds one directory for each user.
type Accounts struct {
	Dir string
	// System is the connector's name, with which rules of errors begin.
	System string
}

// UserDir is a directory that stands for a user.
type UserDir struct {
	ID   string
	Name string // of the directory
	// Twice is set when another directory stands for the same user.
	Twice bool
	// Dangling is set when it is a link to what is not there.
	Dangling bool
}

// Prefixes of what we make for a moment. They begin with a dot, so nobody takes
// them for accounts.
const (
	making   = ".waybill-new-"
	removing = ".waybill-old-"
)

func (a Accounts) rule(name string) string { return a.System + "." + name }

// Names lists the names in a directory, sorted.
func Names(ctx context.Context, dir string) ([]string, error) {
	scan, err := OpenScan(dir)
	if err != nil {
		return nil, err
	}
	defer func() { _ = scan.Close() }()
	var names []string
	err = scan.Each(ctx, func(name []byte) error { names = append(names, string(name)); return nil })
	slices.Sort(names)
	return names, err
}

// List lists the directories of users, ordered by the users' IDs. Hidden
// directories and files are not users.
func (a Accounts) List(ctx context.Context) ([]UserDir, error) {
	names, err := Names(ctx, a.Dir)
	if err != nil {
		return nil, err
	}
	var list []UserDir
	for _, name := range names {
		dangling := false
		if path := filepath.Join(a.Dir, name); strings.HasPrefix(name, ".") {
			continue
		} else if !IsDir(path) {
			if dangling = isDangling(path); !dangling {
				continue
			}
		}
		id, _ := UnescapeName(name)
		list = append(list, UserDir{ID: id, Name: name, Dangling: dangling})
	}
	slices.SortStableFunc(list, func(l, r UserDir) int { return strings.Compare(l.ID, r.ID) })
	for i := range list {
		list[i].Twice = i > 0 && list[i-1].ID == list[i].ID
	}
	return list, nil
}

// isDangling tells a link to what is not there: a disk that is not mounted, most
// likely, and somebody's mail on it.
func isDangling(path string) bool {
	if info, err := os.Lstat(path); err != nil || info.Mode().Type() != os.ModeSymlink {
		return false
	}
	_, err := os.Stat(path)
	return errors.Is(err, os.ErrNotExist)
}

// Find returns the name of a user's directory, without listing all of them
// where that can be helped. No such user is an error of class Vanished.
func (a Accounts) Find(ctx context.Context, user string) (string, error) {
	if err := ctx.Err(); err != nil {
		return "", Fail("open mailbox", a.Dir, a.rule("mailbox"), err)
	}
	if user != "" {
		if name, _ := EscapeName(user); IsDir(filepath.Join(a.Dir, name)) {
			return name, nil
		}
		list, err := a.List(ctx)
		if err != nil {
			return "", err
		}
		for _, u := range list {
			if u.ID == user {
				return u.Name, nil
			}
		}
	}
	return "", failure.New(failure.Vanished, "open mailbox", a.Dir+", user "+Printable(user), a.rule("no-user"),
		errors.New("there is no directory of that user"))
}

// Create makes a user's directory, filled by fill, under another name and
// renames it, so that it is there whole or not at all. One that exists already
// is an error of class Conflict. A itself is made when it is not there.
func (a Accounts) Create(ctx context.Context, user string, fill func(*Dir) error) error {
	if err := ctx.Err(); err != nil {
		return Fail("create account", user, a.rule("create-account"), err)
	}
	if user == "" {
		return failure.New(failure.Usage, "create account", a.Dir, a.rule("account-name"), errors.New("an account needs a name"))
	}
	if err := os.MkdirAll(a.Dir, 0o755); err != nil {
		return Fail("create account", a.Dir, a.rule("create-account"), err)
	}
	d, err := OpenDir(a.Dir)
	if err != nil {
		return err
	}
	defer func() { _ = d.Close() }()
	name, _ := EscapeName(user)
	_, lerr := d.Lstat(name)
	ferr := lerr
	if name != user {
		// Somebody else may have written the name in another way. To look through
		// all directories for each account would cost the square of their number,
		// so a name that needs no escapes is taken to be written as it is.
		_, ferr = a.Find(ctx, user)
	}
	if ferr == nil || lerr == nil {
		return failure.New(failure.Conflict, "create account", d.Join(name), a.rule("account-exists"), fs.ErrExist)
	}
	temp := making + name
	if err := d.RemoveAll(temp); err != nil {
		return err
	}
	if _, err := d.Mkdir(temp); err != nil {
		return err
	}
	box, err := d.Open(temp)
	if err == nil {
		err = fill(box)
		if err == nil {
			err = box.Sync()
		}
		_ = box.Close()
	}
	if err == nil {
		err = d.Rename(temp, name)
	}
	if err != nil {
		_ = d.RemoveAll(temp)
		return err
	}
	return d.Sync()
}

// Delete removes a user's directory with all that is in it. After a crash it is
// there whole or not at all.
func (a Accounts) Delete(ctx context.Context, user string) error {
	if err := ctx.Err(); err != nil {
		return Fail("delete account", user, a.rule("delete-account"), err)
	}
	d, err := OpenDir(a.Dir)
	if err != nil {
		return err
	}
	defer func() { _ = d.Close() }()
	name, _ := EscapeName(user)
	fi, err := d.Lstat(name)
	if err != nil || !fi.IsDir() {
		return failure.New(failure.Vanished, "delete account", d.Join(name), a.rule("no-user"), errors.New("there is no such account"))
	}
	if err := d.RemoveAll(removing + name); err != nil {
		return err
	}
	if err := d.Rename(name, removing+name); err != nil {
		return err
	}
	if err := d.RemoveAll(removing + name); err != nil {
		return err
	}
	return d.Sync()
}

// Open opens a user's directory for writing. The caller closes it.
func (a Accounts) Open(ctx context.Context, user string) (*Dir, error) {
	name, err := a.Find(ctx, user)
	if err != nil {
		return nil, err
	}
	d, err := OpenDir(a.Dir)
	if err != nil {
		return nil, err
	}
	defer func() { _ = d.Close() }()
	return d.Open(name)
}
