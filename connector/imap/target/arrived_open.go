package target

import (
	"context"
	"errors"
	"io"
	"slices"

	"waybill/connector"
	"waybill/connector/imap/server"
	"waybill/failure"
	"waybill/imap"
	"waybill/mail"
)

// AnnounceStored asks for all of these messages at once; Open takes them from
// the answer as long as it is called in their order.
func (b *targetBox) AnnounceStored(ctx context.Context, folder mail.Path, ids []string) {
	var uids []uint32
	for _, id := range ids {
		if uid, ok := parseUID(id); ok {
			uids = append(uids, uid)
		}
	}
	if len(uids) < 2 || !slices.IsSorted(uids) {
		return // a server answers in its own order
	}
	l, shared, err := b.back(ctx)
	if err != nil {
		return
	}
	defer l.mu.Unlock()
	if shared {
		return // the connection has to be free for the next Append
	}
	if l.ahead != nil && !l.ahead.done() && l.ahead.folder == folder && l.ahead.then == nil {
		// One is still being read: this one is asked for when that has ended.
		l.ahead.then = uids
		return
	}
	_ = l.announce(ctx, folder, uids)
}

// announce sends the request. What goes wrong shows when a message is opened.
func (l *line) announce(ctx context.Context, folder mail.Path, uids []uint32) error {
	x, err := l.refreshed(ctx, folder)
	if err != nil {
		return err
	}
	l.ahead = &readahead{folder: folder, uids: uids, stream: x.Fetch(ctx, storedRequest(uids...))}
	return nil
}

// refreshed opens the folder, or lets the server tell what came since.
func (l *line) refreshed(ctx context.Context, folder mail.Path) (*server.Session, error) {
	was := l.folder
	x, err := l.enter(ctx, folder, false)
	if err != nil {
		return nil, err
	}
	if was == folder && l.folder == folder {
		if err := x.Noop(ctx); err != nil {
			return nil, l.box.t.fail("look at folder", l.box.where(folder), err)
		}
	}
	return x, nil
}

func storedRequest(uids ...uint32) imap.FetchRequest {
	return imap.FetchRequest{UIDs: imap.UIDs(uids...), Flags: true, InternalDate: true, Size: true, Body: true}
}

// readahead is an answer that is being read.
type readahead struct {
	folder mail.Path
	uids   []uint32 // that were not read yet, in order
	stream *imap.FetchStream
	then   []uint32 // to be asked for next
}

func (r *readahead) done() bool { return len(r.uids) == 0 }

func (r *readahead) close() { _ = r.stream.Close() }

// next returns the message of that UID, or nil where the answer does not have it
// any more.
func (r *readahead) next(uid uint32) (*imap.FetchItem, error) {
	if !slices.Contains(r.uids, uid) {
		return nil, nil
	}
	for {
		it, err := r.stream.Next()
		if err != nil {
			r.uids = nil
			if errors.Is(err, io.EOF) {
				return nil, nil
			}
			return nil, err
		}
		i := slices.Index(r.uids, it.UID)
		if i < 0 || it.BodySize < 0 {
			continue // news of another message, or of this one's flags alone
		}
		r.uids = r.uids[i+1:]
		if it.UID == uid {
			return it, nil
		}
		if !slices.Contains(r.uids, uid) {
			return nil, nil
		}
	}
}

// Open reads a message back over the second connection, from what was announced
// where it was. Without a second connection the message is read at once and
// kept, so that the first is free again.
func (b *targetBox) Open(ctx context.Context, folder mail.Path, id string) (connector.Stored, io.ReadCloser, error) {
	const op = "read back"
	where := b.where(folder)
	uid, ok := parseUID(id)
	if !ok {
		if err := server.Ended(ctx, op, where); err != nil {
			return connector.Stored{}, nil, err
		}
		return connector.Stored{}, nil, gone(op, where, id)
	}
	l, shared, err := b.back(ctx)
	if err != nil {
		return connector.Stored{}, nil, err
	}
	defer l.mu.Unlock()
	it, err := l.find(ctx, folder, uid)
	if err != nil {
		return connector.Stored{}, nil, b.t.fail(op, where+" "+id, err)
	}
	if it == nil {
		return connector.Stored{}, nil, gone(op, where, id)
	}
	r := &storedReader{line: l, body: it.Body, where: where + " " + id}
	s := b.t.stored(it)
	if it.BodySize >= 0 && s.Size < 0 {
		s.Size = it.BodySize
	}
	if !shared {
		l.live = r
		return s, r, nil
	}
	r.rescue()
	l.detach()
	if r.err != nil && !errors.Is(r.err, io.EOF) {
		return s, nil, errors.Join(r.err, r.discard())
	}
	return s, r, nil
}

// find asks for a message, whether it was announced or not.
func (l *line) find(ctx context.Context, folder mail.Path, uid uint32) (*imap.FetchItem, error) {
	if l.live != nil {
		l.live.rescue()
		l.live = nil
	}
	if l.ahead != nil && l.ahead.folder == folder {
		if then := l.ahead.then; l.ahead.done() && slices.Contains(then, uid) {
			l.detach()
			_ = l.announce(ctx, folder, then)
		}
	}
	if l.ahead != nil && l.ahead.folder == folder {
		// An error here is that of the announcement, whose context may have ended.
		if it, err := l.ahead.next(uid); it != nil && err == nil {
			return it, nil
		}
	}
	for attempt := 0; ; attempt++ {
		x, err := l.refreshed(ctx, folder)
		if err == nil {
			var it *imap.FetchItem
			if it, err = l.findAlone(ctx, x, folder, uid); err == nil {
				return it, nil
			}
		}
		if ctx.Err() != nil || attempt > 0 || failure.ClassOf(err) != failure.Transient {
			return nil, err
		}
	}
}

// findAlone asks for one message; nil when it is not there.
func (l *line) findAlone(ctx context.Context, x *server.Session, folder mail.Path, uid uint32) (*imap.FetchItem, error) {
	ahead := &readahead{folder: folder, uids: []uint32{uid}, stream: x.Fetch(ctx, storedRequest(uid))}
	it, err := ahead.next(uid)
	if it == nil {
		if broken := ahead.stream.Skipped(); err == nil && len(broken) > 0 {
			err = broken[0]
		}
		return nil, errors.Join(err, ahead.stream.Close())
	}
	l.ahead = ahead
	return it, nil
}
