package cli

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"sort"
	"strings"

	"waybill/connector"
	"waybill/connector/dbx"
	"waybill/connector/eml"
	"waybill/connector/emlx"
	"waybill/connector/exchangecsv"
	"waybill/connector/maildir"
	"waybill/connector/mbox"
	"waybill/connector/mh"
	"waybill/connector/migfile"
	"waybill/connector/mmff"
	"waybill/connector/msg"
	"waybill/connector/msmail"
	"waybill/connector/olm"
	"waybill/connector/pst"
	"waybill/connector/site"
	"waybill/connector/tree"
	"waybill/connector/unwrap"
	"waybill/failure"
)

// system is one kind of mail system that the program knows.
type system struct {
	scheme, form, about string
	source              func(context.Context, connector.Location) (connector.Source, error)
	target              func(context.Context, connector.Location) (connector.Target, error)
}

// registry holds the systems by scheme. It is a value made at start, so that
// tests and other programs can have their own.
type registry map[string]system

func newRegistry(e *env) registry {
	r := registry{}
	for _, s := range []system{
		{"maildir", "maildir:DIR", "DIR/<user>/ is a Maildir++", maildir.Source, maildir.Target},
		{"mbox", "mbox:DIR", "DIR/<user>.mbox, or DIR/<user>/<folder>/<sub>.mbox", mbox.Source, mbox.Target},
		{"eml", "eml:DIR", "DIR/<user>/<folder>/.../*.eml", eml.Source, eml.Target},
		{"migfile", "migfile:FILE", "Exchange migration files: a packing list (.pkl) with its .pri and .sec", migfile.Source, migfile.Target},
		{"msmail", "msmail:DIR", "a Microsoft Mail postoffice (PC Networks 3.x): DIR/GLB, DIR/MBG, DIR/MAI ...", msmail.Source, nil},
		{"mmff", "mmff:DIR", "files of Microsoft Mail's File Format API (FFAPI): DIR/<user>/, or one file", mmff.Source, mmff.Target},
		{"dbx", "dbx:DIR|FILE", "Outlook Express: DIR/<user>/.../*.dbx (and .mbx of version 4), or one file", dbx.Source, nil},
		{"emlx", "emlx:DIR", "Apple Mail: DIR/<user>/ is a Library/Mail, or an account folder in it", emlx.Source, nil},
		{"mh", "mh:DIR", "DIR/<user>/<folder>/.../<number>, as nmh, Sylpheed and Claws Mail keep mail", mh.Source, nil},
		{"msg", "msg:DIR", "DIR/<user>/<folder>/.../*.msg, messages that Outlook saved", msg.Source, nil},
		{"exchangecsv", "exchangecsv:FILE", "recipients of an Exchange directory export (CSV): accounts, contacts and lists, no mail", exchangecsv.Source, nil},
		{"pst", "pst:FILE|DIR", "Outlook's PST and OST files: DIR/<user>.pst, DIR/<user>/*.pst, or one file", pst.Source, nil},
		{"olm", "olm:FILE|DIR", "archives of Outlook for Mac: DIR/<user>.olm, DIR/<user>/*.olm, or one file", olm.Source, nil},
		{"site", "site:FILE", "the embedded mail site", site.Source, site.Target},
		{"imap", "imap://USER@HOST[:PORT]", "an IMAP server, with STARTTLS", e.imapSource, e.imapTarget},
		{"imaps", "imaps://USER@HOST[:PORT]", "an IMAP server, with TLS from the start", e.imapSource, e.imapTarget},
	} {
		r[s.scheme] = s
	}
	r["tree"] = system{scheme: "tree", form: "tree:DIR", about: "several of these side by side: DIR/maildir/, DIR/mbox/, DIR/migfile/x.pkl ...",
		source: func(ctx context.Context, loc connector.Location) (connector.Source, error) {
			return tree.Source(ctx, loc, r.source)
		}}
	return r
}

func (r registry) sorted() []system {
	all := make([]system, 0, len(r))
	for _, s := range r {
		all = append(all, s)
	}
	sort.Slice(all, func(i, j int) bool { return all[i].scheme < all[j].scheme })
	return all
}

func (r registry) find(loc connector.Location) (system, error) {
	s, ok := r[loc.Scheme]
	if !ok {
		var known []string
		for _, s := range r.sorted() {
			known = append(known, s.form)
		}
		return s, failure.New(failure.Usage, "open", loc.String(), "system.unknown", errors.New("no system is called "+loc.Scheme)).
			WithRemedy("known are " + strings.Join(known, ", "))
	}
	return s, nil
}

// check tells whether a system can be the source or target that it is named as,
// before anything is opened or made.
func (r registry) check(loc connector.Location, target bool) error {
	s, err := r.find(loc)
	switch {
	case err != nil:
		return err
	case target && s.target == nil:
		return failure.New(failure.Usage, "open", loc.String(), "system.no-target", nil).WithRemedy("this system can only be read")
	case !target && s.source == nil:
		return failure.New(failure.Usage, "open", loc.String(), "system.no-source", nil).WithRemedy("this system can only be written to")
	}
	return nil
}

func (r registry) source(ctx context.Context, loc connector.Location) (connector.Source, error) {
	if err := r.check(loc, false); err != nil {
		return nil, err
	}
	rest, wished, err := unwrap.Take(loc)
	if err != nil {
		return nil, err
	}
	source, err := r[loc.Scheme].source(ctx, rest)
	if err != nil || !wished {
		return source, err
	}
	return unwrap.New(source, loc), nil
}

func (r registry) target(ctx context.Context, loc connector.Location) (connector.Target, error) {
	if err := r.check(loc, true); err != nil {
		return nil, err
	}
	return r[loc.Scheme].target(ctx, loc)
}

// openSource opens a system by its name on the command line.
func (e *env) openSource(name string) (connector.Source, error) {
	loc, err := parseSystem(name)
	if err != nil {
		return nil, err
	}
	return e.systems.source(e.ctx, loc)
}

// openTarget opens a target for writing.
func (e *env) openTarget(name string) (connector.Target, error) {
	loc, err := parseSystem(name)
	if err != nil {
		return nil, err
	}
	return e.systems.target(e.ctx, loc)
}

// openTargetToLook opens a target that is not to be changed. One that does not
// exist yet is stood in for by an empty one in a temporary folder, so that
// looking does not make it; done removes that.
func (e *env) openTargetToLook(name string) (target connector.Target, done func(), err error) {
	loc, err := parseSystem(name)
	if err != nil {
		return nil, nil, err
	}
	if _, err := os.Lstat(loc.Path); loc.URL != nil || !errors.Is(err, os.ErrNotExist) {
		target, err := e.systems.target(e.ctx, loc)
		return target, func() {}, err
	}
	dir, err := os.MkdirTemp("", "waybill-look-")
	if err != nil {
		return nil, nil, err
	}
	done = func() { _ = os.RemoveAll(dir) }
	loc.Path = filepath.Join(dir, filepath.Base(loc.Path))
	if target, err = e.systems.target(e.ctx, loc); err != nil {
		done()
		return nil, nil, err
	}
	return target, done, nil
}

func parseSystem(name string) (connector.Location, error) {
	loc, err := connector.ParseLocation(name)
	if err != nil {
		return loc, err
	}
	if loc.URL == nil {
		if loc.Path, err = filepath.Abs(loc.Path); err != nil {
			return loc, failure.New(failure.Usage, "open", name, "usage.location", err)
		}
	}
	return loc, nil
}

// identity is what a ledger is bound to: the system's name with its full path.
func (e *env) identity(name string, target bool) (string, error) {
	loc, err := parseSystem(name)
	if err != nil {
		return "", err
	}
	return loc.String(), e.systems.check(loc, target)
}
