package mbox

import (
	"bytes"
	"context"
	"errors"
	"io"

	"waybill/failure"
)

const (
	bufferSize = 256 << 10
	headSize   = 8 << 10 // how much of a line is looked at
)

// line is one line of the file: its place, its length with and without line
// end, and its first bytes. head is valid until the next call of next.
type line struct {
	off  int64
	n    int64
	eol  int64
	head []byte
}

func (l line) end() int64  { return l.off + l.n }
func (l line) empty() bool { return l.n == l.eol }

// scanner cuts a file into lines. A line may be as long as the file; only its
// head is kept.
type scanner struct {
	r    io.ReaderAt
	size int64
	name string
	cr   bool // lines end with CR alone

	pos  int64
	base int64 // of buf in the file
	buf  []byte
	room []byte
	long [headSize]byte
	look [headSize]byte
}

func newScanner(r io.ReaderAt, size, from int64, opt Options) *scanner {
	return &scanner{r: r, size: size, name: opt.Name, cr: opt.CR, pos: from, base: from, room: make([]byte, max(opt.Buffer, headSize))}
}

// seek continues at off.
func (s *scanner) seek(off int64) {
	s.pos = off
	if off < s.base || off > s.base+int64(len(s.buf)) {
		s.base, s.buf = off, s.room[:0]
	}
}

// fill makes the buffer begin at pos and hold as much as it can.
func (s *scanner) fill(ctx context.Context) error {
	if err := ctx.Err(); err != nil {
		return failure.New(failure.Cancelled, "read mbox", place(s.name, s.pos), "cancelled", err)
	}
	have := copy(s.room, s.buf[s.pos-s.base:])
	s.base = s.pos
	want := min(int64(len(s.room)), s.size-s.base)
	n, err := readFull(s.r, s.room[have:max(want, int64(have))], s.base+int64(have))
	s.buf = s.room[:have+n]
	if err != nil {
		return readFailure(s.name, s.base+int64(have+n), err)
	}
	return nil
}

// next gives the next line; ok is false at the end of the file.
func (s *scanner) next(ctx context.Context) (l line, ok bool, err error) {
	if s.pos >= s.size {
		return line{}, false, nil
	}
	stop := byte('\n')
	if s.cr {
		stop = '\r'
	}
	l = line{off: s.pos}
	i := bytes.IndexByte(s.buf[s.pos-s.base:], stop)
	if i < 0 {
		if err = s.fill(ctx); err != nil {
			return l, false, err
		}
		i = bytes.IndexByte(s.buf, stop)
	}
	text := s.buf[s.pos-s.base:]
	if i >= 0 {
		text = text[:i+1]
		l.n = int64(len(text))
		l.eol = s.lineEnd(text)
		l.head = text[:min(l.n-l.eol, headSize)]
		s.pos = l.end()
		return l, true, nil
	}
	if s.base+int64(len(s.buf)) >= s.size { // the last line, without line end
		l.n = int64(len(text))
		l.head = text[:min(l.n, headSize)]
		s.pos = s.size
		return l, true, nil
	}
	// A line longer than the buffer: keep its head and look for its end.
	copy(s.long[:], text)
	l.head = s.long[:]
	for {
		last := s.buf[len(s.buf)-1]
		s.pos = s.base + int64(len(s.buf))
		if s.pos >= s.size {
			l.n = s.pos - l.off
			return l, true, nil
		}
		if err = s.fill(ctx); err != nil {
			return l, false, err
		}
		if i = bytes.IndexByte(s.buf, stop); i >= 0 {
			if i > 0 {
				last = s.buf[i-1]
			}
			s.pos = s.base + int64(i) + 1
			l.n, l.eol = s.pos-l.off, 1
			if !s.cr && last == '\r' {
				l.eol = 2
			}
			return l, true, nil
		}
	}
}

func (s *scanner) lineEnd(text []byte) int64 {
	if !s.cr && len(text) > 1 && text[len(text)-2] == '\r' {
		return 2
	}
	return 1
}

// peek shows up to n bytes at off without moving.
func (s *scanner) peek(off int64, n int) ([]byte, error) {
	if start := off - s.base; start >= 0 && start+int64(n) <= int64(len(s.buf)) {
		return s.buf[start : start+int64(n)], nil
	}
	n = int(max(0, min(int64(n), s.size-off, headSize)))
	got, err := readFull(s.r, s.look[:n], off)
	if err != nil {
		return nil, readFailure(s.name, off, err)
	}
	return s.look[:got], nil
}

// errShort says that a file is shorter than its size was.
var errShort = errors.New("the file is shorter than it was when it was opened")

// readFull reads all of p at off; a file that ends earlier is errShort.
func readFull(r io.ReaderAt, p []byte, off int64) (int, error) {
	total := 0
	for total < len(p) {
		n, err := r.ReadAt(p[total:], off+int64(total))
		total += n
		if total == len(p) {
			break
		}
		if errors.Is(err, io.EOF) || err == nil && n == 0 {
			return total, errShort
		}
		if err != nil {
			return total, err
		}
	}
	return total, nil
}

// readFailure classifies an error of reading the file: a file that was cut
// while we read is worth another try, and so is a disk error of no known class.
func readFailure(name string, off int64, err error) error {
	class, rule := failure.ClassOf(err), "mbox.read"
	if class == failure.Internal {
		class = failure.Transient
	}
	if errors.Is(err, errShort) {
		rule = "mbox.shrunk"
	}
	return failure.New(class, "read mbox", place(name, off), rule, err)
}
