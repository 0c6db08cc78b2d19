package mime

import (
	"encoding/base64"
	"errors"
	"io"
)

// base64Encoder writes base64 in lines of 76 characters.
type base64Encoder struct {
	src  io.Reader
	work *work
	out  []byte
	err  error
}

// A line of base64 holds plainLine bytes in lineLength characters, its CR LF
// included (RFC 2045 6.8). maxLines are encoded at once.
const (
	plainLine  = 57
	lineLength = 78
	maxLines   = 512
)

func (b *base64Encoder) Read(p []byte) (int, error) {
	for len(b.out) == 0 {
		switch {
		case b.err != nil:
			return 0, b.err
		case len(p) >= lineLength:
			// Most is written where it is wanted.
			if n := len(b.encode(p[:min(len(p)/lineLength, maxLines)*lineLength])); n > 0 {
				return n, nil
			}
		case len(p) == 0:
			return 0, nil
		default:
			if b.work.full == nil {
				b.work.full = make([]byte, lineLength)
			}
			b.out = b.encode(b.work.full)
		}
	}
	n := copy(p, b.out)
	b.out = b.out[n:]
	return n, nil
}

// encode fills dst, whose length is that of whole lines, as far as there is
// something to encode.
func (b *base64Encoder) encode(dst []byte) []byte {
	if b.work.in == nil {
		b.work.in = make([]byte, plainLine*maxLines)
	}
	in := b.work.in[:len(dst)/lineLength*plainLine]
	n, err := io.ReadFull(b.src, in)
	if errors.Is(err, io.ErrUnexpectedEOF) {
		err = io.EOF
	}
	b.err = err
	at := 0
	for in = in[:n]; len(in) > 0; {
		line := in[:min(plainLine, len(in))]
		in = in[len(line):]
		base64.StdEncoding.Encode(dst[at:], line)
		at += base64.StdEncoding.EncodedLen(len(line))
		dst[at], dst[at+1] = '\r', '\n'
		at += 2
	}
	return dst[:at]
}

// newQPEncoder writes quoted-printable for text with CR LF line ends.
func newQPEncoder(l *lines, w *work) io.Reader {
	column := 0
	return &lineDecoder{lines: l, keep: &w.encoded, decode: func(dst []byte, p piece) []byte {
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
