package mmff

import (
	"context"
	"io"

	"waybill/connector"
	"waybill/connector/foldertree"
	"waybill/mail"
)

// target writes a tree of files, one for each message: FFAPI's programs take no
// more than 50 messages in one run (KB Q115490).
type target struct {
	foldertree.Target

	loc  connector.Location
	now  clock
	form form
}

func (t *target) Capabilities() connector.Capabilities { return capabilities(t.loc, t.form) }

func (t *target) Fingerprint(ctx context.Context, message io.Reader) (mail.Digest, error) {
	return t.form.fingerprint(ctx, message)
}

func (t *target) Mailbox(ctx context.Context, account string) (connector.TargetMailbox, error) {
	root, err := t.Root(ctx, account)
	if err != nil {
		return nil, err
	}
	newKeeper := func(dir string) *keeper { return &keeper{dir: dir, form: t.form} }
	return &targetBox{TargetBox: foldertree.NewTargetBox(tree(), root, t.now, newKeeper), form: t.form}, nil
}
