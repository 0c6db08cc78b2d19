package people

import (
	"context"
	"encoding/binary"
	"maps"
	"slices"
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
type exchange55 struct{ o Layout }

var exchange55Names = with(map[string]string{"company": "Company", "department": "department", "comment": "info", "street-address": "street",
	"text-country": "co", "assistant-name": "secretary", "employee-number": "employeeNumber",
	"extension-attribute-1": "Extension-Attribute-1", "extension-attribute-2": "Extension-Attribute-2", "extension-attribute-3": "Extension-Attribute-3",
	"extension-attribute-4": "Extension-Attribute-4", "extension-attribute-5": "Extension-Attribute-5", "extension-attribute-6": "Extension-Attribute-6",
	"extension-attribute-7": "Extension-Attribute-7", "extension-attribute-8": "Extension-Attribute-8", "extension-attribute-9": "Extension-Attribute-9",
	"extension-attribute-10": "Extension-Attribute-10"})

func (s *exchange55) Container(k Kind) string { return s.o.containerOf(k) }

func (s *exchange55) Class(k Kind) string {
	switch k {
	case Contact:
		return "Remote-Address"
	case Group:
		return "groupOfNames"
	}
	return "organizationalPerson"
}

// domainAccount is the source's name for the Windows NT account of a mailbox, as
// the text form of its security identifier.
const domainAccount = "assoc-nt-account"

func (s *exchange55) Entry(f Facts) (string, *Attributes, []string, error) {
	a := NewAttributes()
	a.Add("objectClass", s.Class(f.Kind))
	a.Add("rdn", f.ID)
	a.Add("cn", f.display())
	a.Add("uid", f.ID)
	smtp := f.smtp()
	rest := f.others()
	if len(smtp) > 0 {
		a.Add("mail", smtp[0])
		a.Add("rfc822Mailbox", smtp[0])
	}
	for i, other := range rest {
		if other.Type == directory.X400 {
			a.Add("textEncodedORAddress", other.Value)
			rest = append(rest[:i:i], rest[i+1:]...)
			break
		}
	}
	for i, address := range smtp {
		if i > 0 {
			a.Add("otherMailbox", "smtp$"+address)
		}
	}
	for _, other := range rest {
		a.Add("otherMailbox", other.Type+"$"+other.Value)
	}
	further := maps.Clone(f.Attributes)
	switch f.Kind {
	case Account:
		a.Add("givenName", f.First)
		a.Add("sn", f.Last)
		a.Add("mailPreferenceOption", "0")
		a.Add("MAPI-Recipient", "TRUE")
		if above := s.configuration(); s.o.HomeServer != "" && above != "" {
			server := "cn=" + ldap.EscapeDN(s.o.HomeServer) + ",cn=Servers," + above
			a.Add("Home-MTA", "cn=Microsoft MTA,"+server)
			a.Add("Home-MDB", "cn=Microsoft Private MDB,"+server)
		}
		for name, value := range f.Attributes {
			if strings.EqualFold(name, domainAccount) {
				if sid, ok := parseSID(value); ok {
					a.Add("Assoc-NT-Account", sid)
					delete(further, name)
				}
			}
		}
	case Contact:
		a.Add("givenName", f.First)
		a.Add("sn", f.Last)
		a.Add("MAPI-Recipient", "FALSE")
		if len(f.Addresses) > 0 {
			a.Add("Target-Address", f.Addresses[0].String())
		}
	}
	table := exchange55Names
	if f.Kind == Group {
		table = map[string]string{"company": "Company", "department": "department", "comment": "info"}
	}
	untold := a.further(further, table)
	return Child("cn", f.ID, s.Container(f.Kind)), a, untold, nil
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

// SIDText is the inverse; "" for bytes that are none.
func SIDText(raw []byte) string {
	if len(raw) < 12 || raw[0] != 1 || int(raw[1]) > 15 || len(raw) != 8+4*int(raw[1]) {
		return ""
	}
	authority := binary.BigEndian.Uint64(append([]byte{0, 0}, raw[2:8]...))
	parts := []string{"S-1", strconv.FormatUint(authority, 10)}
	for i := 8; i < len(raw); i += 4 {
		parts = append(parts, strconv.FormatUint(uint64(binary.LittleEndian.Uint32(raw[i:])), 10))
	}
	return strings.Join(parts, "-")
}

func (s *exchange55) Identity(f Facts) string { return Equals("uid", f.ID) }

func (s *exchange55) Address(a directory.Address) string {
	switch a.Type {
	case directory.SMTP:
		return AnyOf(Equals("mail", a.Value), Equals("otherMailbox", "smtp$"+a.Value))
	case directory.X400:
		return AnyOf(Equals("textEncodedORAddress", a.Value), Equals("otherMailbox", "X400$"+a.Value))
	}
	return Equals("otherMailbox", a.Type+"$"+a.Value)
}

func (s *exchange55) Filter() string {
	return "(|(objectClass=organizationalPerson)(objectClass=Remote-Address)(objectClass=groupOfNames))"
}

func (s *exchange55) Wanted() []string {
	names := []string{"objectClass", "rdn", "cn", "uid", "givenName", "sn", "mail", "textEncodedORAddress", "otherMailbox", "member", "Assoc-NT-Account", "Target-Address", s.o.Marker}
	for _, name := range exchange55Names {
		names = append(names, name)
	}
	return names
}

func (s *exchange55) Facts(e *ldap.Entry) (f Facts, members []string, ok bool) {
	classes := e.GetEqualFoldAttributeValues("objectClass")
	switch {
	case ContainsFold(classes, "Remote-Address"):
		f.Kind = Contact
	case ContainsFold(classes, "groupOfNames"):
		f.Kind = Group
	default:
		f.Kind = Account
	}
	f.ID = NamingValue(e.DN)
	for _, name := range e.GetEqualFoldAttributeValues("cn") {
		if f.Name == "" || f.Name == f.ID {
			f.Name = name
		}
	}
	f.First, f.Last = e.GetEqualFoldAttributeValue("givenName"), e.GetEqualFoldAttributeValue("sn")
	f.Addresses = proxies(e.GetEqualFoldAttributeValue("mail"), e.GetEqualFoldAttributeValues("otherMailbox"), "$")
	if or := e.GetEqualFoldAttributeValue("textEncodedORAddress"); or != "" {
		f.Addresses = append(f.Addresses, directory.Address{Type: directory.X400, Value: or})
	}
	if legacy := legacyName(e.DN); legacy != "" {
		f.Addresses = append(f.Addresses, directory.Address{Type: directory.EX, Value: legacy})
	}
	f.Attributes = properties(e, exchange55Names)
	if sid := SIDText(e.GetEqualFoldRawAttributeValue("Assoc-NT-Account")); sid != "" {
		if f.Attributes == nil {
			f.Attributes = map[string]string{}
		}
		f.Attributes["Assoc-NT-Account"] = sid
	}
	return f, e.GetEqualFoldAttributeValues("member"), f.ID != ""
}

// legacyName writes the name of an entry as Exchange's own addresses have it:
// cn=anna,cn=Recipients,ou=Site,o=Org is /o=Org/ou=Site/cn=Recipients/cn=anna.
func legacyName(dn string) string {
	parsed, err := ldap.ParseDN(dn)
	if err != nil {
		return ""
	}
	var b strings.Builder
	for _, rdn := range slices.Backward(parsed.RDNs) {
		for _, part := range rdn.Attributes {
			b.WriteString("/" + strings.ToLower(part.Type) + "=" + part.Value)
		}
	}
	return b.String()
}

// DNOf is the inverse; "" for a text that is no legacy name.
func DNOf(legacy string) string {
	if !strings.HasPrefix(legacy, "/") || len(legacy) > 4*MaxID {
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

func (s *exchange55) Copied(ctx context.Context, conn Reader) (func(string) bool, error) {
	return (&inetOrgPerson{s.o}).Copied(ctx, conn)
}

func (s *exchange55) Empty() (string, bool) { return "", false }
