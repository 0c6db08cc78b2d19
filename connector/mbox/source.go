// Package mbox is the connector for mail in mbox files: mbox:DIR with
// DIR/<user>.mbox or DIR/<user>/<folder>/<sub>.mbox, or mbox:FILE for one file.
//
// As a source it reads every dialect that format/mbox knows, folders of Mozilla
// programs (Inbox, Name.sbd/) and exports of Apple Mail (Name.mbox/mbox)
// included. As a target it writes mboxrd with a marker that makes it exact.
package mbox

import (
	"context"
	"errors"
	"iter"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"waybill/connector"
	"waybill/connector/files"
	"waybill/directory"
	"waybill/failure"
	"waybill/mail"
)

// source is a directory of mbox files, or one file.
type source struct {
	loc     connector.Location
	single  bool
	quoting quoting
	zone    *time.Location
}

// quoting says what is done with ">From " lines.
type quoting uint8

const (
	quotingAuto quoting = iota
	quotingRD
	quotingStored
)

// Source opens mbox:DIR or mbox:FILE for reading. Options: quoting=auto (unquote
// files that prove to be mboxrd), mboxrd (unquote all) or stored (none);
// zone=Europe/Berlin for the dates of From_ lines, which have no zone (UTC).
func Source(ctx context.Context, loc connector.Location) (connector.Source, error) {
	if err := alive(ctx, "open", loc.Path); err != nil {
		return nil, err
	}
	if err := loc.RejectOptions("quoting", "zone"); err != nil {
		return nil, err
	}
	s := &source{loc: loc, zone: time.UTC}
	switch q := loc.Options.Get("quoting"); q {
	case "", "auto":
	case "mboxrd":
		s.quoting = quotingRD
	case "stored":
		s.quoting = quotingStored
	default:
		return nil, failure.New(failure.Usage, "open", loc.String(), "usage.option", errors.New("unknown quoting "+q)).WithRemedy("it is auto, mboxrd or stored")
	}
	if name := loc.Options.Get("zone"); name != "" {
		zone, err := time.LoadLocation(name)
		if err != nil {
			return nil, failure.New(failure.Usage, "open", loc.String(), "usage.option", err).WithRemedy("name a zone like Europe/Berlin")
		}
		s.zone = zone
	}
	info, err := files.Stat(loc.Path)
	if err != nil {
		return nil, err
	}
	switch {
	case info.IsRegular():
		s.single = true
	case !info.IsDir():
		return nil, files.NotRegular(loc.Path)
	}
	return s, nil
}

// alive gives a context that has ended its class and place.
func alive(ctx context.Context, op, where string) error {
	if err := ctx.Err(); err != nil {
		return failure.New(failure.Cancelled, op, where, "cancelled", err)
	}
	return nil
}

func (s *source) Capabilities() connector.Capabilities { return capabilities(s.loc) }

func capabilities(loc connector.Location) connector.Capabilities {
	return connector.Capabilities{
		System: "mbox", Location: loc.String(), Fidelity: connector.Exact,
		Flags:    mail.Seen | mail.Answered | mail.Flagged | mail.Deleted | mail.Draft | mail.Forwarded,
		Keywords: true, DatePrecision: time.Second, EmptyFolders: true,
		CreateAccounts: true, DeleteAccounts: true,
		BatchMessages: 500, BatchBytes: 64 << 20,
	}
}

func (s *source) Close() error { return nil }

func (s *source) Book(ctx context.Context) (directory.Book, error) {
	return directory.Book{}, alive(ctx, "read directory", s.loc.Path)
}

// place is where a user's mail lies.
type place struct{ inbox, dir string }

// places finds all users.
func (s *source) places(ctx context.Context) (map[string]place, error) {
	all := map[string]place{}
	if s.single {
		name := filepath.Base(s.loc.Path)
		if strings.HasSuffix(strings.ToLower(name), suffix) && len(name) > len(suffix) {
			name = name[:len(name)-len(suffix)]
		}
		all[nameOf(name)] = place{inbox: s.loc.Path}
		return all, nil
	}
	scan, err := files.OpenScan(s.loc.Path)
	if err != nil {
		return nil, err
	}
	defer func() { _ = scan.Close() }()
	err = scan.Each(ctx, func(raw []byte) error {
		name := string(raw)
		if name[0] == '.' {
			return nil
		}
		if strings.HasSuffix(strings.ToLower(name), ".msf") {
			return failure.New(failure.Usage, "list users", s.loc.Path, "mbox.one-user",
				errors.New("the directory is the mail folder of one Mozilla user: "+name+" is in it")).
				WithRemedy("name the directory above it, whose directories are the users")
		}
		info, err := scan.Stat(name)
		if err != nil {
			return nil // a dangling symlink is nobody
		}
		path := filepath.Join(s.loc.Path, name)
		if info.IsDir() {
			if strings.HasSuffix(strings.ToLower(name), suffix) && isRegular(filepath.Join(path, "mbox")) {
				path = filepath.Join(path, "mbox")
				info.Type = 0
			} else {
				p := all[nameOf(name)]
				p.dir = path
				all[nameOf(name)] = p
				return nil
			}
		}
		if base, ok := folderFile(ctx, path, name, info.Size); ok && info.IsRegular() {
			p := all[nameOf(base)]
			if p.inbox != "" {
				return failure.New(failure.Conflict, "list users", path, "mbox.two-users",
					errors.New("it and "+p.inbox+" would be the same user")).WithRemedy("rename one of them")
			}
			p.inbox = path
			all[nameOf(base)] = p
		}
		return nil
	})
	return all, err
}

func (s *source) Users(ctx context.Context) iter.Seq2[directory.User, error] {
	return func(yield func(directory.User, error) bool) {
		all, err := s.places(ctx)
		if err != nil {
			yield(directory.User{}, err)
			return
		}
		ids := make([]string, 0, len(all))
		for id := range all {
			ids = append(ids, id)
		}
		slices.Sort(ids)
		for _, id := range ids {
			if err := alive(ctx, "list users", s.loc.Path); err != nil {
				yield(directory.User{}, err)
				return
			}
			if !yield(directory.User{ID: id}, nil) {
				return
			}
		}
	}
}

func (s *source) Mailbox(ctx context.Context, user string) (connector.SourceMailbox, error) {
	if err := alive(ctx, "open mailbox", user); err != nil {
		return nil, err
	}
	p, ok, err := s.find(ctx, user)
	if err != nil {
		return nil, err
	}
	if !ok {
		return nil, failure.New(failure.Vanished, "open mailbox", s.loc.Path, "mbox.no-mailbox",
			errors.New("there is no mbox file or directory of "+user)).WithRemedy("look at the users that the source lists")
	}
	return &sourceMailbox{source: s, user: user, place: p, folders: map[mail.Path]*folder{}}, nil
}

// find looks for a user where Waybill itself would have put the mail, and only
// then among all names: there may be tens of thousands.
func (s *source) find(ctx context.Context, user string) (place, bool, error) {
	if element, ok := elementOf(user); ok && user != "" && !s.single {
		var p place
		path := filepath.Join(s.loc.Path, element)
		if files.IsDir(path) {
			p.dir = path
		}
		if isRegular(path + suffix) {
			p.inbox = path + suffix
		}
		plain := p.dir != "" || p.inbox != "" && !isRegular(path)
		if plain && !files.IsDir(path+suffix) {
			return p, true, nil
		}
	}
	all, err := s.places(ctx)
	p, ok := all[user]
	return p, ok, err
}

// statFile opens a file for reading and describes it. What an append of ours has
// not finished is left out.
func statFile(path string) (*os.File, identity, error) {
	f, err := files.OpenFile(path)
	if err != nil {
		return nil, identity{}, files.Fail("open mbox", path, "mbox.open", err)
	}
	fi, err := f.Stat()
	if err == nil && !fi.Mode().IsRegular() {
		err = files.NotRegular(path)
	}
	if err != nil {
		_ = f.Close()
		return nil, identity{}, files.Fail("open mbox", path, "mbox.open", err)
	}
	size := fi.Size()
	dir, name := filepath.Split(path)
	if text, err := os.ReadFile(filepath.Join(dir, journalName(name))); err == nil {
		if length, ok := parseJournal(text); ok {
			size = min(size, length)
		}
	}
	return f, identity{size: size, modified: fi.ModTime().UnixNano(), inode: inode(fi)}, nil
}

// identity tells whether a file is still as it was.
type identity struct {
	size, modified int64
	inode          uint64
}
