package msmail

import (
	"strings"

	"waybill/connector/migfile/canon"
	"waybill/directory"
	mf "waybill/format/migfile"
	"waybill/format/mime"
	"waybill/format/msmail"
	"waybill/mail"
)

// fullNames are the names of people by their addresses: messages seldom hold those
// of recipients.
type fullNames map[string]string

func (s *source) learnNames() {
	s.names = fullNames{}
	know := func(name string, list []directory.Address) {
		for _, a := range list {
			s.names[a.Key()] = canon.Clean(name)
		}
	}
	for _, p := range s.people {
		know(p.user.Name, p.user.Addresses)
	}
	for _, c := range s.book.Contacts {
		know(c.Name, c.Addresses)
	}
	for _, l := range s.book.Lists {
		know(l.Name, l.Addresses)
	}
}

// party makes an address for a header field. What is no Internet address is written
// as IMCEAMS-NET_PO_BOX@migrated.invalid, which --rewrite-addresses replaces.
func (n fullNames) party(p msmail.Party) (mime.Address, []mail.Note) {
	party := mf.Party{Name: canon.Clean(p.Name), Type: strings.ToUpper(p.Address.Type), Value: canon.Clean(p.Address.Value)}
	if party.Value == "" {
		party.Type = ""
	}
	if party.Name == "" && party.Type != "" {
		party.Name = n[directory.Address{Type: party.Type, Value: party.Value}.Key()]
	}
	return canon.ToMIME(party, nil)
}
