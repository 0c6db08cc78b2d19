package wire

import (
	"io"
	"math"
)

// Rest is what is left of the present line, and More whether anything at all is
// left of the response.
func (r *Reader) Rest() []byte { return r.seg }

// More reports whether something other than spaces is left of the response.
func (r *Reader) More() bool {
	r.Space()
	return len(r.seg) > 0 || r.literal >= 0
}

// Space passes over spaces, however many.
func (r *Reader) Space() {
	for len(r.seg) > 0 && (r.seg[0] == ' ' || r.seg[0] == '\t' || r.seg[0] == '\r') {
		r.seg = r.seg[1:]
	}
}

// Peek is the next byte; '{' before a literal, 0 at the end.
func (r *Reader) Peek() byte {
	switch {
	case len(r.seg) > 0:
		return r.seg[0]
	case r.literal >= 0:
		return '{'
	}
	return 0
}

// Take passes over c if it is next.
func (r *Reader) Take(c byte) bool {
	if len(r.seg) == 0 || r.seg[0] != c {
		return false
	}
	r.seg = r.seg[1:]
	return true
}

// Wrong is a SyntaxError for what is next.
func (r *Reader) Wrong(want string) error {
	have := string(r.seg[:min(len(r.seg), 80)])
	if len(r.seg) == 0 && r.literal >= 0 {
		have = "{literal}"
	}
	return &SyntaxError{Want: want, Have: have}
}

// Atom reads up to a space, a parenthesis, a quote or the end. It takes more
// bytes than RFC 9051 allows in an atom, as servers do. An empty atom is none.
func (r *Reader) Atom() []byte {
	i := 0
	for i < len(r.seg) {
		c := r.seg[i]
		if c == ' ' || c == '(' || c == ')' || c == '"' || c == '\t' {
			break
		}
		i++
	}
	atom := r.seg[:i]
	r.seg = r.seg[i:]
	return atom
}

// Word reads up to a space, a closing parenthesis or the end: a flag, whatever it
// is made of.
func (r *Reader) Word() []byte {
	i := 0
	for i < len(r.seg) && r.seg[i] != ' ' && r.seg[i] != ')' && r.seg[i] != '\t' {
		i++
	}
	word := r.seg[:i]
	r.seg = r.seg[i:]
	return word
}

// ItemName reads the name of a FETCH item with its section: BODY[HEADER.FIELDS
// (From)]<0>. Inside the brackets everything belongs to the name.
func (r *Reader) ItemName() []byte {
	i, brackets, quoted := 0, false, false
	for i < len(r.seg) {
		switch c := r.seg[i]; {
		case brackets && c == '"':
			quoted = !quoted
		case brackets:
			brackets = quoted || c != ']'
		case c == '[':
			brackets = true
		case c == ' ' || c == '(' || c == ')' || c == '"' || c == '{' || c == '\t':
			name := r.seg[:i]
			r.seg = r.seg[i:]
			return name
		}
		i++
	}
	name := r.seg
	r.seg = nil
	return name
}

// Number reads digits; a number over 2^63-1 or none at all is a SyntaxError.
func (r *Reader) Number() (uint64, error) {
	i := 0
	var n uint64
	for i < len(r.seg) && r.seg[i] >= '0' && r.seg[i] <= '9' {
		d := uint64(r.seg[i] - '0')
		if n > (math.MaxInt64-d)/10 {
			return 0, r.Wrong("a number")
		}
		n = n*10 + d
		i++
	}
	if i == 0 {
		return 0, r.Wrong("a number")
	}
	r.seg = r.seg[i:]
	return n, nil
}

// Literal begins the literal that is next: its length. Read then gives its bytes.
func (r *Reader) Literal() (int64, bool) {
	if len(r.seg) > 0 || r.literal < 0 || r.inside {
		return 0, false
	}
	r.inside = true
	return r.literal, true
}

// Read reads from the literal that Literal began; io.EOF at its end.
func (r *Reader) Read(p []byte) (int, error) {
	if !r.inside {
		return 0, io.EOF
	}
	if r.err != nil {
		return 0, r.err
	}
	if r.literal <= 0 {
		return 0, io.EOF
	}
	if int64(len(p)) > r.literal {
		p = p[:r.literal]
	}
	n, err := r.br.Read(p)
	r.literal -= int64(n)
	if err != nil {
		return n, r.fail(err)
	}
	return n, nil
}

// LeaveLiteral throws away what is left of the literal and reads the line behind
// it.
func (r *Reader) LeaveLiteral() error {
	if !r.inside {
		return nil
	}
	if err := r.discard(); err != nil {
		return err
	}
	if err := r.segment(false); err != nil {
		return err
	}
	return r.TooLong()
}

// String reads a quoted string, a literal, or an atom. NIL gives nil and false.
// Strings longer than MaxString are a SyntaxError.
func (r *Reader) String() (value []byte, ok bool, err error) {
	switch r.Peek() {
	case '"':
		value, err = r.quoted()
		return value, err == nil, err
	case '{':
		value, err = r.literalString()
		return value, err == nil, err
	case '(', ')', 0:
		return nil, false, r.Wrong("a string")
	}
	value = r.Atom()
	if len(value) > MaxAtom {
		return nil, false, &SyntaxError{Want: "a shorter atom", Have: string(value[:80])}
	}
	if Is(value, "NIL") {
		return nil, false, nil
	}
	if len(value) == 0 {
		return nil, false, r.Wrong("a string")
	}
	return value, true, nil
}

func (r *Reader) literalString() ([]byte, error) {
	n, ok := r.Literal()
	if !ok || n > MaxString {
		r.inside = false
		return nil, r.Wrong("a string of at most 1 MiB")
	}
	if int64(cap(r.scratch)) < n {
		r.scratch = make([]byte, n)
	}
	r.scratch = r.scratch[:n]
	if _, err := io.ReadFull(r, r.scratch); err != nil {
		return nil, r.fail(err)
	}
	value := r.scratch
	return value, r.LeaveLiteral()
}

// quoted reads "...". Some servers put line ends inside: as long as what follows
// does not look like a response of its own, it belongs to the string.
func (r *Reader) quoted() ([]byte, error) {
	body := r.seg[1:]
	for i, c := range body {
		if c == '\\' {
			break
		}
		if c == '"' {
			r.seg = body[i+1:]
			return body[:i], nil
		}
	}
	start := r.seg
	r.seg = body
	value := r.scratch[:0]
	for joined := 0; ; joined++ {
		for i := 0; i < len(r.seg); i++ {
			switch c := r.seg[i]; {
			case c == '\\' && i+1 < len(r.seg):
				i++
				value = append(value, r.seg[i])
			case c == '"':
				r.seg = r.seg[i+1:]
				r.scratch = value
				return value, nil
			default:
				value = append(value, c)
			}
		}
		if r.literal >= 0 || joined == 8 || len(value) > MaxAtom || r.nextIsResponse() {
			break
		}
		value = append(value, '\r', '\n')
		if err := r.segment(false); err != nil {
			return nil, err
		}
		if err := r.TooLong(); err != nil {
			return nil, err
		}
		start = nil
	}
	r.scratch = value
	have := start
	if have == nil {
		have = value
	}
	err := &SyntaxError{Want: "a closing quote", Have: string(have[:min(len(have), 80)])}
	r.seg = nil
	return nil, err
}

// nextIsResponse looks whether the next line begins as responses do. Our tags
// begin with TagPrefix and a digit.
func (r *Reader) nextIsResponse() bool {
	p, err := r.br.Peek(2)
	if err != nil {
		return true
	}
	return (p[0] == '*' || p[0] == '+') && p[1] == ' ' || p[0] == TagPrefix && p[1] >= '0' && p[1] <= '9'
}

// TagPrefix begins every tag that an Encoder makes.
const TagPrefix = 'W'

// SkipValue passes over one value of any kind: an atom, a string, a literal of
// any length, a list.
func (r *Reader) SkipValue() error {
	depth := 0
	for {
		r.Space()
		switch r.Peek() {
		case '(':
			if depth++; depth > MaxNesting {
				return r.Wrong("less nesting")
			}
			r.seg = r.seg[1:]
			continue
		case ')':
			if depth == 0 {
				return r.Wrong("a value")
			}
			depth--
			r.seg = r.seg[1:]
		case '"':
			if _, err := r.quoted(); err != nil {
				return err
			}
		case '{':
			if err := r.skipLiteral(); err != nil {
				return err
			}
		case 0:
			return r.Wrong("a value")
		default:
			_ = r.ItemName()
		}
		if depth == 0 {
			return nil
		}
	}
}

func (r *Reader) skipLiteral() error {
	if len(r.seg) > 0 { // a "{" that announces nothing
		r.seg = r.seg[1:]
		return nil
	}
	if _, ok := r.Literal(); !ok {
		return r.Wrong("a literal")
	}
	return r.LeaveLiteral()
}

// List reads "(a b c)" and calls each for every value, which must take exactly
// one. A closing parenthesis that is missing at the end of the response is
// forgiven. NIL is an empty list.
func (r *Reader) List(each func() error) error {
	r.Space()
	if !r.Take('(') {
		if len(r.seg) >= 3 && Is(r.seg[:3], "NIL") {
			r.seg = r.seg[3:]
			return nil
		}
		return r.Wrong("a list")
	}
	for n := 0; ; n++ {
		r.Space()
		if r.Take(')') || !r.More() {
			return nil
		}
		if n == MaxElements {
			return r.Wrong("a shorter list")
		}
		left, lines := len(r.seg), r.lines
		if err := each(); err != nil {
			return err
		}
		if len(r.seg) == left && r.lines == lines {
			return r.Wrong("a value")
		}
	}
}
