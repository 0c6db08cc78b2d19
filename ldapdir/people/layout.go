// Package people knows how kinds of directories keep accounts, contacts and groups:
// inetOrgPerson (RFC 2798), Active Directory ([MS-ADTS]), and Exchange 5.5.
package people

import (
	"context"
	"strings"

	"github.com/go-ldap/ldap/v3"
)

// The schemas by their names on the command line.
const (
	InetOrgPerson   = "inetorgperson"
	ActiveDirectory = "ad"
	Exchange55      = "exchange55"
)

// Layout says what goes where in a directory.
type Layout struct {
	Base string // below which everything lies that concerns us

	Schema   string
	Users    string // container of accounts
	Contacts string // container of contacts
	Groups   string // container of groups
	// Marker is the attribute that tells who made an entry.
	Marker string
	// Aliases is where inetOrgPerson accounts keep further SMTP addresses, and
	// AliasClass the auxiliary class that permits it.
	Aliases, AliasClass string
	// HomeServer is the Exchange 5.5 server of new mailboxes.
	HomeServer string
	// Domain ends the user principal name in Active Directory; empty: that of Base.
	Domain string
	// Naming names accounts by "uid" or "cn"; empty: the schema's habit.
	Naming string
}

// Reader asks a directory.
type Reader interface {
	// Read gives one entry.
	Read(ctx context.Context, dn string, attributes ...string) (*ldap.Entry, error)
	// Each gives every entry below base that matches.
	Each(ctx context.Context, base, filter string, attributes []string, each func(*ldap.Entry) error) error
}

// MaxValue bounds one value of an attribute; photographs are left out anyway.
const MaxValue = 1 << 20

// Equals is a filter for one value, with what is special in filters escaped (RFC
// 4515 3).
func Equals(attribute, value string) string {
	return "(" + attribute + "=" + ldap.EscapeFilter(value) + ")"
}

// AnyOf joins filters.
func AnyOf(filters ...string) string {
	if len(filters) == 1 {
		return filters[0]
	}
	return "(|" + strings.Join(filters, "") + ")"
}

// Child is the name of an entry in a container, escaped (RFC 4514 2.4).
func Child(attribute, value, container string) string {
	return attribute + "=" + ldap.EscapeDN(value) + "," + container
}

// DefaultMarker is an attribute that every class of the schema may have and that
// programs show to nobody: Extension-Name of [MS-ADA1], Admin-Description of
// Exchange 5.5's class Top. inetOrgPerson and groupOfNames have nothing better in
// common than description (RFC 4519 2.5), which may have several values.
func DefaultMarker(schema string) string {
	switch schema {
	case ActiveDirectory:
		return "extensionName"
	case Exchange55:
		return "Admin-Description"
	}
	return "description"
}
