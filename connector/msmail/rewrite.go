package msmail

import (
	"slices"
	"strings"
	"sync"

	"waybill/connector/migfile/canon"
	"waybill/directory"
	mf "waybill/format/migfile"
	"waybill/format/mime"
	"waybill/format/msmail"
	"waybill/mail"
)

// rewriter finds Internet addresses for the postoffice's own. Old senders that stay
// as they were cannot be answered (KB Q177998).
type rewriter struct {
	mu sync.RWMutex
	// by maps an address, as directory.Address.Key has it, to an Internet address.
	by map[string]string
	// full are the full names by address: messages seldom hold those of recipients.
	full map[string]string
}

// learn takes what the postoffice says itself.
func (r *rewriter) learn(s *source) {
	r.by, r.full = map[string]string{}, map[string]string{}
	know := func(name string, list []directory.Address) {
		r.add(list)
		for _, a := range list {
			r.full[a.Key()] = canon.Clean(name)
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

// add lets all addresses of one person lead to the first one of the Internet.
func (r *rewriter) add(list []directory.Address) {
	var smtp string
	for _, a := range list {
		if a.Type == directory.SMTP && canon.IsClean(a.Value) {
			smtp = a.Value
			break
		}
	}
	if smtp == "" {
		return
	}
	for _, a := range list {
		if a.Type != directory.SMTP {
			r.by[a.Key()] = smtp
		}
	}
}

// UseAddresses takes the addresses that a user has in the target: mail from and to
// that user is then written with the first Internet address among them. The
// operator's word goes before the postoffice's own. Strangers are not minded.
func (s *source) UseAddresses(user string, list []directory.Address) {
	i, ok := s.byID[user]
	if !ok {
		return
	}
	s.names.mu.Lock()
	defer s.names.mu.Unlock()
	s.names.add(append(slices.Clone(list), s.people[i].user.Addresses...))
}

// find gives the Internet address for an address of the postoffice.
func (r *rewriter) find(a directory.Address) (string, bool) {
	r.mu.RLock()
	defer r.mu.RUnlock()
	to, ok := r.by[a.Key()]
	return to, ok
}

// party makes an address for a header field. old is what it was where it was
// replaced by an Internet address.
func (r *rewriter) party(p msmail.Party) (a mime.Address, old string, notes []mail.Note) {
	name := canon.Clean(p.Name)
	was := directory.Address{Type: p.Address.Type, Value: canon.Clean(p.Address.Value)}
	if was.Type != "" && was.Value != "" {
		if name == "" {
			name = r.full[was.Key()]
		}
		if to, ok := r.find(was); ok {
			old = was.String()
			if name != "" {
				old = name + " [" + old + "]"
			}
			return mime.Address{Name: name, Addr: to}, old, nil
		}
	}
	party := mf.Party{Name: name, Type: strings.ToUpper(was.Type), Value: was.Value}
	if was.Value == "" {
		party.Type = ""
	}
	a, notes = canon.ToMIME(party, nil)
	return a, "", notes
}
