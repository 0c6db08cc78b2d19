package engine

import (
	"context"
	"crypto/sha256"
	"errors"
	"hash"
	"io"
	"sync"

	"waybill/connector"
	"waybill/failure"
	"waybill/mail"
)

// outgoing is a message on its way: what the source gave is digested while the
// target reads it.
type outgoing struct {
	mail.Message
	want   mail.FlagSet // what of the flags the target can hold
	losses []mail.Note

	digest   mail.Digest
	read     int64
	complete bool  // the target read to the end
	fault    error // the source failed while being read
}

// open wraps the source's reader. The target may open again after a failure;
// only the last reading counts.
func (o *outgoing) open(ctx context.Context, box connector.SourceMailbox, folder mail.Path) (io.ReadCloser, error) {
	o.complete, o.fault, o.read = false, nil, 0
	r, err := box.Open(ctx, folder, o.Message)
	if err != nil {
		o.fault = err
		return nil, err
	}
	h := hashes.Get().(hash.Hash)
	h.Reset()
	return &digestingReader{out: o, r: r, h: h}, nil
}

type digestingReader struct {
	out *outgoing
	r   io.ReadCloser
	h   hash.Hash
}

func (d *digestingReader) Read(p []byte) (int, error) {
	n, err := d.r.Read(p)
	if n > 0 && d.h != nil {
		_, _ = d.h.Write(p[:n])
		d.out.read += int64(n)
	}
	switch {
	case err == nil:
	case errors.Is(err, io.EOF):
		if d.h != nil {
			d.h.Sum(d.out.digest[:0])
			d.out.complete = true
			hashes.Put(d.h)
			d.h = nil
		}
	default:
		d.out.fault = err
	}
	return n, err
}

func (d *digestingReader) Close() error {
	if d.h != nil {
		hashes.Put(d.h)
		d.h = nil
	}
	return d.r.Close()
}

// hashes and buffers are reused: a mailbox of small messages would otherwise
// spend more on making them than on its mail.
var (
	hashes  = sync.Pool{New: func() any { return sha256.New() }}
	buffers = sync.Pool{New: func() any { b := make([]byte, 64<<10); return &b }}
)

// sum digests a reader's bytes and closes it.
func sum(r io.ReadCloser) (mail.Digest, int64, error) {
	h := hashes.Get().(hash.Hash)
	h.Reset()
	buf := buffers.Get().(*[]byte)
	n, err := copyPlain(h, r, *buf)
	buffers.Put(buf)
	var d mail.Digest
	h.Sum(d[:0])
	hashes.Put(h)
	return d, n, errors.Join(err, r.Close())
}

// copyPlain is io.CopyBuffer without its shortcuts, which would allocate a
// buffer of their own for every message.
func copyPlain(w io.Writer, r io.Reader, buf []byte) (total int64, err error) {
	for empty := 0; ; {
		n, err := r.Read(buf)
		total += int64(n)
		if n > 0 {
			empty = 0
			if _, err := w.Write(buf[:n]); err != nil {
				return total, err
			}
		} else if empty++; err == nil && empty > 100 {
			return total, io.ErrNoProgress
		}
		if errors.Is(err, io.EOF) {
			return total, nil
		}
		if err != nil {
			return total, err
		}
	}
}

// digest reads a message of the source.
func (p *pass) digest(ctx context.Context, m mail.Message) (mail.Digest, int64, error) {
	r, err := p.from.Open(ctx, p.folder.Path, m)
	if err != nil {
		return mail.Digest{}, 0, err
	}
	return sum(r)
}

// fingerprints reads a message of the source and returns the digest of its
// bytes and that of what the target keeps of it.
func (p *pass) fingerprints(ctx context.Context, m mail.Message) (bytes, kept mail.Digest, size int64, err error) {
	if p.Target.Capabilities().Fidelity == connector.Exact {
		bytes, size, err = p.digest(ctx, m)
		return bytes, bytes, size, err
	}
	var o outgoing
	o.Message = m
	r, err := o.open(ctx, p.from, p.folder.Path)
	if err != nil {
		return bytes, kept, 0, err
	}
	kept, err = p.Target.Fingerprint(ctx, r)
	if err == nil && !o.complete {
		// Whoever digests the meaning may stop before the end of the bytes.
		_, err = copyPlain(io.Discard, r, make([]byte, 32<<10))
	}
	if err = errors.Join(err, r.Close()); err == nil && !o.complete {
		err = failure.New(failure.Internal, "digest message", string(p.folder.Path)+" "+m.Key, "engine.short-read", nil)
	}
	return o.digest, kept, o.read, err
}

// fingerprintStored digests what the target gives back, and closes it.
func (p *pass) fingerprintStored(ctx context.Context, r io.ReadCloser) (mail.Digest, error) {
	if p.Target.Capabilities().Fidelity == connector.Exact {
		d, _, err := sum(r)
		return d, err
	}
	d, err := p.Target.Fingerprint(ctx, r)
	return d, errors.Join(err, r.Close())
}
