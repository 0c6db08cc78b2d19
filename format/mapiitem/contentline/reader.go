package contentline

import (
	"context"
	"errors"
	"io"
	"strings"

	"waybill/failure"
)

// width is how many octets a line has at most before its CR LF (RFC 5545 3.1,
// RFC 6350 3.2).
const width = 75

// Open gives the document's bytes, from the start each time. The caller closes
// it. Reading ends with an error when ctx ends or a stream cannot be read.
func (d Document) Open(ctx context.Context) io.ReadCloser { return &reader{ctx: ctx, lines: d} }

// reader writes line after line as it is read from.
type reader struct {
	ctx   context.Context
	lines []Line
	cur   io.Reader // the current line, not folded
	open  io.Closer // of its stream
	in    [4096]byte
	fold  folder
	out   []byte
	err   error
}

func (r *reader) Read(p []byte) (int, error) {
	for len(r.out) == 0 {
		if r.err != nil {
			return 0, r.err
		}
		r.err = r.fill()
	}
	n := copy(p, r.out)
	r.out = r.out[n:]
	return n, nil
}

// fill makes the next piece of output.
func (r *reader) fill() error {
	if err := r.ctx.Err(); err != nil {
		return failure.New(failure.Cancelled, "write an item", "", "", err)
	}
	r.out = r.fold.buf[:0]
	r.fold.buf = r.out
	if r.cur == nil {
		if len(r.lines) == 0 {
			return io.EOF
		}
		if err := r.begin(&r.lines[0]); err != nil {
			return err
		}
		r.lines = r.lines[1:]
	}
	n, err := r.cur.Read(r.in[:])
	r.fold.write(r.in[:n])
	if errors.Is(err, io.EOF) {
		r.fold.end()
		r.cur = nil
		err = r.closeStream()
	}
	r.out = r.fold.buf
	return err
}

func (r *reader) begin(l *Line) error {
	start := strings.NewReader(l.head() + l.Value)
	r.cur = start
	if l.Stream == nil {
		return nil
	}
	stream, err := l.Stream.Open(r.ctx)
	if err != nil {
		return err
	}
	r.open = stream
	var encoded io.Reader = &escapeReader{src: stream}
	if l.Stream.Encoding == Base64 {
		encoded = &base64Reader{src: stream}
	}
	r.cur = io.MultiReader(start, encoded)
	return nil
}

func (r *reader) closeStream() error {
	open := r.open
	r.open = nil
	if open == nil {
		return nil
	}
	return open.Close()
}

// Close ends reading.
func (r *reader) Close() error {
	r.err = io.EOF
	r.out = nil
	return r.closeStream()
}

// folder folds one line after the other, never inside a character.
type folder struct {
	buf    []byte
	column int
	held   []byte // a character that is not complete yet
	need   int    // octets that it lacks
}

// write adds a part of a line. Line breaks in it, which no caller should give,
// are left out, so that no value can begin a property of its own.
func (f *folder) write(p []byte) {
	for i := 0; i < len(p); i++ {
		if n := f.plain(p[i:]); n > 0 {
			i += n - 1
			continue
		}
		c := p[i]
		switch {
		case c == '\r' || c == '\n':
			continue
		case c&0xC0 == 0x80 && f.need > 0:
			f.held = append(f.held, c)
			f.need--
		case c >= 0xF0:
			f.flush()
			f.held, f.need = append(f.held, c), 3
		case c >= 0xE0:
			f.flush()
			f.held, f.need = append(f.held, c), 2
		case c >= 0xC0:
			f.flush()
			f.held, f.need = append(f.held, c), 1
		default:
			f.flush()
			f.held = append(f.held, c)
		}
		if f.need == 0 {
			f.flush()
		}
	}
}

// plain adds printable ASCII that fits on the line, which most input is, and
// tells how much it took.
func (f *folder) plain(p []byte) (n int) {
	if len(f.held) > 0 {
		return 0
	}
	room := min(width-f.column, len(p))
	for n < room && p[n] >= ' ' && p[n] < 0x7F {
		n++
	}
	f.buf = append(f.buf, p[:n]...)
	f.column += n
	return n
}

func (f *folder) flush() {
	if len(f.held) == 0 {
		return
	}
	if f.column+len(f.held) > width {
		f.buf = append(f.buf, "\r\n "...)
		f.column = 1
	}
	f.buf = append(f.buf, f.held...)
	f.column += len(f.held)
	f.held, f.need = f.held[:0], 0
}

// end closes the line.
func (f *folder) end() {
	f.flush()
	f.buf = append(f.buf, "\r\n"...)
	f.column = 0
}
