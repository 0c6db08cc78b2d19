package ldapdir

import (
	"context"
	"regexp"
	"strings"

	"github.com/go-ldap/ldap/v3"

	"waybill/directory"
)

// schema is how one kind of directory keeps people.
type schema interface {
	// entry gives an entry's name and attributes, without marker and password.
	// untold are properties of the source that have no place.
	entry(f facts) (dn string, a *attributes, untold []string, err error)
	// container is where entries of a kind are made.
	container(k kind) string
	// classes are the object classes that make an entry one of the kind.
	class(k kind) string
	// identity is a filter for entries that would be the same account.
	identity(f facts) string
	// address is a filter for entries with an address.
	address(a directory.Address) string
	// facts reads an entry; ok is false for one that is none of ours to read.
	facts(e *ldap.Entry) (f facts, members []string, ok bool)
	// filter finds all accounts, contacts and groups; wanted is what facts reads.
	filter() string
	wanted() []string
	// copied tells of a template's attribute whether new accounts get it.
	copied(ctx context.Context, s *session) (func(name string) bool, error)
	// empty is what stands for no members in a group; "" where it may have none.
	empty() (member string, needed bool)
}

func schemaOf(o Options) schema {
	switch o.Schema {
	case ActiveDirectory:
		return &activeDirectory{o}
	case Exchange55:
		return &exchange55{o}
	}
	return &inetOrgPerson{o}
}

func (o Options) containerOf(k kind) string {
	switch k {
	case contact:
		return o.Contacts
	case group:
		return o.Groups
	}
	return o.Users
}

// vocabulary is what a server's schema knows: attribute names without case, each
// with the first of its names. A nil vocabulary knows everything: some servers
// do not tell.
type vocabulary map[string]string

func (v vocabulary) knows(attribute string) bool {
	return len(v) == 0 || v[strings.ToLower(attribute)] != ""
}

// same reports whether two names mean one attribute.
func (v vocabulary) same(a, b string) bool {
	x, y := v[strings.ToLower(a)], v[strings.ToLower(b)]
	return strings.EqualFold(a, b) || x != "" && x == y
}

// names finds NAME 'x' and NAME ( 'x' 'y' ) in a description (RFC 4512 4.1.2).
// It looks no further into it: what else is there is not needed.
var (
	nameList = regexp.MustCompile(`NAME\s+(?:'([^']{1,256})'|\(\s*((?:'[^']+'\s*)+)\))`)
	oneName  = regexp.MustCompile(`'([^']+)'`)
)

// parseVocabulary reads attribute type descriptions.
func parseVocabulary(descriptions []string) vocabulary {
	v := vocabulary{}
	for _, d := range descriptions {
		if len(d) > maxValue {
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

// root is what a server says of itself (RFC 4512 5.1).
type root struct {
	vocabulary vocabulary
	extensions map[string]bool
}

// look reads the root and the schema it names. Servers that do not tell are
// taken to know everything.
func (s *session) look(ctx context.Context) (root, error) {
	r := root{extensions: map[string]bool{}}
	entry, err := s.read(ctx, "", "subschemaSubentry", "supportedExtension")
	if err != nil {
		if ruleIs(err, "ldap.no-object", "ldap.rights") {
			return r, nil
		}
		return r, err
	}
	for _, oid := range entry.GetEqualFoldAttributeValues("supportedExtension") {
		r.extensions[oid] = true
	}
	where := entry.GetEqualFoldAttributeValue("subschemaSubentry")
	if where == "" {
		return r, nil
	}
	sub, err := s.readSubschema(ctx, where)
	if err != nil {
		if ruleIs(err, "ldap.no-object", "ldap.rights") {
			return r, nil
		}
		return r, err
	}
	r.vocabulary = parseVocabulary(sub.GetEqualFoldAttributeValues("attributeTypes"))
	return r, nil
}

func (s *session) readSubschema(ctx context.Context, dn string) (*ldap.Entry, error) {
	return s.read(ctx, dn, "attributeTypes")
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
	for k, v := range common {
		all[k] = v
	}
	for k, v := range own {
		all[k] = v
	}
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
