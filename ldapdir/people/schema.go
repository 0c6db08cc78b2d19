package people

import (
	"context"
	"maps"
	"regexp"
	"strings"

	"github.com/go-ldap/ldap/v3"

	"waybill/directory"
)

// Schema is how one kind of directory keeps people.
type Schema interface {
	// Entry gives an entry's name and attributes, without marker and password.
	// untold are properties of the source that have no place.
	Entry(f Facts) (dn string, a *Attributes, untold []string, err error)
	// Container is where entries of a kind are made.
	Container(k Kind) string
	// Class is the object class, of those the object classes that make an entry one of the kind.
	Class(k Kind) string
	// Identity is a filter for entries that would be the same account.
	Identity(f Facts) string
	// Address is a filter for entries with an address.
	Address(a directory.Address) string
	// Facts reads an entry; ok is false for one that is none of ours to read.
	Facts(e *ldap.Entry) (f Facts, members []string, ok bool)
	// Filter finds all accounts, contacts and groups; wanted is what facts reads.
	Filter() string
	Wanted() []string
	// Copied tells of a template's attribute whether new accounts get it.
	Copied(ctx context.Context, s Reader) (func(name string) bool, error)
	// Empty is what stands for no members in a group; "" where it may have none.
	Empty() (member string, needed bool)
}

// Of gives the schema that a layout names.
func Of(o Layout) Schema {
	switch o.Schema {
	case ActiveDirectory:
		return &activeDirectory{o}
	case Exchange55:
		return &exchange55{o}
	}
	return &inetOrgPerson{o}
}

func (o Layout) containerOf(k Kind) string {
	switch k {
	case Contact:
		return o.Contacts
	case Group:
		return o.Groups
	}
	return o.Users
}

// Vocabulary is what a server's schema knows: attribute names without case, each
// with the first of its names. A nil Vocabulary knows everything: some servers
// do not tell.
type Vocabulary map[string]string

// Knows reports whether there is such an attribute.
func (v Vocabulary) Knows(attribute string) bool {
	return len(v) == 0 || v[strings.ToLower(attribute)] != ""
}

// Same reports whether two names mean one attribute.
func (v Vocabulary) Same(a, b string) bool {
	x, y := v[strings.ToLower(a)], v[strings.ToLower(b)]
	return strings.EqualFold(a, b) || x != "" && x == y
}

// names finds NAME 'x' and NAME ( 'x' 'y' ) in a description (RFC 4512 4.1.2).
// It looks no further into it: what else is there is not needed.
var (
	nameList = regexp.MustCompile(`NAME\s+(?:'([^']{1,256})'|\(\s*((?:'[^']+'\s*)+)\))`)
	oneName  = regexp.MustCompile(`'([^']+)'`)
)

// ParseVocabulary reads attribute type descriptions.
func ParseVocabulary(descriptions []string) Vocabulary {
	v := Vocabulary{}
	for _, d := range descriptions {
		if len(d) > MaxValue {
			continue
		}
		m := nameList.FindStringSubmatch(d)
		if m == nil {
			continue
		}
		all := []string{m[1]}
		if m[1] == "" {
			all = all[:0]
			for _, one := range oneName.FindAllStringSubmatch(m[2], -1) {
				all = append(all, one[1])
			}
		}
		for _, name := range all {
			v[strings.ToLower(name)] = strings.ToLower(all[0])
		}
	}
	return v
}

// common are properties by their names in Exchange's directory, without case, as
// migration files and sites have them, with their LDAP names (RFC 4519, RFC 4524).
var common = map[string]string{
	"title": "title", "telephone-office1": "telephoneNumber", "telephone-mobile": "mobile", "telephone-fax": "facsimileTelephoneNumber",
	"telephone-home": "homePhone", "telephone-pager": "pager", "postal-code": "postalCode", "locality-name": "l",
	"state-or-province-name": "st", "physical-delivery-office-name": "physicalDeliveryOfficeName", "initials": "initials",
}

// with is a copy of common with a schema's own names.
func with(own map[string]string) map[string]string {
	all := make(map[string]string, len(common)+len(own))
	maps.Copy(all, common)
	maps.Copy(all, own)
	return all
}

// inverse turns a table round, for reading.
func inverse(table map[string]string) map[string]string {
	names := map[string]string{}
	for source, target := range table {
		names[strings.ToLower(target)] = properName(source)
	}
	return names
}

// properName writes a name of Exchange's directory as it writes them itself.
func properName(name string) string {
	parts := strings.Split(name, "-")
	for i, p := range parts {
		if p != "or" && p != "" {
			parts[i] = strings.ToUpper(p[:1]) + p[1:]
		}
	}
	return strings.ReplaceAll(strings.Join(parts, "-"), "-or-", "-Or-")
}
