package postoffice

import (
	"fmt"
	"slices"
	"strings"

	"waybill/format/msmail/glb"
)

// lists writes the address lists with their shadows, the gateway's list and the
// personal lists.
func (w *writer) lists() error {
	slices.SortStableFunc(w.list, func(a, b glb.Alias) int { return strings.Compare(a.Name(), b.Name()) })
	var list, grp []byte
	for i := range w.list {
		list = append(list, w.list[i][:]...)
	}
	for i := range w.grp {
		grp = append(grp, w.grp[i][:]...)
	}
	for name, b := range map[string][]byte{"NME/ADMIN.NME": list, "NME/ADMINSHD.NME": list, "NME/VIEW.NME": nil, "GRP/ADMIN.GRP": grp, "GRP/ADMINSHD.GRP": grp} {
		if err := w.write(name, b); err != nil {
			return err
		}
	}
	if err := w.gateway(); err != nil {
		return err
	}
	for i := range w.m.Users {
		if err := w.personal(&w.m.Users[i], i); err != nil {
			return err
		}
	}
	if err := w.write("GLB/NETPO.GLB", w.netpo); err != nil {
		return err
	}
	var tid glb.Counter
	tid.SetValue(w.tid)
	return w.write("GLB/TID.GLB", tid[:])
}

// gateway writes the list of the SMTP gateway: the address as text and NUL at the
// entry's pointer (hypothesis).
func (w *writer) gateway() error {
	data := make([]byte, 4)
	var list []byte
	for i := range 3 {
		alias, mailbox := w.person()
		address := fmt.Sprintf("%s@host%d.example.org", strings.ToLower(mailbox), i)
		a, err := w.alias(alias, glb.AliasExternal, w.nextTID(), uint32(len(data)), 0)
		if err != nil {
			return err
		}
		data = append(append(data, address...), 0)
		list = append(list, a[:]...)
		w.m.Externals = append(w.m.Externals, External{alias, "SMTP:" + address})
	}
	if err := w.write("GLB/SMTP.GLB", data); err != nil {
		return err
	}
	return w.write("NME/SMTP.NME", list)
}

// personal writes a user's own list: some entries of the postoffice's list and an
// own group of two of them.
func (w *writer) personal(u *User, i int) error {
	var list []byte
	grp := make([]byte, glb.NodeSize)
	if i%3 == 1 && len(w.list) > 3 {
		for _, k := range w.rng.Perm(len(w.list))[:3] {
			a := w.list[k]
			if a.Type(w.m.Alias) == glb.AliasGroup {
				continue
			}
			list = append(list, a[:]...)
			u.Personal = append(u.Personal, w.page.Decode(a.Name()))
			var n glb.Node
			n.SetTID(a.TID(w.m.Alias))
			n.SetNext(uint32(len(grp) + glb.NodeSize))
			grp = append(grp, n[:]...)
		}
		if len(list) > 0 {
			clear(grp[len(grp)-4:])
			a, err := w.alias("My friends", glb.AliasGroup, w.nextTID(), glb.NodeSize, 0)
			if err != nil {
				return err
			}
			list = append(list, a[:]...)
			u.Personal = append(u.Personal, "My friends")
		}
	}
	if err := w.write("NME/"+u.ID.String()+".NME", list); err != nil {
		return err
	}
	return w.write("GRP/"+u.ID.String()+".GRP", grp)
}

// fixed writes the files of fixed size, with the sizes of an empty postoffice (KB
// Q135868).
func (w *writer) fixed() error {
	var master glb.Master
	copy(master[0x20:], w.m.Network+"\x00")
	copy(master[0x40:], w.m.Postoffice+"\x00")
	copy(master[0x60:], "0799\x00")
	var control glb.Control
	control.SetNextMailbag(glb.ID(w.bag))
	control.SetNextLetter(glb.ID(w.letter))
	files := map[string][]byte{"GLB/MASTER.GLB": master[:], "GLB/CONTROL.GLB": control[:], "GLB/GRPMEM.GLB": make([]byte, 4), "GLB/WELCOME.GLB": []byte("Welcome\r\n")}
	for name, size := range map[string]int{"MODEM": 64, "GLOBAL": 512, "REQCONF": 512, "PROCESS": 512, "ANSISORT": 795, "C850SORT": 795, "REQTRANS": 0, "SRVTRANS": 0, "USRTRANS": 0, "GWTRANS": 0, "NMETRANS": 0, "FLAG": 2} {
		files["GLB/"+name+".GLB"] = make([]byte, size)
	}
	for _, queue := range []string{"INQUEUE", "INQUEUE3", "SYSTEM"} {
		files["MBG/"+queue+".MBG"], files["KEY/"+queue+".KEY"] = nil, make([]byte, 560)
	}
	for name, b := range files {
		if err := w.write(name, b); err != nil {
			return err
		}
	}
	return nil
}
