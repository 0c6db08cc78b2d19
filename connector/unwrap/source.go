package unwrap

import (
	"context"
	"fmt"
	"io"
	"iter"
	"maps"
	"slices"

	"waybill/connector"
	"waybill/failure"
	"waybill/mail"
)

// Take takes the option out of a location. wished tells that it was there; another
// value than TNEF is an error of class Usage.
func Take(loc connector.Location) (rest connector.Location, wished bool, err error) {
	values, given := loc.Options[Option]
	if !given {
		return loc, false, nil
	}
	if !slices.Equal(values, []string{TNEF}) {
		return loc, false, failure.New(failure.Usage, "open", loc.String(), "usage.option", fmt.Errorf("%s=%s is not known", Option, loc.Options.Get(Option))).
			WithRemedy("it is " + Option + "=" + TNEF)
	}
	loc.Options = maps.Clone(loc.Options)
	delete(loc.Options, Option)
	if loc.URL != nil {
		u := *loc.URL
		u.RawQuery = loc.Options.Encode()
		loc.URL = &u
	}
	return loc, true, nil
}

// source stands before another one.
type source struct {
	connector.Source
	name string
}

// New puts a source before another one whose messages it unwraps. loc is the
// location as it was given. Keys, order, marks and dates are those of the other; a
// message's size is not known before it is read.
func New(inner connector.Source, loc connector.Location) connector.Source {
	return &source{inner, loc.String()}
}

// Wrapped implements connector.Wrapper.
func (s *source) Wrapped() any { return s.Source }

func (s *source) Capabilities() connector.Capabilities {
	c := s.Source.Capabilities()
	c.Location = s.name
	return c
}

func (s *source) Mailbox(ctx context.Context, user string) (connector.SourceMailbox, error) {
	inner, err := s.Source.Mailbox(ctx, user)
	if err != nil {
		return nil, err
	}
	return &mailbox{inner}, nil
}

type mailbox struct{ connector.SourceMailbox }

// Wrapped implements connector.Wrapper.
func (b *mailbox) Wrapped() any { return b.SourceMailbox }

func (b *mailbox) Messages(ctx context.Context, folder mail.Path) iter.Seq2[mail.Message, error] {
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
	changed = slices.Clone(changed)
	for i := range changed {
		changed[i].Size = -1
	}
	return changed, gone, ok, err
}

func (b *mailbox) Open(ctx context.Context, folder mail.Path, m mail.Message) (io.ReadCloser, error) {
	r, err := b.SourceMailbox.Open(ctx, folder, m)
	if err != nil {
		return nil, err
	}
	return &reader{ctx: ctx, inner: r, where: string(folder) + " " + m.Key}, nil
}
