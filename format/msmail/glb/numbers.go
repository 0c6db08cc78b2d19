package glb

// Control is CONTROL.GLB, the generators of numbers (KB Q87388, Q122852,
// documented). Zeros are legal: programs skip numbers in use (KB Q112894).
type Control [8]byte

// NextMailbag is the next number of a mailbag; users, external postoffices and
// gateways share it.
func (c *Control) NextMailbag() ID     { return ID(u32(c[0:])) }
func (c *Control) SetNextMailbag(n ID) { putU32(c[0:], uint32(n)) }

// NextLetter is the next number of a message, attachment or envelope.
func (c *Control) NextLetter() ID     { return ID(u32(c[4:])) }
func (c *Control) SetNextLetter(n ID) { putU32(c[4:], uint32(n)) }

// Counter is a file of one number: TID.GLB, the last tuple id given out (KB
// Q87404), or SERIALNO.IDX, the next folder (KB Q113149). Documented.
type Counter [4]byte

// Value is the number.
func (c *Counter) Value() uint32     { return u32(c[:]) }
func (c *Counter) SetValue(n uint32) { putU32(c[:], n) }

// Master is MASTER.GLB. Most of it is not published.
type Master [MasterSize]byte

// Gateways are the bits of installed gateways; 0x10 is Mail Connection for
// AppleTalk (KB Q148666, derived).
func (m *Master) Gateways() byte     { return m[0x93] }
func (m *Master) SetGateways(b byte) { m[0x93] = b }

// EnhancedSecurity tells whether passwords are doubly encrypted (KB Q104586,
// documented).
func (m *Master) EnhancedSecurity() bool { return m[0x94] != 0 }
func (m *Master) SetEnhancedSecurity(on bool) {
	m[0x94] = 0
	if on {
		m[0x94] = 1
	}
}

// Words are the printable words of one to ten letters and digits that end with
// NUL. The names of network and postoffice are believed to be among them
// (hypothesis; clients show the local address from this file, KB Q201788).
func (m *Master) Words() []string {
	var words []string
	start := 0
	for i := range m {
		switch {
		case isNameByte(m[i]):
		case m[i] == 0 && i > start && i-start <= 10:
			words = append(words, string(m[start:i]))
			start = i + 1
		default:
			start = i + 1
		}
	}
	return words
}

func isNameByte(c byte) bool {
	return c >= '0' && c <= '9' || c >= 'A' && c <= 'Z' || c >= 'a' && c <= 'z' || c >= 0x80
}

// ValidName reports whether s, in the code page, is a valid name of a network,
// postoffice or mailbox: one to ten letters and digits. Invalid are 1-47, 58-64,
// 91-96, 123-127, 145-148 and the blank (KB Q199676, documented).
func ValidName(s string) bool {
	if s == "" || len(s) > 10 {
		return false
	}
	for i := range len(s) {
		if !isNameByte(s[i]) || s[i] >= 145 && s[i] <= 148 {
			return false
		}
	}
	return true
}
