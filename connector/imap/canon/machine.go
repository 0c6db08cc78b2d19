package canon

import "bytes"

// sink takes what the machine makes of the bytes.
type sink interface {
	// same gets bytes that stand in the original, unchanged and in order.
	same(p []byte)
	// other gets bytes that are not in the original.
	other(p []byte)
	// drop says that n bytes of the original are left out.
	drop(n int)
}

// change says which changes a machine makes; what it finds it notes in any case.
type change struct {
	repairNUL, repairHeader, repairEmpty bool
	nulAs80, oneCR, eightBitAsX          bool
	// checkHeader and findEightBit only look.
	checkHeader, findEightBit bool
}

func (r Rules) sent() change {
	return change{repairNUL: r.RepairNUL, repairHeader: r.RepairHeader, repairEmpty: r.RepairEmpty, checkHeader: r.RefuseHeader, findEightBit: r.eightBitAsX}
}

func (r Rules) kept() change {
	c := r.sent()
	c.nulAs80, c.oneCR, c.eightBitAsX = r.nulAs80, r.oneCR, r.eightBitAsX
	c.checkHeader = false
	return c
}

var (
	crlf    = []byte("\r\n")
	cr      = []byte("\r")
	eighty  = []byte{0x80}
	letterX = []byte("X")
	manyCRs = bytes.Repeat(cr, 64)
)

// machine changes a message on its way, piece by piece. Bytes pass two gates:
// names looks at the header's lines, and bytes at single bytes and line ends.
type machine struct {
	change
	found Findings

	at       int64 // offset in the original of the next byte that bytes gets
	inHeader bool  // raw 8-bit bytes matter
	blank    bool  // the line has nothing but CR so far
	prevCR   bool  // the byte before was CR
	heldCR   int   // CRs that are not passed on before it is known what follows

	checking bool // names of header lines matter
	place    place
	seen     int64 // offset in the original of the piece that names gets
	lineAt   int64
	// hold has the beginning of a header line that may have to be repaired. name
	// counts its bytes also where nothing is held, and from how many of them agree
	// with "From ".
	hold       []byte
	name, from int
}

// reset makes the machine ready for the next message.
func (m *machine) reset(c change) {
	*m = machine{change: c, inHeader: c.eightBitAsX || c.findEightBit, blank: true, checking: c.repairHeader || c.checkHeader, hold: m.hold[:0]}
	m.found = Findings{NULAt: -1, EightBitAt: -1, HeaderAt: -1}
}

// write takes the next piece of the message.
func (m *machine) write(p []byte, to sink) {
	m.found.Size += int64(len(p))
	if m.checking {
		m.names(p, to)
		return
	}
	m.bytes(p, to)
}

// end is called once, behind the last piece.
func (m *machine) end(to sink) {
	if m.found.Size == 0 {
		if m.repairEmpty {
			m.found.Repaired++
			to.other(crlf)
		}
		return
	}
	if m.checking && (m.place == inName || m.place == inSpace) {
		m.nameless(to)
	}
	cut := m.checking && m.place != lineStart
	if cut {
		m.fault(HeaderCut, m.lineAt)
	}
	m.found.EndCR = m.prevCR
	if m.heldCR > 0 {
		alone := int64(m.heldCR) == m.found.Size
		to.drop(m.heldCR)
		m.heldCR = 0
		if alone && m.repairEmpty {
			// Nothing but CR: what is left of it is empty.
			m.found.Repaired++
			to.other(crlf)
		}
	}
	if cut && m.repairHeader {
		m.found.Repaired++
		to.other(crlf)
	}
}

// bytes passes on a piece whose header lines are fine.
func (m *machine) bytes(p []byte, to sink) {
	for len(p) > 0 {
		var n int
		if m.inHeader {
			n = m.head(p, to)
		} else {
			n = m.body(p, to)
			m.at += int64(n)
		}
		p = p[n:]
	}
}

// head passes on a piece of the header up to the first raw 8-bit byte, or to the
// header's end.
func (m *machine) head(p []byte, to sink) int {
	for i, c := range p {
		switch {
		case c == '\n' && m.blank:
			m.lines(p[:i+1], to)
			m.inHeader = false
			return i + 1
		case c == '\n':
			m.blank = true
		case c == '\r':
		case c < 0x80:
			m.blank = false
		default:
			m.blank = false
			m.lines(p[:i], to)
			m.releaseCR(to)
			if m.found.EightBit++; m.found.EightBitAt < 0 {
				m.found.EightBitAt = m.at
			}
			m.high(p[i:i+1], false, to)
			m.at++
			m.prevCR = false
			return i + 1
		}
	}
	m.lines(p, to)
	return len(p)
}

func (m *machine) lines(p []byte, to sink) {
	for len(p) > 0 {
		n := m.body(p, to)
		m.at += int64(n)
		p = p[n:]
	}
}

// body passes on as much of p as it can, which is at least one byte. Runs of
// unchanged bytes go out in one piece.
func (m *machine) body(p []byte, to sink) int {
	end := len(p)
	if i := bytes.IndexByte(p, 0); i >= 0 {
		if i == 0 {
			m.releaseCR(to)
			m.nul(m.at, p[:1], to)
			m.prevCR = false
			return 1
		}
		end = i
	}
	p = p[:end]
	start, pos := 0, 0
	if m.heldCR > 0 {
		pos = m.afterHeldCR(p, to)
		start = pos
	}
	for pos < end {
		i := bytes.IndexByte(p[pos:], '\n')
		if i < 0 {
			break
		}
		i += pos
		pos = i + 1
		switch {
		case i == 0 && !m.prevCR, i > 0 && p[i-1] != '\r':
			m.found.Bare++
			to.same(p[start:i])
			to.other(cr)
			start = i
		case i > 1 && p[i-2] == '\r':
			m.found.CRLF++
			start = m.doubled(p, start, i, to)
		default:
			m.found.CRLF++
		}
	}
	if start < end {
		m.tail(p[start:], to)
	}
	m.prevCR = p[end-1] == '\r'
	return end
}

// tail passes on a run without line ends, holding back the CRs at its end where
// they may have to go.
func (m *machine) tail(p []byte, to sink) {
	n := len(p)
	if m.oneCR {
		for n > 0 && p[n-1] == '\r' {
			n--
			m.heldCR++
		}
	}
	if n > 0 {
		to.same(p[:n])
	}
}

// doubled deals with several CRs before the LF at i, of which the first that
// was not passed on is not before start.
func (m *machine) doubled(p []byte, start, i int, to sink) int {
	m.found.Doubled++
	if !m.oneCR {
		return start
	}
	j := i - 1
	for j > start && p[j-1] == '\r' {
		j--
	}
	if extra := i - 1 - j; extra > 0 {
		if j > start {
			to.same(p[start:j])
		}
		to.drop(extra)
		return i - 1
	}
	return start
}

// afterHeldCR decides about CRs at the end of the piece before. It returns how
// many bytes of p were dealt with.
func (m *machine) afterHeldCR(p []byte, to sink) int {
	n := 0
	for n < len(p) && p[n] == '\r' {
		n++
	}
	m.heldCR += n
	if n == len(p) {
		return n
	}
	if p[n] != '\n' {
		m.releaseCR(to)
		return n
	}
	m.found.CRLF++
	if m.heldCR > 1 {
		m.found.Doubled++
		to.drop(m.heldCR - 1)
		m.heldCR = 1
	}
	m.releaseCR(to)
	to.same(p[n : n+1])
	return n + 1
}

func (m *machine) releaseCR(to sink) {
	for m.heldCR > 0 {
		n := min(m.heldCR, len(manyCRs))
		m.heldCR -= n
		to.same(manyCRs[:n])
	}
}

// nul deals with one NUL byte, which p holds.
func (m *machine) nul(at int64, p []byte, to sink) {
	if m.found.NUL++; m.found.NULAt < 0 {
		m.found.NULAt = at
	}
	switch {
	case m.repairNUL:
		m.found.Repaired++
		m.high(eighty, true, to)
		to.drop(1)
	case m.nulAs80:
		to.other(eighty)
		to.drop(1)
	default:
		to.same(p)
	}
}

// high passes on an 8-bit byte; replaced says that it is not the original's.
func (m *machine) high(p []byte, replaced bool, to sink) {
	switch {
	case m.inHeader && m.eightBitAsX:
		to.other(letterX)
		if !replaced {
			to.drop(1)
		}
	case replaced:
		to.other(p)
	default:
		to.same(p)
	}
}
