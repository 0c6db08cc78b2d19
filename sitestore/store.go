package sitestore

import (
	"context"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"sync"
	"sync/atomic"
	"time"

	"waybill/failure"
	"waybill/sitestore/acl"
	"waybill/sitestore/blob"
	"waybill/sitestore/holder"
	"waybill/sitestore/index"
)

// Options say how a site is opened.
type Options struct {
	// ReadOnly opens without any possibility of changing the site, and without
	// leaving a record of having it open.
	ReadOnly bool
	// Command is what the holder's record calls this process; empty: the name
	// of the program.
	Command string
}

// Store is an open site. Its methods may be called from several goroutines.
type Store struct {
	path     string
	readOnly bool
	info     Info
	index    *index.File
	blobs    *blob.Dir
	holders  *holder.Records
	keywords keywordCache
	arenas   sync.Pool
	changes  changeCounts
	zones    [2*maxZone + 1]atomic.Pointer[time.Location]
}

// Info says whose site a file is.
type Info struct {
	Organization, Site, Server string
	// Creator is the operator who made the site, and who works on it when no
	// other is named.
	Creator string
	Created time.Time
}

// OrganizationDN is the root of the organization's context.
func (i Info) OrganizationDN() acl.DN { return acl.OrganizationDN(i.Organization) }

// SiteDN is the root of the site's context.
func (i Info) SiteDN() acl.DN { return acl.SiteDN(i.Organization, i.Site) }

// ConfigurationDN is the root of the configuration's context.
func (i Info) ConfigurationDN() acl.DN { return acl.ConfigurationDN(i.Organization, i.Site) }

// ServerDN is the object of the one server.
func (i Info) ServerDN() acl.DN { return i.ConfigurationDN().Child("Servers").Child(i.Server) }

// StoreDN is the object of the server's private information store.
func (i Info) StoreDN() acl.DN { return i.ServerDN().Child("Private Information Store") }

// ContainerDN is the object of a recipients container.
func (i Info) ContainerDN(container string) acl.DN { return i.SiteDN().Child(container) }

// Exists reports whether there is something at path.
func Exists(path string) bool {
	_, err := os.Lstat(path)
	return err == nil
}

// Open opens a site. A file that is not there is an error of class Vanished.
func Open(ctx context.Context, path string, opt Options) (*Store, error) {
	if info, err := os.Stat(path); err != nil || info.IsDir() {
		if err == nil {
			err = errors.New("is a folder")
		}
		return nil, failure.New(failure.Vanished, "open site", path, "site.missing", err).
			WithRemedy("name the file of a site, or make one with: waybill site create " + quote(path))
	}
	if err := index.CheckHeader(path); err != nil {
		return nil, err
	}
	s, err := newStore(path, opt.ReadOnly)
	if err != nil {
		return nil, err
	}
	if err := s.start(ctx, opt.Command); err != nil {
		_ = s.Close()
		return nil, err
	}
	return s, nil
}

func newStore(path string, readOnly bool) (*Store, error) {
	path, err := filepath.Abs(path)
	if err != nil {
		return nil, failure.New(failure.Internal, "open site", path, "site.path", err)
	}
	s := &Store{path: path, readOnly: readOnly}
	s.blobs, s.holders = blob.Open(s.dir()), holder.In(s.dir())
	s.index = index.New(path, s.holders.Others)
	return s, nil
}

func (s *Store) start(ctx context.Context, command string) error {
	if !s.readOnly {
		if err := s.startWriting(ctx, command); err != nil {
			return err
		}
	}
	if err := s.index.OpenToRead(ctx); err != nil {
		return err
	}
	return s.load(ctx)
}

func (s *Store) startWriting(ctx context.Context, command string) error {
	if !Exists(s.dir()) {
		if err := os.Mkdir(s.dir(), 0o700); err != nil && !errors.Is(err, fs.ErrExist) {
			return failure.New(failure.ClassOf(err), "open site", s.dir(), "site.folder", err)
		}
		// The index must not survive a crash of the machine without the bodies.
		if err := blob.SyncDir(filepath.Dir(s.path)); err != nil {
			return err
		}
	}
	if err := s.holders.Register(command); err != nil {
		return err
	}
	return s.index.OpenToWrite(ctx)
}

// load reads whose site this is, and refuses what is no site.
func (s *Store) load(ctx context.Context) error {
	var created int64
	found, err := s.index.Row(ctx, "open site", `SELECT organization, site, server, creator, created FROM site`, nil,
		&s.info.Organization, &s.info.Site, &s.info.Server, &s.info.Creator, &created)
	if err != nil {
		return err
	}
	if !found {
		return index.NotASite(s.path, errors.New("nobody's site: the table that names it is empty"))
	}
	s.info.Created = time.Unix(created, 0).UTC()
	return nil
}

// Info says whose site this is.
func (s *Store) Info() Info { return s.info }

// Path is the site's file, absolute.
func (s *Store) Path() string { return s.path }

// dir is the folder of segment files and holders' records.
func (s *Store) dir() string { return s.path + ".d" }

// Holders lists the processes that have the site open for writing.
func (s *Store) Holders() []holder.Process { return s.holders.List() }

// Close gives everything back. Mailboxes should be closed before.
func (s *Store) Close() error {
	err := errors.Join(s.index.Close(), s.blobs.Close())
	s.holders.Leave()
	return s.index.Fail("close site", err)
}

// tx is a change of the site under way.
type tx struct {
	*index.Tx
	s *Store
}

// change runs fn in one transaction of the index. An error of fn undoes
// everything. When change returns nil, the change is durable.
func (s *Store) change(ctx context.Context, op string, fn func(t *tx) error) error {
	return s.index.Change(ctx, op, func(t *index.Tx) error { return fn(&tx{Tx: t, s: s}) })
}
