package mime

import (
	"bufio"
	"bytes"
	"errors"
	"io"
)

// lineBuffer is the longest piece of a line that is looked at as a whole.
const lineBuffer = 64 << 10

// piece is a line, or a part of a line too long to be held.
type piece struct {
	data  []byte // without the line end; valid until the next piece is read
	eol   []byte // "\r\n", "\n", "\r", or empty: the line goes on, or the input ends
	start bool   // data begins a line
	off   int64  // of data
}

// lines cuts a stream into lines. CR alone ends a line only in input whose
// beginning holds no LF at all.
type lines struct {
	br    *bufio.Reader
	off   int64
	mid   bool // the next piece continues a line
	begun bool
	bare  bool
	back  *piece
}

func newLines(r io.Reader) *lines { return &lines{br: bufio.NewReaderSize(r, lineBuffer)} }

// unread makes p the next piece; its data must stay valid until then.
func (l *lines) unread(p piece) { l.back = &p }

func (l *lines) next() (piece, error) {
	if l.back != nil {
		p := *l.back
		l.back = nil
		return p, nil
	}
	if !l.begun {
		l.begun = true
		head, _ := l.br.Peek(lineBuffer)
		l.bare = bytes.IndexByte(head, '\n') < 0 && bytes.IndexByte(head, '\r') >= 0
	}
	delim := byte('\n')
	if l.bare {
		delim = '\r'
	}
	s, err := l.br.ReadSlice(delim)
	p := piece{data: s, start: !l.mid, off: l.off}
	switch {
	case err == nil:
		l.mid = false
		n := len(s) - 1
		if n > 0 && delim == '\n' && s[n-1] == '\r' {
			n--
		}
		p.data, p.eol = s[:n], s[n:]
	case errors.Is(err, bufio.ErrBufferFull):
		l.mid = true
		if s[len(s)-1] == '\r' && l.br.UnreadByte() == nil {
			p.data = s[:len(s)-1]
			s = p.data
		}
	case errors.Is(err, io.EOF) && len(s) > 0:
		l.mid = true
	default:
		return piece{}, err
	}
	l.off += int64(len(s))
	return p, nil
}
