// Package source reads the mailboxes of an IMAP server. It opens folders with EXAMINE
// and reads messages with BODY.PEEK: nothing is ever written.
package source

import (
	"context"
	"fmt"
	"iter"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"waybill/connector"
	"waybill/connector/imap/server"
	"waybill/directory"
	"waybill/failure"
	"waybill/mail"
)

var (
	_ connector.Source        = (*source)(nil)
	_ connector.SourceMailbox = (*sourceBox)(nil)
	_ connector.Announcer     = (*sourceBox)(nil)
	_ connector.Identified    = (*sourceBox)(nil)
	_ connector.LargeFinder   = (*sourceBox)(nil)
	_ connector.ChangeLister  = (*sourceBox)(nil)
	_ connector.Sized         = (*sourceBody)(nil)
)

// source reads the mailboxes of an IMAP server. Folders are opened with EXAMINE
// and messages read with BODY.PEEK, so that nothing is written.
type source struct {
	server  *server.Server
	loc     connector.Location
	options server.Options
	labels  labelPolicy
	// sizesLie is set when a message had another length than RFC822.SIZE said:
	// lengths are then not told any more before reading.
	sizesLie atomic.Bool

	mu    sync.Mutex
	names []string // users as listed last, ordered
}

// Open opens an IMAP server for reading. It logs on once; passwords of single
// users are tried when their mailboxes are opened.
func Open(ctx context.Context, loc connector.Location, o server.Options) (connector.Source, error) {
	if err := server.Ended(ctx, "open", loc.String()); err != nil {
		return nil, err
	}
	s, err := server.Connect(ctx, loc, o, server.SourceSide)
	if err != nil {
		return nil, err
	}
	labels, err := labelsFor(s, o)
	if err != nil {
		_ = s.Close()
		return nil, err
	}
	src := &source{server: s, loc: loc, options: o, labels: labels}
	// Exchange computes sizes without converting the message.
	src.sizesLie.Store(s.Flavour() == "exchange")
	if src.seenIsOurs() && o.Warn != nil {
		o.Warn("an administrator with granted rights sees on " + s.Location() + " which messages he has read himself, not which their owners have: the mark \\Seen is left out; auth=proxy carries it")
	}
	return src, nil
}

// seenIsOurs reports whether \Seen is that of the administrator who looks: Cyrus
// keeps it for each reader (RFC 5257 has a word for it, RFC 4314 4 the right).
func (s *source) seenIsOurs() bool {
	return s.server.Auth() == server.ACLAdmin && !s.options.SharedSeen
}

func (s *source) Capabilities() connector.Capabilities {
	flags := mail.Seen | mail.Answered | mail.Flagged | mail.Deleted | mail.Draft | mail.Forwarded
	if s.seenIsOurs() {
		flags &^= mail.Seen
	}
	return connector.Capabilities{
		System: s.loc.Scheme, Location: s.server.Location(),
		Flags: flags, Keywords: true, DatePrecision: time.Second,
		Subscriptions: true, SpecialUse: true, EmptyFolders: true,
		Parallel: s.server.Connections(), Lanes: s.server.Connections(),
	}
}

// users are whose mailboxes there are, ordered.
func (s *source) users(ctx context.Context) ([]string, error) {
	if err := server.Ended(ctx, "list users", s.server.Location()); err != nil {
		return nil, err
	}
	users, err := s.server.Users(ctx)
	if err != nil {
		return nil, s.server.Fail("list users", s.server.Location(), err)
	}
	slices.Sort(users)
	users = slices.Compact(users)
	if len(users) == 0 {
		return nil, failure.New(failure.Usage, "list users", s.server.Location(), "imap.users", nil).
			WithRemedy("an IMAP server tells nobody who its users are: name them with --users FILE, a CSV with a column user, or put the one user into the location, imap://USER@HOST")
	}
	s.mu.Lock()
	s.names = users
	s.mu.Unlock()
	return users, nil
}

// has reports whether there is such a user. Who was not listed before may be new.
func (s *source) has(ctx context.Context, user string) (bool, error) {
	s.mu.Lock()
	_, known := slices.BinarySearch(s.names, user)
	s.mu.Unlock()
	if known {
		return true, nil
	}
	users, err := s.users(ctx)
	_, known = slices.BinarySearch(users, user)
	return known, err
}

func (s *source) Users(ctx context.Context) iter.Seq2[directory.User, error] {
	return func(yield func(directory.User, error) bool) {
		users, err := s.users(ctx)
		if err != nil {
			yield(directory.User{}, err)
			return
		}
		for _, id := range users {
			if err := server.Ended(ctx, "list users", s.server.Location()); err != nil {
				yield(directory.User{}, err)
				return
			}
			if !yield(s.user(id), nil) {
				return
			}
		}
	}
}

// user tells of a user what the operator's map says.
func (s *source) user(id string) directory.User {
	u := directory.User{ID: id}
	if s.options.Users == nil {
		return u
	}
	for _, row := range s.options.Users.Rows {
		if row.User == id {
			u.Name, u.Addresses = row.Name, row.Address
		}
	}
	return u
}

// Book is empty: IMAP has no directory.
func (s *source) Book(ctx context.Context) (directory.Book, error) {
	return directory.Book{}, server.Ended(ctx, "read the book", s.server.Location())
}

func (s *source) Mailbox(ctx context.Context, user string) (connector.SourceMailbox, error) {
	known, err := s.has(ctx, user)
	if err != nil && failure.ClassOf(err) != failure.Usage {
		return nil, err
	}
	if !known {
		return nil, failure.New(failure.Vanished, "open mailbox", fmt.Sprintf("%q", user), "imap.user", nil)
	}
	b := &sourceBox{source: s, user: user, link: newSourceLink(s, user)}
	if err := b.begin(ctx); err != nil {
		_ = b.Close()
		return nil, err
	}
	return b, nil
}

func (s *source) Close() error { return s.server.Close() }

// fail gives an error of the client its place and what is known of the provider.
func (s *source) fail(ctx context.Context, op, where string, err error) error {
	if err == nil {
		return nil
	}
	if cancelled := server.Ended(ctx, op, where); cancelled != nil {
		return cancelled
	}
	return s.server.Fail(op, where, err)
}
