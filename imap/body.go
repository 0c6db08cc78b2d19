package imap

import (
	"errors"
	"fmt"
	"io"

	"waybill/failure"
	"waybill/imap/fetch"
)

// streamed is an item with room for its body, in one piece of memory.
type streamed struct {
	FetchItem
	body bodyReader
}

// take reads one FETCH answer for the stream.
func (s *FetchStream) take(seq uint32) error {
	c := s.c
	it := &streamed{FetchItem: FetchItem{Seq: seq}}
	s.spool.Close()
	have, err := fetch.Read(&c.r, &it.FetchItem, s.want, func(have fetch.Want) (bool, error) {
		return s.openBody(it, have)
	}, s.note)
	if err == nil && it.UID == 0 && len(s.r.UIDs) > 0 {
		if have&^fetch.Flags&^fetch.ModSeq == 0 {
			return nil // news of another kind: a change of flags
		}
		err = errors.New("the answer names no UID")
	}
	if err != nil {
		s.body = nil
		return s.odd(it, err)
	}
	it.Partial = have&s.want != s.want
	s.item = &it.FetchItem
	return nil
}

// odd counts an answer with the place where it was.
func (s *FetchStream) odd(it *streamed, err error) error {
	if _, known := errors.AsType[*failure.Error](err); !known {
		where := fmt.Sprintf("%s, message %d", s.c.where(s.c.box.name), it.Seq)
		if it.UID != 0 {
			where = fmt.Sprintf("%s, UID %d", s.c.where(s.c.box.name), it.UID)
		}
		err = failure.New(failure.Malformed, "read an answer", where, "imap.protocol", err)
	}
	return s.c.odd(&s.skipped, err)
}

// openBody streams the literal when everything else is known, and puts it aside
// when the server tells it before the rest.
func (s *FetchStream) openBody(it *streamed, have fetch.Want) (later bool, err error) {
	c := s.c
	n, ok := c.r.Literal()
	if !ok {
		return false, c.r.Wrong("a literal")
	}
	it.BodySize = n
	if rest := s.want &^ (fetch.Body | fetch.Header); have&rest == rest {
		it.body = bodyReader{s: s, left: n}
		it.Body, s.body = &it.body, &it.body
		return true, nil
	}
	if it.Body, err = s.spool.Fill(c.r, n); err != nil {
		return false, err
	}
	return false, c.r.LeaveLiteral()
}

// bodyReader reads one literal as it comes.
type bodyReader struct {
	s    *FetchStream
	left int64
}

func (b *bodyReader) Read(p []byte) (int, error) {
	if b.left == 0 {
		return 0, io.EOF
	}
	if b.s.body != b {
		return 0, ErrSuperseded
	}
	if len(p) == 0 {
		return 0, nil
	}
	c := b.s.c
	n, err := c.r.Read(p)
	b.left -= int64(n)
	if err == nil || n > 0 {
		return n, nil
	}
	if errors.Is(err, io.EOF) {
		err = io.ErrUnexpectedEOF
	}
	return 0, c.lose("read a message", err)
}
