package copying

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
	told   []mail.Note // by the reader, at its end

	digest   mail.Digest
	kept     mail.Digest // of what the target keeps; only where digests.kept says so
	read     int64
	complete bool  // the target read to the end
	fault    error // the source failed while being read
}

// open wraps the source's reader. The target may open again after a failure;
// only the last reading counts.
func (o *outgoing) open(ctx context.Context, box connector.SourceMailbox, folder mail.Path, digests *digests) (io.ReadCloser, error) {
	o.complete, o.fault, o.read, o.told = false, nil, 0, nil
	r, err := box.Open(ctx, folder, o.Message)
	if err != nil {
		o.fault = err
		return nil, err
	}
	return &digestingReader{out: o, r: r, digests: digests, d: digests.get()}, nil
}

type digestingReader struct {
	out     *outgoing
	r       io.ReadCloser
	digests *digests
	d       connector.Digest
}

// Size is what the source says of the message's length, as connector.Sized.
func (d *digestingReader) Size() int64 {
	if sized, ok := d.r.(connector.Sized); ok {
		return sized.Size()
	}
	return -1
}

func (d *digestingReader) Read(p []byte) (int, error) {
	n, err := d.r.Read(p)
	if n > 0 && d.d != nil {
		_, _ = d.d.Write(p[:n])
		d.out.read += int64(n)
	}
	switch {
	case err == nil:
	case errors.Is(err, io.EOF):
		if d.d != nil {
			d.out.digest, d.out.kept = d.d.Sum()
			d.out.complete, d.out.told = true, notesOf(d.r)
			d.release()
		}
	default:
		d.out.fault = err
	}
	return n, err
}

func (d *digestingReader) Close() error {
	d.release()
	return d.r.Close()
}

func (d *digestingReader) release() {
	if d.d != nil {
		d.digests.put(d.d)
		d.d = nil
	}
}

// digests hands out digests that suit the target.
type digests struct {
	pool sync.Pool
	// kept says that a digest tells what the target keeps, too. Where it does not,
	// Target.Fingerprint has to read the message.
	kept bool
}

func newDigests(target connector.Target) *digests {
	maker, canonical := target.(connector.Digester)
	d := &digests{kept: canonical || target.Capabilities().Fidelity == connector.Exact}
	d.pool.New = func() any {
		if canonical {
			return maker.NewDigest()
		}
		return &plainDigest{sha256.New()}
	}
	return d
}

func (d *digests) get() connector.Digest {
	digest := d.pool.Get().(connector.Digest)
	digest.Reset()
	return digest
}

func (d *digests) put(digest connector.Digest) { d.pool.Put(digest) }

// of digests a reader's bytes and closes it.
func (d *digests) of(r io.ReadCloser) (bytes, kept mail.Digest, n int64, err error) {
	digest := d.get()
	buf := buffers.Get().(*[]byte)
	n, err = copyPlain(digest, r, *buf)
	buffers.Put(buf)
	bytes, kept = digest.Sum()
	d.put(digest)
	return bytes, kept, n, errors.Join(err, r.Close())
}

// Sum digests a reader's bytes and closes it.
func Sum(r io.ReadCloser) (mail.Digest, int64, error) {
	h := sha256.New()
	buf := buffers.Get().(*[]byte)
	n, err := copyPlain(h, r, *buf)
	buffers.Put(buf)
	var d mail.Digest
	h.Sum(d[:0])
	return d, n, errors.Join(err, r.Close())
}

// plainDigest is for targets that keep every byte.
type plainDigest struct{ hash.Hash }

func (p *plainDigest) Sum() (bytes, kept mail.Digest) {
	p.Hash.Sum(bytes[:0])
	return bytes, bytes
}

// buffers are reused: a mailbox of small messages would otherwise spend more on
// making them than on its mail.
var buffers = sync.Pool{New: func() any { b := make([]byte, 64<<10); return &b }}

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
	bytes, _, n, err := p.digests.of(r)
	return bytes, n, err
}

// reading is what was found by reading a message of the source.
type reading struct {
	bytes mail.Digest // of its bytes
	kept  mail.Digest // of what the target keeps of them
	size  int64
	told  []mail.Note
}

// fingerprints reads a message of the source.
func (p *pass) fingerprints(ctx context.Context, m mail.Message) (found reading, err error) {
	if p.digests.kept {
		r, err := p.from.Open(ctx, p.folder.Path, m)
		if err != nil {
			return found, err
		}
		found.bytes, found.kept, found.size, err = p.digests.of(r)
		found.told = notesOf(r)
		return found, err
	}
	var o outgoing
	o.Message = m
	r, err := o.open(ctx, p.from, p.folder.Path, p.digests)
	if err != nil {
		return found, err
	}
	kept, err := p.Target.Fingerprint(ctx, r)
	if err == nil && !o.complete {
		// Whoever digests the meaning may stop before the end of the bytes.
		_, err = copyPlain(io.Discard, r, make([]byte, 32<<10))
	}
	if err = errors.Join(err, r.Close()); err == nil && !o.complete {
		err = failure.New(failure.Internal, "digest message", string(p.folder.Path)+" "+m.Key, "engine.short-read", nil)
	}
	return reading{bytes: o.digest, kept: kept, size: o.read, told: o.told}, err
}

// notesOf is what a reader says of the message that it gave.
func notesOf(r io.Reader) []mail.Note {
	if noted, ok := r.(connector.Noted); ok {
		return noted.Notes()
	}
	return nil
}

// fingerprintStored digests what the target gives back, and closes it.
func (p *pass) fingerprintStored(ctx context.Context, r io.ReadCloser) (mail.Digest, error) {
	if p.digests.kept {
		_, kept, _, err := p.digests.of(r)
		return kept, err
	}
	d, err := p.Target.Fingerprint(ctx, r)
	return d, errors.Join(err, r.Close())
}
