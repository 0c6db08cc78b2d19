package filesource

import (
	"context"
	"errors"
	"fmt"
	"io"

	"waybill/connector/files"
	"waybill/failure"
)

// Body is the bytes of one message.
type Body interface {
	io.ReadCloser
	// Size is their number, -1 when it is not known before reading.
	Size() int64
}

// NewBody makes a Body that ends with an error when ctx ends, and closes with
// release. check, when it is not nil, is asked at the end whether what was read
// may be trusted. size is -1 when it is not known.
func NewBody(ctx context.Context, r io.Reader, size int64, check, release func() error) Body {
	return &body{ctx: ctx, r: r, size: size, check: check, release: release}
}

type body struct {
	ctx            context.Context
	r              io.Reader
	size, done     int64
	check, release func() error
}

func (b *body) Size() int64 { return b.size }

func (b *body) Read(p []byte) (int, error) {
	if err := b.ctx.Err(); err != nil {
		return 0, files.Fail("read message", "", "file.read", err)
	}
	n, err := b.r.Read(p)
	b.done += int64(n)
	if !errors.Is(err, io.EOF) {
		return n, err
	}
	if b.check != nil {
		if err := b.check(); err != nil {
			return n, err
		}
	}
	if b.size >= 0 && b.done != b.size {
		return n, failure.New(failure.Transient, "read message", "", "file.changed", fmt.Errorf("it has %d bytes where %d were listed", b.done, b.size))
	}
	return n, io.EOF
}

func (b *body) Close() error {
	if b.release == nil {
		return nil
	}
	release := b.release
	b.release = nil
	return release()
}
