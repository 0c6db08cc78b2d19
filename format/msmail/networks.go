package msmail

import (
	"context"
	"path"
	"strings"

	"waybill/format/msmail/evidence"
	"waybill/format/msmail/glb"
)

// readNetworks reads NETWORK.GLB and the .XTN files.
func (p *Postoffice) readNetworks(context.Context) error {
	t, ok, err := p.table("GLB/NETWORK.GLB", 0, glb.NetworkSize)
	if err != nil {
		return err
	}
	if !ok {
		p.found("msmail.file-missing", "GLB/NETWORK.GLB", -1, evidence.Documented, "", "Q77926", "the list of networks is missing")
	}
	home := true
	for i := range t.Len() {
		rec := glb.Network(t.Record(i))
		name := p.page.Decode(rec.Name())
		n := Network{Name: name, Active: rec.Active(), Kind: rec.Kind(), Extension: rec.XTN(), Mailbag: rec.Mailbag()}
		_, digits := glb.ParseID(n.Extension)
		if lost := rec.Active() && (name == "" || n.Extension == "" && n.Mailbag == ""); lost || n.Extension != "" && !digits {
			p.found("msmail.network-record", t.Name, t.Offset(i), evidence.Derived, "", "Q95961", "record %d is damaged or shifted: name %.20q, XTN prefix %.20q", i, name, n.Extension)
			n.Extension = ""
		}
		// The home network is the first record and owns 00000001.XTN (hypothesis;
		// so it is in an empty postoffice, KB Q135868).
		if home && n.Active && n.Kind != glb.NetworkFFAPI && n.Kind != glb.NetworkMSMAIL && n.Extension != "" {
			n.Home, home = true, false
		}
		if n.Extension != "" {
			if n.Postoffices, err = p.readXTN("XTN/" + n.Extension + ".XTN"); err != nil {
				return err
			}
		}
		p.networks = append(p.networks, n)
	}
	return nil
}

func (p *Postoffice) readXTN(name string) ([]RemotePostoffice, error) {
	t, ok, err := p.table(name, 0, glb.XTNSize)
	if err != nil || !ok {
		if err == nil {
			p.found("msmail.file-missing", name, -1, evidence.Documented, "", "Q77926", "a network's list of postoffices is missing")
		}
		return nil, err
	}
	if len(t.Stray) > 0 {
		p.found("msmail.xtn-stray", name, t.Offset(t.Len()), evidence.Documented, "", "Q128243", "%d bytes behind the last record are not read", len(t.Stray))
	}
	var list []RemotePostoffice
	for i := range t.Len() {
		rec := glb.RemotePO(t.Record(i))
		list = append(list, RemotePostoffice{Name: p.page.Decode(rec.Name()), Active: rec.Active(), Mailbag: rec.Mailbag(), Indirect: int(rec.Indirect())})
	}
	return list, nil
}

// places are the known network/postoffice pairs.
func (p *Postoffice) places() []string {
	var list []string
	for _, n := range p.networks {
		for _, post := range n.Postoffices {
			if n.Name != "" && post.Name != "" {
				list = append(list, n.Name+"/"+post.Name)
			}
		}
	}
	return list
}

// homePlaces are the pairs that may be this postoffice's own: the home network and
// what the operator said, or a word of MASTER.GLB (hypothesis).
func (p *Postoffice) homePlaces() ([]string, error) {
	home := p.network
	for _, n := range p.networks {
		if n.Home && home == "" {
			home = n.Name
		}
	}
	if home == "" {
		return nil, nil
	}
	if p.post != "" {
		return []string{home + "/" + p.post}, nil
	}
	var master glb.Master
	if _, err := p.whole("GLB/MASTER.GLB", master[:]); err != nil {
		return nil, err
	}
	var list []string
	for _, w := range master.Words() {
		if w = p.page.Decode(w); !strings.EqualFold(w, home) {
			list = append(list, home+"/"+w)
		}
	}
	return list, nil
}

// gateways are the address lists of gateways: SMTP.NME with SMTP.GLB and the like
// (KB Q102300, Q119240).
func (p *Postoffice) gateways() ([]string, error) {
	entries, err := p.tree.List("NME")
	if err != nil {
		return nil, err
	}
	var list []string
	for _, e := range entries {
		base, ext := strings.ToUpper(strings.TrimSuffix(e.Name, path.Ext(e.Name))), strings.ToUpper(path.Ext(e.Name))
		if _, digits := glb.ParseID(base); e.Dir || e.Other || e.Twin || ext != ".NME" || digits || base == "ADMIN" || base == "ADMINSHD" || base == "GAL" || base == "VIEW" {
			continue
		}
		list = append(list, base)
	}
	return list, nil
}
