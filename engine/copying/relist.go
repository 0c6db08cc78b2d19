package copying

import (
	"context"
	"errors"

	"waybill/failure"
	"waybill/ledger"
)

// lostListing is a listing of the source that broke off for a reason that may
// pass. Nothing is in memory then that the ledger does not have, so that the
// folder can be gone through again from its beginning.
type lostListing struct{ error }

func (l lostListing) Unwrap() error { return l.error }

// brokenOff deals with a listing that ended before its end. What was listed until
// then is moved first: a source that keeps breaking off still gets on.
func (p *pass) brokenOff(ctx context.Context, cause error) error {
	if !failure.ClassOf(cause).Retryable() {
		return cause
	}
	if err := p.finish(ctx); err != nil {
		return err
	}
	if err := p.checkpoint(ctx, nil, nil); err != nil {
		return err
	}
	return lostListing{cause}
}

// finish moves what was listed and is not moved yet.
func (p *pass) finish(ctx context.Context) error {
	if err := p.look(ctx); err != nil {
		return err
	}
	if err := p.flush(ctx, true); err != nil {
		return err
	}
	return p.collect(ctx)
}

// through goes over a folder, again where its listing broke off.
func (w *mailboxRun) through(ctx context.Context, row ledger.Folder, skip bool) error {
	var ended error
	err := w.Try(ctx, w.box.User, "list messages of "+string(row.Path), func() error {
		p := &pass{mailboxRun: w, folder: row, skip: skip}
		ended = p.all(ctx)
		if lost, ok := errors.AsType[lostListing](ended); ok {
			ended = nil
			return lost.error
		}
		return nil
	})
	if err == nil {
		err = ended
	}
	return err
}
