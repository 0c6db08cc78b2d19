package msmail

import (
	"context"
	"strings"

	"waybill/format/msmail/glb"
)

// readPersonal reads the users' own lists: <hexid>.NME with <hexid>.GRP, in the
// form of the postoffice's list (KB Q106510, Q112904).
func (p *Postoffice) readPersonal(ctx context.Context) error {
	entries, err := p.tree.List("NME")
	if err != nil {
		return err
	}
	byID := p.usersByID()
	for _, e := range entries {
		base, isList := strings.CutSuffix(strings.ToUpper(e.Name), ".NME")
		owner, ok := glb.ParseID(base)
		if !ok || !isList || e.Dir || e.Twin || ctx.Err() != nil {
			continue
		}
		t, _, err := p.table("NME/"+e.Name, 0, glb.AliasSize)
		if err != nil {
			return err
		}
		if t.Len() == 0 {
			continue
		}
		nodes, _, err := p.table("GRP/"+base+".GRP", glb.NodeSize, glb.NodeSize)
		if err != nil {
			return err
		}
		list := PersonalList{Owner: owner, File: t.Name, Groups: p.resolve(&t, &nodes, nil, nil)}
		for i := range t.Len() {
			a := glb.Alias(t.Record(i))
			list.Entries = append(list.Entries, p.member(&a, byID, nil))
		}
		p.lists = append(p.lists, list)
	}
	return nil
}
