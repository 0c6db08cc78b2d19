package mmff

import (
	"context"
	"errors"
	"io"
	"iter"

	"waybill/connector"
	"waybill/connector/files"
	"waybill/directory"
	"waybill/failure"
	"waybill/mail"
	"waybill/rights"
)

// target writes a tree of files, one for each message: FFAPI's programs take no
// more than 50 messages in one run (KB Q115490).
type target struct {
	loc  connector.Location
	dir  string
	now  clock
	form form
}

func (t *target) Capabilities() connector.Capabilities { return capabilities(t.loc, t.form) }
func (t *target) Close() error                         { return nil }
func (t *target) accounts() files.Accounts             { return files.Accounts{Dir: t.dir, System: scheme} }

func (t *target) Accounts(ctx context.Context) iter.Seq2[directory.User, error] {
	return t.accounts().Accounts(ctx)
}

func (t *target) CreateAccount(ctx context.Context, u directory.User) error {
	return t.accounts().Create(ctx, u.ID, func(*files.Dir) error { return nil })
}

func (t *target) DeleteAccount(ctx context.Context, id string) error {
	return t.accounts().Delete(ctx, id)
}

func noDirectory(op, where string) error {
	return failure.New(failure.Unsupported, op, where, "mmff.no-book", errors.New("the Microsoft Mail File Format holds no contacts and no distribution lists"))
}

func (t *target) CreateContact(_ context.Context, c directory.Contact) error {
	return noDirectory("create contact", c.ID)
}

func (t *target) CreateList(_ context.Context, l directory.List) error {
	return noDirectory("create list", l.ID)
}

func (t *target) FolderName(path mail.Path, attempt int) (mail.Path, string, []mail.Note) {
	return folderName(path, attempt)
}

func (t *target) Probe(ctx context.Context) ([]rights.Finding, error) {
	if err := ctx.Err(); err != nil {
		return nil, files.Fail("probe", t.dir, "mmff.probe", err)
	}
	return []rights.Finding{files.ProbeDir(t.dir)}, nil
}

func (t *target) Fingerprint(ctx context.Context, message io.Reader) (mail.Digest, error) {
	return t.form.fingerprint(ctx, message)
}

func (t *target) Mailbox(ctx context.Context, account string) (connector.TargetMailbox, error) {
	root, err := t.accounts().Open(ctx, account)
	if err != nil {
		return nil, err
	}
	return &targetBox{root: root, now: t.now, form: t.form, shelves: map[mail.Path]*shelf{}}, nil
}
