package msmail

import (
	"bytes"
	"context"
	"path"
	"strings"

	"waybill/format/msmail/evidence"
	"waybill/format/msmail/glb"
)

// readLists reads the postoffice's address list with what it refers to, and finds
// the order of its fields.
func (p *Postoffice) readLists(context.Context) error {
	shadow, hasShadow, err := p.table("NME/ADMINSHD.NME", 0, glb.AliasSize)
	if err != nil {
		return err
	}
	var has bool
	if p.list, has, err = p.table("NME/ADMIN.NME", 0, glb.AliasSize); err != nil {
		return err
	}
	switch {
	case p.list.Len() == 0 && shadow.Len() > 0:
		p.found("msmail.list-empty", "NME/ADMIN.NME", -1, evidence.Documented, "", "Q119018", "the postoffice's address list is empty or missing; its shadow ADMINSHD.NME is read instead")
		p.list = shadow
	case !has:
		p.found("msmail.file-missing", "NME/ADMIN.NME", -1, evidence.Documented, "", "Q77926", "the postoffice's address list is missing")
	case hasShadow:
		p.compareShadow(&shadow, "NME/ADMIN.NME", &p.list)
	}
	if p.netpo, _, err = p.table("GLB/NETPO.GLB", 4, glb.NetPOSize); err != nil {
		return err
	}
	groups, _, err := p.table("GRP/ADMIN.GRP", glb.NodeSize, glb.NodeSize)
	if err != nil {
		return err
	}
	groupShadow, ok, err := p.table("GRP/ADMINSHD.GRP", glb.NodeSize, glb.NodeSize)
	if err != nil {
		return err
	}
	if ok {
		p.compareShadow(&groupShadow, "GRP/ADMIN.GRP", &groups)
	}
	var tid glb.Counter
	if ok, err := p.whole("GLB/TID.GLB", tid[:]); err != nil {
		return err
	} else if ok {
		p.lastTID = tid.Value()
	}
	members, err := p.memberFiles()
	if err != nil {
		return err
	}
	shape, found := glb.LocateAlias(&p.list, glb.Neighbours{Groups: &groups, Externals: &p.netpo, LastTID: p.lastTID, Lists: members})
	p.shape = shape
	p.evidence = append(p.evidence, found)
	known := map[string]bool{}
	for _, place := range p.places() {
		known[strings.ToUpper(place)] = true
	}
	if p.netpo.Len() > 0 {
		at, found := glb.LocateExternal(&p.netpo, known)
		p.netpoAt = at
		p.netpoOK = believable(found)
		p.evidence = append(p.evidence, found)
	}
	return nil
}

func (p *Postoffice) compareShadow(shadow *glb.Table, name string, t *glb.Table) {
	if shadow.Len() != t.Len() {
		p.found("msmail.shadow", shadow.Name, -1, evidence.Documented, "", "Q112881", "the shadow of %s has %d records, and that has %d", name, shadow.Len(), t.Len())
		return
	}
	for i := range t.Len() {
		if !bytes.Equal(shadow.Record(i), t.Record(i)) {
			p.found("msmail.shadow", shadow.Name, shadow.Offset(i), evidence.Documented, "", "Q112881", "the shadow of %s differs from record %d on", name, i)
			return
		}
	}
	if !bytes.Equal(shadow.Header, t.Header) {
		p.found("msmail.shadow", shadow.Name, 0, evidence.Documented, "", "Q112881", "the header of the shadow of %s differs", name)
	}
}

func (p *Postoffice) memberFiles() (map[glb.ID]bool, error) {
	entries, err := p.tree.List("MEM")
	if err != nil {
		return nil, err
	}
	files := map[glb.ID]bool{}
	for _, e := range entries {
		if id, ok := glb.ParseID(strings.TrimSuffix(strings.ToUpper(e.Name), ".MEM")); ok && strings.EqualFold(path.Ext(e.Name), ".MEM") {
			files[id] = true
		}
	}
	return files, nil
}

// locateUsers finds the fields of ACCESS2.GLB.
func (p *Postoffice) locateUsers(context.Context) error {
	var err error
	var has bool
	if p.access, has, err = p.table("GLB/ACCESS2.GLB", 0, glb.Access2Size); err != nil {
		return err
	}
	if !has {
		p.found("msmail.file-missing", "GLB/ACCESS2.GLB", -1, evidence.Documented, "", "Q87402", "the file with the users' mailbox names is missing")
		return nil
	}
	sizes := []int64{int64(p.access.Len())}
	for _, f := range []struct {
		name   string
		record int64
	}{{"GLB/ACCESS.GLB", glb.AccessSize}, {"GLB/ACCESS3.GLB", glb.Access3Size}} {
		info, err := p.tree.Stat(f.name)
		if err != nil {
			sizes = append(sizes, 0)
			continue
		}
		sizes = append(sizes, info.Size()/f.record)
	}
	if sizes[0] != sizes[1] || sizes[0] != sizes[2] {
		p.found("msmail.access-step", "GLB/ACCESS2.GLB", -1, evidence.Documented, "", "Q168736",
			"the ACCESS files are out of step: ACCESS has %d records, ACCESS2 %d, ACCESS3 %d", sizes[1], sizes[0], sizes[2])
	}
	ids := map[glb.ID]bool{}
	for i := range p.list.Len() {
		if a := glb.Alias(p.list.Record(i)); a.Type(p.shape) == glb.AliasLocal {
			ids[a.ID()] = true
		}
	}
	if len(ids) == 0 { // compare with the mailbags instead
		for i := range p.bags {
			ids[p.bags[i].id] = true
		}
	}
	names := map[string]bool{}
	for i := range p.bags {
		for _, r := range p.bags[i].rows {
			names[strings.ToUpper(r.Sender())] = true
		}
	}
	layout, found := glb.LocateAccess(&p.access, ids, names)
	p.accessAt = layout
	p.accessOK, p.loginOK = believable(found[0]), believable(found[1])
	p.evidence = append(p.evidence, found...)
	return p.locateRest()
}

// believable accepts what is proven, and in a postoffice of one or two users what
// nothing speaks against.
func believable(f evidence.Finding) bool {
	return f.Proven() || f.Total > 0 && f.Total < 3 && f.For == f.Total && f.RunnerUp*2 <= f.For
}

// locateRest looks for alias and tuple id in the ACCESS files. Programs rebuild the
// address list from these files (KB Q99419, Q121130), so they must be there; what is
// found is evidence that the records were understood, and no more is made of it.
func (p *Postoffice) locateRest() error {
	if !p.accessOK {
		return nil
	}
	byID := map[glb.ID]glb.Alias{}
	for i := range p.list.Len() {
		a := glb.Alias(p.list.Record(i))
		if a.Type(p.shape) == glb.AliasLocal {
			byID[a.ID()] = a
		}
	}
	for _, f := range []struct {
		name   string
		record int
	}{{"GLB/ACCESS.GLB", glb.AccessSize}, {"GLB/ACCESS2.GLB", glb.Access2Size}, {"GLB/ACCESS3.GLB", glb.Access3Size}} {
		t, ok, err := p.table(f.name, 0, f.record)
		if err != nil {
			return err
		}
		if !ok || t.Len() != p.access.Len() {
			continue
		}
		entry := func(i int) (glb.Alias, bool) {
			id, ok := p.accessAt.ID(p.access.Record(i))
			a, known := byID[id]
			return a, ok && known
		}
		if _, found := glb.LocateText(&t, path.Base(f.name)+" alias", 31, func(i int) (string, bool) { a, ok := entry(i); return a.Name(), ok }); found.Proven() {
			p.evidence = append(p.evidence, found)
		}
		if _, found := glb.LocateNumber(&t, path.Base(f.name)+" tuple id", func(i int) (uint32, bool) { a, ok := entry(i); return a.TID(p.shape), ok }); found.Proven() {
			p.evidence = append(p.evidence, found)
		}
	}
	return nil
}
