package sitestore

import (
	"context"
	"database/sql"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"sync"
	"sync/atomic"
	"time"

	"waybill/failure"
	"waybill/sitestore/acl"
	"waybill/sitestore/blob"
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
	reads    readPool
	write    *writer // nil when read-only
	blobs    *blob.Dir
	holder   *os.File
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
	if err := checkHeader(path); err != nil {
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

// checkHeader looks at the file before SQLite does, so that a file that is
// something else is not touched (the header is described in SQLite's "Database
// File Format", 1.3).
func checkHeader(path string) error {
	f, err := os.Open(path)
	if err != nil {
		return failure.New(failure.ClassOf(err), "open site", path, "site.cannot-open", err)
	}
	defer f.Close()
	var header [72]byte
	if _, err := io.ReadFull(f, header[:]); err != nil {
		return notASite(path, errors.New("the file is too short"))
	}
	if string(header[:16]) != "SQLite format 3\x00" || binary.BigEndian.Uint32(header[68:]) != applicationID {
		return notASite(path, errors.New("the file is something else"))
	}
	return nil
}

func notASite(path string, err error) error {
	return failure.New(failure.Malformed, "open site", path, "site.not-a-site", err).
		WithRemedy("name a file that was made with: waybill site create")
}

func newStore(path string, readOnly bool) (*Store, error) {
	path, err := filepath.Abs(path)
	if err != nil {
		return nil, failure.New(failure.Internal, "open site", path, "site.path", err)
	}
	s := &Store{path: path, readOnly: readOnly}
	s.blobs = blob.Open(s.dir())
	return s, nil
}

func (s *Store) start(ctx context.Context, command string) error {
	if !s.readOnly {
		if err := s.startWriting(ctx, command); err != nil {
			return err
		}
	}
	if err := s.reads.open(s.path, s.readOnly); err != nil {
		return s.fail("open site", err)
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
	if err := s.register(command); err != nil {
		return err
	}
	w, err := openWriter(ctx, s)
	if err != nil {
		return err
	}
	s.write = w
	return s.migrate(ctx)
}

// load reads whose site this is, and refuses what is no site.
func (s *Store) load(ctx context.Context) error {
	const op = "open site"
	var version, created int64
	if err := s.reads.db().QueryRowContext(ctx, `SELECT coalesce(max(version_id), 0) FROM goose_db_version`).Scan(&version); err != nil {
		return s.fail(op, err)
	}
	if want := schemaVersion(); version != want {
		f := failure.New(failure.Unsupported, op, s.path, "site.schema",
			fmt.Errorf("the site has layout %d, this program knows layout %d", version, want))
		if version < want {
			return f.WithRemedy("open the site for writing once, which brings it up to date: waybill site list " + quote(s.path))
		}
		return f.WithRemedy("use the newer program that wrote the site")
	}
	err := s.reads.db().QueryRowContext(ctx, `SELECT organization, site, server, creator, created FROM site`).
		Scan(&s.info.Organization, &s.info.Site, &s.info.Server, &s.info.Creator, &created)
	if errors.Is(err, sql.ErrNoRows) {
		return notASite(s.path, errors.New("nobody's site: the table that names it is empty"))
	}
	if err != nil {
		return s.fail(op, err)
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

// Close gives everything back. Mailboxes should be closed before.
func (s *Store) Close() error {
	var errs []error
	errs = append(errs, s.reads.close())
	if s.write != nil {
		errs = append(errs, s.write.close())
	}
	errs = append(errs, s.blobs.Close())
	s.unregister()
	if err := errors.Join(errs...); err != nil {
		return s.fail("close site", err)
	}
	return nil
}
