package msmail

import (
	"cmp"
	"context"
	"slices"
	"strings"

	"waybill/format/msmail/evidence"
	"waybill/format/msmail/glb"
	"waybill/format/msmail/mai"
)

// makeUsers joins the address list with ACCESS2.GLB by the mailbags' numbers.
func (p *Postoffice) makeUsers(context.Context) error {
	logins := p.logins()
	spoken := p.spokenNames()
	seen := map[glb.ID]string{}
	for i := range p.list.Len() {
		a := glb.Alias(p.list.Record(i))
		if a.Type(p.shape) != glb.AliasLocal {
			continue
		}
		u := User{ID: a.ID(), Alias: p.page.Decode(a.Name()), TID: a.TID(p.shape), Certainty: evidence.Derived}
		if first, twice := seen[u.ID]; twice {
			p.found("msmail.hexid-duplicate", p.list.Name, p.list.Offset(i), evidence.Documented, "", "Q117738", "%q and %q have one mailbag, %s", first, u.Alias, u.ID)
			p.twins = append(p.twins, u)
			continue
		}
		seen[u.ID] = u.Alias
		if name, ok := logins[u.ID]; ok {
			u.Mailbox, u.MailboxFrom = name, "ACCESS2.GLB"
		} else {
			if p.accessOK {
				p.found("msmail.access-missing", p.list.Name, p.list.Offset(i), evidence.Documented, "7034", "Q119563", "%q (mailbag %s) is in the address list and not in ACCESS2.GLB", u.Alias, u.ID)
			}
			if name, ok := spoken[u.Alias]; ok {
				u.Mailbox, u.MailboxFrom, u.Certainty = name, "messages", evidence.Hypothesis
			}
		}
		p.addUser(u)
	}
	// Records of deleted users stay in the ACCESS files (KB Q87402); one whose
	// mailbag is still there is a user that the address list has lost.
	for i := range p.access.Len() {
		id, ok := p.accessAt.ID(p.access.Record(i))
		if _, known := seen[id]; !ok || known || !p.accessOK {
			continue
		}
		if !p.tree.Exists(bagFile("MBG", id)) && !p.tree.Exists(bagFile("KEY", id)) {
			continue
		}
		if p.foreign(id) {
			continue
		}
		name := logins[id]
		seen[id] = name
		if !special(name) {
			p.found("msmail.nme-missing", p.access.Name, p.access.Offset(i), evidence.Documented, "7034", "Q106510", "%q (mailbag %s) is in ACCESS2.GLB and has a mailbag, and is not in the address list", name, id)
		}
		p.addUser(User{ID: id, Mailbox: name, MailboxFrom: "ACCESS2.GLB", Alias: name, Certainty: evidence.Hypothesis})
	}
	slices.SortStableFunc(p.users, func(a, b User) int {
		return cmp.Or(strings.Compare(strings.ToLower(a.Alias), strings.ToLower(b.Alias)), cmp.Compare(a.ID, b.ID))
	})
	return nil
}

func (p *Postoffice) addUser(u User) {
	u.Address, u.Special = p.mainAddress(u.Mailbox), special(u.Mailbox)
	p.users = append(p.users, u)
}

// Twins are users of the address list whose mailbag is that of another user before
// them (KB Q117738); they are not among Users.
func (p *Postoffice) Twins() []User { return slices.Clone(p.twins) }

// Foreign reports whether a mailbag belongs to an external postoffice or a gateway.
func (p *Postoffice) Foreign(id glb.ID) bool { return p.foreign(id) }

// foreign tells whether a mailbag belongs to an external postoffice or a gateway.
func (p *Postoffice) foreign(id glb.ID) bool {
	for _, n := range p.networks {
		if strings.EqualFold(n.Mailbag, id.String()) {
			return true
		}
		for _, post := range n.Postoffices {
			if strings.EqualFold(post.Mailbag, id.String()) {
				return true
			}
		}
	}
	return false
}

// logins are the mailbox names of ACCESS2.GLB by the numbers of the mailbags.
func (p *Postoffice) logins() map[glb.ID]string {
	logins := map[glb.ID]string{}
	if !p.accessOK || !p.loginOK {
		return logins
	}
	for i := range p.access.Len() {
		if id, ok := p.accessAt.ID(p.access.Record(i)); ok {
			if name := p.accessAt.Mailbox(p.access.Record(i)); name != "" {
				logins[id] = p.page.Decode(name)
			}
		}
	}
	return logins
}

// spokenNames are mailbox names by full name, from senders in messages; a full name
// is unique in a postoffice (KB Q104869). Where two mailboxes have one name, there
// is none.
func (p *Postoffice) spokenNames() map[string]string {
	names := map[string]string{}
	if !p.known {
		return names
	}
	for i := range p.sample {
		m := p.sample[i].Envelope.Decode(&p.cipher)
		for _, f := range m.From {
			parts := strings.Split(f.Address, "/")
			if f.Type != mai.NativeAddress || f.Name == "" || len(parts) != 3 || !strings.EqualFold(p.page.Decode(parts[0]), p.network) || !strings.EqualFold(p.page.Decode(parts[1]), p.post) {
				continue
			}
			alias, mailbox := p.page.Decode(f.Name), p.page.Decode(parts[2])
			if have, ok := names[alias]; ok && !strings.EqualFold(have, mailbox) {
				mailbox = ""
			}
			names[alias] = mailbox
		}
	}
	for alias, mailbox := range names {
		if mailbox == "" {
			delete(names, alias)
		}
	}
	return names
}

// member makes an entry of a list. Externals and addresses are those of NETPO.GLB.
func (p *Postoffice) member(a *glb.Alias, byID map[glb.ID]*User, groupAddresses map[uint32]string) Member {
	m := Member{Alias: p.page.Decode(a.Name()), TID: a.TID(p.shape)}
	switch a.Type(p.shape) {
	case glb.AliasLocal:
		m.Kind, m.User = LocalUser, a.ID()
		if u := byID[m.User]; u != nil {
			m.Address = u.Address
		}
	case glb.AliasExternal:
		m.Kind = ExternalUser
		m.Address, _ = p.externalAddress(a.Pointer(p.shape))
	case glb.AliasGroup:
		m.Kind = GroupList
		m.Address = p.mainAddress(p.page.Decode(groupAddresses[m.TID]))
	}
	return m
}

func (p *Postoffice) usersByID() map[glb.ID]*User {
	byID := make(map[glb.ID]*User, len(p.users))
	for i := range p.users {
		byID[p.users[i].ID] = &p.users[i]
	}
	return byID
}

// externalAddress reads the record of NETPO.GLB at an offset.
func (p *Postoffice) externalAddress(offset uint32) (Address, bool) {
	i, ok := p.netpo.Index(offset)
	if !ok || !p.netpoOK {
		return Address{}, false
	}
	e := glb.External(p.netpo.Record(i))
	network, post, mailbox := e.Names(p.netpoAt)
	network, post, mailbox = p.page.Decode(network), p.page.Decode(post), p.page.Decode(mailbox)
	if network == "" || post == "" || mailbox == "" {
		return Address{}, false
	}
	return Address{"MS", network + "/" + post + "/" + mailbox}, true
}
