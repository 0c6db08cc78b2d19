package foldertree

import (
	"context"
	"errors"
	"iter"

	"waybill/connector/files"
	"waybill/directory"
	"waybill/failure"
	"waybill/mail"
	"waybill/rights"
)

// Target is what targets over trees share: accounts and their directories.
// Connectors embed it.
type Target struct {
	Format *Format
	// Dir is made with the first account when it is not there.
	Dir string
	// What says what the tree is, where it refuses contacts and lists.
	What string
}

// Close does nothing: no file stays open.
func (t *Target) Close() error { return nil }

func (t *Target) accounts() files.Accounts {
	return files.Accounts{Dir: t.Dir, System: t.Format.System}
}

// Accounts yields the accounts, ordered by their IDs.
func (t *Target) Accounts(ctx context.Context) iter.Seq2[directory.User, error] {
	return t.accounts().Accounts(ctx)
}

// CreateAccount makes a user's directory.
func (t *Target) CreateAccount(ctx context.Context, u directory.User) error {
	return t.accounts().Create(ctx, u.ID, func(*files.Dir) error { return nil })
}

// DeleteAccount removes a user's directory with all that is in it.
func (t *Target) DeleteAccount(ctx context.Context, id string) error {
	return t.accounts().Delete(ctx, id)
}

func (t *Target) noBook(op, where string) error {
	return failure.New(failure.Unsupported, op, where, t.Format.rule("no-book"), errors.New(t.What+" holds no contacts and no distribution lists"))
}

// CreateContact refuses: there is no place for contacts.
func (t *Target) CreateContact(_ context.Context, c directory.Contact) error {
	return t.noBook("create contact", c.ID)
}

// CreateList refuses: there is no place for distribution lists.
func (t *Target) CreateList(_ context.Context, l directory.List) error {
	return t.noBook("create list", l.ID)
}

// FolderName finds a name for a folder that a tree of directories can hold.
func (t *Target) FolderName(path mail.Path, attempt int) (mail.Path, string, []mail.Note) {
	return folderName(path, attempt)
}

// Probe tells whether Dir can be written to.
func (t *Target) Probe(ctx context.Context) ([]rights.Finding, error) {
	if err := ctx.Err(); err != nil {
		return nil, files.Fail("probe", t.Dir, t.Format.rule("probe"), err)
	}
	return []rights.Finding{files.ProbeDir(t.Dir)}, nil
}

// Root opens a user's directory for writing. The caller closes it.
func (t *Target) Root(ctx context.Context, account string) (*files.Dir, error) {
	return t.accounts().Open(ctx, account)
}
