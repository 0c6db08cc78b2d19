package sitestore

import (
	"context"
	"database/sql"
	"embed"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/pressly/goose/v3"

	"waybill/failure"
	"waybill/sitestore/acl"
	"waybill/sitestore/blob"
)

//go:embed migrations/*.sql
var migrations embed.FS

// applicationID is "WBST" in a SQLite file's header.
const applicationID = 1463964500

// What a site is called when nobody says otherwise.
const (
	DefaultOrganization = "Organization"
	DefaultSite         = "Site"
	DefaultOperator     = "administrator"
	defaultServer       = "WAYBILL"
	// Recipients is the container in which recipients are made.
	Recipients = "Recipients"
)

// CreateOptions say what a new site is called. Empty fields take the defaults.
type CreateOptions struct {
	Organization, Site string
	// Operator makes the site and holds Permissions Admin on organization, site
	// and configuration.
	Operator string
	// Command is what the holder's record calls this process.
	Command string
}

// Create makes a site and opens it. A file that is there already is an error of
// class Conflict and is left as it is. After a crash the site is there whole or
// not at all.
func Create(ctx context.Context, path string, opt CreateOptions) (*Store, error) {
	if opt.Organization == "" {
		opt.Organization = DefaultOrganization
	}
	if opt.Site == "" {
		opt.Site = DefaultSite
	}
	if opt.Operator == "" {
		opt.Operator = DefaultOperator
	}
	if Exists(path) {
		return nil, exists(path)
	}
	if err := build(ctx, path, opt); err != nil {
		return nil, err
	}
	return Open(ctx, path, Options{Command: opt.Command})
}

func exists(path string) error {
	return failure.New(failure.Conflict, "create site", path, "site.exists", fs.ErrExist).
		WithRemedy("name a new file, or use the site as it is")
}

// OpenOrCreate opens a site for writing and makes it first when it is not there.
func OpenOrCreate(ctx context.Context, path string, opt CreateOptions) (*Store, error) {
	if !Exists(path) {
		s, err := Create(ctx, path, opt)
		if err == nil || failure.RuleOf(err) != "site.exists" {
			return s, err
		}
		// Somebody else made it in the meantime.
	}
	return Open(ctx, path, Options{Command: opt.Command})
}

// build builds the site under another name and gives it its own when it is
// complete.
func build(ctx context.Context, path string, opt CreateOptions) error {
	const op = "create site"
	tmp, err := os.CreateTemp(filepath.Dir(path), filepath.Base(path)+".making-*")
	if err != nil {
		return failure.New(failure.ClassOf(err), op, path, "site.folder", err).
			WithRemedy("make the folder " + filepath.Dir(path) + " first, and let this user write in it")
	}
	_ = tmp.Close()
	defer func() {
		for _, suffix := range []string{"", "-wal", "-shm"} {
			_ = os.Remove(tmp.Name() + suffix)
		}
	}()
	s, err := newStore(tmp.Name(), false)
	if err != nil {
		return err
	}
	if s.write, err = openWriter(ctx, s); err != nil {
		_ = s.Close()
		return err
	}
	err = s.migrate(ctx)
	if err == nil {
		err = s.change(ctx, op, func(t *tx) error { return t.found(opt) })
	}
	if err := errors.Join(err, s.Close()); err != nil {
		return err
	}
	if err := os.Link(tmp.Name(), path); err != nil {
		if Exists(path) {
			return exists(path)
		}
		// A file system without hard links.
		if err := os.Rename(tmp.Name(), path); err != nil {
			return failure.New(failure.ClassOf(err), op, path, "site.folder", err)
		}
	}
	return blob.SyncDir(filepath.Dir(path))
}

// found writes the first objects of a site.
func (t *tx) found(opt CreateOptions) error {
	now := time.Now().Unix()
	if err := t.exec(`INSERT INTO site (one, organization, site, server, creator, created, next_validity) VALUES (1, ?, ?, ?, ?, ?, ?)`,
		opt.Organization, opt.Site, defaultServer, opt.Operator, now, now); err != nil {
		return err
	}
	if err := t.exec(`INSERT INTO container (name) VALUES (?)`, Recipients); err != nil {
		return err
	}
	if err := t.exec(`INSERT INTO top_level (principal) VALUES (?)`, acl.Everybody); err != nil {
		return err
	}
	info := Info{Organization: opt.Organization, Site: opt.Site, Server: defaultServer}
	for _, dn := range []acl.DN{info.OrganizationDN(), info.SiteDN(), info.ConfigurationDN()} {
		rights, _ := acl.RightsOf(acl.PermissionsAdmin, dn.Level())
		if err := t.exec(`INSERT INTO permission (object, principal, role, rights) VALUES (?, ?, ?, ?)`,
			string(dn), opt.Operator, string(acl.PermissionsAdmin), int64(rights)); err != nil {
			return err
		}
	}
	return nil
}

// schemaVersion is the number of the newest migration.
func schemaVersion() int64 {
	entries, err := fs.ReadDir(migrations, "migrations")
	if err != nil {
		return 0
	}
	var newest int64
	for _, e := range entries {
		number, _, _ := strings.Cut(e.Name(), "_")
		var n int64
		if _, err := fmt.Sscanf(number, "%d", &n); err == nil {
			newest = max(newest, n)
		}
	}
	return newest
}

// migrate brings the tables up to date.
func (s *Store) migrate(ctx context.Context) error {
	const op = "bring site up to date"
	var id, tables, version int64
	conn := s.write.conn
	if err := conn.QueryRowContext(ctx, `PRAGMA application_id`).Scan(&id); err != nil {
		return s.fail(op, err)
	}
	if err := conn.QueryRowContext(ctx, `SELECT count(*) FROM sqlite_master`).Scan(&tables); err != nil {
		return s.fail(op, err)
	}
	switch {
	case id == 0 && tables == 0: // new
	default:
		err := conn.QueryRowContext(ctx, `SELECT coalesce(max(version_id), 0) FROM goose_db_version`).Scan(&version)
		if err != nil || version >= schemaVersion() {
			return s.fail(op, err)
		}
	}
	// goose wants connections of its own.
	if err := conn.Close(); err != nil && !errors.Is(err, sql.ErrConnDone) {
		return s.fail(op, err)
	}
	files, err := fs.Sub(migrations, "migrations")
	if err != nil {
		return s.fail(op, err)
	}
	provider, err := goose.NewProvider(goose.DialectSQLite3, s.write.db, files, goose.WithDisableGlobalRegistry(true))
	if err != nil {
		return s.fail(op, err)
	}
	if _, err := provider.Up(ctx); err != nil {
		return s.fail(op, err)
	}
	if s.write.conn, err = s.write.db.Conn(context.WithoutCancel(ctx)); err != nil {
		return s.fail(op, err)
	}
	return nil
}
