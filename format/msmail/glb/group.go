package glb

// Node is an entry of a .GRP file, a linked list of members (KB Q107767, Q135932,
// documented; the order of the two fields as described there). Node 0 is a header.
type Node [NodeSize]byte

// TID refers to an entry of the address list that belongs to the file.
func (n *Node) TID() uint32     { return u32(n[0:]) }
func (n *Node) SetTID(v uint32) { putU32(n[0:], v) }

// Next is the offset of the next node from the beginning of the file; 0 ends the
// list.
func (n *Node) Next() uint32     { return u32(n[4:]) }
func (n *Node) SetNext(v uint32) { putU32(n[4:], v) }

// Chain follows a list of members from a file offset. It stops at the end of the
// list, and at the first offset that leads nowhere or back: then broken is that
// offset, and why tells "pointer" or "cycle".
func Chain(t *Table, start uint32) (tids []uint32, broken uint32, why string) {
	seen := map[uint32]bool{}
	for at := start; at != 0; {
		i, ok := t.Index(at)
		if !ok {
			return tids, at, "pointer"
		}
		if seen[at] {
			return tids, at, "cycle"
		}
		seen[at] = true
		node := Node(t.Record(i))
		tids = append(tids, node.TID())
		at = node.Next()
	}
	return tids, 0, ""
}

// GroupRecord is a record of GROUP.GLB. What it holds is documented (KB Q112905,
// Q107767), where is a hypothesis: 1 + 31 + 11 + 4 + 4 bytes are the whole record.
type GroupRecord [GroupSize]byte

// Active is false for a deleted group (hypothesis).
func (g *GroupRecord) Active() bool { return g[0] != 0 }
func (g *GroupRecord) SetActive(on bool) {
	g[0] = 0
	if on {
		g[0] = 1
	}
}

// Name is the group's alias (hypothesis).
func (g *GroupRecord) Name() string           { return text(g[0x01:0x20]) }
func (g *GroupRecord) SetName(s string) error { return setText(g[0x01:0x20], "group name", s) }

// Address is the group's mailbox name, at most 10 characters (KB Q123398;
// place hypothesis).
func (g *GroupRecord) Address() string           { return text(g[0x20:0x2B]) }
func (g *GroupRecord) SetAddress(s string) error { return setText(g[0x20:0x2B], "group address", s) }

// TID is the group's tuple id (hypothesis).
func (g *GroupRecord) TID() uint32     { return u32(g[0x2B:]) }
func (g *GroupRecord) SetTID(n uint32) { putU32(g[0x2B:], n) }

// Pointer is the offset of the first member in ADMIN.GRP (hypothesis).
func (g *GroupRecord) Pointer() uint32     { return u32(g[0x2F:]) }
func (g *GroupRecord) SetPointer(n uint32) { putU32(g[0x2F:], n) }

// GroupMember is a record of GRPMEM.GLB: which groups one user belongs to, for
// the rights on group folders (KB Q102669). Only its size is published; the number
// of the mailbag is believed to be at 1 (hypothesis), behind the flag whose meaning
// was turned round between 2.1 and 3.0.
type GroupMember [GroupMemberSize]byte

// Flag is 1 for a live record since 3.0 and 0 in 2.1 (KB Q102669; place hypothesis).
func (g *GroupMember) Flag() byte     { return g[0] }
func (g *GroupMember) SetFlag(b byte) { g[0] = b }

// Mailbag is the member's number (hypothesis).
func (g *GroupMember) Mailbag() ID      { return ID(u32(g[1:])) }
func (g *GroupMember) SetMailbag(id ID) { putU32(g[1:], uint32(id)) }

// Members reads a .MEM file: the mailbags of a group's local members, four bytes
// each (KB Q77926, Q87396, documented).
func Members(t *Table) []ID {
	ids := make([]ID, 0, t.Len())
	for i := range t.Len() {
		ids = append(ids, ID(u32(t.Record(i))))
	}
	return ids
}

// AppendMember writes one entry of a .MEM file.
func AppendMember(b []byte, id ID) []byte {
	var n [4]byte
	putU32(n[:], uint32(id))
	return append(b, n[:]...)
}
