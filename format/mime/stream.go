package mime

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"strings"
	"sync"

	"waybill/failure"
)

// sample is how much of a text is looked at to choose its transfer encoding.
const sample = 64 << 10

// stream reads a message segment by segment.
type stream struct {
	ctx      context.Context
	segments []segment
	at       int
	current  io.Reader
	closer   io.Closer
	err      error
	work     *work // from its pool; nil until a body needs it
}

// work is the memory that writing a message needs, whatever its length. It goes
// back to its pool when the message was read to its end, and only then: whoever
// closes a stream may still be reading from it.
type work struct {
	head     []byte // the beginning of a text
	raw, qp  *bufio.Reader
	lines    []byte
	encoded  []byte
	in, full []byte // of base64Encoder
}

var works = sync.Pool{New: func() any { return &work{} }}

// scratch gives the stream its work, with what texts need where text is set.
func (s *stream) scratch(text bool) *work {
	if s.work == nil {
		s.work = works.Get().(*work)
	}
	if w := s.work; text && w.head == nil {
		w.head, w.raw, w.qp = make([]byte, sample), bufio.NewReaderSize(nil, lineBuffer), bufio.NewReaderSize(nil, lineBuffer)
	}
	return s.work
}

// release gives the work back. Nothing of the stream may use it any more.
func (s *stream) release() {
	w := s.work
	if w == nil {
		return
	}
	s.work, s.current = nil, nil
	if w.raw != nil {
		w.raw.Reset(nil)
		w.qp.Reset(nil)
	}
	works.Put(w)
}

// Read fills p as far as it can: a message is made of many short pieces.
func (s *stream) Read(p []byte) (int, error) {
	done := 0
	for s.err == nil && done < len(p) {
		if err := s.ctx.Err(); err != nil {
			s.err = failure.New(failure.Cancelled, "build message", "", "cancelled", err)
			break
		}
		if s.current == nil {
			if s.at == len(s.segments) {
				s.err = io.EOF
				break
			}
			if s.err = s.open(s.segments[s.at]); s.err != nil {
				break
			}
			s.at++
		}
		n, err := s.current.Read(p[done:])
		done += n
		switch {
		case errors.Is(err, io.EOF):
			s.err = s.closeBody()
			s.current = nil
		case err != nil:
			s.err = err
		}
	}
	if done > 0 || s.err == nil {
		return done, nil
	}
	s.release()
	return 0, s.err
}

func (s *stream) Close() error {
	if s.err == nil {
		s.err = failure.New(failure.Usage, "read message", "", "mime.closed", nil)
	}
	return s.closeBody()
}

func (s *stream) closeBody() error {
	if s.closer == nil {
		return nil
	}
	c := s.closer
	s.closer = nil
	return c.Close()
}

func (s *stream) open(g segment) error {
	if g.entity == nil {
		s.current = strings.NewReader(g.text)
		return nil
	}
	e := g.entity
	var body io.Reader = strings.NewReader("")
	if e.Open != nil {
		r, err := e.Open(s.ctx)
		if err != nil {
			return err
		}
		s.closer = r
		body = &exact{r: r, left: e.Size, known: e.Size >= 0, name: e.Name}
	}
	encoded := func(encoding string, r io.Reader) io.Reader {
		return io.MultiReader(strings.NewReader("Content-Transfer-Encoding: "+encoding+"\r\n\r\n"), r)
	}
	switch {
	case e.Message:
		encoding := "8bit"
		if e.Type == "message/delivery-status" || e.Type == "message/disposition-notification" {
			encoding = "7bit" // RFC 3464 2.1, RFC 8098 3.1
		}
		s.current = encoded(encoding, body)
	case e.Text:
		w := s.scratch(true)
		w.raw.Reset(body)
		text := &crlfReader{lines: &lines{br: w.raw}, work: w}
		n, err := io.ReadFull(text, w.head)
		whole := err != nil
		if err != nil && !errors.Is(err, io.EOF) && !errors.Is(err, io.ErrUnexpectedEOF) {
			return err
		}
		head := w.head[:n]
		var rest io.Reader = bytes.NewReader(head)
		if !whole {
			rest = io.MultiReader(rest, text)
		}
		switch encoding := chooseEncoding(head, whole); encoding {
		case "7bit":
			s.current = encoded(encoding, rest)
		case "quoted-printable":
			w.qp.Reset(rest)
			s.current = encoded(encoding, newQPEncoder(&lines{br: w.qp}, w))
		default:
			s.current = encoded("base64", &base64Encoder{src: rest, work: w})
		}
	default:
		s.current = encoded("base64", &base64Encoder{src: body, work: s.scratch(false)})
	}
	return nil
}

// chooseEncoding looks at the beginning of a text with CR LF line ends; whole
// tells that there is no more of it.
func chooseEncoding(head []byte, whole bool) string {
	odd, line, plain := 0, 0, whole
	start := true
	for i, c := range head {
		switch {
		case c >= 0x80 || c < ' ' && c != '\t' && c != '\r' && c != '\n' || c == 0x7f:
			odd++
		case c == '\r' && (i+1 == len(head) || head[i+1] != '\n'):
			odd++
		}
		if start && bytes.HasPrefix(head[i:], []byte("From ")) {
			plain = false // some programs would write ">From "
		}
		if start = c == '\n'; start {
			line = 0
		} else if line++; line > 990 {
			plain = false
		}
		if c == '\r' && i > 0 && (head[i-1] == ' ' || head[i-1] == '\t') {
			plain = false // white space at the end of a line may get lost
		}
	}
	switch {
	case plain && odd == 0:
		return "7bit"
	case odd*3 > len(head):
		return "base64"
	}
	return "quoted-printable"
}

// exact is a reader that must give as many bytes as were promised.
type exact struct {
	r     io.Reader
	left  int64
	known bool
	name  string
}

func (x *exact) Read(p []byte) (int, error) {
	n, err := x.r.Read(p)
	if !x.known {
		return n, err
	}
	x.left -= int64(n)
	if x.left < 0 || x.left > 0 && errors.Is(err, io.EOF) {
		return n, failure.New(failure.Malformed, "build message", x.name, "mime.body-length",
			fmt.Errorf("the body has not the length that was announced (difference %d bytes)", -x.left))
	}
	return n, err
}

// crlfReader makes every line end CR LF.
type crlfReader struct {
	lines *lines
	work  *work
	out   []byte
	err   error
}

func (c *crlfReader) Read(p []byte) (int, error) {
	for len(c.out) == 0 {
		if c.err != nil {
			return 0, c.err
		}
		buf := c.work.lines[:0]
		for len(buf) < decoded && c.err == nil {
			var next piece
			if next, c.err = c.lines.next(); c.err == nil {
				buf = withCRLF(buf, next)
			}
		}
		c.work.lines, c.out = buf, buf
	}
	n := copy(p, c.out)
	c.out = c.out[n:]
	return n, nil
}

// withCRLF appends a line, in which a CR alone is a line end too.
func withCRLF(buf []byte, line piece) []byte {
	for data := line.data; len(data) > 0; {
		i := bytes.IndexByte(data, '\r')
		if i < 0 {
			buf = append(buf, data...)
			break
		}
		buf = append(append(buf, data[:i]...), '\r', '\n')
		data = data[i+1:]
	}
	if len(line.eol) > 0 {
		buf = append(buf, '\r', '\n')
	}
	return buf
}
