// Package site is the connector over the embedded mail site (package
// sitestore). What it stores it gives back byte for byte, and the operator's
// rights are those of the site: whoever may make a mailbox may not
// necessarily fill it.
//
//	site:FILE[?operator=NAME][&behave=q255888]
//
// operator is who works on the site; without it, whoever made the site.
// behave makes the site act as KB Q255888 tells, for this session only.
package site

import (
	"context"
	"os"
	"strings"
	"time"

	"waybill/connector"
	"waybill/failure"
	"waybill/mail"
	"waybill/sitestore"
)

// Batches that suit a site: large enough to share the cost of making them
// durable, small enough to be no burden when one is done again.
const (
	batchMessages = 500
	batchBytes    = 16 << 20
)

// all is every system flag.
const all = mail.Seen | mail.Answered | mail.Flagged | mail.Deleted | mail.Draft | mail.Forwarded

// Source opens a site for reading. A site that is not there is an error of
// class Vanished.
func Source(ctx context.Context, loc connector.Location) (connector.Source, error) {
	b, err := openBase(ctx, loc, func(path string) (*sitestore.Store, error) {
		return sitestore.Open(ctx, path, sitestore.Options{ReadOnly: true})
	})
	if err != nil {
		return nil, err
	}
	return &source{b}, nil
}

// Target opens a site for writing. A site that is not there is made, with
// default names.
func Target(ctx context.Context, loc connector.Location) (connector.Target, error) {
	b, err := openBase(ctx, loc, func(path string) (*sitestore.Store, error) {
		return sitestore.OpenOrCreate(ctx, path, sitestore.CreateOptions{Command: strings.Join(os.Args[:min(len(os.Args), 2)], " ")})
	})
	if err != nil {
		return nil, err
	}
	return &target{b}, nil
}

// base is what source and target have in common.
type base struct {
	store    *sitestore.Store
	session  *sitestore.Session
	location string
}

func openBase(ctx context.Context, loc connector.Location, open func(path string) (*sitestore.Store, error)) (*base, error) {
	const op = "open site"
	if err := ended(ctx, op, loc.String()); err != nil {
		return nil, err
	}
	if err := loc.RejectOptions("operator", "behave"); err != nil {
		return nil, err
	}
	if loc.Path == "" {
		return nil, failure.New(failure.Usage, op, loc.String(), "site.location", nil).WithRemedy("a site is a file: site:FILE")
	}
	store, err := open(loc.Path)
	if err != nil {
		return nil, err
	}
	session, err := store.Session(loc.Options.Get("operator"), loc.Options.Get("behave"))
	if err != nil {
		_ = store.Close()
		return nil, err
	}
	session.Shown(loc.Path)
	return &base{store: store, session: session, location: loc.String()}, nil
}

// Capabilities tell that a site keeps everything.
func (b *base) Capabilities() connector.Capabilities {
	return connector.Capabilities{
		System:          "site",
		Location:        b.location,
		Fidelity:        connector.Exact,
		Flags:           all,
		Keywords:        true,
		DatePrecision:   time.Second,
		EarliestDate:    sitestore.EarliestDate(),
		LatestDate:      sitestore.LatestDate(),
		Subscriptions:   true,
		SpecialUse:      true,
		EmptyFolders:    true,
		CreateAccounts:  true,
		DeleteAccounts:  true,
		UniqueAddresses: true,
		Contacts:        true,
		Lists:           true,
		BatchMessages:   batchMessages,
		BatchBytes:      batchBytes,
	}
}

// Close closes the site.
func (b *base) Close() error { return b.store.Close() }

func folders(ctx context.Context, m *sitestore.Mailbox) ([]mail.Folder, error) {
	list, err := m.Folders(ctx)
	if err != nil {
		return nil, err
	}
	plain := make([]mail.Folder, len(list))
	for i, f := range list {
		plain[i] = f.Folder
	}
	return plain, nil
}

func ended(ctx context.Context, op, where string) error {
	if err := ctx.Err(); err != nil {
		return failure.New(failure.Cancelled, op, where, "", err)
	}
	return nil
}
