package ndb

import (
	"context"
	"errors"
	"io"

	"waybill/failure"
)

// Data is the data of a node as a stream: it is a mapi.Data. It may be opened
// often and by several goroutines.
type Data struct {
	f    *File
	d    *Defects
	id   BID
	size int64
}

// Data gives the data of a node, whose length is looked up and whose contents
// are read when it is opened.
func (f *File) Data(id BID, d *Defects) (*Data, error) {
	t, err := f.Tree(id, d)
	if err != nil {
		return nil, err
	}
	return &Data{f, d, id, t.Size()}, nil
}

// Size is the length in bytes.
func (s *Data) Size() int64 { return s.size }

// Open reads from the start, block after block. Data that ends before its stated
// length ends with an error.
func (s *Data) Open() (io.ReadCloser, error) {
	t, err := s.f.Tree(s.id, s.d)
	if err != nil {
		return nil, err
	}
	return &stream{t: t}, nil
}

// Verify reads everything as a reader of Open would, but decrypts nothing. It
// tells how many bytes can be read, and the error that such a reader ends with.
func (s *Data) Verify(ctx context.Context) (n int64, err error) {
	t, err := s.f.Tree(s.id, s.d)
	if err != nil {
		return 0, err
	}
	r := &stream{t: t, verify: true}
	defer func() { _ = r.Close() }()
	for ctx.Err() == nil {
		err := r.fill()
		if errors.Is(err, io.EOF) {
			return n, nil
		}
		if err != nil {
			return n, err
		}
		n += int64(len(r.rest))
	}
	return n, failure.New(failure.Cancelled, "read PST", s.f.Name(), "cancelled", ctx.Err())
}

// stream reads the blocks of a tree one after the other, into memory that it
// borrows until Close.
type stream struct {
	t    *Tree
	next int
	done int64
	buf  *[]byte
	rest []byte
	err  error
	// verify leaves the data encrypted.
	verify bool
}

func (s *stream) Read(p []byte) (int, error) {
	for len(s.rest) == 0 {
		if s.err != nil {
			return 0, s.err
		}
		s.err = s.fill()
	}
	n := copy(p, s.rest)
	s.rest = s.rest[n:]
	return n, nil
}

// WriteTo hands whole blocks to w, without copying them.
func (s *stream) WriteTo(w io.Writer) (total int64, err error) {
	for {
		if len(s.rest) > 0 {
			n, err := w.Write(s.rest)
			total += int64(n)
			if err != nil {
				return total, err
			}
			s.rest = nil
		}
		if s.err != nil {
			if errors.Is(s.err, io.EOF) {
				return total, nil
			}
			return total, s.err
		}
		s.err = s.fill()
	}
}

// fill reads the next block.
func (s *stream) fill() error {
	if s.t == nil {
		return io.ErrClosedPipe
	}
	f := s.t.f
	if s.buf == nil {
		s.buf = f.buffer(8192)
	}
	read := s.t.Block
	if s.verify {
		read = s.t.verify
	}
	b, err := read(s.next, (*s.buf)[:0])
	switch {
	case errors.Is(err, io.EOF) && s.done == s.t.Size():
		return io.EOF
	case errors.Is(err, io.EOF):
		return f.Broken("read data", "pst.length", -1, "the data of %v ends after %d of %d bytes", s.t.id, s.done, s.t.Size())
	case err != nil:
		return err
	case s.done+int64(len(b)) > s.t.Size():
		return f.Broken("read data", "pst.length", -1, "the data of %v is longer than the %d bytes that it states", s.t.id, s.t.Size())
	}
	s.next++
	s.done += int64(len(b))
	s.rest = b
	if cap(b) > cap(*s.buf) {
		*s.buf = b[:cap(b)]
	}
	return nil
}

// Close gives the memory back.
func (s *stream) Close() error {
	if s.buf != nil {
		s.t.f.release(s.buf)
	}
	s.buf, s.rest, s.err, s.t = nil, nil, io.ErrClosedPipe, nil
	return nil
}
