package sitestore

import (
	"context"
	"io"
	"time"

	"waybill/mail"
	"waybill/sitestore/blob"
)

// Incoming is a message on its way into a folder.
type Incoming struct {
	Flags mail.FlagSet
	Date  time.Time // zero: not known
	// Open gives the body from the start.
	Open func(ctx context.Context) (io.ReadCloser, error)
}

// Outcome tells what became of one message.
type Outcome struct {
	UID uint32 // 0 when Err is set
	Err error
}

// Append stores a batch in order: all of it in one durable step, except
// messages whose bodies cannot be read, which are left out and have the
// reader's error in their Outcome. When Append itself returns an error nothing
// was stored, unless it was the last write to the disk that failed: then the
// batch is there whole or not at all. validity is the folder's UIDVALIDITY as
// the caller knows it; another one is an error of class Conflict.
func (m *Mailbox) Append(ctx context.Context, folder mail.Path, validity uint32, items []Incoming) ([]Outcome, error) {
	const op = "append"
	if err := m.writable(op); err != nil {
		return nil, err
	}
	id, err := m.folderID(ctx, folder)
	if err != nil {
		return nil, err
	}
	if err := m.checkTrap(ctx, op); err != nil {
		return nil, err
	}
	if len(items) == 0 {
		return nil, nil
	}
	b := &batch{mailbox: m, ctx: ctx, staged: make([]staged, len(items)), fresh: map[mail.Digest]blob.Location{}}
	outcomes, err := b.store(op, folder, id, validity, items)
	if err != nil {
		if m.segment != nil {
			if b.indexing {
				// The last write may or may not have become durable: where the
				// segment ends, the index tells whoever takes it next.
				_ = m.segment.Discard()
			} else {
				m.segment.Abandon()
			}
			m.segment = nil
		}
		return nil, err
	}
	return outcomes, nil
}

// checkTrap refuses what the behaviour Q255888 refuses.
func (m *Mailbox) checkTrap(ctx context.Context, op string) error {
	if m.entry == 0 || m.access.reliable {
		return nil
	}
	var trapped bool
	err := m.store.change(ctx, op, func(t *tx) (err error) {
		trapped, err = m.store.trapped(t, m.entry, m.session.operator, m.account)
		return err
	})
	if err == nil && trapped {
		err = m.session.trapRefusal(ctx, op, m.account)
	}
	return err
}

// takeSegment makes sure that the mailbox has a segment with room in it.
func (m *Mailbox) takeSegment(ctx context.Context) error {
	if m.segment != nil && m.segment.IsFull() {
		if err := m.segment.Release(); err != nil {
			return err
		}
		m.segment = nil
	}
	if m.segment != nil {
		return nil
	}
	seg, err := m.store.acquireSegment(ctx)
	m.segment = seg
	return err
}
