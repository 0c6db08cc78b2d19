package source

import (
	"context"
	"slices"

	"waybill/connector/imap/server"
	"waybill/failure"
	"waybill/imap"
	"waybill/mail"
)

// maxAhead is how many announcements are asked for at the same time, maxKept how
// many are remembered, and maxAgain how often one is asked for when other
// commands came in between.
const (
	maxAhead = 2
	maxKept  = 4
	maxAgain = 3
)

// announcement is messages that will be opened soon, in order.
type announcement struct {
	folder   *sourceFolder
	validity uint32
	uids     []uint32
	next     int     // index of the first that was not opened
	answer   *answer // nil: not asked for
	again    int
}

// Announce asks for all bodies in one command when the folder is the one that is
// open; otherwise that is done when the first of them is opened.
func (b *sourceBox) Announce(ctx context.Context, path mail.Path, messages []mail.Message) {
	if len(messages) == 0 || b.link.lock(ctx, "announce", b.user) != nil {
		return
	}
	defer b.link.unlock()
	f, err := b.find("announce", path)
	if err != nil {
		return
	}
	a := &announcement{folder: f, uids: make([]uint32, 0, len(messages))}
	for _, m := range messages {
		validity, uid, ok := parseKey(m.Key)
		if !ok || a.validity != 0 && a.validity != validity {
			return
		}
		a.validity, a.uids = validity, append(a.uids, uid)
	}
	l := b.link
	for len(l.ahead) >= maxKept && l.current == nil {
		l.forget()
	}
	asked, waiting := 0, false
	for _, other := range l.ahead {
		waiting = waiting || other.answer == nil
		if other.next < len(other.uids) {
			asked++
		}
	}
	l.ahead = append(l.ahead, a)
	ready := l.session != nil && l.session.Broken() == nil && l.folder != nil && l.folder.name == f.name && l.state.UIDValidity == a.validity
	// One that comes before it and is not asked for yet has to be asked for first.
	if ready && !waiting && asked < maxAhead {
		l.ask(ctx, a)
	}
}

// ask sends the command. What its answer is read under is the context of those
// who open the messages, so that one announcement may serve several of them.
func (l *sourceLink) ask(ctx context.Context, a *announcement) {
	own, cancel := context.WithCancel(context.WithoutCancel(ctx))
	uids := a.uids[a.next:]
	a.answer = &answer{cancel: cancel, left: len(uids), stream: l.session.Fetch(own, imap.FetchRequest{UIDs: imap.UIDs(uids...), Body: true})}
}

// fromAhead gives the body of a message that was announced and whose turn it is.
// False means that it has to be asked for by itself.
func (l *sourceLink) fromAhead(ctx context.Context, f *sourceFolder, validity, uid uint32) (*sourceBody, bool, error) {
	at := slices.IndexFunc(l.ahead, func(a *announcement) bool {
		return a.folder.name == f.name && a.validity == validity && slices.Contains(a.uids[a.next:], uid)
	})
	if at < 0 {
		return nil, false, nil
	}
	l.settle()
	a := l.ahead[at]
	if a.answer == nil {
		for range at {
			l.forget() // was passed over
		}
		if _, err := l.examine(ctx, f, false); err != nil {
			return nil, false, err
		}
		if len(l.ahead) == 0 || l.ahead[0] != a {
			return nil, false, nil // it was asked for too often, or the connection is new
		}
		if l.state.UIDValidity != validity {
			l.forget()
			return nil, false, nil
		}
		a.next += slices.Index(a.uids[a.next:], uid)
		l.ask(ctx, a)
		for _, later := range l.ahead[1:] {
			if later.answer != nil || later.folder.name != f.name || later.validity != validity {
				break
			}
			l.ask(ctx, later)
		}
	}
	for len(l.ahead) > 0 {
		// Dovecot may tell what the second command asked for before it says that
		// the first one is done, so the answers are read as one.
		first := l.ahead[0]
		if first.answer == nil {
			l.forget()
			continue
		}
		stop := context.AfterFunc(ctx, first.answer.cancel)
		item, err := first.answer.stream.Next()
		if err == nil && item.UID == uid && item.Body != nil {
			a.next += slices.Index(a.uids[a.next:], uid) + 1
			return l.body(ctx, a.answer, item, stop), true, nil
		}
		stop()
		switch {
		case err == nil && (item.UID < uid || item.Body == nil):
			continue // was passed over
		case server.Ended(ctx, "open message", l.where(f)) != nil:
			return nil, false, server.Ended(ctx, "open message", l.where(f))
		}
		// The answer has ended, or what was asked for is not there or comes later:
		// then it is asked for by itself, which tells the one from the other.
		l.forget()
		if first == a {
			break
		}
	}
	return nil, false, nil
}

// forget gives up the first announcement.
func (l *sourceLink) forget() {
	if len(l.ahead) == 0 {
		return
	}
	a := l.ahead[0]
	if a.answer != nil {
		a.answer.finish()
	}
	l.ahead = slices.Delete(l.ahead, 0, 1)
}

// alone asks for one message.
func (l *sourceLink) alone(ctx context.Context, f *sourceFolder, validity, uid uint32) (*sourceBody, error) {
	const op = "open message"
	where := l.where(f) + " " + keyOf(validity, uid)
	l.settle()
	x, err := l.examine(ctx, f, false)
	if err != nil {
		return nil, err
	}
	if l.state.UIDValidity != validity {
		return nil, renumbered(op, where, validity, l.state.UIDValidity)
	}
	l.quiet()
	own, cancel := context.WithCancel(context.WithoutCancel(ctx))
	stop := context.AfterFunc(ctx, cancel)
	a := &answer{cancel: cancel, left: 1, stream: x.Fetch(own, imap.FetchRequest{UIDs: imap.UIDs(uid), Body: true})}
	for {
		item, err := a.stream.Next()
		if err == nil && (item.UID != uid || item.Body == nil) {
			continue
		}
		if err == nil {
			l.loose = a
			return l.body(ctx, a, item, stop), nil
		}
		stop()
		odd := a.stream.Skipped()
		a.finish()
		return nil, l.missing(ctx, x, uid, where, odd, err)
	}
}

// missing tells why FETCH brought no body: the message is gone, or the server
// cannot or will not show it.
func (l *sourceLink) missing(ctx context.Context, x sessionSearcher, uid uint32, where string, odd []error, err error) error {
	const op = "open message"
	if cancelled := server.Ended(ctx, op, where); cancelled != nil {
		return cancelled
	}
	if !endOfAnswer(err) && !server.Refused(err) {
		return l.source.fail(ctx, op, where, err)
	}
	if server.Refused(err) && !server.Expunged(err) {
		if told := l.source.fail(ctx, op, where, err); failure.ClassOf(told).Retryable() {
			return told
		}
	}
	set, failed := x.Search(ctx, "UID "+imapNumber(uid))
	if failed != nil {
		return l.source.fail(ctx, op, where, failed)
	}
	if !holds(set, uid) {
		return failure.New(failure.Vanished, op, where, "imap.message", nil)
	}
	cause := err
	switch {
	case len(odd) > 0:
		cause = odd[0]
	case endOfAnswer(err):
		cause = errNoBody
	}
	return failure.New(failure.Malformed, op, where, "imap.unreadable", cause).
		WithRemedy("look at the message in the source with a mail program; if it shows there, report the server's answer (--trace)")
}
