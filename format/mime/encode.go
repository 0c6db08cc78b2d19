package mime

import (
	"encoding/base64"
	"errors"
	"io"
)

// base64Encoder writes base64 in lines of 76 characters.
type base64Encoder struct {
	src io.Reader
	in  [57 * 64]byte
	buf []byte
	out []byte
	err error
}

func (b *base64Encoder) Read(p []byte) (int, error) {
	for len(b.out) == 0 {
		if b.err != nil {
			return 0, b.err
		}
		n, err := io.ReadFull(b.src, b.in[:])
		if errors.Is(err, io.ErrUnexpectedEOF) {
			err = io.EOF
		}
		b.err = err
		b.buf = b.buf[:0]
		for in := b.in[:n]; len(in) > 0; {
			line := in[:min(57, len(in))]
			in = in[len(line):]
			b.buf = base64.StdEncoding.AppendEncode(b.buf, line)
			b.buf = append(b.buf, '\r', '\n')
		}
		b.out = b.buf
	}
	n := copy(p, b.out)
	b.out = b.out[n:]
	return n, nil
}

// newQPEncoder writes quoted-printable for text with CR LF line ends.
func newQPEncoder(r io.Reader) io.Reader {
	column := 0
	return &lineDecoder{lines: newLines(r), decode: func(dst []byte, p piece) []byte {
		for i, c := range p.data {
			last := i+1 == len(p.data)
			literal := c > ' ' && c < 0x7f && c != '=' || (c == ' ' || c == '\t') && !last
			if c == 'F' && column == 0 && len(p.data) >= i+5 && string(p.data[i:i+5]) == "From " {
				literal = false
			}
			if c == '.' && column == 0 {
				literal = false // a lone dot ends a message in SMTP
			}
			width := 3
			if literal {
				width = 1
			}
			if column+width > 75 {
				dst = append(dst, "=\r\n"...)
				column = 0
			}
			if literal {
				dst = append(dst, c)
			} else {
				dst = append(dst, '=', "0123456789ABCDEF"[c>>4], "0123456789ABCDEF"[c&15])
			}
			column += width
		}
		if len(p.eol) > 0 {
			dst = append(dst, '\r', '\n')
			column = 0
		}
		return dst
	}}
}
