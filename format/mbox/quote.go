package mbox

import (
	"bytes"
	"io"
)

// quoter is a stream that puts a ">" before each line that is "From " after any
// number of ">" (mboxrd), so that no line of a message can begin another. Lines
// may be of any length: since all characters before "From " are the same, the
// new one may as well be put last, and nothing needs to be held back but the
// beginning of "From ".
type quoter struct {
	w     io.Writer
	state int // quoteInLine, quoteMarks, or how much of "From " matched
	size  int64
	lines int
	last  byte
	err   error
}

const (
	quoteMarks  = 0  // at the start of a line, after any number of ">"
	quoteInLine = -1 // nothing more to look for until the line ends
)

func newQuoter(w io.Writer) *quoter { return &quoter{w: w, state: quoteMarks} }

// Write takes all of p or reports an error of the writer below.
func (q *quoter) Write(p []byte) (int, error) {
	for rest := p; len(rest) > 0 && q.err == nil; {
		if q.state == quoteInLine {
			n := plain(rest, '\n')
			q.put(rest[:n])
			if rest[n-1] == '\n' {
				q.state = quoteMarks
			}
			rest = rest[n:]
			continue
		}
		switch c := rest[0]; {
		case c == '>' && q.state == quoteMarks:
			q.put(rest[:1])
		case c == fromWord[q.state]:
			q.state++
			if q.state == len(fromWord) {
				q.put([]byte{'>'})
				q.put(fromWord)
				q.state = quoteInLine
				q.lines++
			}
		default:
			q.release()
			continue
		}
		rest = rest[1:]
	}
	q.size += int64(len(p))
	if len(p) > 0 {
		q.last = p[len(p)-1]
	}
	return len(p), q.err
}

// plain is how much of text, which begins inside a line, can be taken as it is: up
// to the end of the line before one that may be a From_ line, or all of it.
func plain(text []byte, stop byte) int {
	for at := 0; ; {
		i := bytes.IndexByte(text[at:], stop)
		if i < 0 || at+i+1 == len(text) {
			return len(text)
		}
		at += i + 1
		if c := text[at]; c == 'F' || c == '>' {
			return at
		}
	}
}

// release writes what was held back; the line is an ordinary one.
func (q *quoter) release() {
	if q.state > 0 {
		q.put(fromWord[:q.state])
	}
	q.state = quoteInLine
}

func (q *quoter) put(p []byte) {
	if q.err == nil {
		_, q.err = q.w.Write(p)
	}
}

// Close writes what is held back; it does not close the writer below.
func (q *quoter) Close() error {
	if q.state > 0 {
		q.release()
	}
	return q.err
}

// unquoter takes one ">" away from each line that quoter would have quoted.
type unquoter struct {
	r     io.Reader
	cr    bool // CR ends a line too
	room  []byte
	out   []byte
	spare []byte
	state int
	marks bool // one ">" is held back
	err   error
}

func newUnquoter(r io.Reader, cr bool) *unquoter {
	return &unquoter{r: r, cr: cr, room: make([]byte, 32<<10), spare: make([]byte, 0, 33<<10)}
}

func (u *unquoter) Read(p []byte) (int, error) {
	for len(u.out) == 0 {
		if u.err != nil {
			return 0, u.err
		}
		n, err := u.r.Read(u.room)
		u.out = u.spare[:0]
		u.work(u.room[:n])
		if err != nil {
			u.err = err
			u.release()
		}
	}
	n := copy(p, u.out)
	u.out = u.out[n:]
	return n, nil
}

func (u *unquoter) work(in []byte) {
	for len(in) > 0 {
		if u.state == quoteInLine {
			stop := byte('\n')
			if u.cr {
				stop = '\r'
			}
			n := plain(in, stop)
			u.out = append(u.out, in[:n]...)
			if in[n-1] == stop {
				u.state = quoteMarks
			}
			in = in[n:]
			continue
		}
		switch c := in[0]; {
		case c == '>' && u.state == quoteMarks:
			if u.marks {
				u.out = append(u.out, '>')
			}
			u.marks = true
		case u.marks && c == fromWord[u.state]:
			u.state++
			if u.state == len(fromWord) {
				u.marks = false
				u.release()
			}
		default:
			u.release()
			continue
		}
		in = in[1:]
	}
}

// release gives out what was held back.
func (u *unquoter) release() {
	if u.marks {
		u.out = append(u.out, '>')
		u.marks = false
	}
	if u.state > 0 {
		u.out = append(u.out, fromWord[:u.state]...)
	}
	u.state = quoteInLine
}
