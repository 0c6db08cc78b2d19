package msmail

import (
	"context"
	"fmt"
	"strings"

	"waybill/format/msmail/evidence"
	"waybill/format/msmail/glb"
)

// makeGroups resolves the groups of the address list as clients do (KB Q107767):
// from the list's pointer through ADMIN.GRP, and each tuple id back in the list.
func (p *Postoffice) makeGroups(context.Context) error {
	nodes, _, err := p.table("GRP/ADMIN.GRP", glb.NodeSize, glb.NodeSize)
	if err != nil {
		return err
	}
	addresses, err := p.groupAddresses()
	if err != nil {
		return err
	}
	p.groups = p.resolve(&p.list, &nodes, addresses, func(g *Group, i int) {
		p.compareMembers(g, p.list.Offset(i))
	})
	if len(p.groups) > 0 && len(addresses) == 0 {
		p.found("msmail.group-reset", "GLB/GROUP.GLB", -1, evidence.Documented, "", "Q107767", "the address list has %d groups and GROUP.GLB none; their short addresses are lost", len(p.groups))
	}
	return nil
}

// groupAddresses reads GROUP.GLB, where the likely layout agrees with the list.
func (p *Postoffice) groupAddresses() (map[uint32]string, error) {
	t, _, err := p.table("GLB/GROUP.GLB", 4, glb.GroupSize)
	if err != nil || t.Len() == 0 {
		return nil, err
	}
	names := map[uint32]string{}
	for i := range p.list.Len() {
		if a := glb.Alias(p.list.Record(i)); a.Type(p.shape) == glb.AliasGroup {
			names[a.TID(p.shape)] = a.Name()
		}
	}
	found := evidence.Finding{Of: "GROUP.GLB record", Text: "names and tuple ids compared with the groups of the address list"}
	addresses := map[uint32]string{}
	for i := range t.Len() {
		g := glb.GroupRecord(t.Record(i))
		if !g.Active() {
			continue
		}
		found.Total++
		if name, ok := names[g.TID()]; ok && name == g.Name() {
			found.For++
			addresses[g.TID()] = g.Address()
		}
	}
	if found.For > 0 {
		found.Choice = "flag, alias, address, tuple id, pointer"
	}
	p.evidence = append(p.evidence, found)
	return addresses, nil
}

// resolve makes the groups of a list. each is called for a group that was resolved.
func (p *Postoffice) resolve(list, nodes *glb.Table, addresses map[uint32]string, each func(g *Group, i int)) []Group {
	byTID := make(map[uint32]int, list.Len())
	for i := range list.Len() {
		a := glb.Alias(list.Record(i))
		if tid := a.TID(p.shape); tid != 0 {
			if _, twice := byTID[tid]; !twice {
				byTID[tid] = i
			}
		}
	}
	byID := p.usersByID()
	var groups []Group
	total := 0
	for i := range list.Len() {
		a := glb.Alias(list.Record(i))
		if a.Type(p.shape) != glb.AliasGroup {
			continue
		}
		g := Group{Alias: p.page.Decode(a.Name()), TID: a.TID(p.shape)}
		g.Address = p.mainAddress(p.page.Decode(addresses[g.TID]))
		tids, at, why := glb.Chain(nodes, a.Pointer(p.shape))
		if why != "" {
			p.found("msmail.grp-"+why, nodes.Name, int64(at), evidence.Documented, "", "Q107767", "the members of %q are cut off after %d: their list leads to offset %d", g.Alias, len(tids), at)
		}
		// Lists that share their nodes must not multiply.
		if total += len(tids); total > 4*(nodes.Len()+1)+list.Len() {
			p.found("msmail.grp-shared", nodes.Name, -1, evidence.Hypothesis, "", "", "groups share their members' lists; %q and those behind it are left without members", g.Alias)
			tids = nil
		}
		for _, tid := range tids {
			j, ok := byTID[tid]
			if !ok {
				p.found("msmail.grp-dangling", nodes.Name, -1, evidence.Documented, "", "Q136050", "group %q has a member with tuple id %08X, whom the list does not know", g.Alias, tid)
				continue
			}
			entry := glb.Alias(list.Record(j))
			g.Members = append(g.Members, p.member(&entry, byID, addresses))
		}
		if each != nil {
			each(&g, i)
		}
		groups = append(groups, g)
	}
	return groups
}

// compareMembers compares a group with its .MEM file, which serves mail from
// outside (KB Q87396).
func (p *Postoffice) compareMembers(g *Group, offset int64) {
	name := fmt.Sprintf("MEM/%08X.MEM", g.TID)
	t, ok, err := p.table(name, 0, 4)
	if err != nil {
		return // told when the whole postoffice is checked
	}
	local := map[glb.ID]bool{}
	for _, m := range g.Members {
		if m.Kind == LocalUser {
			local[m.User] = true
		}
	}
	if !ok {
		if len(local) > 0 {
			p.found("msmail.mem-missing", name, -1, evidence.Documented, "", "Q169869", "group %q has %d local members and no .MEM file; entry at %s offset %d", g.Alias, len(local), p.list.Name, offset)
		}
		return
	}
	extra := 0
	members := glb.Members(&t)
	for _, id := range members {
		if !local[id] {
			extra++
		}
		delete(local, id)
	}
	if extra > 0 || len(local) > 0 {
		p.found("msmail.mem-differs", name, -1, evidence.Documented, "", "Q107767", "group %q: %d members of the .MEM file are not in the list, %d of the list not in the .MEM file", g.Alias, extra, len(local))
	}
}

// makeExternals collects external entries of the address list, of gateways' lists
// and of the external postoffices' lists.
func (p *Postoffice) makeExternals(context.Context) error {
	for i := range p.list.Len() {
		a := glb.Alias(p.list.Record(i))
		if a.Type(p.shape) != glb.AliasExternal {
			continue
		}
		address, ok := p.externalAddress(a.Pointer(p.shape))
		if !ok {
			p.found("msmail.netpo-pointer", p.list.Name, p.list.Offset(i), evidence.Documented, "", "Q107767", "the address of %q is not in NETPO.GLB at offset %d", p.page.Decode(a.Name()), a.Pointer(p.shape))
		}
		p.externals = append(p.externals, External{Alias: p.page.Decode(a.Name()), TID: a.TID(p.shape), Address: address, List: "ADMIN.NME", Certainty: evidence.Hypothesis})
	}
	if err := p.gatewayEntries(); err != nil {
		return err
	}
	for _, n := range p.networks {
		for _, post := range n.Postoffices {
			if err := p.remoteUsers(n.Name, post); err != nil {
				return err
			}
		}
	}
	return nil
}

func (p *Postoffice) remoteUsers(network string, post RemotePostoffice) error {
	if _, ok := glb.ParseID(post.Mailbag); !ok || !post.Active {
		return nil
	}
	name := "USR/" + post.Mailbag + ".USR"
	t, ok, err := p.table(name, 0, glb.RemoteUserSize)
	if err != nil || !ok || t.Len() == 0 {
		return err
	}
	found := glb.CheckRemote(&t)
	if !believable(found) {
		p.found("msmail.usr-unread", name, -1, evidence.Hypothesis, "", "Q77926", "%d entries cannot be read: %s", t.Len(), found)
		return nil
	}
	for i := range t.Len() {
		r := glb.RemoteUser(t.Record(i))
		alias, mailbox := r.Names(glb.LikelyRemote)
		if !r.Active() || mailbox == "" {
			continue
		}
		p.externals = append(p.externals, External{Alias: p.page.Decode(alias), Address: Address{"MS", network + "/" + post.Name + "/" + p.page.Decode(mailbox)}, List: post.Mailbag + ".USR", Certainty: evidence.Hypothesis})
	}
	return nil
}

// gatewayEntries reads the lists of gateways. Their addresses are in GLB/<name>.GLB
// behind a header of four bytes (KB Q102300); how they lie there was never
// published. They are taken where every entry's pointer leads to text that could
// be an address of the gateway, and left empty otherwise.
func (p *Postoffice) gatewayEntries() error {
	names, err := p.gateways()
	if err != nil {
		return err
	}
	for _, gateway := range names {
		t, _, err := p.table("NME/"+gateway+".NME", 0, glb.AliasSize)
		if err != nil {
			return err
		}
		data, _, err := p.table("GLB/"+gateway+".GLB", 4, 1)
		if err != nil {
			return err
		}
		found := evidence.Finding{Of: gateway + ".GLB addresses", Total: t.Len(), Text: "text at the pointers of the gateway's list"}
		first := len(p.externals)
		for i := range t.Len() {
			a := glb.Alias(t.Record(i))
			x := External{Alias: p.page.Decode(a.Name()), TID: a.TID(p.shape), List: gateway + ".NME", Certainty: evidence.Hypothesis}
			if value := gatewayText(&data, a.Pointer(p.shape)); plausibleAddress(gateway, value) {
				x.Address = Address{gateway, p.page.Decode(value)}
				found.For++
				found.Choice = "text and NUL at the pointer"
			}
			p.externals = append(p.externals, x)
		}
		if t.Len() == 0 {
			continue
		}
		p.evidence = append(p.evidence, found)
		if !believable(found) {
			for i := first; i < len(p.externals); i++ {
				p.externals[i].Address = Address{}
			}
			p.found("msmail.gateway-unread", "GLB/"+gateway+".GLB", -1, evidence.Hypothesis, "", "Q102300", "the addresses of %d entries cannot be read (%s); export them with IMPORT -X -G%s", t.Len(), found, gateway)
		}
	}
	return nil
}

func gatewayText(data *glb.Table, pointer uint32) string {
	i, ok := data.Index(pointer)
	if !ok {
		return ""
	}
	var b strings.Builder
	for ; i < data.Len() && b.Len() <= 1024; i++ {
		c := data.Record(i)[0]
		if c == 0 {
			return b.String()
		}
		b.WriteByte(c)
	}
	return ""
}

func plausibleAddress(gateway, value string) bool {
	if value == "" || strings.IndexFunc(value, func(r rune) bool { return r < ' ' && r != '\r' && r != '\n' }) >= 0 {
		return false
	}
	switch gateway {
	case "SMTP", "MHS":
		return strings.ContainsAny(value, "@!:")
	case "X400":
		return strings.Contains(value, "=")
	}
	return true
}
