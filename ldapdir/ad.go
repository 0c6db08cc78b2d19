package ldapdir

import (
	"context"
	"errors"
	"strings"
	"unicode/utf16"

	"github.com/go-ldap/ldap/v3"

	"waybill/directory"
	"waybill/failure"
)

// activeDirectory is the schema of [MS-ADTS], [MS-ADA1] to [MS-ADA3].
//
// Addresses: mail has the primary SMTP address, proxyAddresses all of them:
// SMTP: the primary one, smtp: the others, X500:, X400:, MS: as they are.
type activeDirectory struct{ o Options }

var activeDirectoryNames = with(map[string]string{"company": "company", "department": "department", "comment": "info", "street-address": "streetAddress",
	"text-country": "co", "employee-number": "employeeNumber", "employee-type": "employeeType"})

// Bits of userAccountControl and groupType ([MS-ADTS] 2.2.16, 2.2.12).
const (
	normalAccount   = "512"
	disabledAccount = "514"
	universalGroup  = "8" // for distribution, not for security
)

func (s *activeDirectory) container(k kind) string { return s.o.containerOf(k) }

func (s *activeDirectory) class(k kind) string {
	switch k {
	case contact:
		return "contact"
	case group:
		return "group"
	}
	return "user"
}

func (s *activeDirectory) entry(f facts) (string, *attributes, []string, error) {
	a := newAttributes()
	a.add("objectClass", s.class(f.kind))
	local, domain, full := strings.Cut(f.id, "@")
	naming := f.id
	switch f.kind {
	case account:
		if err := logonName(f.id, local); err != nil {
			return "", nil, nil, err
		}
		naming = local
		if !full {
			domain = s.domain()
		}
		a.add("sAMAccountName", local)
		a.add("userPrincipalName", local+"@"+domain)
		a.add("userAccountControl", disabledAccount)
		a.add("mailNickname", local)
	case group:
		a.add("sAMAccountName", safeName(f.id))
		a.add("groupType", universalGroup)
		a.add("mailNickname", safeName(local))
	case contact:
		a.add("mailNickname", safeName(local))
		if all := f.smtp(); len(all) > 0 {
			a.add("targetAddress", "SMTP:"+all[0])
		}
	}
	if n := len([]rune(naming)); n > 64 { // rangeUpper of cn
		return "", nil, nil, failure.New(failure.Unsupported, "create "+string(f.kind), f.id, "ldap.name", errors.New("Active Directory takes 64 characters for a name")).
			WithRemedy("name another account in the user map")
	}
	a.add("displayName", f.display())
	if f.kind != group {
		a.add("givenName", f.first)
		a.add("sn", f.last)
	}
	for i, address := range f.smtp() {
		if i == 0 {
			a.add("mail", address)
			a.add("proxyAddresses", "SMTP:"+address)
			continue
		}
		a.add("proxyAddresses", "smtp:"+address)
	}
	for _, other := range f.others() {
		a.add("proxyAddresses", other.String())
	}
	var untold []string
	if f.kind == group {
		untold = a.further(f.attributes, map[string]string{"comment": "info"})
	} else {
		untold = a.further(f.attributes, activeDirectoryNames)
	}
	return child("CN", naming, s.container(f.kind)), a, untold, nil
}

// domain is what follows the @ of a user principal name.
func (s *activeDirectory) domain() string {
	if s.o.Domain != "" {
		return s.o.Domain
	}
	dn, err := ldap.ParseDN(s.o.Base)
	if err != nil {
		return ""
	}
	var labels []string
	for _, rdn := range dn.RDNs {
		if len(rdn.Attributes) == 1 && strings.EqualFold(rdn.Attributes[0].Type, "dc") {
			labels = append(labels, rdn.Attributes[0].Value)
		}
	}
	return strings.Join(labels, ".")
}

// logonName refuses what sAMAccountName cannot hold: more than 20 characters,
// and those of [MS-SAMR] 3.1.1.6. Nothing is cut silently.
func logonName(id, name string) error {
	what := ""
	switch {
	case len([]rune(name)) > 20:
		what = "a logon name of Active Directory has at most 20 characters"
	case strings.ContainsAny(name, `"/\[]:;|=,+*?<>@`):
		what = `a logon name of Active Directory holds none of " / \ [ ] : ; | = , + * ? < > @`
	case strings.Trim(name, ". ") == "" || strings.HasSuffix(name, "."):
		what = "a logon name of Active Directory does not end in a full stop"
	}
	if what == "" {
		return nil
	}
	return failure.New(failure.Unsupported, "create account", id, "ldap.name", errors.New(what)).WithRemedy("name another account in the user map")
}

// safeName is a logon name for what nobody logs on as.
func safeName(id string) string {
	return strings.TrimRight(strings.Map(func(c rune) rune {
		if strings.ContainsRune(`"/\[]:;|=,+*?<>@ `, c) {
			return '_'
		}
		return c
	}, id), ".")
}

// quotedPassword is the value of unicodePwd ([MS-ADTS] 3.1.1.3.1.5).
func quotedPassword(password string) string {
	units := utf16.Encode([]rune(`"` + password + `"`))
	raw := make([]byte, 0, 2*len(units))
	for _, u := range units {
		raw = append(raw, byte(u), byte(u>>8))
	}
	return string(raw)
}

func (s *activeDirectory) identity(f facts) string {
	switch f.kind {
	case account:
		local, _, full := strings.Cut(f.id, "@")
		if full {
			return anyOf(equals("sAMAccountName", local), equals("userPrincipalName", f.id))
		}
		return equals("sAMAccountName", local)
	case group:
		return equals("sAMAccountName", safeName(f.id))
	}
	return ""
}

func (s *activeDirectory) address(a directory.Address) string {
	if a.Type == directory.SMTP {
		return anyOf(equals("proxyAddresses", "smtp:"+a.Value), equals("mail", a.Value))
	}
	return equals("proxyAddresses", a.String())
}

func (s *activeDirectory) filter() string {
	return "(|(&(objectCategory=person)(objectClass=user))(objectClass=contact)(objectClass=group))"
}

func (s *activeDirectory) wanted() []string {
	names := []string{"objectClass", "cn", "sAMAccountName", "displayName", "givenName", "sn", "mail", "proxyAddresses", "legacyExchangeDN", "member", "isCriticalSystemObject", s.o.Marker}
	for _, name := range activeDirectoryNames {
		names = append(names, name)
	}
	return names
}

func (s *activeDirectory) facts(e *ldap.Entry) (f facts, members []string, ok bool) {
	classes := e.GetEqualFoldAttributeValues("objectClass")
	switch {
	case containsFold(classes, "computer"), strings.EqualFold(e.GetEqualFoldAttributeValue("isCriticalSystemObject"), "TRUE"):
		return f, nil, false // built in: Administrator, Domain Users
	case containsFold(classes, "group"):
		f.kind = group
	case containsFold(classes, "contact"):
		f.kind = contact
	default:
		f.kind = account
	}
	f.id = naming(e.DN)
	if name := e.GetEqualFoldAttributeValue("sAMAccountName"); name != "" && f.kind == account {
		f.id = name
	}
	f.name = e.GetEqualFoldAttributeValue("displayName")
	f.first, f.last = e.GetEqualFoldAttributeValue("givenName"), e.GetEqualFoldAttributeValue("sn")
	f.addresses = proxies(e.GetEqualFoldAttributeValue("mail"), e.GetEqualFoldAttributeValues("proxyAddresses"), ":")
	if legacy := e.GetEqualFoldAttributeValue("legacyExchangeDN"); legacy != "" {
		f.addresses = append(f.addresses, directory.Address{Type: directory.EX, Value: legacy})
	}
	f.attributes = properties(e, activeDirectoryNames)
	return f, e.GetEqualFoldAttributeValues("member"), f.id != ""
}

// proxies reads typed addresses: the one whose type is in capitals is the primary
// one of its type, and goes first; mail counts where there are none.
func proxies(mail string, all []string, separator string) (addresses []directory.Address) {
	var later []directory.Address
	seen := map[string]bool{}
	for _, text := range all {
		scheme, value, ok := strings.Cut(text, separator)
		if !ok || scheme == "" || value == "" {
			continue
		}
		a := directory.Address{Type: strings.ToUpper(scheme), Value: value}
		if seen[a.Key()] {
			continue
		}
		seen[a.Key()] = true
		if scheme == directory.SMTP {
			addresses = append(addresses, a)
		} else {
			later = append(later, a)
		}
	}
	if a := (directory.Address{Type: directory.SMTP, Value: mail}); mail != "" && !seen[a.Key()] {
		addresses = append([]directory.Address{a}, addresses...)
	} else if mail != "" && len(addresses) == 0 {
		addresses = append(addresses, a) // it is among the later ones too, as no primary is marked
		for i, l := range later {
			if l.Key() == a.Key() {
				later = append(later[:i], later[i+1:]...)
				break
			}
		}
	}
	return append(addresses, later...)
}

// copied asks the directory's own schema: attributes with the bit fCOPY of
// searchFlags are those that its own tools copy to a new user ([MS-ADTS] 2.2.9).
func (s *activeDirectory) copied(ctx context.Context, conn *session) (func(string) bool, error) {
	e, err := conn.read(ctx, "", "schemaNamingContext")
	if err != nil {
		return nil, err
	}
	names := map[string]bool{}
	_, err = conn.search(ctx, e.GetEqualFoldAttributeValue("schemaNamingContext"), "(&(objectClass=attributeSchema)(searchFlags:1.2.840.113556.1.4.803:=16))",
		[]string{"lDAPDisplayName"}, func(e *ldap.Entry) error {
			names[strings.ToLower(e.GetEqualFoldAttributeValue("lDAPDisplayName"))] = true
			return nil
		})
	// These have the bit, and belong to the account's making and not to its copy.
	for _, name := range []string{"userAccountControl", "primaryGroupID", "memberOf", "sIDHistory"} {
		delete(names, strings.ToLower(name))
	}
	return func(name string) bool { return names[strings.ToLower(name)] }, err
}

func (s *activeDirectory) empty() (string, bool) { return "", false }
