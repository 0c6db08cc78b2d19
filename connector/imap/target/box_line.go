package target

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"

	"waybill/connector/imap/server"
	"waybill/failure"
	"waybill/imap"
	"waybill/mail"
)

// line is one connection of a mailbox, made again when it breaks. Whoever uses
// it holds mu; it is never held while somebody else's reader is read.
type line struct {
	box *targetBox

	mu      sync.Mutex
	session *server.Session
	folder  mail.Path // that is open for writing; "" when none is
	name    string
	open    imap.Selected
	next    uint32 // the next message's UID is not below; 0: not known
	allow   *permitted
	shared  int64 // targetBox.shared when the folder was opened

	ahead *readahead
	live  *storedReader // reads from the connection
	dead  bool          // released for good
}

// connected returns the session, a new one when the last was lost.
func (l *line) connected(ctx context.Context) (*server.Session, error) {
	if err := server.Ended(ctx, "log on", l.box.account); err != nil {
		return nil, err
	}
	if l.session != nil && l.session.Broken() == nil {
		return l.session, nil
	}
	l.drop()
	t := l.box.t
	x, err := t.server.Session(server.Optional(ctx), l.box.account)
	if l == l.box.writer && errors.Is(err, server.ErrBusy) {
		l.box.yieldReader()
		x, err = t.server.Session(ctx, l.box.account)
	}
	if err != nil {
		return nil, err
	}
	l.session = x
	return x, nil
}

// drop gives a session back that is of no more use.
func (l *line) drop() {
	l.detach()
	l.folder, l.next, l.allow = "", 0, nil
	if l.session != nil {
		l.session.Release()
		l.session = nil
	}
}

// detach ends what reads from the connection, before a command is made: a reader
// that somebody holds keeps the rest of its message.
func (l *line) detach() {
	if l.live != nil {
		l.live.rescue()
		l.live = nil
	}
	if l.ahead != nil {
		l.ahead.close()
		l.ahead = nil
	}
}

// release gives the connection back; a nil line has none.
func (l *line) release() {
	if l == nil {
		return
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	l.leave()
	l.drop()
	l.dead = true
}

// farewell bounds the closing of a folder, for which nobody waits.
const farewell = 5 * time.Second

// leave closes the folder, so that it may be removed while the connection waits
// for its next use.
func (l *line) leave() {
	l.detach()
	if l.folder == "" || l.session == nil || l.session.Broken() != nil {
		return
	}
	ctx, cancel := context.WithTimeout(context.Background(), farewell)
	defer cancel()
	_ = l.session.Unselect(ctx) // a connection that breaks here is closed instead
	l.folder = ""
}

// enter opens a folder for writing, or finds it open. With fresh it is opened
// anew, so that what the server tells of it is of this moment.
func (l *line) enter(ctx context.Context, folder mail.Path, fresh bool) (*server.Session, error) {
	x, err := l.connected(ctx)
	if err != nil {
		return nil, err
	}
	shared := l.box.shared.Load()
	if l.folder == folder && !fresh && l.shared == shared {
		if name, readOnly, ok := x.Selected(); ok && !readOnly && name == l.name {
			l.detach()
			return x, nil
		}
	}
	l.detach()
	where := l.box.where(folder)
	name, err := l.box.encode(folder)
	if err != nil {
		return nil, failure.New(failure.Vanished, "open folder", where, "imap.folder-name", err)
	}
	l.folder, l.next, l.allow = "", 0, nil
	open, err := x.Select(ctx, name, imap.SelectOptions{})
	if err != nil {
		return nil, l.box.t.explain(ctx, x, name, where, "open folder", err)
	}
	if open.UIDValidity == 0 {
		return nil, failure.New(failure.Unsupported, "open folder", where, "imap.no-uidvalidity", errors.New("the server does not keep UIDs"))
	}
	l.folder, l.name, l.open, l.next, l.shared = folder, name, open, open.UIDNext, shared
	l.allow = newPermitted(open, l.box.t.server.Flavour(), l.box.t.kept())
	return x, nil
}

// sameEpoch is an error when the folder is not the one that a position is from.
func (l *line) sameEpoch(p position, where string) error {
	if l.open.UIDValidity == p.validity {
		return nil
	}
	return failure.New(failure.Conflict, "look at folder", where, "imap.uidvalidity",
		fmt.Errorf("the folder's UIDVALIDITY was %d and is %d: the server has made it anew", p.validity, l.open.UIDValidity)).
		WithRemedy("run verify: it compares by content what the folder holds")
}
