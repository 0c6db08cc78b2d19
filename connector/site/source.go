package site

import (
	"context"
	"fmt"
	"io"
	"iter"
	"strconv"

	"waybill/connector"
	"waybill/directory"
	"waybill/failure"
	"waybill/mail"
	"waybill/sitestore"
)

// page is how many messages are listed in one query.
const page = 1000

type source struct{ *base }

// Users yields every account, public folders included.
func (s *source) Users(ctx context.Context) iter.Seq2[directory.User, error] {
	return func(yield func(directory.User, error) bool) {
		if err := s.session.Logon(ctx); err != nil {
			yield(directory.User{}, err)
			return
		}
		s.store.Accounts(ctx)(yield)
	}
}

// Book reads contacts and lists.
func (s *source) Book(ctx context.Context) (directory.Book, error) {
	if err := s.session.Logon(ctx); err != nil {
		return directory.Book{}, err
	}
	return s.store.Book(ctx)
}

// Mailbox opens a mailbox for reading.
func (s *source) Mailbox(ctx context.Context, user string) (connector.SourceMailbox, error) {
	m, err := s.session.Mailbox(ctx, user, false)
	if err != nil {
		return nil, err
	}
	return &sourceMailbox{m}, nil
}

type sourceMailbox struct{ m *sitestore.Mailbox }

func (b *sourceMailbox) Folders(ctx context.Context) ([]mail.Folder, error) { return folders(ctx, b.m) }

// Census is exact in either case: the site counts as it goes.
func (b *sourceMailbox) Census(ctx context.Context, folder mail.Path, _ bool) (connector.Census, error) {
	f, err := b.m.Folder(ctx, folder)
	if err != nil {
		return connector.Census{}, err
	}
	return connector.Census{Messages: f.Messages, Bytes: f.Bytes,
		State: fmt.Sprintf("%d/%d/%d/%d", f.UIDValidity, f.UIDNext, f.HighestModSeq, f.Messages)}, nil
}

func (b *sourceMailbox) Messages(ctx context.Context, folder mail.Path) iter.Seq2[mail.Message, error] {
	return func(yield func(mail.Message, error) bool) {
		for m, err := range listed(ctx, b.m, folder, 1) {
			if err != nil {
				yield(mail.Message{}, err)
				return
			}
			if !yield(mail.Message{Key: key(m.UID), Size: m.Size, InternalDate: m.Date, Flags: m.Flags}, nil) {
				return
			}
		}
	}
}

func (b *sourceMailbox) Open(ctx context.Context, folder mail.Path, m mail.Message) (io.ReadCloser, error) {
	uid, err := parseKey("open message", folder, m.Key)
	if err != nil {
		return nil, err
	}
	_, body, err := b.m.Open(ctx, folder, uid)
	return body, err
}

func (b *sourceMailbox) Close() error { return b.m.Close() }

// listed yields the messages of a folder from a UID on, a page at a time, so
// that nothing is held while the caller works.
func listed(ctx context.Context, m *sitestore.Mailbox, folder mail.Path, from uint32) iter.Seq2[sitestore.Message, error] {
	return func(yield func(sitestore.Message, error) bool) {
		for {
			messages, err := m.List(ctx, folder, from, page)
			if err != nil {
				yield(sitestore.Message{}, err)
				return
			}
			for _, msg := range messages {
				if err := ended(ctx, "list messages", string(folder)); err != nil {
					yield(sitestore.Message{}, err)
					return
				}
				if !yield(msg, nil) {
					return
				}
				from = msg.UID + 1
			}
			if len(messages) < page {
				return
			}
		}
	}
}

// key is a UID as mail.Message.Key and as a receipt's ID.
func key(uid uint32) string { return strconv.FormatUint(uint64(uid), 10) }

func parseKey(op string, folder mail.Path, key string) (uint32, error) {
	uid, err := strconv.ParseUint(key, 10, 32)
	if err != nil {
		return 0, failure.New(failure.Vanished, op, string(folder)+" "+strconv.Quote(key), "site.no-such-message", err)
	}
	return uint32(uid), nil
}
