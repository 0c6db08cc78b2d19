package ldapdir

import (
	"context"
	"encoding/binary"
	"strconv"
	"strings"

	"github.com/go-ldap/ldap/v3"

	"waybill/directory"
)

// exchange55 is the directory of Exchange 5.5 as its LDAP shows it (Exchange
// Server Programmer's Reference, Directory Schema; names of attributes are the
// "LDAP name" there). A mailbox is an organizationalPerson, a custom recipient
// a Remote-Address, a distribution list groupOfNames.
//
// cn is the display name there, and rdn what names the entry. Addresses: mail and
// rfc822Mailbox have the primary SMTP address, textEncodedORAddress the primary
// X.400 address, otherMailbox all others as TYPE$value.
type exchange55 struct{ o Options }

var exchange55Names = with(map[string]string{"company": "Company", "department": "department", "comment": "info", "street-address": "street",
	"text-country": "co", "assistant-name": "secretary", "employee-number": "employeeNumber",
	"extension-attribute-1": "Extension-Attribute-1", "extension-attribute-2": "Extension-Attribute-2", "extension-attribute-3": "Extension-Attribute-3",
	"extension-attribute-4": "Extension-Attribute-4", "extension-attribute-5": "Extension-Attribute-5", "extension-attribute-6": "Extension-Attribute-6",
	"extension-attribute-7": "Extension-Attribute-7", "extension-attribute-8": "Extension-Attribute-8", "extension-attribute-9": "Extension-Attribute-9",
	"extension-attribute-10": "Extension-Attribute-10"})

func (s *exchange55) container(k kind) string { return s.o.containerOf(k) }

func (s *exchange55) class(k kind) string {
	switch k {
	case contact:
		return "Remote-Address"
	case group:
		return "groupOfNames"
	}
	return "organizationalPerson"
}

// domainAccount is the source's name for the Windows NT account of a mailbox, as
// the text form of its security identifier.
const domainAccount = "assoc-nt-account"

func (s *exchange55) entry(f facts) (string, *attributes, []string, error) {
	a := newAttributes()
	a.add("objectClass", s.class(f.kind))
	a.add("rdn", f.id)
	a.add("cn", f.display())
	a.add("uid", f.id)
	smtp := f.smtp()
	rest := f.others()
	if len(smtp) > 0 {
		a.add("mail", smtp[0])
		a.add("rfc822Mailbox", smtp[0])
	}
	for i, other := range rest {
		if other.Type == directory.X400 {
			a.add("textEncodedORAddress", other.Value)
			rest = append(rest[:i:i], rest[i+1:]...)
			break
		}
	}
	for i, address := range smtp {
		if i > 0 {
			a.add("otherMailbox", "smtp$"+address)
		}
	}
	for _, other := range rest {
		a.add("otherMailbox", other.Type+"$"+other.Value)
	}
	skip := map[string]string{}
	for name, value := range f.attributes {
		skip[name] = value
	}
	switch f.kind {
	case account:
		a.add("givenName", f.first)
		a.add("sn", f.last)
		a.add("mailPreferenceOption", "0")
		a.add("MAPI-Recipient", "TRUE")
		if above := s.configuration(); s.o.HomeServer != "" && above != "" {
			server := "cn=" + ldap.EscapeDN(s.o.HomeServer) + ",cn=Servers," + above
			a.add("Home-MTA", "cn=Microsoft MTA,"+server)
			a.add("Home-MDB", "cn=Microsoft Private MDB,"+server)
		}
		for name, value := range f.attributes {
			if strings.EqualFold(name, domainAccount) {
				if sid, ok := parseSID(value); ok {
					a.add("Assoc-NT-Account", sid)
					delete(skip, name)
				}
			}
		}
	case contact:
		a.add("givenName", f.first)
		a.add("sn", f.last)
		a.add("MAPI-Recipient", "FALSE")
		if len(f.addresses) > 0 {
			a.add("Target-Address", f.addresses[0].String())
		}
	}
	table := exchange55Names
	if f.kind == group {
		table = map[string]string{"company": "Company", "department": "department", "comment": "info"}
	}
	untold := a.further(skip, table)
	return child("cn", f.id, s.container(f.kind)), a, untold, nil
}

// configuration is the configuration container of the site that the containers
// lie in: cn=Configuration,ou=SITE,o=ORGANIZATION.
func (s *exchange55) configuration() string {
	dn, err := ldap.ParseDN(s.o.Users)
	if err != nil {
		return ""
	}
	for i, rdn := range dn.RDNs {
		if len(rdn.Attributes) == 1 && strings.EqualFold(rdn.Attributes[0].Type, "ou") {
			return "cn=Configuration," + (&ldap.DN{RDNs: dn.RDNs[i:]}).String()
		}
	}
	return ""
}

// parseSID turns the text of a security identifier into its bytes ([MS-DTYP]
// 2.4.2.2): revision, count, authority, and the subauthorities.
func parseSID(text string) (string, bool) {
	parts := strings.Split(strings.ToUpper(strings.TrimSpace(text)), "-")
	if len(parts) < 4 || len(parts) > 18 || parts[0] != "S" || parts[1] != "1" {
		return "", false
	}
	authority, err := strconv.ParseUint(parts[2], 10, 48)
	if err != nil {
		return "", false
	}
	raw := make([]byte, 8, 8+4*len(parts))
	binary.BigEndian.PutUint64(raw, authority)
	raw[0], raw[1] = 1, byte(len(parts)-3)
	for _, part := range parts[3:] {
		n, err := strconv.ParseUint(part, 10, 32)
		if err != nil {
			return "", false
		}
		raw = binary.LittleEndian.AppendUint32(raw, uint32(n))
	}
	return string(raw), true
}

// sidText is the inverse; "" for bytes that are none.
func sidText(raw []byte) string {
	if len(raw) < 12 || raw[0] != 1 || int(raw[1]) > 15 || len(raw) != 8+4*int(raw[1]) {
		return ""
	}
	authority := binary.BigEndian.Uint64(append([]byte{0, 0}, raw[2:8]...))
	text := "S-1-" + strconv.FormatUint(authority, 10)
	for i := 8; i < len(raw); i += 4 {
		text += "-" + strconv.FormatUint(uint64(binary.LittleEndian.Uint32(raw[i:])), 10)
	}
	return text
}

func (s *exchange55) identity(f facts) string { return equals("uid", f.id) }

func (s *exchange55) address(a directory.Address) string {
	switch a.Type {
	case directory.SMTP:
		return anyOf(equals("mail", a.Value), equals("otherMailbox", "smtp$"+a.Value))
	case directory.X400:
		return anyOf(equals("textEncodedORAddress", a.Value), equals("otherMailbox", "X400$"+a.Value))
	}
	return equals("otherMailbox", a.Type+"$"+a.Value)
}

func (s *exchange55) filter() string {
	return "(|(objectClass=organizationalPerson)(objectClass=Remote-Address)(objectClass=groupOfNames))"
}

func (s *exchange55) wanted() []string {
	names := []string{"objectClass", "rdn", "cn", "uid", "givenName", "sn", "mail", "textEncodedORAddress", "otherMailbox", "member", "Assoc-NT-Account", "Target-Address", s.o.Marker}
	for _, name := range exchange55Names {
		names = append(names, name)
	}
	return names
}

func (s *exchange55) facts(e *ldap.Entry) (f facts, members []string, ok bool) {
	classes := e.GetEqualFoldAttributeValues("objectClass")
	switch {
	case containsFold(classes, "Remote-Address"):
		f.kind = contact
	case containsFold(classes, "groupOfNames"):
		f.kind = group
	default:
		f.kind = account
	}
	f.id = naming(e.DN)
	for _, name := range e.GetEqualFoldAttributeValues("cn") {
		if f.name == "" || f.name == f.id {
			f.name = name
		}
	}
	f.first, f.last = e.GetEqualFoldAttributeValue("givenName"), e.GetEqualFoldAttributeValue("sn")
	f.addresses = proxies(e.GetEqualFoldAttributeValue("mail"), e.GetEqualFoldAttributeValues("otherMailbox"), "$")
	if or := e.GetEqualFoldAttributeValue("textEncodedORAddress"); or != "" {
		f.addresses = append(f.addresses, directory.Address{Type: directory.X400, Value: or})
	}
	if legacy := legacyName(e.DN); legacy != "" {
		f.addresses = append(f.addresses, directory.Address{Type: directory.EX, Value: legacy})
	}
	f.attributes = properties(e, exchange55Names)
	if sid := sidText(e.GetEqualFoldRawAttributeValue("Assoc-NT-Account")); sid != "" {
		if f.attributes == nil {
			f.attributes = map[string]string{}
		}
		f.attributes["Assoc-NT-Account"] = sid
	}
	return f, e.GetEqualFoldAttributeValues("member"), f.id != ""
}

// legacyName writes the name of an entry as Exchange's own addresses have it:
// cn=anna,cn=Recipients,ou=Site,o=Org is /o=Org/ou=Site/cn=Recipients/cn=anna.
func legacyName(dn string) string {
	parsed, err := ldap.ParseDN(dn)
	if err != nil {
		return ""
	}
	var b strings.Builder
	for i := len(parsed.RDNs) - 1; i >= 0; i-- {
		for _, part := range parsed.RDNs[i].Attributes {
			b.WriteString("/" + strings.ToLower(part.Type) + "=" + part.Value)
		}
	}
	return b.String()
}

// dnOf is the inverse; "" for a text that is no legacy name.
func dnOf(legacy string) string {
	if !strings.HasPrefix(legacy, "/") || len(legacy) > 4*maxID {
		return ""
	}
	parts := strings.Split(legacy[1:], "/")
	names := make([]string, len(parts))
	for i, part := range parts {
		kind, value, ok := strings.Cut(part, "=")
		kind = strings.ToLower(kind)
		if !ok || value == "" || kind != "o" && kind != "ou" && kind != "cn" {
			return ""
		}
		names[len(parts)-1-i] = kind + "=" + ldap.EscapeDN(value)
	}
	return strings.Join(names, ",")
}

func (s *exchange55) copied(ctx context.Context, conn *session) (func(string) bool, error) {
	return (&inetOrgPerson{s.o}).copied(ctx, conn)
}

func (s *exchange55) empty() (string, bool) { return "", false }
