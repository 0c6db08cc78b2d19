package glb

// AliasType is the kind of an entry of an address list.
type AliasType byte

// External and Group are documented (KB Q107767), Blank is what damaged entries
// have (KB Q85647). Local is a hypothesis: the one value that is left.
const (
	AliasBlank    AliasType = 0
	AliasLocal    AliasType = 1
	AliasExternal AliasType = 2
	AliasGroup    AliasType = 4
)

// AliasLayout says where the fields of a .NME record are whose order was never
// published. LocateAlias finds it.
type AliasLayout struct {
	TypeAt int // 0 or 1; the other of the two bytes is a flag
	TIDAt  int // 0x21 or 0x25; the pointer is at the other place
}

// LikelyAlias is the layout that is assumed where nothing tells: the flag
// first, as in NETWORK and XTN records, and the TID before the pointer, as an
// article names them (KB Q107767, hypothesis).
var LikelyAlias = AliasLayout{TypeAt: 1, TIDAt: 0x21}

func (l AliasLayout) pointerAt() int { return 0x21 + 0x25 - l.TIDAt }

// Alias is a record of an address list (.NME), not encrypted.
type Alias [AliasSize]byte

// Name is what people see, at most 30 characters (KB Q119563, derived).
func (a *Alias) Name() string           { return text(a[0x02:0x21]) }
func (a *Alias) SetName(s string) error { return setText(a[0x02:0x21], "alias", s) }

// ID is the number of the user's mailbag, the last four bytes (KB Q119563,
// documented).
func (a *Alias) ID() ID      { return ID(u32(a[0x29:])) }
func (a *Alias) SetID(id ID) { putU32(a[0x29:], uint32(id)) }

// Type is the kind of the entry.
func (a *Alias) Type(l AliasLayout) AliasType       { return AliasType(a[l.TypeAt]) }
func (a *Alias) SetType(l AliasLayout, t AliasType) { a[l.TypeAt] = byte(t) }

// Flag is the other of the first two bytes; believed to be 1 for a live entry
// (hypothesis).
func (a *Alias) Flag(l AliasLayout) byte       { return a[1-l.TypeAt] }
func (a *Alias) SetFlag(l AliasLayout, b byte) { a[1-l.TypeAt] = b }

// TID is the tuple id, unique for ever in a sound postoffice (KB Q87404).
func (a *Alias) TID(l AliasLayout) uint32       { return u32(a[l.TIDAt:]) }
func (a *Alias) SetTID(l AliasLayout, n uint32) { putU32(a[l.TIDAt:], n) }

// Pointer is an offset in NETPO.GLB for external entries and in ADMIN.GRP for
// groups (KB Q107767, documented).
func (a *Alias) Pointer(l AliasLayout) uint32       { return u32(a[l.pointerAt():]) }
func (a *Alias) SetPointer(l AliasLayout, n uint32) { putU32(a[l.pointerAt():], n) }
