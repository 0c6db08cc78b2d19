package sitestore

import (
	"context"
	"errors"
	"strconv"
	"sync"

	"waybill/failure"
	"waybill/mail"
	"waybill/sitestore/blob"
)

// Mailbox is one account's mailbox, opened by an operator. Reading may be done
// from several goroutines; everything else belongs to one at a time.
type Mailbox struct {
	store     *Store
	session   *Session
	account   string
	recipient int64
	write     bool
	access    access
	entry     int64 // in open_mailbox; 0 while the behaviour is ordinary
	segment   *blob.Segment
	ahead     ahead

	mu  sync.Mutex
	ids map[mail.Path]int64
}

// Mailbox opens the mailbox of an account. Contacts and lists have none: that
// is an error of class Vanished. Opening for writing is what the behaviour
// Q255888 watches.
func (n *Session) Mailbox(ctx context.Context, account string, write bool) (*Mailbox, error) {
	const op = "open mailbox"
	s := n.store
	if write && !s.index.Writable() {
		return nil, failure.New(failure.Denied, op, account, "site.read-only", errors.New("the site was opened for reading"))
	}
	m := &Mailbox{store: s, session: n, account: account, write: write, ids: map[mail.Path]int64{}}
	var class string
	found, err := s.index.Row(ctx, op, `SELECT id, class FROM recipient WHERE name = ?`, []any{account}, &m.recipient, &class)
	if err != nil {
		return nil, err
	}
	if !found || class != classMailbox {
		return nil, noRecipient(op, account)
	}
	object, err := s.RecipientDN(ctx, account)
	if err != nil {
		return nil, err
	}
	if m.access, err = n.mailboxAccess(ctx, op, account, object); err != nil {
		return nil, err
	}
	behave, err := n.behaviour(ctx)
	if err != nil {
		return nil, err
	}
	if write && behave == Q255888 {
		if m.entry, err = s.enter(ctx, n.operator, account); err != nil {
			return nil, err
		}
	}
	return m, nil
}

func (n *Session) behaviour(ctx context.Context) (string, error) {
	if n.behave != "" {
		return n.behave, nil
	}
	return n.store.Behaviour(ctx)
}

// Close gives the mailbox back.
func (m *Mailbox) Close() error {
	var errs []error
	if m.segment != nil {
		errs = append(errs, m.segment.Release())
		m.segment = nil
	}
	if m.entry != 0 {
		errs = append(errs, m.store.leave(context.Background(), m.entry))
		m.entry = 0
	}
	return errors.Join(errs...)
}

func (m *Mailbox) writable(op string) error {
	if m.write {
		return nil
	}
	return failure.New(failure.Denied, op, m.account, "site.read-only", errors.New("the mailbox was opened for reading"))
}

// where names a folder in errors.
func (m *Mailbox) where(path mail.Path) string { return m.account + "/" + string(path) }

func (m *Mailbox) whereUID(path mail.Path, uid uint32) string {
	return m.where(path) + " UID " + strconv.FormatUint(uint64(uid), 10)
}

// folderID finds the number of a folder, which stays the same as long as the
// folder exists and is never given to another.
func (m *Mailbox) folderID(ctx context.Context, path mail.Path) (int64, error) {
	m.mu.Lock()
	id, known := m.ids[path]
	m.mu.Unlock()
	if known {
		return id, nil
	}
	f, err := m.Folder(ctx, path)
	return f.ID, err
}

func (m *Mailbox) forget(path mail.Path) {
	m.mu.Lock()
	delete(m.ids, path)
	m.mu.Unlock()
}
