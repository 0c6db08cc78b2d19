package ldapdir

import (
	"context"
	"errors"
	"fmt"

	"github.com/go-ldap/ldap/v3"

	"waybill/failure"
)

// Bounds on what a server may answer. A directory of a large company has some
// hundred thousand people.
const (
	defaultPage  = 500
	maxEntries   = 2_000_000
	maxPages     = 100_000
	maxReferrals = 100
)

// Read gives one entry; an error of class Vanished when it is not there, or may
// not be seen.
func (s *session) Read(ctx context.Context, dn string, attributes ...string) (*ldap.Entry, error) {
	var entry *ldap.Entry
	err := s.do(ctx, "read", dn, func(c *ldap.Conn) error {
		answer, err := c.Search(ldap.NewSearchRequest(dn, ldap.ScopeBaseObject, ldap.NeverDerefAliases, 2, 0, false, "(objectClass=*)", attributes, nil))
		if err != nil {
			return err
		}
		if len(answer.Entries) == 0 {
			return ldap.NewError(ldap.LDAPResultNoSuchObject, errors.New("there is no such entry, or it may not be seen"))
		}
		entry = answer.Entries[0]
		return nil
	})
	return entry, err
}

// found is what a search gave besides its entries.
type found struct {
	// referrals are other servers that hold a part; they were not asked.
	referrals []string
}

// search gives each entry below base that matches, a page at a time (RFC 2696).
// Referrals are collected and not followed: another server is another logon.
func (s *session) search(ctx context.Context, base, filter string, attributes []string, each func(*ldap.Entry) error) (found, error) {
	var all found
	page := uint32(defaultPage)
	if s.o.PageSize > 0 {
		page = uint32(s.o.PageSize)
	}
	paging := ldap.NewControlPaging(page)
	controls := []ldap.Control{paging}
	seen := map[string]bool{}
	entries := 0
	for range maxPages {
		var answer *ldap.SearchResult
		err := s.do(ctx, "search", base, func(c *ldap.Conn) error {
			var err error
			answer, err = c.Search(ldap.NewSearchRequest(base, ldap.ScopeWholeSubtree, ldap.NeverDerefAliases, 0, 0, false, filter, attributes, controls))
			return err
		})
		if ruleIs(err, "ldap.extension", "ldap.unwilling") && len(controls) > 0 && entries == 0 {
			controls = nil // no paging here: all at once, or a limit that is told
			continue
		}
		if err != nil {
			if len(seen) > 0 && failure.ClassOf(err) == failure.Transient {
				return all, failure.New(failure.Transient, "search", base, "ldap.paging", fmt.Errorf("the connection broke after %d entries, and a paged search cannot be resumed: %w", entries, err))
			}
			return all, err
		}
		for _, r := range answer.Referrals {
			if len(all.referrals) < maxReferrals {
				all.referrals = append(all.referrals, r)
			}
		}
		for _, entry := range answer.Entries {
			if entries++; entries > maxEntries {
				return all, failure.New(failure.TooLarge, "search", base, "ldap.too-many", fmt.Errorf("more than %d entries", maxEntries))
			}
			if err := each(entry); err != nil {
				return all, err
			}
		}
		next, ok := ldap.FindControl(answer.Controls, ldap.ControlTypePaging).(*ldap.ControlPaging)
		if !ok || len(next.Cookie) == 0 {
			return all, nil
		}
		if cookie := string(next.Cookie); seen[cookie] && len(answer.Entries) == 0 {
			return all, failure.New(failure.Malformed, "search", base, "ldap.paging", errors.New("the server gives the same page again and again"))
		} else { //nolint:revive // cookie is needed in both branches
			seen[cookie] = true
		}
		paging.SetCookie(next.Cookie)
	}
	return all, failure.New(failure.Malformed, "search", base, "ldap.paging", fmt.Errorf("the server does not end after %d pages", maxPages))
}

// Each is search for those who need no more than the entries.
func (s *session) Each(ctx context.Context, base, filter string, attributes []string, each func(*ldap.Entry) error) error {
	_, err := s.search(ctx, base, filter, attributes, each)
	return err
}

// sameDN compares names as directories do: without case and blanks.
func sameDN(a, b string) bool {
	x, errA := ldap.ParseDN(a)
	y, errB := ldap.ParseDN(b)
	return errA == nil && errB == nil && x.EqualFold(y)
}
