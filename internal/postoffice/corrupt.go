package postoffice

import (
	"bytes"
	"fmt"
	"io/fs"
	"slices"

	"waybill/format/msmail/glb"
)

// Corruption is one kind of damage that the record tells of.
type Corruption struct {
	Name string
	// Rule is the finding that must tell of it.
	Rule    string
	Article string
	// Inject damages a postoffice that was written with a manifest, which is kept
	// up to date where users and messages are concerned, and says where.
	Inject func(files Files, m *Manifest) (file string, err error)
}

// Corruptions are all kinds that can be injected, one after another into fresh
// postoffices or several into one.
func Corruptions() []Corruption {
	return append(directoryCorruptions(), mailCorruptions()...)
}

func directoryCorruptions() []Corruption {
	return []Corruption{
		{"ACCESS files out of step", "msmail.access-step", "Q168736", grow("GLB/ACCESS.GLB", glb.AccessSize)},
		{"size rule broken", "msmail.size", "Q110223", grow("GLB/NETPO.GLB", 1)},
		{"stray bytes in an XTN", "msmail.xtn-stray", "Q128243", grow("XTN/00000002.XTN", 223)},
		{"shadow differs", "msmail.shadow", "Q112881", change("NME/ADMINSHD.NME", func(b []byte, _ *Manifest) []byte { b[5] ^= 0x20; return b })},
		{"shadow is shorter", "msmail.shadow", "Q112881", change("NME/ADMINSHD.NME", func(b []byte, _ *Manifest) []byte { return b[:len(b)-glb.AliasSize] })},
		{"group shadow differs", "msmail.shadow", "Q112881", change("GRP/ADMINSHD.GRP", func(b []byte, _ *Manifest) []byte { b[len(b)-8]++; return b })},
		{"zero TID", "msmail.tid-zero", "Q216193", entry(func(a *glb.Alias, m *Manifest, _ glb.Alias) { a.SetTID(m.Alias, 0) })},
		{"duplicate TID", "msmail.tid-duplicate", "Q216193", entry(func(a *glb.Alias, m *Manifest, other glb.Alias) { a.SetTID(m.Alias, other.TID(m.Alias)) })},
		{"TID ahead of TID.GLB", "msmail.tid-ahead", "Q87404", entry(func(a *glb.Alias, m *Manifest, _ glb.Alias) { a.SetTID(m.Alias, 0x00FFFFFF) })},
		{"blank entry", "msmail.alias-blank", "Q85647", entry(func(a *glb.Alias, m *Manifest, _ glb.Alias) { a.SetType(m.Alias, glb.AliasBlank) })},
		{"one name twice", "msmail.alias-duplicate", "Q112881", entry(func(a *glb.Alias, _ *Manifest, other glb.Alias) { copy(a[2:0x21], other[2:0x21]) })},
		{"two users with one mailbag", "msmail.hexid-duplicate", "Q117738", entry(func(a *glb.Alias, _ *Manifest, other glb.Alias) { a.SetID(other.ID()) })},
		{"number in the list differs", "msmail.access-missing", "Q119563", entry(func(a *glb.Alias, _ *Manifest, _ glb.Alias) { a.SetID(0x00EE0000) })},
		{"user missing in the list", "msmail.nme-missing", "Q106510", dropEntry},
		{"pointer beyond NETPO", "msmail.netpo-pointer", "Q107767", external(func(a *glb.Alias, m *Manifest) { a.SetPointer(m.Alias, 0x00FFFFFF) })},
		{"invalid mailbox name", "msmail.mailbox-name", "Q199676", change("GLB/ACCESS2.GLB", func(b []byte, m *Manifest) []byte {
			copy(b[accessRecord(fresh(m, 0))*glb.Access2Size+m.Access.MailboxAt:], "A-B")
			return b
		})},
		{"shifted network record", "msmail.network-record", "Q95961", change("GLB/NETWORK.GLB", func(b []byte, _ *Manifest) []byte {
			rec := b[len(b)-glb.NetworkSize:]
			copy(rec[3:], bytes.Clone(rec[2:glb.NetworkSize-1]))
			return b
		})},
		{"GROUP.GLB reset", "msmail.group-reset", "Q107767", change("GLB/GROUP.GLB", func([]byte, *Manifest) []byte { return make([]byte, 4) })},
		{"members in a circle", "msmail.grp-cycle", "Q107767", change("GRP/ADMIN.GRP", func(b []byte, _ *Manifest) []byte {
			copy(b[12:16], []byte{8, 0, 0, 0}) // the first member follows itself
			return b
		})},
		{"members lead nowhere", "msmail.grp-pointer", "Q107767", change("GRP/ADMIN.GRP", func(b []byte, m *Manifest) []byte {
			copy(b[firstNode(m, 1)+4:], []byte{0xF1, 0xFF, 0xFF, 0})
			return b
		})},
		{"member that is gone", "msmail.grp-dangling", "Q136050", change("GRP/ADMIN.GRP", func(b []byte, m *Manifest) []byte {
			copy(b[firstNode(m, 2):], []byte{0xEE, 0xEE, 0xEE, 0})
			return b
		})},
		{"MEM file differs", "msmail.mem-differs", "Q107767", func(files Files, m *Manifest) (string, error) {
			name := fmt.Sprintf("MEM/%08X.MEM", m.Groups[0].TID)
			return grow(name, 4)(files, m)
		}},
		{"MEM file of another number", "msmail.mem-missing", "Q169869", func(files Files, m *Manifest) (string, error) {
			for _, g := range slices.Backward(m.Groups) { // one with local members
				name := fmt.Sprintf("MEM/%08X.MEM", g.TID)
				if b := files[name]; len(b) > 0 {
					delete(files, name)
					files[fmt.Sprintf("MEM/%08X.MEM", g.TID+0x200)] = b
					return name, nil
				}
			}
			return "", fmt.Errorf("no group has local members")
		}},
	}
}

// accessRecord is the record of a user in the ACCESS files, which hold records of
// some who left between.
func accessRecord(user int) int { return user + (user+3)/7 }

// fresh is a user that no corruption has spoiled yet: the last one, or with skip
// the one before.
func fresh(m *Manifest, skip int) int {
	for i := len(m.Users) - 1; i > 0; i-- {
		if m.Users[i].Spoiled {
			continue
		}
		if skip--; skip < 0 {
			return i
		}
	}
	return 0
}

// firstNode is where the first member of a group is in ADMIN.GRP.
func firstNode(m *Manifest, group int) int {
	at := glb.NodeSize
	for _, g := range m.Groups[:min(group, len(m.Groups)-1)] {
		at += glb.NodeSize * len(g.Members)
	}
	return at
}

func change(name string, f func(b []byte, m *Manifest) []byte) func(Files, *Manifest) (string, error) {
	return func(files Files, m *Manifest) (string, error) {
		b, ok := files[name]
		if !ok {
			return name, fs.ErrNotExist
		}
		files[name] = f(bytes.Clone(b), m)
		return name, nil
	}
}

func grow(name string, n int) func(Files, *Manifest) (string, error) {
	return change(name, func(b []byte, _ *Manifest) []byte { return append(b, bytes.Repeat([]byte{0xEE}, n)...) })
}

// entry changes the entry of the last user in the address list and in its shadow;
// other is that of the one before.
func entry(f func(a *glb.Alias, m *Manifest, other glb.Alias)) func(Files, *Manifest) (string, error) {
	return entries(func(list []glb.Alias, m *Manifest) []glb.Alias {
		last, before := findUser(list, m, fresh(m, 0)), findUser(list, m, fresh(m, 1))
		f(&list[last], m, list[before])
		return list
	})
}

func external(f func(a *glb.Alias, m *Manifest)) func(Files, *Manifest) (string, error) {
	return entries(func(list []glb.Alias, m *Manifest) []glb.Alias {
		for i := range list {
			if list[i].Type(m.Alias) == glb.AliasExternal {
				f(&list[i], m)
				break
			}
		}
		return list
	})
}

func dropEntry(files Files, m *Manifest) (string, error) {
	return entries(func(list []glb.Alias, m *Manifest) []glb.Alias {
		i := findUser(list, m, fresh(m, 0))
		return append(list[:i], list[i+1:]...)
	})(files, m)
}

func findUser(list []glb.Alias, m *Manifest, user int) int {
	for i := range list {
		if list[i].Type(m.Alias) == glb.AliasLocal && list[i].ID() == m.Users[user].ID {
			return i
		}
	}
	return 0
}

func entries(f func(list []glb.Alias, m *Manifest) []glb.Alias) func(Files, *Manifest) (string, error) {
	return func(files Files, m *Manifest) (string, error) {
		b := files["NME/ADMIN.NME"]
		var list []glb.Alias
		for ; len(b) >= glb.AliasSize; b = b[glb.AliasSize:] {
			list = append(list, glb.Alias(b[:glb.AliasSize]))
		}
		var out []byte
		for _, a := range f(list, m) {
			out = append(out, a[:]...)
		}
		files["NME/ADMIN.NME"], files["NME/ADMINSHD.NME"] = out, out
		return "NME/ADMIN.NME", nil
	}
}
