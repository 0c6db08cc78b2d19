package msmail

import (
	"fmt"
	"slices"
	"strings"

	"waybill/connector/migfile/canon"
	"waybill/directory"
	"waybill/format/msmail"
	"waybill/format/msmail/glb"
)

// names gives out IDs that differ without letter case.
type names struct{ taken map[string]bool }

func newNames() *names { return &names{taken: map[string]bool{}} }

// maxID bounds an ID; names in a postoffice are far shorter.
const maxID = 64

func (n *names) take(want string) string {
	if want = canon.Clean(want); want == "" {
		want = "unnamed"
	}
	if r := []rune(want); len(r) > maxID {
		want = string(r[:maxID])
	}
	id := want
	for i := 2; n.taken[strings.ToLower(id)]; i++ {
		id = fmt.Sprintf("%s-%d", want, i)
	}
	n.taken[strings.ToLower(id)] = true
	return id
}

func (s *source) userOf(u msmail.User, id string) directory.User {
	d := directory.User{ID: id, Name: u.Alias, Attributes: map[string]string{"Mailbag": u.ID.String()}}
	if s.opt.domain != "" && u.Mailbox != "" && !u.Special {
		if addr := u.Mailbox + "@" + s.opt.domain; canon.IsClean(addr) {
			d.Addresses = append(d.Addresses, directory.Address{Type: directory.SMTP, Value: addr})
		}
	}
	if u.Address.Value != "" {
		d.Addresses = append(d.Addresses, address(u.Address))
	}
	return d
}

func address(a msmail.Address) directory.Address {
	return directory.Address{Type: a.Type, Value: canon.Clean(a.Value)}
}

// makeBook makes contacts of everybody outside, and lists of the groups. An
// address that stands in several lists of the postoffice makes one contact.
func (s *source) makeBook(ids *names, byBag map[glb.ID]string) {
	byAddress := map[string]string{}
	byTID := map[uint32]string{}
	for _, x := range s.po.Externals() {
		if x.Address.Value != "" {
			a := address(x.Address)
			if id, known := byAddress[a.Key()]; known {
				byTID[x.TID] = id
				continue
			}
		}
		c := directory.Contact{ID: ids.take(firstOf(x.Alias, x.Address.Value)), Name: canon.Clean(x.Alias), Attributes: map[string]string{"List": x.List}}
		if x.Address.Value != "" {
			c.Addresses = []directory.Address{address(x.Address)}
			byAddress[c.Addresses[0].Key()] = c.ID
		}
		if x.List == "ADMIN.NME" && x.TID != 0 {
			byTID[x.TID] = c.ID
		}
		s.book.Contacts = append(s.book.Contacts, c)
	}
	groups := s.po.Groups()
	lists := make([]string, len(groups))
	for i, g := range groups {
		lists[i] = ids.take(firstOf(mailboxOf(g.Address), g.Alias))
		if g.TID != 0 {
			byTID[g.TID] = lists[i]
		}
	}
	for i, g := range groups {
		l := directory.List{ID: lists[i], Name: canon.Clean(g.Alias)}
		if g.Address.Value != "" {
			l.Addresses = []directory.Address{address(g.Address)}
		}
		for _, m := range g.Members {
			if id := memberOf(m, byBag, byAddress, byTID); id != "" && !slices.Contains(l.Members, id) {
				l.Members = append(l.Members, id)
			}
		}
		s.book.Lists = append(s.book.Lists, l)
	}
	slices.SortFunc(s.book.Contacts, func(a, b directory.Contact) int { return strings.Compare(a.ID, b.ID) })
	slices.SortFunc(s.book.Lists, func(a, b directory.List) int { return strings.Compare(a.ID, b.ID) })
}

// memberOf names a member by the ID of the user, contact or list, by its address,
// or by its name where nothing else is known.
func memberOf(m msmail.Member, byBag map[glb.ID]string, byAddress map[string]string, byTID map[uint32]string) string {
	if m.Kind == msmail.LocalUser {
		if id, ok := byBag[m.User]; ok {
			return id
		}
	}
	if m.Address.Value != "" {
		if id, ok := byAddress[address(m.Address).Key()]; ok {
			return id
		}
	}
	if id, ok := byTID[m.TID]; ok && m.TID != 0 && m.Kind != msmail.LocalUser {
		return id
	}
	if m.Address.Value != "" {
		return address(m.Address).String()
	}
	return canon.Clean(m.Alias)
}

// mailboxOf is the last part of an MS address.
func mailboxOf(a msmail.Address) string {
	if i := strings.LastIndexByte(a.Value, '/'); i >= 0 {
		return a.Value[i+1:]
	}
	return ""
}
