package eml

import (
	"context"
	"io"

	"waybill/connector"
	"waybill/connector/files"
	"waybill/connector/foldertree"
	"waybill/mail"
)

// target writes a tree of message files.
type target struct {
	foldertree.Target

	loc connector.Location
	now clock
}

func (t *target) Capabilities() connector.Capabilities { return capabilities(t.loc) }

func (t *target) Fingerprint(ctx context.Context, message io.Reader) (mail.Digest, error) {
	return files.Digest(ctx, message)
}

func (t *target) Mailbox(ctx context.Context, account string) (connector.TargetMailbox, error) {
	root, err := t.Root(ctx, account)
	if err != nil {
		return nil, err
	}
	return &targetBox{foldertree.NewTargetBox(format(), root, t.now, newKeeper)}, nil
}
