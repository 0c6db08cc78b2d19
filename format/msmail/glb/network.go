package glb

// Network is a record of NETWORK.GLB, not encrypted: a network or a gateway (KB
// Q148666; flags documented, places derived from its dump).
type Network [NetworkSize]byte

// The published types of networks (KB Q148666).
const (
	NetworkMSMAIL byte = 0x10 // Mail Connection
	NetworkFFAPI  byte = 0x64
)

// Active is false for a deleted record.
func (n *Network) Active() bool { return n[0] != 0 }
func (n *Network) SetActive(on bool) {
	n[0] = 0
	if on {
		n[0] = 1
	}
}

// Kind is the type: NetworkMSMAIL, NetworkFFAPI or an unpublished one.
func (n *Network) Kind() byte     { return n[1] }
func (n *Network) SetKind(k byte) { n[1] = k }

// Name has at most 10 characters.
func (n *Network) Name() string           { return text(n[0x02:0x0D]) }
func (n *Network) SetName(s string) error { return setText(n[0x02:0x0D], "network name", s) }

// XTN is the prefix of the .XTN file, 8 hexadecimal digits; empty for gateways
// without postoffices.
func (n *Network) XTN() string           { return text(n[0x0D:0x16]) }
func (n *Network) SetXTN(s string) error { return setText(n[0x0D:0x16], "XTN prefix", s) }

// Via is a hypothesis: ten characters that may name the gateway's postoffice.
func (n *Network) Via() string { return text(n[0x16:0x21]) }

// Mailbag is the prefix of the mailbag, set for gateways.
func (n *Network) Mailbag() string           { return text(n[0x21:0x2A]) }
func (n *Network) SetMailbag(s string) error { return setText(n[0x21:0x2A], "mailbag prefix", s) }

// RemotePO is a record of an .XTN file, not encrypted: a postoffice of a network,
// or a node of a gateway.
type RemotePO [XTNSize]byte

// Active is false for a deleted record (KB Q86625, documented).
func (r *RemotePO) Active() bool { return r[0] != 0 }
func (r *RemotePO) SetActive(on bool) {
	r[0] = 0
	if on {
		r[0] = 1
	}
}

// Name is the postoffice, node or DGN (KB Q86625, documented).
func (r *RemotePO) Name() string           { return text(r[0x001:0x00C]) }
func (r *RemotePO) SetName(s string) error { return setText(r[0x001:0x00C], "postoffice name", s) }

// Mailbag is the prefix of its mailbag, and of its .USR, .TPL and .INF files (KB
// Q148666, documented).
func (r *RemotePO) Mailbag() string { return text(r[0x00C:0x015]) }
func (r *RemotePO) SetMailbag(s string) error {
	return setText(r[0x00C:0x015], "mailbag prefix", s)
}

// Indirect counts the postoffices reached through this one (KB Q86625,
// documented).
func (r *RemotePO) Indirect() uint16     { return u16(r[0x289:]) }
func (r *RemotePO) SetIndirect(n uint16) { putU16(r[0x289:], n) }
