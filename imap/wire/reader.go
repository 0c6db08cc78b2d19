// Package wire takes IMAP's lines apart and puts commands together (RFC 9051 9).
//
// The reader works by segments: the text up to a line end, and the literal that
// follows it, if any. Whatever was not understood, Skip goes to the end of the
// response with all the literals in it, so that one odd answer never costs the
// connection.
package wire

import (
	"bufio"
	"bytes"
	"errors"
	"fmt"
	"io"
)

// Bounds against servers that mean harm or have lost their way.
const (
	MaxLine     = 1 << 20  // bytes of one line
	MaxNumbers  = 32 << 20 // bytes of one line that is a list of numbers (SEARCH)
	MaxString   = 1 << 20  // bytes of a string that is kept in memory
	MaxAtom     = 64 << 10 // bytes of one atom
	MaxNesting  = 64       // depth of parentheses
	MaxElements = 1 << 16  // values of one list
	bufferSize  = 64 << 10
)

// SyntaxError is something in a response that was not understood. The
// connection is fine: the reader knows where the response ends.
type SyntaxError struct {
	Want string // what should have been there
	Have string // the beginning of what was there
}

func (e *SyntaxError) Error() string { return fmt.Sprintf("want %s, have %q", e.Want, e.Have) }

// Reader reads responses. The slices it returns are valid until the next call.
type Reader struct {
	br *bufio.Reader
	// seg is what is left of the segment's text, without its line end.
	seg []byte
	// literal is the length of the literal behind seg, -1 without one; inside
	// says that it was begun, and then literal is what is left of it.
	literal int64
	inside  bool
	begun   bool
	cut     bool   // the line was longer than it may be
	lines   int    // how many lines were read, to see progress
	long    []byte // holds a line that is longer than the buffer
	scratch []byte // holds strings that do not lie in one piece in the buffer
	// Line, when set, is told of each line, without its end and without literals.
	Line func(line []byte)
	err  error
}

// NewReader reads from r.
func NewReader(r io.Reader) *Reader {
	return &Reader{br: bufio.NewReaderSize(r, bufferSize), literal: -1}
}

// Buffered is the number of bytes that were received and not yet read.
func (r *Reader) Buffered() int { return r.br.Buffered() }

// Rebase goes on with what w makes of the bytes that follow, those in the buffer
// included. It must be called between responses.
func (r *Reader) Rebase(w func(io.Reader) io.Reader) {
	r.br = bufio.NewReaderSize(w(r.br), bufferSize)
}

// Err is the error of the connection, if it has one.
func (r *Reader) Err() error { return r.err }

// Begin finishes what is left of the response before and reads the first line of
// the next one. Errors are the connection's.
func (r *Reader) Begin() error {
	if r.begun {
		if err := r.Skip(); err != nil {
			return err
		}
	}
	r.begun = true
	return r.segment(true)
}

// TooLong is a SyntaxError when the line was longer than it may be, and its middle
// is missing.
func (r *Reader) TooLong() error {
	if !r.cut {
		return nil
	}
	return &SyntaxError{Want: "a shorter line", Have: string(r.seg[:min(len(r.seg), 80)])}
}

// segment reads text up to a line end.
func (r *Reader) segment(first bool) error {
	if r.err != nil {
		return r.err
	}
	r.literal, r.inside, r.cut = -1, false, false
	r.lines++
	line, err := r.br.ReadSlice('\n')
	if errors.Is(err, bufio.ErrBufferFull) {
		line, err = r.longLine(line)
	}
	if err != nil {
		if errors.Is(err, io.EOF) {
			err = io.ErrUnexpectedEOF
		}
		r.err = err
		r.seg = nil
		return err
	}
	line = line[:len(line)-1]
	if n := len(line); n > 0 && line[n-1] == '\r' {
		line = line[:n-1]
	}
	r.seg = line
	if !first || takesLiterals(line) {
		if n, at := trailingLiteral(line); n >= 0 {
			r.literal, r.seg = n, line[:at]
		}
	}
	if r.Line != nil {
		r.Line(line)
	}
	return nil
}

// longLine goes on behind the full buffer in start. Of a line beyond the bound
// only its beginning and its end are kept: enough to know what it was and
// whether a literal follows.
func (r *Reader) longLine(start []byte) ([]byte, error) {
	bound := MaxLine
	if bytes.HasPrefix(start, []byte("* SEARCH")) || bytes.HasPrefix(start, []byte("* ESEARCH")) || bytes.HasPrefix(start, []byte("* VANISHED")) {
		bound = MaxNumbers
	}
	if cap(r.long) > 4*bufferSize {
		r.long = nil
	}
	r.long = append(r.long[:0], start...)
	cut := false
	var tail []byte
	for {
		piece, err := r.br.ReadSlice('\n')
		if err != nil && !errors.Is(err, bufio.ErrBufferFull) {
			return nil, err
		}
		if !cut && len(r.long)+len(piece) > bound {
			cut = true
		}
		if !cut {
			r.long = append(r.long, piece...)
		} else {
			tail = append(tail, piece[max(0, len(piece)-32):]...)
			tail = tail[max(0, len(tail)-32):]
		}
		if err == nil {
			if cut {
				r.cut = true
				r.long = append(append(r.long[:bufferSize], " ... "...), tail...)
			}
			return r.long, nil
		}
	}
}

// takesLiterals reports whether a literal may follow the line: it may behind data,
// and may not behind text for people, which can end in "{5}" by chance.
func takesLiterals(line []byte) bool {
	if len(line) < 3 || line[0] != '*' || line[1] != ' ' {
		return false
	}
	rest := bytes.TrimLeft(line[2:], " ")
	word, _, more := bytes.Cut(rest, []byte(" "))
	switch {
	case !more, Is(word, "OK"), Is(word, "NO"), Is(word, "BAD"), Is(word, "BYE"), Is(word, "PREAUTH"):
		return false
	}
	return true
}

// trailingLiteral finds "{n}", "{n+}" or "~{n}" at the end of a line: n, and
// where it begins; -1 without.
func trailingLiteral(line []byte) (n int64, at int) {
	end := len(line) - 1
	if end < 2 || line[end] != '}' {
		return -1, 0
	}
	end--
	if line[end] == '+' || line[end] == '-' {
		end--
	}
	start := end
	for start >= 0 && line[start] >= '0' && line[start] <= '9' {
		start--
	}
	if start < 0 || line[start] != '{' || start == end || end-start > 18 {
		return -1, 0
	}
	for _, c := range line[start+1 : end+1] {
		n = n*10 + int64(c-'0')
	}
	if start > 0 && line[start-1] == '~' {
		start-- // literal8, RFC 3516 4.4
	}
	return n, start
}

// Skip goes to the end of the response. Errors are the connection's.
func (r *Reader) Skip() error {
	for r.err == nil && r.literal >= 0 {
		if err := r.discard(); err != nil {
			return err
		}
		if err := r.segment(false); err != nil {
			return err
		}
	}
	r.seg = nil
	r.begun = false
	return r.err
}

func (r *Reader) discard() error {
	r.inside = true
	for r.literal > 0 {
		n, err := r.br.Discard(int(min(r.literal, bufferSize)))
		r.literal -= int64(n)
		if err != nil {
			return r.fail(err)
		}
	}
	return nil
}

func (r *Reader) fail(err error) error {
	if errors.Is(err, io.EOF) {
		err = io.ErrUnexpectedEOF
	}
	if r.err == nil {
		r.err = err
	}
	return r.err
}

// Is compares an atom without regard to the case of ASCII letters; word is in
// capitals.
func Is(atom []byte, word string) bool {
	if len(atom) != len(word) {
		return false
	}
	for i, c := range atom {
		if c >= 'a' && c <= 'z' {
			c -= 'a' - 'A'
		}
		if c != word[i] {
			return false
		}
	}
	return true
}
