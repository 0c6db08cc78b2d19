package msmail

import (
	"context"
	"errors"
	"io"

	"waybill/failure"
	"waybill/format/msmail/mai"
)

// Text opens the text, as UTF-8, with the line ends that it has. Where the key is
// not known the error is of class Unsupported and rule "mai.key". A message without
// text has an empty one.
func (m *Message) Text(ctx context.Context) (io.ReadCloser, error) {
	if !m.Readable {
		return nil, failure.New(failure.Unsupported, "read text", m.File, "mai.key", nil).
			WithRemedy("the strings of the message could not be decrypted; its file is kept as it is")
	}
	spans := &spanReader{ctx: ctx, m: m}
	return &reader{Reader: m.po.page.NewReader(&trimmer{r: spans}), Closer: spans}, nil
}

// spanReader decrypts the strings of a text one after another; the cipher begins
// anew in each.
type spanReader struct {
	ctx  context.Context
	m    *Message
	next int
	f    io.ReadCloser
	r    io.Reader
}

func (s *spanReader) Read(buf []byte) (int, error) {
	for {
		if s.r == nil {
			if s.next >= len(s.m.spans) {
				return 0, io.EOF
			}
			span := s.m.spans[s.next]
			s.next++
			if span.Length <= 0 {
				continue
			}
			f, size, err := s.m.po.open(s.ctx, part{file: s.m.where.file, base: s.m.where.base + span.Offset, length: span.Length})
			if err != nil {
				return 0, err
			}
			if size < span.Length { // the file became shorter while it was read
				_ = f.Close()
				return 0, failure.New(failure.Malformed, "read text", s.m.File, "mai.truncated", io.ErrUnexpectedEOF)
			}
			s.f, s.r = f, s.m.cipher.NewReader(f)
		}
		n, err := s.r.Read(buf)
		if err == nil {
			return n, nil
		}
		_ = s.f.Close()
		s.f, s.r = nil, nil
		if !errors.Is(err, io.EOF) {
			return n, err
		}
		if n > 0 {
			return n, nil
		}
	}
}

// Close closes the piece that is being read.
func (s *spanReader) Close() error {
	s.next = len(s.m.spans)
	if s.f == nil {
		return nil
	}
	f := s.f
	s.f, s.r = nil, nil
	return f.Close()
}

// trimmer leaves out the NULs at the end: strings end with one.
type trimmer struct {
	r     io.Reader
	nulls int
	held  []byte
	err   error
}

func (t *trimmer) Read(buf []byte) (int, error) {
	if len(buf) == 0 {
		return 0, nil
	}
	for len(t.held) == 0 {
		if t.err != nil {
			return 0, t.err
		}
		chunk := make([]byte, 4096)
		n, err := t.r.Read(chunk)
		chunk, t.err = chunk[:n], err
		end := len(chunk)
		for end > 0 && chunk[end-1] == 0 {
			end--
		}
		if end == 0 {
			t.nulls += len(chunk)
			continue
		}
		t.held = append(make([]byte, min(t.nulls, maxNulls)), chunk[:end]...)
		t.nulls = len(chunk) - end
	}
	n := copy(buf, t.held)
	t.held = t.held[n:]
	return n, nil
}

// maxNulls bounds how many NULs in the middle of a text are given back at once;
// that many are no text.
const maxNulls = 1 << 20

// files that a cipher opens read like this.
func decrypted(c *mai.Cipher, r io.Reader) io.Reader {
	if c == nil {
		return r
	}
	return c.NewReader(r)
}
