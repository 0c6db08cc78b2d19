// Package filesource holds what the sources have in common that read the files
// of a mail program: users, folders, and directories of message files. A
// connector says where its mailboxes lie and what is in them; the rules of the
// contract (order, unique names, cancellation, classes of errors) are kept here.
package filesource

import (
	"context"
	"errors"
	"iter"
	"slices"
	"strings"
	"time"

	"waybill/connector"
	"waybill/connector/files"
	"waybill/directory"
	"waybill/failure"
	"waybill/mail"
)

// System is one mail program's way to keep mail in files.
type System struct {
	// Location is what the operator named; its scheme begins the rules of errors.
	Location connector.Location
	// Flags are those that the files can tell; Keywords tells whether keywords are
	// among them.
	Flags    mail.Flags
	Keywords bool
	// Places lists the mailboxes, in any order.
	Places func(ctx context.Context) ([]Place, error)
	// Open opens the mailbox of a place.
	Open func(ctx context.Context, p Place) (Store, error)
}

// Place is where a user's mailbox lies.
type Place struct {
	ID   string // of the user
	Path string // of a file or directory
	// Err tells why the mailbox cannot be read.
	Err error
}

// Store is one user's mailbox.
type Store interface {
	// Folders lists the folders, in any order. Paths that occur twice are told
	// apart by the caller, and folders that are missing between are added.
	Folders(ctx context.Context) ([]Folder, error)
	Close() error
}

// Folder is a folder with what is in it.
type Folder struct {
	mail.Folder
	Contents Contents // nil for a container
}

// Contents are the messages of one folder, as connector.SourceMailbox has them.
type Contents interface {
	Census(ctx context.Context, exact bool) (connector.Census, error)
	// Messages lists them; an error that comes without a key ends the listing.
	Messages(ctx context.Context) iter.Seq2[mail.Message, error]
	Open(ctx context.Context, m mail.Message) (Body, error)
}

// Source is a connector.Source over a System.
type Source struct{ System System }

// Capabilities tell what the files can say of a message.
func (s *Source) Capabilities() connector.Capabilities {
	return connector.Capabilities{
		System:        s.System.Location.Scheme,
		Location:      s.System.Location.String(),
		Fidelity:      connector.Exact,
		Flags:         s.System.Flags,
		Keywords:      s.System.Keywords,
		DatePrecision: time.Second,
		EmptyFolders:  true,
		SpecialUse:    true,
	}
}

func (s *Source) rule(name string) string { return s.System.Location.Scheme + "." + name }

// Close does nothing: mailboxes hold what there is to hold.
func (s *Source) Close() error { return nil }

// Book is empty: address books of these programs are files of other kinds.
func (s *Source) Book(ctx context.Context) (directory.Book, error) {
	return directory.Book{}, files.Fail("read directory", s.System.Location.Path, s.rule("book"), ctx.Err())
}

// places lists the mailboxes by their users' IDs. Of two for one user the first
// is kept, with an error.
func (s *Source) places(ctx context.Context) ([]Place, error) {
	if err := ctx.Err(); err != nil {
		return nil, files.Fail("list users", s.System.Location.Path, s.rule("users"), err)
	}
	list, err := s.System.Places(ctx)
	if err != nil {
		return nil, err
	}
	slices.SortStableFunc(list, func(a, b Place) int { return strings.Compare(a.ID, b.ID) })
	kept := list[:0]
	for _, p := range list {
		if n := len(kept); n > 0 && kept[n-1].ID == p.ID {
			kept[n-1].Err = failure.New(failure.Conflict, "list users", p.Path, s.rule("user-twice"),
				errors.New(kept[n-1].Path+" stands for the same user")).WithRemedy("rename one of the two")
			continue
		}
		kept = append(kept, p)
	}
	return kept, nil
}

// Users lists who has a mailbox.
func (s *Source) Users(ctx context.Context) iter.Seq2[directory.User, error] {
	return func(yield func(directory.User, error) bool) {
		list, err := s.places(ctx)
		if err != nil {
			yield(directory.User{}, err)
			return
		}
		for _, p := range list {
			if err := ctx.Err(); err != nil {
				yield(directory.User{}, files.Fail("list users", s.System.Location.Path, s.rule("users"), err))
				return
			}
			if !yield(directory.User{ID: p.ID}, p.Err) {
				return
			}
		}
	}
}

// Mailbox opens a user's mailbox.
func (s *Source) Mailbox(ctx context.Context, user string) (connector.SourceMailbox, error) {
	list, err := s.places(ctx)
	if err != nil {
		return nil, err
	}
	i, found := slices.BinarySearchFunc(list, user, func(p Place, id string) int { return strings.Compare(p.ID, id) })
	if !found || user == "" {
		return nil, failure.New(failure.Vanished, "open mailbox", s.System.Location.Path+", user "+files.Printable(user), s.rule("no-user"),
			errors.New("there is no mailbox of that user"))
	}
	p := list[i]
	if p.Err != nil {
		return nil, p.Err
	}
	store, err := s.System.Open(ctx, p)
	if err != nil {
		return nil, err
	}
	return &box{system: s.System.Location.Scheme, place: p, store: store}, nil
}
