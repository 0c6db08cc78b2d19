// Package tree reads an organisation whose mail lies in several formats: a
// directory with one folder per system, named as the system is on the command
// line. It presents them as one source.
//
//	DIR/maildir/          as maildir:DIR/maildir
//	DIR/mbox/             as mbox:DIR/mbox
//	DIR/eml/              as eml:DIR/eml
//	DIR/migfile/*.pkl     each as migfile:FILE
//
// A user whom several systems know appears once, with the folders of all; the
// messages of a folder that several of them have come one system after the
// other. Files called README... and hidden ones are passed over; anything else is
// an error.
package tree

import (
	"context"
	"errors"
	"time"

	"waybill/connector"
	"waybill/directory"
	"waybill/failure"
)

// Opener opens one part of a tree.
type Opener func(ctx context.Context, part connector.Location) (connector.Source, error)

// Source opens all systems in the directory loc.Path with open. It fails when
// one of them cannot be opened, or when the directory holds something unknown.
func Source(ctx context.Context, loc connector.Location, open Opener) (connector.Source, error) {
	if err := loc.RejectOptions(); err != nil {
		return nil, err
	}
	places, err := find(loc.Path)
	if err != nil {
		return nil, err
	}
	s := &source{location: loc}
	for _, p := range places {
		from, err := open(ctx, p.location)
		if err != nil {
			return nil, errors.Join(err, s.Close())
		}
		s.parts = append(s.parts, part{name: p.name, Source: from})
	}
	return s, nil
}

// source is several sources that look like one.
type source struct {
	location connector.Location
	parts    []part
}

type part struct {
	name string
	connector.Source
}

// Capabilities tell what at least one part can hold, as exactly as the coarsest.
func (s *source) Capabilities() connector.Capabilities {
	all := connector.Capabilities{System: "tree", Location: s.location.String()}
	for _, p := range s.parts {
		c := p.Capabilities()
		all.Fidelity = max(all.Fidelity, c.Fidelity)
		all.Flags |= c.Flags
		all.Keywords = all.Keywords || c.Keywords
		all.DatePrecision = max(all.DatePrecision, c.DatePrecision, time.Second)
		all.Subscriptions = all.Subscriptions || c.Subscriptions
		all.SpecialUse = all.SpecialUse || c.SpecialUse
		all.EmptyFolders = all.EmptyFolders || c.EmptyFolders
		all.Contacts = all.Contacts || c.Contacts
		all.Lists = all.Lists || c.Lists
		if c.Parallel > 0 && (all.Parallel == 0 || c.Parallel < all.Parallel) {
			all.Parallel = c.Parallel
		}
	}
	return all
}

// Mailbox opens the user's mailbox in every part that has one. A part that has
// it and cannot open it makes the whole mailbox fail, so that half of somebody's
// mail never passes for all of it.
func (s *source) Mailbox(ctx context.Context, user string) (connector.SourceMailbox, error) {
	if err := ctx.Err(); err != nil {
		return nil, failure.New(failure.Cancelled, "open mailbox", user, "tree.cancelled", err)
	}
	b := &mailbox{user: user}
	for _, p := range s.parts {
		m, err := p.Mailbox(ctx, user)
		switch {
		case err == nil:
			b.parts = append(b.parts, box{name: p.name, SourceMailbox: m})
		case failure.ClassOf(err) != failure.Vanished:
			return nil, errors.Join(err, b.Close())
		}
	}
	if len(b.parts) == 0 {
		return nil, failure.New(failure.Vanished, "open mailbox", s.location.String()+" "+user, "tree.no-mailbox", nil)
	}
	return b, nil
}

// Close closes all parts, whatever one of them says.
func (s *source) Close() error {
	var errs []error
	for _, p := range s.parts {
		errs = append(errs, p.Close())
	}
	return errors.Join(errs...)
}

// Book joins the directories. An entry that several parts have with the same
// content is there once; entries that only share an ID get the part's name behind
// it, in the lists of that part as well.
func (s *source) Book(ctx context.Context) (directory.Book, error) {
	var all shelf
	for _, p := range s.parts {
		book, err := p.Book(ctx)
		if err != nil {
			return directory.Book{}, err
		}
		all.add(p.name, book)
	}
	return all.book, nil
}
