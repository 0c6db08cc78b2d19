package contentline

import (
	"encoding/base64"
	"errors"
	"io"
)

// escaper escapes a text that comes in pieces.
type escaper struct {
	afterCR bool
}

// escape appends the escaped form of in. A CR LF may be cut in two between calls.
func (e *escaper) escape(dst, in []byte) []byte {
	for _, c := range in {
		afterCR := e.afterCR
		e.afterCR = c == '\r'
		switch {
		case c == '\n' && afterCR:
			// Written already with its CR.
		case c == '\n', c == '\r', c == 0x0b: // VT is Outlook's line break inside a paragraph
			dst = append(dst, '\\', 'n')
		case c == '\\', c == ';', c == ',':
			dst = append(dst, '\\', c)
		case c < ' ' && c != '\t', c == 0x7f:
			// Neither format has a place for it.
		default:
			dst = append(dst, c)
		}
	}
	return dst
}

// escapeReader reads text in its escaped form.
type escapeReader struct {
	src io.Reader
	e   escaper
	in  [4096]byte
	buf []byte
	out []byte
	err error
}

func (r *escapeReader) Read(p []byte) (int, error) {
	for len(r.out) == 0 {
		if r.err != nil {
			return 0, r.err
		}
		n, err := r.src.Read(r.in[:])
		r.err = err
		r.buf = r.e.escape(r.buf[:0], r.in[:n])
		r.out = r.buf
	}
	n := copy(p, r.out)
	r.out = r.out[n:]
	return n, nil
}

// base64Reader reads bytes as base64 without line breaks.
type base64Reader struct {
	src io.Reader
	in  [3 * 1024]byte
	buf []byte
	out []byte
	err error
}

func (r *base64Reader) Read(p []byte) (int, error) {
	for len(r.out) == 0 {
		if r.err != nil {
			return 0, r.err
		}
		n, err := io.ReadFull(r.src, r.in[:])
		if errors.Is(err, io.ErrUnexpectedEOF) {
			err = io.EOF
		}
		r.err = err
		r.buf = base64.StdEncoding.AppendEncode(r.buf[:0], r.in[:n])
		r.out = r.buf
	}
	n := copy(p, r.out)
	r.out = r.out[n:]
	return n, nil
}
