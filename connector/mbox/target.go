package mbox

import (
	"context"
	"errors"
	"io"
	"path/filepath"
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
	return []rights.Finding{files.ProbeDir(t.loc.Path)}, nil
}

// Fingerprint is the SHA-256 of all bytes: what is stored comes back as it was.
func (t *target) Fingerprint(ctx context.Context, message io.Reader) (mail.Digest, error) {
	return files.Digest(ctx, message)
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
	name, err := t.find(ctx, account)
	if err != nil {
		return nil, err
	}
	root, err := files.OpenDir(t.loc.Path)
	if err != nil {
		return nil, err
	}
	defer func() { _ = root.Close() }()
	dir, err := root.Open(name)
	if err != nil {
		return nil, err
	}
	return &targetMailbox{account: account, dir: dir}, nil
}
