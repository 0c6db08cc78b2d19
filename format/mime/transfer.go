package mime

import (
	"bytes"
	"io"
)

// base64Value maps a character to its six bits; 64 and above is none.
var base64Value = func() (t [256]byte) {
	for i := range t {
		t[i] = 0xff
	}
	for i, c := range []byte("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/") {
		t[c] = byte(i)
	}
	t['='] = 64
	return t
}()

// base64Reader decodes base64 (RFC 2045 6.8) and passes over everything that is
// none. Padding in the middle, as pasted pieces have it, starts anew.
type base64Reader struct {
	src   io.Reader
	buf   [4096]byte
	keep  []byte // the memory behind out
	acc   uint32
	count int
	out   []byte
	err   error
}

func (b *base64Reader) Read(p []byte) (int, error) {
	for len(b.out) == 0 {
		if b.err != nil {
			return 0, b.err
		}
		n, err := b.src.Read(b.buf[:])
		if b.keep == nil {
			b.keep = make([]byte, 0, 3*len(b.buf)/4+8)
		}
		b.out = b.keep[:0]
		b.decode(b.buf[:n])
		if err != nil {
			b.flush()
			b.err = err
		}
	}
	n := copy(p, b.out)
	b.out = b.out[n:]
	return n, nil
}

// decode adds what in stands for to out. Nearly all of it is groups of four
// characters that follow each other, so these go by a short way.
func (b *base64Reader) decode(in []byte) {
	for len(in) > 0 {
		if b.count == 0 {
			in = b.groups(in)
			if len(in) == 0 {
				return
			}
		}
		switch v := base64Value[in[0]]; {
		case v < 64:
			b.acc = b.acc<<6 | uint32(v)
			if b.count++; b.count == 4 {
				b.out = append(b.out, byte(b.acc>>16), byte(b.acc>>8), byte(b.acc))
				b.acc, b.count = 0, 0
			}
		case v == 64:
			b.flush()
		}
		in = in[1:]
	}
}

// groups decodes whole groups, up to the first character that belongs to none,
// and returns the rest.
func (b *base64Reader) groups(in []byte) []byte {
	out := b.out
	for len(in) >= 4 {
		v0, v1, v2, v3 := base64Value[in[0]], base64Value[in[1]], base64Value[in[2]], base64Value[in[3]]
		if v0|v1|v2|v3 >= 64 {
			break
		}
		out = append(out, v0<<2|v1>>4, v1<<4|v2>>2, v2<<6|v3)
		in = in[4:]
	}
	b.out = out
	return in
}

// flush writes the bytes of a group that is not full.
func (b *base64Reader) flush() {
	switch b.count {
	case 2:
		b.out = append(b.out, byte(b.acc>>4))
	case 3:
		b.out = append(b.out, byte(b.acc>>10), byte(b.acc>>2))
	}
	b.acc, b.count = 0, 0
}

// lineDecoder decodes encodings that work line by line.
type lineDecoder struct {
	lines  *lines
	decode func(dst []byte, p piece) []byte
	tail   func() []byte // what decode kept back; may be nil
	keep   *[]byte       // memory to be used and left for others; may be nil
	out    []byte
	buf    []byte
	err    error
}

// decoded is about how much is decoded at once.
const decoded = 8 << 10

func (d *lineDecoder) Read(p []byte) (int, error) {
	for len(d.out) == 0 {
		if d.err != nil {
			return 0, d.err
		}
		if d.keep != nil {
			d.buf = *d.keep
		}
		d.buf = d.buf[:0]
		for len(d.buf) < decoded && d.err == nil {
			var next piece
			if next, d.err = d.lines.next(); d.err == nil {
				d.buf = d.decode(d.buf, next)
			} else if d.tail != nil {
				d.buf = append(d.buf, d.tail()...)
			}
		}
		if d.out = d.buf; d.keep != nil {
			*d.keep = d.buf
		}
	}
	n := copy(p, d.out)
	d.out = d.out[n:]
	return n, nil
}

// newQPReader decodes quoted-printable (RFC 2045 6.7). An escape that is none
// stays as it is.
func newQPReader(r io.Reader) io.Reader {
	var carry []byte // an escape that the end of a piece cuts off
	decode := func(dst []byte, p piece) []byte {
		line := p.data
		if len(carry) > 0 {
			line = append(carry, line...)
			carry = nil
		}
		if len(p.eol) > 0 {
			line = bytes.TrimRight(line, " \t")
		} else if i := bytes.LastIndexByte(line, '='); i >= 0 && i >= len(line)-2 {
			carry = append(carry, line[i:]...)
			line = line[:i]
		}
		soft := len(line) > 0 && line[len(line)-1] == '='
		if soft {
			line = line[:len(line)-1]
		}
		for i := 0; i < len(line); i++ {
			if line[i] == '=' && i+2 < len(line) && unhex(line[i+1]) >= 0 && unhex(line[i+2]) >= 0 {
				dst = append(dst, byte(unhex(line[i+1])<<4|unhex(line[i+2])))
				i += 2
				continue
			}
			dst = append(dst, line[i])
		}
		if soft {
			return dst
		}
		return append(dst, p.eol...)
	}
	tail := func() []byte {
		if len(carry) == 1 {
			return nil // a soft line break at the very end
		}
		return carry
	}
	return &lineDecoder{lines: newLines(r), decode: decode, tail: tail}
}

// newUUReader decodes uuencode; text around it is left out.
func newUUReader(r io.Reader) io.Reader {
	inside := false
	return &lineDecoder{lines: newLines(r), decode: func(dst []byte, p piece) []byte {
		line := p.data
		switch {
		case !inside:
			inside = p.start && bytes.HasPrefix(line, []byte("begin "))
			return dst
		case bytes.Equal(line, []byte("end")):
			inside = false
			return dst
		case len(line) == 0:
			return dst
		}
		want := int(line[0]-' ') & 63
		for i := 1; i < len(line) && want > 0; i += 4 {
			var group [4]byte
			for j := range group {
				if i+j < len(line) {
					group[j] = (line[i+j] - ' ') & 63
				}
			}
			three := []byte{group[0]<<2 | group[1]>>4, group[1]<<4 | group[2]>>2, group[2]<<6 | group[3]}
			n := min(want, 3)
			dst = append(dst, three[:n]...)
			want -= n
		}
		return dst
	}}
}
