package glb

import (
	"fmt"
	"strings"

	"waybill/format/msmail/evidence"
)

// Neighbours are the files that an address list refers to.
type Neighbours struct {
	Groups    *Table // the .GRP file of the list
	Externals *Table // NETPO.GLB
	LastTID   uint32 // TID.GLB; 0 when not known
	Lists     map[ID]bool
}

// LocateAlias finds in which order the unpublished fields of an address list are,
// by looking where each order leads: a group's pointer must hit a node, its TID
// should name a .MEM file, the TIDs of its members must be in the list, an external
// entry's pointer must hit a record of NETPO.GLB, and no TID may be 0 or above the
// last one given out.
func LocateAlias(t *Table, n Neighbours) (AliasLayout, evidence.Finding) {
	f := evidence.Finding{Of: t.Name + " order of fields", Total: t.Len(), Text: "types, tuple ids and pointers followed into GRP, MEM, NETPO and TID files"}
	best, bestScore, nextScore := LikelyAlias, -1, -1
	for _, l := range []AliasLayout{{1, 0x21}, {1, 0x25}, {0, 0x21}, {0, 0x25}} {
		score, agree := scoreAlias(t, n, l)
		switch {
		case score > bestScore:
			best, nextScore, bestScore, f.For = l, bestScore, score, agree
		case score > nextScore:
			nextScore = score
		}
	}
	if bestScore > 0 {
		f.RunnerUp = f.For * max(nextScore, 0) / bestScore
		f.Choice = fmt.Sprintf("type at %d, TID at %#x, pointer at %#x", best.TypeAt, best.TIDAt, best.pointerAt())
	}
	return best, f
}

func scoreAlias(t *Table, n Neighbours, l AliasLayout) (score, agree int) {
	tids := make(map[uint32]int, t.Len())
	for i := range t.Len() {
		a := Alias(t.Record(i))
		tids[a.TID(l)]++
	}
	for i := range t.Len() {
		a := Alias(t.Record(i))
		points := 0
		tid, pointer := a.TID(l), a.Pointer(l)
		if tid != 0 && tids[tid] == 1 && (n.LastTID == 0 || tid <= n.LastTID) {
			points++
		}
		kind := a.Type(l)
		switch {
		case kind == AliasLocal && a.Flag(l) <= 1:
			points++
		case kind == AliasExternal && n.Externals != nil:
			if _, ok := n.Externals.Index(pointer); ok {
				points += 2
			}
		case kind == AliasGroup && n.Groups != nil:
			points += scoreGroup(n, tids, tid, pointer)
		}
		score += points
		if points >= 2 {
			agree++
		}
	}
	return score, agree
}

func scoreGroup(n Neighbours, tids map[uint32]int, tid, pointer uint32) (points int) {
	if n.Lists[ID(tid)] {
		points++
	}
	if pointer == 0 {
		return points
	}
	members, _, why := Chain(n.Groups, pointer)
	if why == "" {
		points++
	}
	for _, m := range members {
		if tids[m] > 0 {
			return points + 1
		}
	}
	return points
}

// LocateExternal finds the names in NETPO.GLB by comparing it with the networks
// and their postoffices; known has NETWORK/POSTOFFICE in capitals.
func LocateExternal(t *Table, known map[string]bool) (ExternalLayout, evidence.Finding) {
	f := evidence.Finding{Of: t.Name + " names", Total: t.Len(), Text: "columns compared with the names in NETWORK.GLB and its XTN files"}
	best := LikelyExternal
	for networkAt := 0; networkAt+11 <= NetPOSize; networkAt++ {
		for postAt := 0; postAt+11 <= NetPOSize; postAt++ {
			if d := networkAt - postAt; d > -11 && d < 11 {
				continue
			}
			hits := 0
			for i := range t.Len() {
				rec := t.Record(i)
				network, post := text(rec[networkAt:networkAt+11]), text(rec[postAt:postAt+11])
				if network != "" && post != "" && known[strings.ToUpper(network+"/"+post)] {
					hits++
				}
			}
			switch {
			case hits > f.For:
				best, f.RunnerUp, f.For = ExternalLayout{networkAt, postAt, -1}, f.For, hits
			case hits > f.RunnerUp:
				f.RunnerUp = hits
			}
		}
	}
	if f.For == 0 { // a damaged list of networks must not cost the addresses
		return LikelyExternal, checkExternal(t, f)
	}
	mailbox := 0
	for at := 0; at+11 <= NetPOSize; at++ {
		if overlaps(at, best.NetworkAt) || overlaps(at, best.PostofficeAt) {
			continue
		}
		hits := 0
		for i := range t.Len() {
			rec := t.Record(i)
			name := text(rec[at : at+11])
			_, digits := ParseID(name)
			if len(name) < 11 && validLogin(name) && !digits && (at == 0 || !isNameByte(rec[at-1])) {
				hits++
			}
		}
		if hits > mailbox {
			mailbox, best.MailboxAt = hits, at
		}
	}
	if best.MailboxAt < 0 {
		f.For = 0
		return LikelyExternal, f
	}
	f.For = min(f.For, mailbox)
	f.Choice = fmt.Sprintf("network at %#02x, postoffice at %#02x, mailbox at %#02x", best.NetworkAt, best.PostofficeAt, best.MailboxAt)
	return best, f
}

// checkExternal tells whether the likely layout gives three valid names.
func checkExternal(t *Table, f evidence.Finding) evidence.Finding {
	f.Text = "valid names where the likely layout has them"
	for i := range t.Len() {
		e := External(t.Record(i))
		network, post, mailbox := e.Names(LikelyExternal)
		if ValidName(network) && ValidName(post) && validLogin(mailbox) {
			f.For++
		}
	}
	if f.For > 0 {
		f.Choice = "network at 0x01, postoffice at 0x0c, mailbox at 0x17"
	}
	return f
}

func overlaps(a, b int) bool { return a-b > -11 && a-b < 11 }

// CheckRemote tells whether the likely layout of a .USR file holds: aliases that
// can be printed, and valid mailbox names.
func CheckRemote(t *Table) evidence.Finding {
	f := evidence.Finding{Of: t.Name + " names", Total: t.Len(), Text: "printable aliases and valid mailbox names where the likely layout has them"}
	for i := range t.Len() {
		r := RemoteUser(t.Record(i))
		alias, mailbox := r.Names(LikelyRemote)
		if printable(alias) && validLogin(mailbox) {
			f.For++
		}
	}
	if f.For > 0 {
		f.Choice = "alias at 0x01, mailbox at 0x20"
	}
	return f
}

func printable(s string) bool {
	for i := range len(s) {
		if s[i] < ' ' || s[i] == 0x7F {
			return false
		}
	}
	return s != "" && len(s) <= 30
}
