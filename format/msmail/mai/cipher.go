package mai

import "io"

// Key is the part of the cipher that Derive finds.
type Key [8]byte

// Cipher encrypts and decrypts strings. With c the encrypted and p the plain bytes
//
//	p[i] = c[i] ^ c[i-1] ^ i ^ Key[i mod 8]      c[-1] = 0
//
// and i counts from 0 in each string. Read off the dump in KB Q104423 and true of
// all of its bytes, which go up to i = 33 (derived). What happens in longer
// strings is a hypothesis, see Long.
type Cipher struct {
	Key  Key
	Long Long
}

// Long says how a long string goes on.
type Long struct {
	// Fold mixes the high octets of i into the low one; otherwise i counts modulo
	// 256.
	Fold bool
	// Block restarts the string after so many bytes; 0 is never.
	Block int64
}

// longForms are the hypotheses, the likeliest first.
var longForms = []Long{{}, {Fold: true}, {Block: 256}, {Block: 512}, {Block: 1024}}

// state is a place in a string.
type state struct {
	at   int64
	last byte
}

func (c *Cipher) mask(s *state) byte {
	i := s.at
	if c.Long.Block > 0 {
		if i %= c.Long.Block; i == 0 {
			s.last = 0
		}
	}
	k := c.Key[i&7] ^ byte(i)
	if c.Long.Fold {
		k ^= byte(i>>8) ^ byte(i>>16) ^ byte(i>>24)
	}
	return k
}

func (c *Cipher) decrypt(dst, src []byte, s *state) {
	for i, b := range src {
		m := c.mask(s)
		dst[i] = b ^ s.last ^ m
		s.last = b
		s.at++
	}
}

func (c *Cipher) encrypt(dst, src []byte, s *state) {
	for i, b := range src {
		m := c.mask(s)
		s.last ^= b ^ m
		dst[i] = s.last
		s.at++
	}
}

// Decrypt gives the plain bytes of a whole string.
func (c *Cipher) Decrypt(b []byte) []byte {
	out := make([]byte, len(b))
	c.decrypt(out, b, &state{})
	return out
}

// Encrypt gives the encrypted bytes of a whole string.
func (c *Cipher) Encrypt(b []byte) []byte {
	out := make([]byte, len(b))
	c.encrypt(out, b, &state{})
	return out
}

// NewReader decrypts a string while it is read.
func (c *Cipher) NewReader(r io.Reader) io.Reader { return &cipherReader{r: r, c: *c} }

type cipherReader struct {
	r io.Reader
	c Cipher
	s state
}

func (r *cipherReader) Read(p []byte) (int, error) {
	n, err := r.r.Read(p)
	r.c.decrypt(p[:n], p[:n], &r.s)
	return n, err
}

// NewWriter encrypts a string while it is written.
func (c *Cipher) NewWriter(w io.Writer) io.Writer { return &cipherWriter{w: w, c: *c} }

type cipherWriter struct {
	w   io.Writer
	c   Cipher
	s   state
	buf [4096]byte
}

func (w *cipherWriter) Write(p []byte) (n int, err error) {
	for len(p) > 0 {
		k := min(len(p), len(w.buf))
		w.c.encrypt(w.buf[:k], p[:k], &w.s)
		m, err := w.w.Write(w.buf[:k])
		n += m
		if err != nil {
			return n, err
		}
		p = p[k:]
	}
	return n, nil
}
