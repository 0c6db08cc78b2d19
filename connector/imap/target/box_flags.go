package target

import (
	"context"
	"errors"
	"fmt"
	"io"

	"waybill/connector/imap/server"
	"waybill/failure"
	"waybill/imap"
	"waybill/mail"
)

// SetFlags replaces a message's marks when they are still what they were. With
// CONDSTORE the server compares (RFC 7162 3.1.3); else a moment lies between
// looking and storing.
func (b *targetBox) SetFlags(ctx context.Context, folder mail.Path, id string, was, want mail.FlagSet) error {
	const op = "set flags"
	where := b.where(folder) + " " + id
	l := b.writer
	l.mu.Lock()
	defer l.mu.Unlock()
	x, uid, err := b.message(ctx, op, folder, id)
	if err != nil {
		return err
	}
	compare := x.Has("CONDSTORE") && l.open.HighestModSeq > 0
	it, err := one(x.Fetch(ctx, imap.FetchRequest{UIDs: imap.UIDs(uid), Flags: true, ModSeq: compare}), uid)
	if err != nil {
		return b.t.fail(op, where, err)
	}
	if it == nil {
		return gone(op, b.where(folder), id)
	}
	have := b.t.stored(it).Flags
	if was.System &= b.t.kept(); !have.Equal(was) {
		return failure.New(failure.Conflict, op, where, "imap.flags-changed", fmt.Errorf("the message has the flags %q, and should have %q", have, was))
	}
	words, notes := l.allow.flags(want)
	if len(notes) > 0 {
		return failure.New(failure.Unsupported, op, where, "imap."+notes[0].Kind, errors.New(notes[0].Text))
	}
	since := uint64(0)
	if compare {
		since = it.ModSeq
	}
	_, modified, err := x.Store(ctx, imap.UIDs(uid), "FLAGS", words, since)
	if len(modified) > 0 {
		return failure.New(failure.Conflict, op, where, "imap.flags-changed", errors.New("somebody changed the message's flags at the same moment"))
	}
	if err != nil {
		return b.t.explain(ctx, x, l.name, where, op, err)
	}
	return nil
}

// message opens a folder as it is now, on the connection that writes, for work on
// one of its messages. The connection is locked.
func (b *targetBox) message(ctx context.Context, op string, folder mail.Path, id string) (x *server.Session, uid uint32, err error) {
	if err := server.Ended(ctx, op, b.where(folder)+" "+id); err != nil {
		return nil, 0, err
	}
	uid, ok := parseUID(id)
	if !ok {
		return nil, 0, gone(op, b.where(folder), id)
	}
	x, err = b.writer.refreshed(ctx, folder)
	return x, uid, err
}

// one reads the answer for one message; nil when there is none.
func one(s *imap.FetchStream, uid uint32) (*imap.FetchItem, error) {
	var found *imap.FetchItem
	for {
		it, err := s.Next()
		if errors.Is(err, io.EOF) {
			return found, nil
		}
		if err != nil {
			return nil, errors.Join(err, s.Close())
		}
		if it.UID == uid {
			kept := *it
			kept.Body = nil
			found = &kept
		}
	}
}

// Remove takes out one message and no other: only with UIDPLUS (RFC 4315 2.1),
// since a plain EXPUNGE takes whatever else is marked as deleted.
func (b *targetBox) Remove(ctx context.Context, folder mail.Path, id string) error {
	const op = "remove message"
	where := b.where(folder) + " " + id
	l := b.writer
	l.mu.Lock()
	defer l.mu.Unlock()
	x, uid, err := b.message(ctx, op, folder, id)
	if err != nil {
		return err
	}
	if !x.Has("UIDPLUS") {
		return failure.New(failure.Unsupported, op, where, "imap.no-uidplus", errors.New("the server cannot remove one message alone (UIDPLUS)"))
	}
	it, err := one(x.Fetch(ctx, imap.FetchRequest{UIDs: imap.UIDs(uid), Flags: true}), uid)
	if err != nil {
		return b.t.fail(op, where, err)
	}
	if it == nil {
		return gone(op, b.where(folder), id)
	}
	if _, _, err := x.Store(ctx, imap.UIDs(uid), "+FLAGS", []string{`\Deleted`}, 0); err != nil {
		return b.t.explain(ctx, x, l.name, where, op, err)
	}
	if err := x.Expunge(ctx, imap.UIDs(uid)); err != nil {
		return b.t.explain(ctx, x, l.name, where, op, err)
	}
	it, err = one(x.Fetch(ctx, imap.FetchRequest{UIDs: imap.UIDs(uid), Flags: true}), uid)
	if err == nil && it != nil {
		err = failure.New(failure.Denied, op, where, "imap.not-removed", errors.New("the server says that the message was removed, and it is still there")).
			WithRemedy("the rights t and e are needed (RFC 4314)")
	}
	return b.t.fail(op, where, err)
}
