package postoffice

import (
	"fmt"

	"waybill/format/msmail/glb"
)

// makeUsers makes the users and writes the ACCESS files. The order of the records
// is that of creation; deleted users keep theirs (KB Q87402).
func (w *writer) makeUsers() error {
	m := w.m
	m.Users = append(m.Users, User{ID: w.nextBag(), Mailbox: "Admin", Alias: "Administrator", TID: w.nextTID()})
	w.names["ADMIN"] = true
	for range w.opt.Users {
		alias, mailbox := w.person()
		m.Users = append(m.Users, User{ID: w.nextBag(), Mailbox: mailbox, Alias: alias, TID: w.nextTID()})
	}
	var access, access2, access3 []byte
	record := func(mailbox, alias string, id glb.ID, tid uint32, dead bool) {
		var a2 [glb.Access2Size]byte
		copy(a2[m.Access.MailboxAt:], mailbox)
		if m.Access.Digits {
			copy(a2[m.Access.IDAt:], id.String())
		} else {
			le(a2[m.Access.IDAt:], uint32(id))
		}
		if dead {
			a2[68] = 1
		}
		access2 = append(access2, a2[:]...)
		// Alias, number and tuple id must be somewhere in these files; the rest is
		// noise, as password and settings would be to a reader.
		var a1 [glb.AccessSize]byte
		copy(a1[200:], w.code(alias))
		le(a1[240:], tid)
		for i := 300; i < 380; i++ {
			a1[i] = byte(w.rng.UintN(256))
		}
		access = append(access, a1[:]...)
		var a3 [glb.Access3Size]byte
		copy(a3[64:], `M:\MAILDATA`)
		access3 = append(access3, a3[:]...)
	}
	for i, u := range m.Users {
		record(u.Mailbox, u.Alias, u.ID, u.TID, false)
		if i%7 == 3 { // somebody who left
			alias, mailbox := w.person()
			record(mailbox, alias, w.nextBag(), w.nextTID(), true)
		}
	}
	for name, b := range map[string][]byte{"ACCESS": access, "ACCESS2": access2, "ACCESS3": access3} {
		if err := w.write("GLB/"+name+".GLB", b); err != nil {
			return err
		}
	}
	return nil
}

func le(b []byte, n uint32) {
	b[0], b[1], b[2], b[3] = byte(n), byte(n>>8), byte(n>>16), byte(n>>24)
}

// networks writes the home network, one other with two postoffices, and an SMTP
// gateway.
func (w *writer) networks() error {
	var table []byte
	add := func(name string, kind byte, xtn, mailbag string) error {
		var n glb.Network
		n.SetActive(true)
		n.SetKind(kind)
		for _, err := range []error{n.SetName(name), n.SetXTN(xtn), n.SetMailbag(mailbag)} {
			if err != nil {
				return err
			}
		}
		table = append(table, n[:]...)
		return nil
	}
	smtp := w.nextBag()
	for _, err := range []error{
		add(w.m.Network, 1, "00000001", ""), add("NORTH", 1, "00000002", ""), add("SMTP", 0x20, "", smtp.String()),
		w.write("XTN/00000001.XTN", nil), w.write("MBG/"+smtp.String()+".MBG", nil), w.write("KEY/"+smtp.String()+".KEY", make([]byte, 560)),
	} {
		if err != nil {
			return err
		}
	}
	var posts []byte
	for i, name := range []string{"OSLO", "BERGEN"} {
		id := w.nextBag()
		var po glb.RemotePO
		po.SetActive(true)
		po.SetIndirect(uint16(i))
		if err := po.SetName(name); err != nil {
			return err
		}
		if err := po.SetMailbag(id.String()); err != nil {
			return err
		}
		posts = append(posts, po[:]...)
		if err := w.remoteUsers(id, name); err != nil {
			return err
		}
	}
	if err := w.write("XTN/00000002.XTN", posts); err != nil {
		return err
	}
	return w.write("GLB/NETWORK.GLB", table)
}

func (w *writer) remoteUsers(id glb.ID, post string) error {
	var table []byte
	for range 3 {
		alias, mailbox := w.person()
		var u glb.RemoteUser
		u.SetActive(true)
		if err := u.SetNames(glb.LikelyRemote, w.code(alias), mailbox); err != nil {
			return err
		}
		table = append(table, u[:]...)
		w.m.Externals = append(w.m.Externals, External{alias, "MS:NORTH/" + post + "/" + mailbox})
	}
	for _, err := range []error{w.write("USR/"+id.String()+".USR", table), w.write("MBG/"+id.String()+".MBG", nil), w.write("KEY/"+id.String()+".KEY", make([]byte, 560))} {
		if err != nil {
			return err
		}
	}
	return nil
}

func (w *writer) alias(name string, kind glb.AliasType, tid, pointer uint32, id glb.ID) (glb.Alias, error) {
	var a glb.Alias
	l := w.m.Alias
	a.SetType(l, kind)
	a.SetFlag(l, 1)
	a.SetTID(l, tid)
	a.SetPointer(l, pointer)
	a.SetID(id)
	return a, a.SetName(w.code(name))
}

// external adds an address outside to NETPO.GLB and to the list.
func (w *writer) external() (glb.Alias, error) {
	alias, mailbox := w.person()
	post := []string{"OSLO", "BERGEN"}[w.rng.IntN(2)]
	var e glb.External
	e.SetActive(true)
	if err := e.SetNames(glb.LikelyExternal, "NORTH", post, mailbox); err != nil {
		return glb.Alias{}, err
	}
	pointer := uint32(len(w.netpo))
	w.netpo = append(w.netpo, e[:]...)
	w.m.Externals = append(w.m.Externals, External{alias, "MS:NORTH/" + post + "/" + mailbox})
	return w.alias(alias, glb.AliasExternal, w.nextTID(), pointer, 0)
}

// groups makes the groups and all files that know them.
func (w *writer) groups() error {
	w.netpo = make([]byte, 4)
	for _, u := range w.m.Users {
		a, err := w.alias(u.Alias, glb.AliasLocal, u.TID, 0, u.ID)
		if err != nil {
			return err
		}
		w.list = append(w.list, a)
	}
	for range w.opt.Externals {
		a, err := w.external()
		if err != nil {
			return err
		}
		w.list = append(w.list, a)
	}
	w.grp = make([]glb.Node, 1)
	table := make([]byte, 4)
	for i := range w.opt.Groups {
		g := Group{Alias: fmt.Sprintf("Group %d of %s", i+1, w.m.Postoffice), Address: fmt.Sprintf("group%d", i+1), TID: w.nextTID()}
		pointer, mem := w.members(&g)
		a, err := w.alias(g.Alias, glb.AliasGroup, g.TID, pointer, 0)
		if err != nil {
			return err
		}
		w.list = append(w.list, a)
		var rec glb.GroupRecord
		rec.SetActive(true)
		rec.SetTID(g.TID)
		rec.SetPointer(pointer)
		for _, err := range []error{rec.SetName(g.Alias), rec.SetAddress(g.Address), w.write(fmt.Sprintf("MEM/%08X.MEM", g.TID), mem)} {
			if err != nil {
				return err
			}
		}
		table = append(table, rec[:]...)
		w.m.Groups = append(w.m.Groups, g)
	}
	return w.write("GLB/GROUP.GLB", table)
}

// members chains members of the list so far to a new group.
func (w *writer) members(g *Group) (pointer uint32, mem []byte) {
	count := 2 + w.rng.IntN(min(len(w.list), 12))
	for j, k := range w.rng.Perm(len(w.list))[:min(count, len(w.list))] {
		entry := w.list[k]
		var n glb.Node
		n.SetTID(entry.TID(w.m.Alias))
		at := uint32(len(w.grp) * glb.NodeSize)
		if j == 0 {
			pointer = at
		} else {
			w.grp[len(w.grp)-1].SetNext(at)
		}
		w.grp = append(w.grp, n)
		g.Members = append(g.Members, w.page.Decode(entry.Name()))
		if entry.Type(w.m.Alias) == glb.AliasLocal {
			mem = glb.AppendMember(mem, entry.ID())
		}
	}
	return pointer, mem
}
