package source

import (
	"context"
	"errors"

	"waybill/connector/imap/server"
	"waybill/failure"
	"waybill/imap"
)

// sourceLink is the one connection of a mailbox that is read. Whoever uses it
// holds its lock, for one exchange with the server or one piece of a body: a
// reader that is left open holds nothing. When somebody else needs the line,
// what is left of an open body is put aside first (sourceBody.detach).
type sourceLink struct {
	source *source
	user   string
	sem    chan struct{} // the lock, which a waiting context can leave

	closed   bool
	session  *server.Session
	spelling server.Spelling
	known    bool // whether spelling was asked for
	folder   *sourceFolder
	state    imap.Selected // of folder, as EXAMINE told
	// ahead are announcements in order; those that were sent come first.
	ahead []*announcement
	// loose is an answer with one message that was opened by itself, not read to
	// its end yet.
	loose *answer
	// current is the body whose bytes are on the line.
	current *sourceBody
}

// answer is a FETCH under way. Its context ends with whoever reads from it.
type answer struct {
	stream *imap.FetchStream
	cancel context.CancelFunc
	left   int // messages that were not read to their end
}

// finish reads what is left, throws it away and lets the context go.
func (a *answer) finish() {
	_ = a.stream.Close()
	a.cancel()
}

func newSourceLink(s *source, user string) *sourceLink {
	return &sourceLink{source: s, user: user, sem: make(chan struct{}, 1)}
}

func (l *sourceLink) lock(ctx context.Context, op, where string) error {
	if err := server.Ended(ctx, op, where); err != nil {
		return err
	}
	select {
	case l.sem <- struct{}{}:
		return nil
	case <-ctx.Done():
		return server.Ended(ctx, op, where)
	}
}

func (l *sourceLink) unlock() { <-l.sem }

// connected gives the session, a new one when there is none or the old one broke.
func (l *sourceLink) connected(ctx context.Context) (*server.Session, error) {
	if l.session != nil && l.session.Broken() == nil {
		return l.session, nil
	}
	l.drop()
	if l.closed {
		return nil, failure.New(failure.Internal, "log on", l.user, "imap.closed", errors.New("the mailbox was closed"))
	}
	x, err := l.source.server.Session(ctx, l.user)
	if err != nil {
		return nil, l.source.fail(ctx, "log on", l.user, err)
	}
	if !l.known {
		if l.spelling, err = server.SpellingOf(ctx, l.source.server, x); err != nil {
			x.Release()
			return nil, l.source.fail(ctx, "log on", l.user, err)
		}
		l.known = true
	}
	l.session = x
	return x, nil
}

// drop gives the session back with all that was under way on it.
func (l *sourceLink) drop() {
	if l.session == nil {
		return
	}
	if l.current != nil {
		l.current.lost()
		l.current = nil
	}
	for _, a := range l.ahead {
		if a.answer != nil {
			a.answer.cancel()
		}
	}
	l.ahead = nil
	if l.loose != nil {
		l.loose.cancel()
		l.loose = nil
	}
	l.session.Release()
	l.session, l.folder, l.state = nil, nil, imap.Selected{}
}

// quiet frees the line for a command: an open body is put aside, and what was
// asked for ahead is read to its end and will be asked for again.
func (l *sourceLink) quiet() {
	l.settle()
	kept := l.ahead[:0]
	for _, a := range l.ahead {
		if a.answer != nil {
			a.answer.finish()
			a.answer = nil
			a.again++
		}
		if a.again < maxAgain {
			kept = append(kept, a)
		}
	}
	clear(l.ahead[len(kept):])
	l.ahead = kept
}

// settle frees the line for the next answer.
func (l *sourceLink) settle() {
	if l.current != nil {
		l.current.detach()
		l.current = nil
	}
	if l.loose != nil {
		l.loose.finish()
		l.loose = nil
	}
}

// examine opens a folder without writing to it (EXAMINE, RFC 9051 6.3.3). One that
// is open already stays so unless its state must be fresh.
func (l *sourceLink) examine(ctx context.Context, f *sourceFolder, fresh bool) (*server.Session, error) {
	x, err := l.connected(ctx)
	if err != nil {
		return nil, err
	}
	if l.folder != nil && l.folder.name == f.name && !fresh {
		return x, nil
	}
	l.quiet()
	l.folder = nil
	state, err := x.Select(ctx, f.name, imap.SelectOptions{ReadOnly: true, CondStore: x.Has("CONDSTORE")})
	if err != nil {
		if server.Refused(err) {
			return nil, l.unreadable(ctx, x, f, err)
		}
		return nil, l.source.fail(ctx, "examine folder", l.where(f), err)
	}
	if state.UIDValidity == 0 {
		return nil, failure.New(failure.Unsupported, "examine folder", l.where(f), "imap.uidvalidity",
			errors.New("the server tells no UIDVALIDITY, so that messages cannot be told from each other on another day"))
	}
	l.folder, l.state = f, state
	return x, nil
}

// leave closes the folder that is open: what STATUS and LIST tell of it may be
// as old as its opening (RFC 9051 6.3.11 says not to ask).
func (l *sourceLink) leave(ctx context.Context, x *server.Session) error {
	l.quiet()
	if l.folder == nil {
		return nil
	}
	f := l.folder
	l.folder = nil
	return l.source.fail(ctx, "close folder", l.where(f), x.Unselect(ctx))
}

func (l *sourceLink) where(f *sourceFolder) string { return l.user + " " + string(f.Path) }

// close ends the link. A connection that still has bodies on it is not worth
// reading them.
func (l *sourceLink) close() {
	l.sem <- struct{}{}
	defer l.unlock()
	l.closed = true
	if l.session == nil {
		return
	}
	answers := []*answer{l.loose}
	for _, a := range l.ahead {
		answers = append(answers, a.answer)
	}
	l.ahead, l.loose = nil, nil
	for _, a := range answers {
		switch {
		case a == nil:
		case a.left > 0:
			_ = l.session.Close()
			a.cancel()
		default:
			a.finish()
		}
	}
	l.drop()
}
