package canon

import (
	"crypto/sha256"
	"encoding"
	"hash"

	"waybill/connector"
	"waybill/mail"
)

// state is a SHA-256 that can be copied.
type state interface {
	hash.Hash
	encoding.BinaryAppender
	encoding.BinaryUnmarshaler
}

// Digest takes the SHA-256 of a message's bytes and its fingerprint in one
// pass. As long as nothing deviates from the kept form, one state serves both.
type Digest struct {
	m         machine
	kept      change
	raw, form state
	diverged  bool
	ended     bool

	// piece is what Write was called with, carried what the machine held back
	// before, and done how many bytes of both it passed on unchanged.
	piece   []byte
	carried []byte
	done    int

	sums  [2]mail.Digest // results of the hash functions, which would be allocated elsewhere
	image []byte         // of a state, to copy it
	out   []byte         // kept bytes on their way to form, in pieces worth digesting
}

var _ connector.Digest = (*Digest)(nil)

// outSize is how many bytes are collected before they are digested.
const outSize = 8 << 10

// NewDigest makes a digest by a server's rules.
func NewDigest(r Rules) *Digest {
	d := &Digest{kept: r.kept(), raw: sha256.New().(state), form: sha256.New().(state)}
	d.Reset()
	return d
}

// Reset starts the next message. It allocates nothing.
func (d *Digest) Reset() {
	d.m.reset(d.kept)
	d.raw.Reset()
	d.diverged, d.ended = false, false
	d.out, d.carried = d.out[:0], d.carried[:0]
}

// Write takes the next piece. It never fails.
func (d *Digest) Write(p []byte) (int, error) {
	if d.diverged {
		_, _ = d.raw.Write(p)
		d.m.write(p, (*digestSink)(d))
		return len(p), nil
	}
	d.piece, d.done = p, 0
	d.carry()
	d.m.write(p, (*digestSink)(d))
	d.piece = nil
	return len(p), nil
}

// carry remembers what the machine holds back, in the original's bytes.
func (d *Digest) carry() {
	d.carried = d.carried[:0]
	for range d.m.heldCR {
		d.carried = append(d.carried, '\r')
	}
	d.carried = append(d.carried, d.m.hold...)
}

// Sum ends the message: the SHA-256 of its bytes, and of what the server keeps.
func (d *Digest) Sum() (bytes, kept mail.Digest) {
	if !d.ended {
		d.ended = true
		d.piece, d.done = nil, 0
		if !d.diverged {
			d.carry()
		}
		d.m.end((*digestSink)(d))
	}
	d.raw.Sum(d.sums[0][:0])
	if !d.diverged {
		return d.sums[0], d.sums[0]
	}
	d.flush()
	d.form.Sum(d.sums[1][:0])
	return d.sums[0], d.sums[1]
}

// diverge is called at the first byte that is not kept as it was.
func (d *Digest) diverge() {
	if d.diverged {
		return
	}
	d.diverged = true
	d.image, _ = d.raw.AppendBinary(d.image[:0]) // the state of a SHA-256 can always be copied
	_ = d.form.UnmarshalBinary(d.image)
	rest := d.done
	if n := len(d.carried); rest < n {
		_, _ = d.raw.Write(d.carried[rest:])
		rest = n
	}
	_, _ = d.raw.Write(d.piece[rest-len(d.carried):])
}

func (d *Digest) add(p []byte) {
	if len(d.out)+len(p) > outSize {
		d.flush()
		if len(p) >= outSize {
			_, _ = d.form.Write(p)
			return
		}
	}
	if d.out == nil {
		d.out = make([]byte, 0, outSize)
	}
	d.out = append(d.out, p...)
}

func (d *Digest) flush() {
	_, _ = d.form.Write(d.out)
	d.out = d.out[:0]
}

// digestSink is the Digest as the machine sees it.
type digestSink Digest

func (s *digestSink) same(p []byte) {
	d := (*Digest)(s)
	if d.diverged {
		d.add(p)
		return
	}
	d.done += len(p)
	_, _ = d.raw.Write(p)
}

func (s *digestSink) other(p []byte) {
	(*Digest)(s).diverge()
	(*Digest)(s).add(p)
}

func (s *digestSink) drop(n int) {
	if n > 0 {
		(*Digest)(s).diverge()
	}
}
