package sitestore

import (
	"context"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"time"

	"waybill/failure"
	"waybill/sitestore/acl"
	"waybill/sitestore/blob"
)

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
	err = s.index.OpenToWrite(ctx)
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
	if err := t.Exec(`INSERT INTO site (one, organization, site, server, creator, created, next_validity) VALUES (1, ?, ?, ?, ?, ?, ?)`,
		opt.Organization, opt.Site, defaultServer, opt.Operator, now, now); err != nil {
		return err
	}
	if err := t.Exec(`INSERT INTO container (name) VALUES (?)`, Recipients); err != nil {
		return err
	}
	if err := t.Exec(`INSERT INTO top_level (principal) VALUES (?)`, acl.Everybody); err != nil {
		return err
	}
	info := Info{Organization: opt.Organization, Site: opt.Site, Server: defaultServer}
	for _, dn := range []acl.DN{info.OrganizationDN(), info.SiteDN(), info.ConfigurationDN()} {
		rights, _ := acl.RightsOf(acl.PermissionsAdmin, dn.Level())
		if err := t.Exec(`INSERT INTO permission (object, principal, role, rights) VALUES (?, ?, ?, ?)`,
			string(dn), opt.Operator, string(acl.PermissionsAdmin), int64(rights)); err != nil {
			return err
		}
	}
	return nil
}
