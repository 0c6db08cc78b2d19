package maildir

import (
	"context"
	"errors"
	"io"
	"iter"
	"path/filepath"

	"waybill/connector"
	"waybill/connector/files"
	"waybill/directory"
	"waybill/failure"
	"waybill/mail"
	"waybill/rights"
)

// target writes a directory of Maildirs.
type target struct {
	loc connector.Location
	dir string
	opt options
}

// Target opens a directory of Maildirs for writing. It is made with the first
// account if it is not there. Options: names (utf7, utf8).
func Target(ctx context.Context, loc connector.Location) (connector.Target, error) {
	if err := ctx.Err(); err != nil {
		return nil, files.Fail("open", loc.String(), "maildir.open", err)
	}
	opt, err := readOptions(loc, "names")
	if err != nil {
		return nil, err
	}
	dir := filepath.Clean(loc.Path)
	if info, err := files.Stat(dir); loc.URL != nil || err == nil && !info.IsDir() {
		return nil, failure.New(failure.Usage, "open", loc.String(), "maildir.not-a-directory", errors.New("it is not a directory")).
			WithRemedy("name a directory that holds the users' Maildirs, or one that is not there yet")
	}
	if isMaildir(dir, true) {
		return nil, failure.New(failure.Usage, "open", loc.String(), "maildir.single", errors.New("it is one user's Maildir")).
			WithRemedy("name the directory that holds it")
	}
	return &target{loc: loc, dir: dir, opt: opt}, nil
}

// lanes is how many folders of one Maildir are filled at once. Nothing is shared
// between folders but the list of subscriptions, which the engine has written by
// one lane at a time.
const lanes = 4

func (t *target) Capabilities() connector.Capabilities {
	c := capabilities(t.loc)
	c.Lanes = lanes
	return c
}

func (t *target) Close() error { return nil }

func (t *target) Accounts(ctx context.Context) iter.Seq2[directory.User, error] {
	return t.accounts().Accounts(ctx)
}

func (t *target) accounts() files.Accounts { return files.Accounts{Dir: t.dir, System: scheme} }

func (t *target) CreateAccount(ctx context.Context, u directory.User) error {
	return t.accounts().Create(ctx, u.ID, makeParts)
}

func (t *target) DeleteAccount(ctx context.Context, id string) error {
	return t.accounts().Delete(ctx, id)
}

// makeParts makes what every folder has.
func makeParts(d *files.Dir) error {
	for _, part := range []string{"tmp", "new", "cur"} {
		if _, err := d.Mkdir(part); err != nil {
			return err
		}
	}
	return d.Sync()
}

func noDirectory(op, where string) error {
	return failure.New(failure.Unsupported, op, where, "maildir.no-book", errors.New("a Maildir holds no contacts and no distribution lists"))
}

func (t *target) CreateContact(_ context.Context, c directory.Contact) error {
	return noDirectory("create contact", c.ID)
}

func (t *target) CreateList(_ context.Context, l directory.List) error {
	return noDirectory("create list", l.ID)
}

func (t *target) FolderName(path mail.Path, attempt int) (mail.Path, string, []mail.Note) {
	stored, dir, notes := t.opt.folderName(path, attempt)
	if dir == "" && stored != "" {
		dir = string(mail.Inbox)
	}
	return stored, dir, notes
}

func (t *target) Probe(ctx context.Context) ([]rights.Finding, error) {
	if err := ctx.Err(); err != nil {
		return nil, files.Fail("probe", t.dir, "maildir.probe", err)
	}
	return []rights.Finding{files.ProbeDir(t.dir)}, nil
}

func (t *target) Fingerprint(ctx context.Context, message io.Reader) (mail.Digest, error) {
	return files.Digest(ctx, message)
}

func (t *target) Mailbox(ctx context.Context, account string) (connector.TargetMailbox, error) {
	if err := ctx.Err(); err != nil {
		return nil, files.Fail("open mailbox", account, "maildir.mailbox", err)
	}
	root, err := t.accounts().Open(ctx, account)
	if err != nil {
		return nil, err
	}
	dir := root.Path()
	if !isMaildir(dir, false) && isMaildir(filepath.Join(dir, "Maildir"), false) {
		home := root
		root, err = home.Open("Maildir")
		_ = home.Close()
		if err != nil {
			return nil, err
		}
	}
	if err := makeParts(root); err != nil {
		_ = root.Close()
		return nil, err
	}
	return &targetBox{root: root, opt: t.opt, shelves: map[mail.Path]*shelf{}}, nil
}
