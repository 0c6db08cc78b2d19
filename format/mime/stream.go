package mime

import (
	"context"
	"errors"
	"fmt"
	"io"
	"strings"

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
}

func (s *stream) Read(p []byte) (int, error) {
	if len(p) == 0 {
		return 0, nil
	}
	for s.err == nil {
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
		n, err := s.current.Read(p)
		switch {
		case errors.Is(err, io.EOF):
			s.err = s.closeBody()
			s.current = nil
		case err != nil:
			s.err = err
		}
		if n > 0 {
			return n, nil
		}
	}
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
	switch {
	case e.Message:
		encoding := "8bit"
		if e.Type == "message/delivery-status" || e.Type == "message/disposition-notification" {
			encoding = "7bit" // RFC 3464 2.1, RFC 8098 3.1
		}
		s.current = io.MultiReader(strings.NewReader("Content-Transfer-Encoding: "+encoding+"\r\n\r\n"), body)
	case e.Text:
		text := &crlfReader{lines: newLines(body)}
		head := make([]byte, sample)
		n, err := io.ReadFull(text, head)
		whole := err != nil
		if err != nil && !errors.Is(err, io.EOF) && !errors.Is(err, io.ErrUnexpectedEOF) {
			return err
		}
		head = head[:n]
		rest := io.MultiReader(strings.NewReader(string(head)), text)
		switch chooseEncoding(head, whole) {
		case "7bit":
			s.current = io.MultiReader(strings.NewReader("Content-Transfer-Encoding: 7bit\r\n\r\n"), rest)
		case "quoted-printable":
			s.current = io.MultiReader(strings.NewReader("Content-Transfer-Encoding: quoted-printable\r\n\r\n"), newQPEncoder(rest))
		default:
			s.current = io.MultiReader(strings.NewReader("Content-Transfer-Encoding: base64\r\n\r\n"), &base64Encoder{src: rest})
		}
	default:
		s.current = io.MultiReader(strings.NewReader("Content-Transfer-Encoding: base64\r\n\r\n"), &base64Encoder{src: body})
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
		if start && strings.HasPrefix(string(head[i:min(i+5, len(head))]), "From ") {
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
	out   []byte
	buf   []byte
	err   error
}

func (c *crlfReader) Read(p []byte) (int, error) {
	for len(c.out) == 0 {
		if c.err != nil {
			return 0, c.err
		}
		var next piece
		if next, c.err = c.lines.next(); c.err == nil {
			c.buf = c.buf[:0]
			for _, b := range next.data {
				if b == '\r' {
					c.buf = append(c.buf, '\r', '\n')
				} else {
					c.buf = append(c.buf, b)
				}
			}
			if len(next.eol) > 0 {
				c.buf = append(c.buf, '\r', '\n')
			}
			c.out = c.buf
		}
	}
	n := copy(p, c.out)
	c.out = c.out[n:]
	return n, nil
}
