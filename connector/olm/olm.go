// Package olm is the source for archives of Outlook for Mac: olm:FILE, or olm:DIR
// with DIR/<user>.olm or DIR/<user>/<any>.olm.
//
// A message's key is the name of its document in the archive. Messages are made
// of the fields that the archive has (format/olm): the original header is not in
// it. The same archive gives the same bytes each time. Contacts, appointments,
// tasks and notes are listed as left out.
package olm

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"sync"

	"waybill/connector"
	"waybill/connector/files"
	"waybill/connector/filesource"
	"waybill/failure"
	format "waybill/format/olm"
	"waybill/mail"
)

const (
	scheme = "olm"
	suffix = ".olm"
)

// RuleLeft is the rule of contacts, appointments, tasks and notes, which are left
// out.
const RuleLeft = "olm.items-left"

// Source opens an archive, or a directory of users' archives. Option: user=NAME
// names the user of an archive.
func Source(ctx context.Context, loc connector.Location) (connector.Source, error) {
	if err := loc.RejectOptions("user"); err != nil {
		return nil, err
	}
	if err := ctx.Err(); err != nil {
		return nil, files.Fail("open", loc.String(), "olm.open", err)
	}
	if loc.URL != nil {
		return nil, failure.New(failure.Usage, "open", loc.String(), "usage.location", errors.New("it is no file and no directory")).
			WithRemedy("for instance olm:anna.olm or olm:/srv/olm")
	}
	path := filepath.Clean(loc.Path)
	info, err := files.Stat(path)
	switch {
	case err != nil:
		return nil, err
	case info.IsDir() && loc.Options.Get("user") != "":
		return nil, failure.New(failure.Usage, "open", loc.String(), "usage.option", errors.New("user= is for one archive")).
			WithRemedy("name the archive, or leave the option out")
	case !info.IsDir() && !info.IsRegular():
		return nil, files.NotRegular(path)
	}
	return &filesource.Source{System: filesource.System{
		Location: loc,
		Flags:    mail.Seen | mail.Flagged | mail.Draft,
		Keywords: true,
		Places: func(ctx context.Context) ([]filesource.Place, error) {
			if info.IsDir() {
				return places(ctx, path)
			}
			return []filesource.Place{filesource.OneUser(loc, path)}, nil
		},
		Open: func(ctx context.Context, p filesource.Place) (filesource.Store, error) {
			s := &store{place: p}
			a, err := s.borrow(ctx)
			if err != nil {
				return nil, err
			}
			return s, a.giveBack()
		},
	}}, nil
}

// isArchive reports whether a file is called as an archive is.
func isArchive(name string) bool {
	return len(name) > len(suffix) && name[0] != '.' && strings.EqualFold(name[len(name)-len(suffix):], suffix)
}

// places finds the users' archives in a directory.
func places(ctx context.Context, dir string) ([]filesource.Place, error) {
	names, err := files.Names(ctx, dir)
	if err != nil {
		return nil, err
	}
	var list []filesource.Place
	for _, name := range names {
		path := filepath.Join(dir, name)
		switch {
		case name[0] == '.':
		case files.IsDir(path):
			p := filesource.Place{Path: path}
			p.ID, _ = files.UnescapeName(name)
			inside, err := files.Names(ctx, path)
			if err != nil && failure.ClassOf(err) == failure.Cancelled {
				return nil, err
			}
			p.Err = err
			found := 0
			for _, n := range inside {
				if isArchive(n) {
					p.Path = filepath.Join(path, n)
					found++
				}
			}
			if found > 1 {
				p.Err = failure.New(failure.Conflict, "list users", path, "olm.archives", errors.New("there are several archives of one user")).
					WithRemedy("move them one by one: olm:FILE?user=NAME")
			}
			if found > 0 || p.Err != nil {
				list = append(list, p)
			}
		case isArchive(name):
			id, _ := files.UnescapeName(name[:len(name)-len(suffix)])
			list = append(list, filesource.Place{ID: id, Path: path})
		}
	}
	return list, nil
}

// store is one user's archive. It opens the file anew when it changed.
type store struct {
	place  filesource.Place
	mu     sync.Mutex
	now    *archive
	closed bool
}

// archive is an open file with what is in it. Each borrow needs a giveBack.
type archive struct {
	*format.Archive
	store   *store
	file    *os.File
	info    files.Info
	roots   []root
	folders map[string]*contents
	users   int
}

// ReadAt gives errors of the system their place.
func (a *archive) ReadAt(p []byte, off int64) (int, error) {
	n, err := a.file.ReadAt(p, off)
	if err != nil && n < len(p) && off+int64(n) < a.info.Size {
		err = failure.New(failure.Transient, "read archive", a.store.place.Path, "olm.changed", err)
	}
	return n, err
}

// unchanged is an error when the file is not as it was when it was opened.
func (a *archive) unchanged() error {
	info, err := files.Stat(a.store.place.Path)
	if err == nil && info != a.info {
		err = failure.New(failure.Transient, "read archive", a.store.place.Path, "olm.changed", errors.New("it changed while it was read"))
	}
	return err
}

func (s *store) borrow(ctx context.Context) (*archive, error) {
	if err := ctx.Err(); err != nil {
		return nil, files.Fail("open archive", s.place.Path, "olm.open", err)
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.now != nil && s.now.unchanged() == nil {
		s.now.users++
		return s.now, nil
	}
	a, err := s.load(ctx)
	if err != nil {
		return nil, err
	}
	if old := s.now; old != nil && old.users == 0 {
		_ = old.file.Close()
	}
	s.now = a
	a.users = 1
	return a, nil
}

// load opens the file and reads its directory.
func (s *store) load(ctx context.Context) (*archive, error) {
	path := s.place.Path
	info, err := files.Stat(path)
	if err != nil {
		return nil, err
	}
	if !info.IsRegular() {
		return nil, files.NotRegular(path)
	}
	file, err := files.OpenFile(path)
	if err != nil {
		return nil, files.Fail("open archive", path, "olm.open", err)
	}
	a := &archive{store: s, file: file, info: info}
	if a.Archive, err = format.Open(a, info.Size, path); err == nil {
		err = a.index(ctx)
	}
	if err == nil {
		err = a.unchanged()
	}
	if err != nil {
		_ = file.Close()
		return nil, err
	}
	return a, nil
}

// giveBack closes a file that nobody needs any more.
func (a *archive) giveBack() error {
	a.store.mu.Lock()
	defer a.store.mu.Unlock()
	if a.users--; a.users > 0 || a.store.now == a && !a.store.closed {
		return nil
	}
	return a.file.Close()
}

// Close closes the file when the last message is.
func (s *store) Close() error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.closed || s.now == nil || s.now.users > 0 {
		s.closed = true
		return nil
	}
	s.closed = true
	return s.now.file.Close()
}

// Folders lists the folders of the archive.
func (s *store) Folders(ctx context.Context) ([]filesource.Folder, error) {
	a, err := s.borrow(ctx)
	if err != nil {
		return nil, err
	}
	return a.list(), a.giveBack()
}
