package pst

import (
	"context"
	"errors"
	"iter"
	"path/filepath"
	"strings"
	"time"

	"waybill/connector"
	"waybill/connector/files"
	"waybill/directory"
	"waybill/failure"
	"waybill/mail"
)

const scheme = "pst"

// source reads one file, or a directory of them.
type source struct {
	loc connector.Location
	o   options
	// dir holds the files of users; empty where file is the one that is read.
	dir, file string
	now       func() time.Time
	files     lender
}

// Source opens a PST or OST file, or a directory of them: DIR/<user>.pst and
// DIR/<user>/*.pst. The options are
//
//	items=message|file|leave   what becomes of contacts, appointments and the like
//	recover=1                  search damaged files, and list items without a folder
//	receipts=disarm            no receipt is sent when the mail is opened again
//	codepage=N                 of texts that are not in Unicode and name none
//	addresses=CSV              a user map with EX and SMTP addresses
//	outside=take               folders that Outlook does not show come along
func Source(ctx context.Context, loc connector.Location) (connector.Source, error) {
	if err := ctx.Err(); err != nil {
		return nil, files.Fail("open", loc.String(), "pst.open", err)
	}
	o, err := readOptions(ctx, loc)
	if err != nil {
		return nil, err
	}
	s := &source{loc: loc, o: o, now: time.Now}
	path := filepath.Clean(loc.Path)
	info, err := files.Stat(path)
	switch {
	case loc.URL != nil:
		return nil, failure.New(failure.Usage, "open", loc.String(), "usage.location", errors.New("it is no file and no directory")).
			WithRemedy("for instance pst:/srv/pst or pst:anna.pst")
	case err != nil:
		return nil, err
	case info.IsDir():
		s.dir = path
	case info.IsRegular():
		s.file = path
	default:
		return nil, files.NotRegular(path)
	}
	return s, nil
}

// lanes is how many folders of one mailbox are read at once. More than there are
// cores, because each waits for its target now and then.
const lanes = 4

func (s *source) Capabilities() connector.Capabilities {
	return connector.Capabilities{
		System:        scheme,
		Location:      s.loc.String(),
		Fidelity:      connector.Exact,
		Flags:         mail.Seen | mail.Answered | mail.Flagged | mail.Draft | mail.Forwarded,
		Keywords:      true,
		DatePrecision: time.Second,
		SpecialUse:    true,
		EmptyFolders:  true,
		Lanes:         lanes,
	}
}

func (s *source) Close() error { return nil }

// Book is empty: the contacts of a file are its owner's, and items of a folder.
func (s *source) Book(ctx context.Context) (directory.Book, error) {
	return directory.Book{}, files.Fail("read directory", s.loc.String(), "pst.book", ctx.Err())
}

func (s *source) Users(ctx context.Context) iter.Seq2[directory.User, error] {
	return func(yield func(directory.User, error) bool) {
		owners, err := s.owners(ctx)
		if err != nil {
			yield(directory.User{}, err)
			return
		}
		for _, o := range owners {
			if err := ctx.Err(); err != nil {
				yield(directory.User{}, files.Fail("list users", s.loc.String(), "pst.users", err))
				return
			}
			if !yield(directory.User{ID: o.id}, o.err) {
				return
			}
		}
	}
}

func (s *source) Mailbox(ctx context.Context, user string) (connector.SourceMailbox, error) {
	owners, err := s.owners(ctx)
	if err != nil {
		return nil, err
	}
	for _, o := range owners {
		if o.id != user {
			continue
		}
		if o.err != nil {
			return nil, o.err
		}
		return openMailbox(ctx, s, o)
	}
	return nil, failure.New(failure.Vanished, "open mailbox", s.loc.String()+", user "+files.Printable(user), "pst.no-user", errors.New("no file has that name"))
}

// isStore tells whether a file is called as PST and OST files are.
func isStore(name string) bool {
	ending := strings.ToLower(filepath.Ext(name))
	return (ending == ".pst" || ending == ".ost") && len(name) > len(ending) && name[0] != '.'
}

// withoutEnding is the name of a file without what follows its last dot.
func withoutEnding(name string) string {
	if base := strings.TrimSuffix(name, filepath.Ext(name)); base != "" {
		return base
	}
	return name
}
