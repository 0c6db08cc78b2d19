package fake

import (
	"context"
	"io"
	"iter"
	"slices"
	"strings"

	"waybill/connector"
	"waybill/directory"
	"waybill/failure"
	"waybill/mail"
)

type source struct{ s *System }

func (c *source) Capabilities() connector.Capabilities { return c.s.caps }

func (c *source) Users(ctx context.Context) iter.Seq2[directory.User, error] {
	return c.s.users(ctx, "source.Users")
}

func (c *source) Book(ctx context.Context) (book directory.Book, err error) {
	err = c.s.call(ctx, "source.Book", "", "", func(*Fault) error {
		c.s.mu.Lock()
		defer c.s.mu.Unlock()
		book = directory.Book{Contacts: slices.Clone(c.s.book.Contacts), Lists: slices.Clone(c.s.book.Lists)}
		return nil
	})
	if err != nil {
		return directory.Book{}, err
	}
	return book, nil
}

func (c *source) Mailbox(ctx context.Context, user string) (connector.SourceMailbox, error) {
	err := c.s.call(ctx, "source.Mailbox", user, "", func(*Fault) error {
		return c.s.enter("open mailbox", user)
	})
	if err != nil {
		return nil, err
	}
	b := &sourceMailbox{c.s, c.s.lands(user)}
	if c.s.options.Identity != nil || c.s.options.Larger {
		return tellingSource{b}, nil
	}
	return b, nil
}

func (c *source) Close() error { return nil }

// enter tells whether there is a mailbox to open.
func (s *System) enter(op, user string) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	a := s.accounts[user]
	if a == nil {
		return failure.New(failure.Vanished, op, user, "fake.no-account", nil)
	}
	return a.err
}

// users yields a snapshot of all accounts.
func (s *System) users(ctx context.Context, name string) iter.Seq2[directory.User, error] {
	return func(yield func(directory.User, error) bool) {
		var list []*account
		err := s.call(ctx, name, "", "", func(*Fault) error {
			s.mu.Lock()
			defer s.mu.Unlock()
			for _, a := range s.accounts {
				snapshot := *a
				list = append(list, &snapshot)
			}
			return nil
		})
		if err != nil {
			yield(directory.User{}, err)
			return
		}
		slices.SortFunc(list, func(a, b *account) int { return strings.Compare(a.user.ID, b.user.ID) })
		for _, a := range list {
			if err := cancelled(ctx, name, ""); err != nil {
				yield(directory.User{}, err)
				return
			}
			if !yield(a.user, a.err) {
				return
			}
		}
	}
}

type sourceMailbox struct {
	s    *System
	user string
}

func (b *sourceMailbox) Folders(ctx context.Context) ([]mail.Folder, error) {
	return b.s.folders(ctx, "source.Folders", b.user)
}

// folders lists parents before children: by their names, level by level.
func (s *System) folders(ctx context.Context, name, user string) (list []mail.Folder, err error) {
	err = s.call(ctx, name, user, "", func(*Fault) error {
		s.mu.Lock()
		defer s.mu.Unlock()
		a := s.accounts[user]
		if a == nil {
			return failure.New(failure.Vanished, "list folders", user, "fake.no-account", nil)
		}
		for _, f := range a.folders {
			list = append(list, f.Folder)
		}
		return nil
	})
	if err != nil {
		return nil, err
	}
	slices.SortFunc(list, func(a, b mail.Folder) int { return slices.Compare(a.Path.Names(), b.Path.Names()) })
	return list, nil
}

func (b *sourceMailbox) Census(ctx context.Context, path mail.Path, exact bool) (census connector.Census, err error) {
	err = b.s.call(ctx, "source.Census", b.user, path, func(*Fault) error {
		b.s.mu.Lock()
		defer b.s.mu.Unlock()
		f, err := b.s.find("count messages", b.user, path)
		if err != nil {
			return err
		}
		census = connector.Census{Messages: int64(len(f.messages)), State: f.state()}
		for _, m := range f.messages {
			census.Bytes += m.size()
		}
		return nil
	})
	if err != nil {
		return connector.Census{}, err
	}
	return census, nil
}

func (b *sourceMailbox) Messages(ctx context.Context, path mail.Path) iter.Seq2[mail.Message, error] {
	return func(yield func(mail.Message, error) bool) {
		var list []*message
		err := b.s.call(ctx, "source.Messages", b.user, path, func(*Fault) error {
			b.s.mu.Lock()
			defer b.s.mu.Unlock()
			f, err := b.s.find("list messages", b.user, path)
			if err != nil {
				return err
			}
			list = slices.Clone(f.messages)
			return f.err
		})
		if err != nil {
			yield(mail.Message{}, err)
			return
		}
		for _, m := range list {
			if err := cancelled(ctx, "list messages", b.user+" "+string(path)); err != nil {
				yield(mail.Message{}, err)
				return
			}
			listed := mail.Message{Key: m.key(), Size: m.size(), InternalDate: m.Date, Flags: m.Flags, Labels: m.Labels, Notes: m.Notes}
			if m.HideSize {
				listed.Size = -1
			}
			if !yield(listed, m.Err) {
				return
			}
		}
	}
}

func (b *sourceMailbox) Open(ctx context.Context, path mail.Path, m mail.Message) (r io.ReadCloser, err error) {
	err = b.s.call(ctx, "source.Open", b.user, path, func(*Fault) error {
		found, err := b.s.get("open message", b.user, path, m.Key)
		if err != nil {
			return err
		}
		if found.Trouble == Vanishes {
			return failure.New(failure.Vanished, "open message", b.user+" "+string(path)+" "+m.Key, "fake.no-message", nil)
		}
		r = b.s.open(ctx, "source", b.user, path, found)
		return nil
	})
	if err != nil {
		return nil, err
	}
	return r, nil
}

func (b *sourceMailbox) Close() error { return nil }

// get finds a message by its key.
func (s *System) get(op, user string, path mail.Path, key string) (*message, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	f, err := s.find(op, user, path)
	if err != nil {
		return nil, err
	}
	if i := f.index(key); i >= 0 {
		return f.messages[i], nil
	}
	return nil, failure.New(failure.Vanished, op, user+" "+string(path)+" "+key, "fake.no-message", nil)
}
