package people

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
type activeDirectory struct{ o Layout }

var activeDirectoryNames = with(map[string]string{"company": "company", "department": "department", "comment": "info", "street-address": "streetAddress",
	"text-country": "co", "employee-number": "employeeNumber", "employee-type": "employeeType"})

// Bits of userAccountControl and groupType ([MS-ADTS] 2.2.16, 2.2.12).
const (
	NormalAccount   = "512"
	disabledAccount = "514"
	universalGroup  = "8" // for distribution, not for security
)

func (s *activeDirectory) Container(k Kind) string { return s.o.containerOf(k) }

func (s *activeDirectory) Class(k Kind) string {
	switch k {
	case Contact:
		return "contact"
	case Group:
		return "group"
	}
	return "user"
}

func (s *activeDirectory) Entry(f Facts) (string, *Attributes, []string, error) {
	a := NewAttributes()
	a.Add("objectClass", s.Class(f.Kind))
	local, domain, full := strings.Cut(f.ID, "@")
	naming := f.ID
	switch f.Kind {
	case Account:
		if err := logonName(f.ID, local); err != nil {
			return "", nil, nil, err
		}
		naming = local
		if !full {
			domain = s.domain()
		}
		a.Add("sAMAccountName", local)
		a.Add("userPrincipalName", local+"@"+domain)
		a.Add("userAccountControl", disabledAccount)
		a.Add("mailNickname", local)
	case Group:
		a.Add("sAMAccountName", safeName(f.ID))
		a.Add("groupType", universalGroup)
		a.Add("mailNickname", safeName(local))
	case Contact:
		a.Add("mailNickname", safeName(local))
		if all := f.smtp(); len(all) > 0 {
			a.Add("targetAddress", "SMTP:"+all[0])
		}
	}
	if n := len([]rune(naming)); n > 64 { // rangeUpper of cn
		return "", nil, nil, failure.New(failure.Unsupported, "create "+string(f.Kind), f.ID, "ldap.name", errors.New("Active Directory takes 64 characters for a name")).
			WithRemedy("name another account in the user map")
	}
	a.Add("displayName", f.display())
	if f.Kind != Group {
		a.Add("givenName", f.First)
		a.Add("sn", f.Last)
	}
	for i, address := range f.smtp() {
		if i == 0 {
			a.Add("mail", address)
			a.Add("proxyAddresses", "SMTP:"+address)
			continue
		}
		a.Add("proxyAddresses", "smtp:"+address)
	}
	for _, other := range f.others() {
		a.Add("proxyAddresses", other.String())
	}
	var untold []string
	if f.Kind == Group {
		untold = a.further(f.Attributes, map[string]string{"comment": "info"})
	} else {
		untold = a.further(f.Attributes, activeDirectoryNames)
	}
	return Child("CN", naming, s.Container(f.Kind)), a, untold, nil
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

// QuotedPassword is the value of unicodePwd ([MS-ADTS] 3.1.1.3.1.5).
func QuotedPassword(password string) string {
	units := utf16.Encode([]rune(`"` + password + `"`))
	raw := make([]byte, 0, 2*len(units))
	for _, u := range units {
		raw = append(raw, byte(u), byte(u>>8))
	}
	return string(raw)
}

func (s *activeDirectory) Identity(f Facts) string {
	switch f.Kind {
	case Account:
		local, _, full := strings.Cut(f.ID, "@")
		if full {
			return AnyOf(Equals("sAMAccountName", local), Equals("userPrincipalName", f.ID))
		}
		return Equals("sAMAccountName", local)
	case Group:
		return Equals("sAMAccountName", safeName(f.ID))
	}
	return ""
}

func (s *activeDirectory) Address(a directory.Address) string {
	if a.Type == directory.SMTP {
		return AnyOf(Equals("proxyAddresses", "smtp:"+a.Value), Equals("mail", a.Value))
	}
	return Equals("proxyAddresses", a.String())
}

func (s *activeDirectory) Filter() string {
	return "(|(&(objectCategory=person)(objectClass=user))(objectClass=contact)(objectClass=group))"
}

func (s *activeDirectory) Wanted() []string {
	names := []string{"objectClass", "cn", "sAMAccountName", "displayName", "givenName", "sn", "mail", "proxyAddresses", "legacyExchangeDN", "member", "isCriticalSystemObject", s.o.Marker}
	for _, name := range activeDirectoryNames {
		names = append(names, name)
	}
	return names
}

func (s *activeDirectory) Facts(e *ldap.Entry) (f Facts, members []string, ok bool) {
	classes := e.GetEqualFoldAttributeValues("objectClass")
	switch {
	case ContainsFold(classes, "computer"), strings.EqualFold(e.GetEqualFoldAttributeValue("isCriticalSystemObject"), "TRUE"):
		return f, nil, false // built in: Administrator, Domain Users
	case ContainsFold(classes, "group"):
		f.Kind = Group
	case ContainsFold(classes, "contact"):
		f.Kind = Contact
	default:
		f.Kind = Account
	}
	f.ID = NamingValue(e.DN)
	if name := e.GetEqualFoldAttributeValue("sAMAccountName"); name != "" && f.Kind == Account {
		f.ID = name
	}
	f.Name = e.GetEqualFoldAttributeValue("displayName")
	f.First, f.Last = e.GetEqualFoldAttributeValue("givenName"), e.GetEqualFoldAttributeValue("sn")
	f.Addresses = proxies(e.GetEqualFoldAttributeValue("mail"), e.GetEqualFoldAttributeValues("proxyAddresses"), ":")
	if legacy := e.GetEqualFoldAttributeValue("legacyExchangeDN"); legacy != "" {
		f.Addresses = append(f.Addresses, directory.Address{Type: directory.EX, Value: legacy})
	}
	f.Attributes = properties(e, activeDirectoryNames)
	return f, e.GetEqualFoldAttributeValues("member"), f.ID != ""
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
func (s *activeDirectory) Copied(ctx context.Context, conn Reader) (func(string) bool, error) {
	e, err := conn.Read(ctx, "", "schemaNamingContext")
	if err != nil {
		return nil, err
	}
	names := map[string]bool{}
	err = conn.Each(ctx, e.GetEqualFoldAttributeValue("schemaNamingContext"), "(&(objectClass=attributeSchema)(searchFlags:1.2.840.113556.1.4.803:=16))",
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

func (s *activeDirectory) Empty() (string, bool) { return "", false }
