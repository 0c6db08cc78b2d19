package mbox

import (
	"context"
	"crypto/sha256"
	"errors"
	"io"
	"io/fs"
	"iter"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync/atomic"

	"waybill/connector"
	"waybill/connector/files"
	"waybill/directory"
	"waybill/failure"
	"waybill/mail"
	"waybill/rights"
)

// target is a directory whose directories are the accounts.
type target struct {
	loc  connector.Location
	made atomic.Bool // the directory itself was made by us
}

// Target opens mbox:DIR for writing: an account is the directory DIR/<account>
// with INBOX.mbox and a file for each folder. DIR is made with the first account
// when it is missing; the directory above it must be there.
func Target(ctx context.Context, loc connector.Location) (connector.Target, error) {
	if err := alive(ctx, "open", loc.Path); err != nil {
		return nil, err
	}
	if err := loc.RejectOptions(); err != nil {
		return nil, err
	}
	info, err := files.Stat(loc.Path)
	if failure.ClassOf(err) == failure.Vanished {
		info, err = files.Stat(filepath.Dir(filepath.Clean(loc.Path)))
	}
	if err != nil {
		return nil, err
	}
	if !info.IsDir() {
		return nil, failure.New(failure.Usage, "open", loc.Path, "mbox.not-a-directory",
			errors.New("a target is a directory with one directory for each account")).WithRemedy("name a directory")
	}
	return &target{loc: loc}, nil
}

func (t *target) Capabilities() connector.Capabilities { return capabilities(t.loc) }
func (t *target) Close() error                         { return nil }

func (t *target) Accounts(ctx context.Context) iter.Seq2[directory.User, error] {
	return func(yield func(directory.User, error) bool) {
		ids, err := t.accounts(ctx)
		if err != nil {
			yield(directory.User{}, err)
			return
		}
		for _, id := range ids {
			if err := alive(ctx, "list accounts", t.loc.Path); err != nil {
				yield(directory.User{}, err)
				return
			}
			if !yield(directory.User{ID: id}, nil) {
				return
			}
		}
	}
}

func (t *target) accounts(ctx context.Context) ([]string, error) {
	if err := alive(ctx, "list accounts", t.loc.Path); err != nil {
		return nil, err
	}
	scan, err := files.OpenScan(t.loc.Path)
	if failure.ClassOf(err) == failure.Vanished {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	defer func() { _ = scan.Close() }()
	var ids []string
	err = scan.Each(ctx, func(raw []byte) error {
		name := string(raw)
		if name[0] == '.' {
			return nil
		}
		if info, err := scan.Stat(name); err == nil && info.IsDir() {
			ids = append(ids, nameOf(name))
		}
		return nil
	})
	slices.Sort(ids)
	return ids, err
}

// element is the path element of an account.
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
	err = func() error {
		if _, err := root.Mkdir(fresh); err != nil {
			return err
		}
		dir, err := root.Open(fresh)
		if err != nil {
			return err
		}
		defer func() { _ = dir.Close() }()
		return makeFile(dir, string(mail.Inbox)+suffix)
	}()
	if err == nil {
		err = root.Rename(fresh, element)
	}
	if err != nil {
		_ = root.RemoveAll(fresh)
		return err
	}
	return root.Sync()
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

func (t *target) DeleteAccount(ctx context.Context, id string) error {
	if err := alive(ctx, "delete account", id); err != nil {
		return err
	}
	element, err := t.element(id)
	if err != nil {
		return err
	}
	root, err := files.OpenDir(t.loc.Path)
	if err != nil {
		return err
	}
	defer func() { _ = root.Close() }()
	if _, err := root.Lstat(element); err != nil {
		return err
	}
	if err := root.RemoveAll(element); err != nil {
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

func (t *target) CreateContact(ctx context.Context, c directory.Contact) error {
	return noDirectory(ctx, "create contact", c.ID)
}

func (t *target) CreateList(ctx context.Context, l directory.List) error {
	return noDirectory(ctx, "create list", l.ID)
}

func noDirectory(ctx context.Context, op, id string) error {
	if err := alive(ctx, op, id); err != nil {
		return err
	}
	return failure.New(failure.Unsupported, op, id, "mbox.no-directory", errors.New("mbox files hold no address book"))
}

func (t *target) FolderName(path mail.Path, attempt int) (stored mail.Path, shown string, notes []mail.Note) {
	stored, shown, notes = storedName(path, attempt)
	return stored, shown, notes
}

// Probe looks whether accounts can be made and files written.
func (t *target) Probe(ctx context.Context) ([]rights.Finding, error) {
	if err := alive(ctx, "probe", t.loc.Path); err != nil {
		return nil, err
	}
	dir := t.loc.Path
	if _, err := files.Stat(dir); failure.ClassOf(err) == failure.Vanished {
		dir = filepath.Dir(filepath.Clean(dir))
	}
	f := rights.Finding{Action: "make accounts", Where: dir, OK: mayWrite(dir)}
	if !f.OK {
		f.Needed = "to write to the directory"
		f.Grant = "chown or chmod " + shellQuote(dir) + " for the user who runs this"
	}
	return []rights.Finding{f}, nil
}

func shellQuote(s string) string { return "'" + strings.ReplaceAll(s, "'", `'\''`) + "'" }

func (t *target) Fingerprint(ctx context.Context, message io.Reader) (mail.Digest, error) {
	sum := sha256.New()
	if _, err := io.Copy(sum, &guarded{ctx: ctx, r: message, where: "message"}); err != nil {
		return mail.Digest{}, err
	}
	return mail.Digest(sum.Sum(nil)), nil
}

// guarded is a reader that ends with its context.
type guarded struct {
	ctx   context.Context
	r     io.Reader
	where string
}

func (g *guarded) Read(p []byte) (int, error) {
	if err := alive(g.ctx, "read message", g.where); err != nil {
		return 0, err
	}
	return g.r.Read(p)
}

func (t *target) Mailbox(ctx context.Context, account string) (connector.TargetMailbox, error) {
	if err := alive(ctx, "open mailbox", account); err != nil {
		return nil, err
	}
	element, err := t.element(account)
	if err != nil {
		return nil, failure.New(failure.Vanished, "open mailbox", account, "mbox.no-account", errors.New("no account can have that name"))
	}
	root, err := files.OpenDir(t.loc.Path)
	if err != nil {
		return nil, err
	}
	defer func() { _ = root.Close() }()
	dir, err := root.Open(element)
	if err != nil {
		return nil, err
	}
	return &targetMailbox{account: account, dir: dir}, nil
}
