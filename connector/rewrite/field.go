package rewrite

import "bytes"

// span is the place of one address in the value of a field.
type span struct{ from, to int }

// scanner goes over the mailboxes of an address field (RFC 5322 3.4), however
// broken, once.
type scanner struct {
	s []byte
	// angle is the address in angle brackets; bare is what stands outside of
	// quotes, comments and brackets. An empty one is not there.
	angle, bare span
	at          bool // an "@" stands outside of them
	// What was opened and never closed is looked for once, and is an ordinary
	// character from then on.
	noQuote, noComment, noBracket bool
	spans                         []span
}

// addresses finds the places in the value of a field where an address may stand,
// in order. Of places that overlap one at most holds an address.
func addresses(value []byte) []span {
	sc := &scanner{s: value}
	for i := 0; i < len(value); {
		i = sc.step(i)
	}
	sc.finish()
	return sc.spans
}

// step deals with what begins at i and returns the place behind it.
func (sc *scanner) step(i int) int {
	switch c := sc.s[i]; c {
	case '"':
		if end := sc.quoted(i); end > 0 {
			// A quoted local part belongs to the address (RFC 5322 3.4.1).
			if end < len(sc.s) && sc.s[end] == '@' {
				sc.word(i, end)
			}
			return end
		}
	case '(':
		if end := sc.comment(i); end > 0 {
			return end
		}
	case '<':
		end := bytes.IndexByte(sc.s[i:], '>')
		if end < 0 {
			sc.open(span{i + 1, len(sc.s)})
			return len(sc.s)
		}
		sc.open(span{i + 1, i + end})
		return i + end + 1
	case '[':
		if end := sc.bracket(i); end > 0 {
			sc.word(i, end)
			return end
		}
	case ',':
		return sc.next(i)
	case ';':
		// The parts of an X.400 address are separated like the groups of a field.
		if !sc.inX400() {
			return sc.next(i)
		}
	case ':':
		if sc.angle == (span{}) && !sc.at && !sc.typed(i) {
			return sc.next(i) // a group's name (RFC 5322 3.4)
		}
	case '@':
		sc.at = true
	case ' ', '\t', '\r', '\n':
		return i + 1
	}
	sc.word(i, i+1)
	return i + 1
}

// inX400 reports whether the mailbox so far begins like an X.400 address.
func (sc *scanner) inX400() bool {
	text := sc.text(sc.bare)
	name, _, found := bytes.Cut(text[:min(len(text), 32)], []byte("="))
	return sc.angle == (span{}) && found && isAttribute(string(bytes.ToLower(bytes.TrimSpace(name))))
}

// typed reports whether the mailbox so far is the type of an old address.
func (sc *scanner) typed(i int) bool {
	text := sc.text(sc.bare)
	if sc.bare.to != i || len(text) > 8 {
		return sc.inX400()
	}
	for _, t := range oldTypes() {
		if bytes.EqualFold(text, []byte(t)) {
			return true
		}
	}
	return sc.inX400()
}

func (sc *scanner) text(s span) []byte { return sc.s[s.from:max(s.from, s.to)] }

// word notes that bytes belong to the text of a mailbox.
func (sc *scanner) word(from, to int) {
	if sc.bare == (span{}) {
		sc.bare.from = from
	}
	sc.bare.to = to
}

// open takes what stands in angle brackets, the first that holds anything.
func (sc *scanner) open(s span) {
	if s = sc.trim(s); s.from < s.to && sc.angle == (span{}) {
		sc.angle = s
	}
}

func (sc *scanner) trim(s span) span {
	for s.from < s.to && isBlank(sc.s[s.from]) {
		s.from++
	}
	for s.from < s.to && isBlank(sc.s[s.to-1]) {
		s.to--
	}
	return s
}

func isBlank(c byte) bool { return c == ' ' || c == '\t' || c == '\r' || c == '\n' }

// next ends a mailbox at i.
func (sc *scanner) next(i int) int {
	sc.finish()
	sc.angle, sc.bare, sc.at = span{}, span{}, false
	return i + 1
}

func (sc *scanner) finish() {
	switch {
	case sc.angle != (span{}):
		sc.spans = append(sc.spans, sc.angle)
	case sc.bare != (span{}):
		sc.spans = append(sc.spans, sc.bare)
		// A name in front of an address without brackets.
		if i := bytes.LastIndexAny(sc.text(sc.bare), " \t\r\n"); i >= 0 {
			sc.spans = append(sc.spans, span{sc.bare.from + i + 1, sc.bare.to})
		}
	}
}

// quoted returns the place behind a quoted string, 0 when it is not closed.
func (sc *scanner) quoted(i int) int {
	for j := i + 1; j < len(sc.s) && !sc.noQuote; j++ {
		switch sc.s[j] {
		case '\\':
			j++
		case '"':
			return j + 1
		}
	}
	sc.noQuote = true
	return 0
}

// comment returns the place behind a comment, which may hold others.
func (sc *scanner) comment(i int) int {
	depth := 0
	for j := i; j < len(sc.s) && !sc.noComment; j++ {
		switch sc.s[j] {
		case '\\':
			j++
		case '(':
			depth++
		case ')':
			if depth--; depth == 0 {
				return j + 1
			}
		}
	}
	sc.noComment = true
	return 0
}

// bracket returns the place behind a domain literal.
func (sc *scanner) bracket(i int) int {
	if !sc.noBracket {
		if end := bytes.IndexByte(sc.s[i:], ']'); end > 0 {
			return i + end + 1
		}
	}
	sc.noBracket = true
	return 0
}
