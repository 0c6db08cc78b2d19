package mapimail

import (
	"context"
	"errors"
	"io"
	"sync"

	"waybill/failure"
	"waybill/format/mapi"
)

// source is a body that can be opened again and again.
type source struct {
	open func(ctx context.Context) (io.ReadCloser, error)
	size int64 // in bytes, -1 when it is not known
	// verify tells what reading to the end would: how many bytes there are, and
	// the error behind them. Nil where only reading tells.
	verify func(ctx context.Context) (int64, error)
}

// verifier is data that can be verified without giving it.
type verifier interface {
	Verify(ctx context.Context) (int64, error)
}

// dataSource reads a property's value.
func dataSource(d mapi.Data) source {
	s := source{size: d.Size(), open: func(context.Context) (io.ReadCloser, error) { return d.Open() }}
	if v, is := d.(verifier); is {
		s.verify = v.Verify
	}
	return s
}

// through reads s through a reader that changes it; the length is then unknown.
func (s source) through(change func(io.Reader) io.Reader) source {
	return source{size: -1, open: func(ctx context.Context) (io.ReadCloser, error) {
		r, err := s.open(ctx)
		if err != nil {
			return nil, err
		}
		return &changed{change(r), r}, nil
	}}
}

// cut is the first n bytes of s.
func (s source) cut(n int64) source {
	return source{size: n, open: func(ctx context.Context) (io.ReadCloser, error) {
		r, err := s.open(ctx)
		if err != nil {
			return nil, err
		}
		return &changed{io.LimitReader(r, n), r}, nil
	}}
}

// changed reads from one reader and closes another.
type changed struct {
	io.Reader
	io.Closer
}

// pieces are the memory of feed.
var pieces = sync.Pool{New: func() any { b := make([]byte, 32<<10); return &b }}

// feed reads s to its end, in pieces, and tells how many bytes there were in
// front of an error. see may be nil.
func (s source) feed(ctx context.Context, see func([]byte)) (n int64, err error) {
	if see == nil && s.verify != nil {
		return s.verify(ctx)
	}
	r, err := s.open(ctx)
	if err != nil {
		return 0, err
	}
	defer func() { _ = r.Close() }()
	held := pieces.Get().(*[]byte)
	defer pieces.Put(held)
	buf := *held
	for {
		if err := ctx.Err(); err != nil {
			return n, cancelled(err)
		}
		k, err := r.Read(buf)
		n += int64(k)
		if see != nil && k > 0 {
			see(buf[:k])
		}
		switch {
		case errors.Is(err, io.EOF):
			return n, nil
		case err != nil:
			return n, err
		}
	}
}

// head is at most n bytes from the beginning.
func (s source) head(ctx context.Context, n int) ([]byte, error) {
	r, err := s.open(ctx)
	if err != nil {
		return nil, err
	}
	defer func() { _ = r.Close() }()
	b, err := io.ReadAll(io.LimitReader(r, int64(n)))
	if err == nil && ctx.Err() != nil {
		err = cancelled(ctx.Err())
	}
	return b, err
}

// check reads s to its end. For damage it gives what can be read of s, and what
// is wrong; err is an error that may not be there the next time.
func (s source) check(ctx context.Context, see func([]byte)) (good source, damage, err error) {
	n, err := s.feed(ctx, see)
	switch {
	case err != nil && !damaged(err):
		return s, nil, err
	case err != nil:
		return s.cut(n), err, nil
	case s.size >= 0 && n != s.size:
		return s.cut(n), failure.New(failure.Malformed, "read value", "", "mapimail.length", nil), nil
	}
	return s, nil, nil
}

// damaged reports whether err tells of a value that will never be readable, as
// against a trouble that may pass.
func damaged(err error) bool {
	switch failure.ClassOf(err) {
	case failure.Malformed, failure.TooLarge, failure.Unsupported, failure.Vanished:
		return true
	default:
		return false
	}
}

func cancelled(err error) error {
	return failure.New(failure.Cancelled, "convert message", "", "cancelled", err)
}
