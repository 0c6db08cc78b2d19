package canon

import (
	"context"
	"errors"
	"io"
	"sync"

	"waybill/failure"
	"waybill/mail"
)

// Pool hands out digests of one server's rules, so that no message pays for
// making one.
type Pool struct{ pool sync.Pool }

type pooled struct {
	*Digest
	buf [64 << 10]byte
}

// NewPool makes a pool.
func NewPool(r Rules) *Pool {
	p := &Pool{}
	p.pool.New = func() any { return &pooled{Digest: NewDigest(r)} }
	return p
}

// Fingerprint reads a message to its end.
func (p *Pool) Fingerprint(ctx context.Context, message io.Reader) (mail.Digest, error) {
	d := p.pool.Get().(*pooled)
	defer p.pool.Put(d)
	d.Reset()
	for empty := 0; ; {
		if err := ctx.Err(); err != nil {
			return mail.Digest{}, failure.New(failure.Cancelled, "digest message", "", "imap.cancelled", err)
		}
		n, err := message.Read(d.buf[:])
		_, _ = d.Write(d.buf[:n])
		switch {
		case errors.Is(err, io.EOF):
			_, kept := d.Sum()
			return kept, nil
		case err != nil:
			return mail.Digest{}, err
		case n > 0:
			empty = 0
		default:
			if empty++; empty > 100 {
				return mail.Digest{}, failure.New(failure.Internal, "digest message", "", "imap.no-progress", io.ErrNoProgress)
			}
		}
	}
}
