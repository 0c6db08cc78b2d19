package people

import (
	"context"
	"net/url"
	"slices"
	"strings"

	"github.com/go-ldap/ldap/v3"

	"waybill/directory"
)

// inetOrgPerson is the schema of RFC 2798, with groups of RFC 4519.
//
// Addresses: mail has the SMTP addresses, the primary one first; or only that
// one, where Options.Aliases names an attribute for the others
// (mailAlternateAddress, otherMailbox). Addresses of other types have no place of
// their own in this schema: they are labeledURI (RFC 2079), as TYPE:value with
// blanks escaped.
type inetOrgPerson struct{ o Layout }

var inetOrgNames = with(map[string]string{"company": "o", "department": "departmentNumber", "street-address": "street", "employee-number": "employeeNumber", "employee-type": "employeeType"})

func (s *inetOrgPerson) Container(k Kind) string { return s.o.containerOf(k) }

func (s *inetOrgPerson) Class(k Kind) string {
	if k == Group {
		return "groupOfNames"
	}
	return "inetOrgPerson"
}

func (s *inetOrgPerson) Entry(f Facts) (string, *Attributes, []string, error) {
	a := NewAttributes()
	naming := "cn"
	if f.Kind == Account {
		naming = "uid"
		if s.o.Naming != "" {
			naming = s.o.Naming
		}
		a.Add("uid", f.ID)
	}
	a.Add("cn", f.ID)
	dn := Child(naming, f.ID, s.Container(f.Kind))
	if f.Kind == Group {
		a.Add("objectClass", "groupOfNames")
		if len(f.Addresses) > 0 || f.Name != "" && f.Name != f.ID {
			// groupOfNames has no addresses; this class permits any attribute (RFC 4512 4.3).
			a.Add("objectClass", "extensibleObject")
			a.Add("displayName", f.Name)
		}
	} else {
		a.Add("objectClass", "inetOrgPerson")
		a.Set("cn", f.display())
		if naming == "cn" {
			a.Add("cn", f.ID)
		}
		a.Add("sn", f.surname())
		a.Add("givenName", f.First)
		a.Add("displayName", f.Name)
	}
	addresses := f.smtp()
	if s.o.Aliases != "" && len(addresses) > 1 {
		a.Add(s.o.Aliases, addresses[1:]...)
		if s.o.AliasClass != "" {
			a.Add("objectClass", s.o.AliasClass)
		}
		addresses = addresses[:1]
	}
	a.Add("mail", addresses...)
	for _, other := range f.others() {
		a.Add("labeledURI", labeled(other))
	}
	var untold []string
	if f.Kind != Group {
		untold = a.further(f.Attributes, inetOrgNames)
	} else {
		untold = a.further(f.Attributes, nil)
	}
	return dn, a, untold, nil
}

// labeled writes an address as the URI of RFC 2079: a blank would begin a label.
func labeled(a directory.Address) string {
	value := strings.NewReplacer("%", "%25", " ", "%20").Replace(a.Value)
	if strings.HasPrefix(value, "//") {
		value = "%2F" + value[1:] // or it would name a host
	}
	return strings.ToLower(a.Type) + ":" + value
}

// unlabeled is the inverse; ok is false for a URI of another kind.
func unlabeled(text string) (a directory.Address, ok bool) {
	uri, _, _ := strings.Cut(text, " ") // a label follows
	scheme, value, found := strings.Cut(uri, ":")
	if !found || scheme == "" || strings.HasPrefix(value, "//") {
		return a, false
	}
	value, err := url.PathUnescape(value)
	if err != nil || value == "" {
		return a, false
	}
	return directory.Address{Type: strings.ToUpper(scheme), Value: value}, true
}

func (s *inetOrgPerson) Identity(f Facts) string {
	if f.Kind == Account {
		return Equals("uid", f.ID)
	}
	return ""
}

func (s *inetOrgPerson) Address(a directory.Address) string {
	if a.Type != directory.SMTP {
		return Equals("labeledURI", labeled(a))
	}
	if s.o.Aliases != "" {
		return AnyOf(Equals("mail", a.Value), Equals(s.o.Aliases, a.Value))
	}
	return Equals("mail", a.Value)
}

func (s *inetOrgPerson) Filter() string {
	return "(|(objectClass=inetOrgPerson)(objectClass=groupOfNames)(objectClass=groupOfUniqueNames))"
}

func (s *inetOrgPerson) Wanted() []string {
	names := []string{"objectClass", "uid", "cn", "sn", "givenName", "displayName", "mail", "labeledURI", "member", "uniqueMember", s.o.Marker}
	if s.o.Aliases != "" {
		names = append(names, s.o.Aliases)
	}
	for _, name := range inetOrgNames {
		names = append(names, name)
	}
	return names
}

func (s *inetOrgPerson) Facts(e *ldap.Entry) (f Facts, members []string, ok bool) {
	classes := e.GetEqualFoldAttributeValues("objectClass")
	isGroup := ContainsFold(classes, "groupOfNames") || ContainsFold(classes, "groupOfUniqueNames")
	f.ID = e.GetEqualFoldAttributeValue("uid")
	switch {
	case isGroup:
		f.Kind = Group
	case f.ID != "":
		f.Kind = Account
	default:
		f.Kind = Contact // nobody can log on as it
	}
	if f.ID == "" {
		f.ID = NamingValue(e.DN)
	}
	f.Name = e.GetEqualFoldAttributeValue("displayName")
	if f.Name == "" {
		f.Name = e.GetEqualFoldAttributeValue("cn")
	}
	f.First, f.Last = e.GetEqualFoldAttributeValue("givenName"), e.GetEqualFoldAttributeValue("sn")
	smtp := e.GetEqualFoldAttributeValues("mail")
	if s.o.Aliases != "" {
		smtp = append(slices.Clip(smtp), e.GetEqualFoldAttributeValues(s.o.Aliases)...)
	}
	for _, text := range smtp {
		f.Addresses = append(f.Addresses, directory.Address{Type: directory.SMTP, Value: text})
	}
	for _, text := range e.GetEqualFoldAttributeValues("labeledURI") {
		if a, ok := unlabeled(text); ok {
			f.Addresses = append(f.Addresses, a)
		}
	}
	f.Attributes = properties(e, inetOrgNames)
	members = append(e.GetEqualFoldAttributeValues("member"), e.GetEqualFoldAttributeValues("uniqueMember")...)
	return f, members, f.ID != ""
}

// own are attributes that tell who somebody is, so that a template's are not
// copied; passwords and what the server keeps are among them.
var own = map[string]bool{"objectclass": true, "uid": true, "cn": true, "sn": true, "givenname": true, "displayname": true, "initials": true, "mail": true,
	"labeleduri": true, "userpassword": true, "usercertificate": true, "userpkcs12": true, "usersmimecertificate": true, "jpegphoto": true, "photo": true,
	"audio": true, "employeenumber": true, "uidnumber": true, "homedirectory": true, "mailalternateaddress": true, "maillocaladdress": true,
	"mailmessagestore": true, "member": true, "memberof": true, "description": true, "telephonenumber": true, "homephone": true, "mobile": true,
	"rdn": true, "othermailbox": true, "rfc822mailbox": true, "textencodedoraddress": true, "assoc-nt-account": true, "admin-description": true,
	"admin-display-name": true, "proxyaddresses": true, "legacyexchangedn": true, "nt-security-descriptor": true, "obj-dist-name": true, "usn-changed": true,
	"usn-created": true, "when-changed": true, "when-created": true, "object-version": true, "objectguid": true, "instance-type": true, "is-member-of-dl": true,
	"distinguishedname": true}

func (s *inetOrgPerson) Copied(context.Context, Reader) (func(string) bool, error) {
	return func(name string) bool {
		name = strings.ToLower(name)
		for _, prefix := range []string{"shadow", "samba", "krb", "gidnumber", "loginshell", "gecos"} { // of the classes in perAccount
			if strings.HasPrefix(name, prefix) {
				return false
			}
		}
		return !own[name] && name != strings.ToLower(s.o.Aliases) && name != strings.ToLower(s.o.Marker) && !strings.Contains(name, ";")
	}, nil
}

// empty: groupOfNames has a member at least (RFC 4519 3.5); the empty name is
// nobody.
func (s *inetOrgPerson) Empty() (string, bool) { return "", true }

func ContainsFold(all []string, v string) bool {
	for _, have := range all {
		if strings.EqualFold(have, v) {
			return true
		}
	}
	return false
}

// NamingValue is the value that names an entry in its container.
func NamingValue(dn string) string {
	parsed, err := ldap.ParseDN(dn)
	if err != nil || len(parsed.RDNs) == 0 || len(parsed.RDNs[0].Attributes) == 0 {
		return ""
	}
	return parsed.RDNs[0].Attributes[0].Value
}

// properties reads what entries have beside names and addresses.
func properties(e *ldap.Entry, table map[string]string) map[string]string {
	var all map[string]string
	names := inverse(table)
	for _, a := range e.Attributes {
		name, ok := names[strings.ToLower(a.Name)]
		if !ok || len(a.Values) == 0 || a.Values[0] == "" || len(a.Values[0]) > MaxValue {
			continue
		}
		if all == nil {
			all = map[string]string{}
		}
		all[name] = a.Values[0]
	}
	return all
}
