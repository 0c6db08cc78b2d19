package target

import (
	"context"
	"errors"
	"fmt"
	"strconv"
	"sync"
	"sync/atomic"

	"waybill/connector"
	"waybill/connector/imap/server"
	"waybill/failure"
	"waybill/mail"
)

// targetBox is one account's mailbox. It writes over one connection and, as
// long as the server lets it have a second one, reads back over another.
type targetBox struct {
	t       *target
	account string

	server.Spelling

	writer *line

	// ready guards reader, which is nil before it is needed and while there is no
	// second connection.
	ready  sync.Mutex
	reader *line

	oddMu sync.Mutex
	odd   map[mail.Path]string // names on the server that no rule gives

	seen map[string]bool // folders on which sharedseen was set
	// shared counts them: what a session sees as read it decides when it opens a
	// folder, so that a folder that was open before has to be opened again.
	shared atomic.Int64
}

var (
	_ connector.TargetMailbox   = (*targetBox)(nil)
	_ connector.StoredAnnouncer = (*targetBox)(nil)
	_ connector.Identified      = (*targetBox)(nil)
	_ connector.RoomTeller      = (*targetBox)(nil)
	_ connector.Subscriber      = (*targetBox)(nil)
	_ connector.FillTeller      = (*targetBox)(nil)
)

// Mailbox logs on to the account's mailbox and looks whether it is there.
func (t *target) Mailbox(ctx context.Context, account string) (connector.TargetMailbox, error) {
	const op = "open mailbox"
	if err := server.Ended(ctx, op, account); err != nil {
		return nil, err
	}
	if account == "" {
		return nil, failure.New(failure.Vanished, op, "", "imap.account", errors.New("an account without a name"))
	}
	x, err := t.server.Session(ctx, account)
	if err != nil {
		return nil, err
	}
	l, err := t.learn(ctx, x)
	if err != nil {
		x.Release()
		return nil, err
	}
	b := &targetBox{t: t, account: account, Spelling: l, seen: map[string]bool{}}
	b.writer = &line{box: b, session: x}
	if err := b.present(ctx); err != nil {
		_ = b.Close()
		return nil, err
	}
	return b, nil
}

// present makes sure that the mailbox has an inbox that can be seen: a server
// hides one that may not be touched behind the same words as one that is not
// there.
func (b *targetBox) present(ctx context.Context) error {
	l := b.writer
	l.mu.Lock()
	defer l.mu.Unlock()
	x, err := l.connected(ctx)
	if err != nil {
		return err
	}
	items, err := x.List(ctx, "", b.Rules.Inbox, listPlain)
	if err != nil {
		return b.t.fail("look for the inbox", b.account, err)
	}
	if len(items) > 0 {
		return nil
	}
	results, err := x.Status(ctx, []string{b.Rules.Inbox}, "MESSAGES")
	if err == nil && len(results) == 1 {
		err = results[0].Err
	}
	if err != nil {
		return b.t.explain(ctx, x, b.Rules.Inbox, b.account, "open the inbox", err)
	}
	return nil
}

// Close gives the connections back.
func (b *targetBox) Close() error {
	b.ready.Lock()
	reader := b.reader
	b.reader = nil
	b.ready.Unlock()
	reader.release()
	b.writer.release()
	return nil
}

// command locks the connection that writes and makes it ready for a command that
// concerns no open folder. done unlocks it.
func (b *targetBox) command(ctx context.Context) (x *server.Session, done func(), err error) {
	l := b.writer
	l.mu.Lock()
	if x, err = l.connected(ctx); err != nil {
		l.mu.Unlock()
		return nil, nil, err
	}
	l.detach()
	return x, l.mu.Unlock, nil
}

// where names a folder of this mailbox in errors.
func (b *targetBox) where(folder mail.Path) string { return b.account + " " + string(folder) }

// back returns the line to read over, locked. It is the writer's where the
// server gives no second connection; shared says so.
func (b *targetBox) back(ctx context.Context) (l *line, shared bool, err error) {
	for {
		if err := server.Ended(ctx, "read back", b.account); err != nil {
			return nil, false, err
		}
		if l = b.second(ctx); l == nil {
			b.writer.mu.Lock()
			return b.writer, true, nil
		}
		l.mu.Lock()
		if l.dead {
			l.mu.Unlock()
			continue
		}
		if _, err := l.connected(ctx); err == nil {
			return l, false, nil
		}
		l.mu.Unlock()
		b.yieldReader()
	}
}

// second is the second connection's line. With none to be had, for whatever
// reason, the first one serves.
func (b *targetBox) second(ctx context.Context) *line {
	b.ready.Lock()
	defer b.ready.Unlock()
	if b.reader == nil {
		if x, err := b.t.server.Session(server.Optional(ctx), b.account); err == nil {
			b.reader = &line{box: b, session: x}
		}
	}
	return b.reader
}

// yieldReader gives up the second connection, so that the first can be made
// again without waiting for others who wait, too.
func (b *targetBox) yieldReader() {
	b.ready.Lock()
	reader := b.reader
	b.reader = nil
	b.ready.Unlock()
	reader.release()
}

func uidText(uid uint32) string { return strconv.FormatUint(uint64(uid), 10) }

// parseUID reads an ID as uidText writes it, and nothing else.
func parseUID(id string) (uint32, bool) {
	n, err := strconv.ParseUint(id, 10, 32)
	if err != nil || n == 0 || uidText(uint32(n)) != id {
		return 0, false
	}
	return uint32(n), true
}

func gone(op, where, id string) error {
	return failure.New(failure.Vanished, op, where+" "+id, "imap.message-gone", fmt.Errorf("the folder has no message with the UID %q", id))
}
