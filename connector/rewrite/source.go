package rewrite

import (
	"context"
	"io"
	"iter"
	"slices"
	"sync/atomic"

	"waybill/connector"
	"waybill/mail"
)

// Source is a source whose messages come with Internet addresses. Keys, order,
// marks and dates are those of the source behind it. A message's size is not
// known before it is opened.
type Source struct {
	connector.Source
	use atomic.Pointer[History]
}

// New puts a Source before another one. Until Use is called it changes nothing.
func New(inner connector.Source) *Source { return &Source{Source: inner} }

// Use says by which tables the messages are rewritten that are listed and opened
// from now on.
func (s *Source) Use(h History) {
	if h.empty() {
		s.use.Store(nil)
		return
	}
	s.use.Store(&h)
}

// Wrapped implements connector.Wrapper.
func (s *Source) Wrapped() any { return s.Source }

// Mailbox implements connector.Source.
func (s *Source) Mailbox(ctx context.Context, user string) (connector.SourceMailbox, error) {
	inner, err := s.Source.Mailbox(ctx, user)
	if err != nil {
		return nil, err
	}
	return &mailbox{SourceMailbox: inner, source: s, user: user}, nil
}

type mailbox struct {
	connector.SourceMailbox
	source *Source
	user   string
}

// Wrapped implements connector.Wrapper: what the mailbox offers beyond the
// contract is passed on. Large messages are counted by what they had before.
func (b *mailbox) Wrapped() any { return b.SourceMailbox }

// Messages implements connector.SourceMailbox.
func (b *mailbox) Messages(ctx context.Context, folder mail.Path) iter.Seq2[mail.Message, error] {
	if b.source.use.Load() == nil {
		return b.SourceMailbox.Messages(ctx, folder)
	}
	return func(yield func(mail.Message, error) bool) {
		for m, err := range b.SourceMailbox.Messages(ctx, folder) {
			m.Size = -1
			if !yield(m, err) {
				return
			}
		}
	}
}

// Changes implements connector.ChangeLister. A mailbox that cannot tell says so.
func (b *mailbox) Changes(ctx context.Context, folder mail.Path, since string) (changed []mail.Message, gone []string, ok bool, err error) {
	inner, can := connector.Find[connector.ChangeLister](b.SourceMailbox)
	if !can {
		return nil, nil, false, nil
	}
	changed, gone, ok, err = inner.Changes(ctx, folder, since)
	if b.source.use.Load() != nil {
		changed = slices.Clone(changed)
		for i := range changed {
			changed[i].Size = -1
		}
	}
	return changed, gone, ok, err
}

// Open implements connector.SourceMailbox.
func (b *mailbox) Open(ctx context.Context, folder mail.Path, m mail.Message) (io.ReadCloser, error) {
	r, err := b.SourceMailbox.Open(ctx, folder, m)
	h := b.source.use.Load()
	if err != nil || h == nil {
		return r, err
	}
	t, rewrites := h.tableFor(Place{User: b.user, Folder: folder, Key: m.Key})
	if !rewrites {
		return r, nil
	}
	return &reader{inner: r, table: t}, nil
}
