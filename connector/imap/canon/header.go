package canon

import "bytes"

// nameLimit is how far a server looks for the colon after a header's name.
const nameLimit = 4096

var (
	// invalidLine is put before a line of the header that has no name.
	invalidLine = []byte("X-Waybill-Line: ")
	fromLine    = []byte("From ")
	mboxFrom    = []byte(">From")
)

// place is where in a line of the header the machine is.
type place uint8

const (
	lineStart place = iota
	inName          // nothing is decided
	inSpace         // white space behind the name: nothing is decided
	inValue         // the rest of the line does not matter
)

// verdict is what one more byte tells of a header line's name.
type verdict uint8

const (
	undecided verdict = iota
	fine
	spaced
	nameless
)

// names looks at the names of header lines, repairs them where it may, and
// passes everything on.
func (m *machine) names(p []byte, to sink) {
	start := 0 // of what was neither passed on nor held
	for i := 0; i < len(p); {
		switch c := p[i]; m.place {
		case inValue:
			n := bytes.IndexByte(p[i:], '\n')
			if n < 0 {
				i = len(p)
				break
			}
			i += n + 1
			m.place = lineStart
		case lineStart:
			if c == '\r' || c == '\n' {
				m.checking = false
				m.bytes(p[start:], to)
				return
			}
			m.lineAt = m.seen + int64(i)
			m.place, m.name, m.from = inName, 0, 0
			if isBlank(c) {
				m.place = inValue // a folded line, also where there is nothing to continue
			} else if m.repairHeader {
				m.bytes(p[start:i], to)
				start = i
			}
		default:
			v := m.look(c)
			if v != undecided {
				m.decide(v, to)
				if !m.checking {
					m.bytes(p[start:], to)
					return
				}
				break // c belongs to the rest of the line
			}
			i++
			if m.repairHeader {
				m.hold = append(m.hold, c)
				start = i
			}
		}
	}
	m.bytes(p[start:], to)
	m.seen += int64(len(p))
}

// look judges a name as far as c, as strictly as Cyrus does: a name has no
// character up to the space, except that a line of mbox, "From ", is let pass.
func (m *machine) look(c byte) verdict {
	switch {
	case c == ':' && m.place == inSpace:
		return spaced
	case c == ':' && m.name > 0:
		return fine
	case c == ' ' && m.name == 4 && m.from == 4:
		return fine
	case isBlank(c):
		m.place = inSpace
		m.name++
	case m.place == inSpace, c == ':', c < ' ' && (c != 0 || !m.repairNUL):
		return nameless
	default:
		if m.from == m.name && m.from < 4 && fromLine[m.from] == c {
			m.from++
		}
		m.name++
	}
	if m.name >= nameLimit {
		return nameless
	}
	return undecided
}

func (m *machine) decide(v verdict, to sink) {
	m.place = inValue
	switch v {
	case spaced:
		m.fault(SpaceBeforeColon, m.lineAt)
		m.spaced(to)
	case nameless:
		m.nameless(to)
	default:
		m.releaseHold(m.hold, to)
	}
}

// spaced takes away the space before a colon.
func (m *machine) spaced(to sink) {
	if !m.repairHeader {
		return
	}
	m.found.Repaired++
	name := bytes.TrimRight(m.hold, " \t")
	extra := len(m.hold) - len(name)
	m.releaseHold(name, to)
	m.releaseCR(to)
	to.drop(extra)
	m.at += int64(extra)
}

// nameless makes a line without a name the value of one; or, when it is the
// first, makes the whole message a body.
func (m *machine) nameless(to sink) {
	m.fault(NoName, m.lineAt)
	m.place = inValue
	if !m.repairHeader {
		return
	}
	m.found.Repaired++
	if m.lineAt == 0 && !bytes.HasPrefix(m.hold, mboxFrom) {
		to.other(crlf)
		m.checking, m.inHeader = false, false
	} else {
		m.releaseCR(to)
		to.other(invalidLine)
	}
	m.releaseHold(m.hold, to)
}

func (m *machine) releaseHold(p []byte, to sink) {
	m.hold = m.hold[:0] // p lies in it still, and nothing is held meanwhile
	m.bytes(p, to)
}

func (m *machine) fault(f HeaderFault, at int64) {
	if m.found.HeaderFault == HeaderFine {
		m.found.HeaderFault, m.found.HeaderAt = f, at
	}
}

func isBlank(c byte) bool { return c == ' ' || c == '\t' }
