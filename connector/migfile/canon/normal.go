package canon

import (
	"crypto/sha256"
	"hash"
	"io"

	mf "waybill/format/migfile"

	"golang.org/x/text/transform"
)

// bodyWriter takes a text in UTF-8 and makes the text that a body in a secondary
// file is: any line end becomes CR LF, empty lines at the end go, characters are
// those of the code page. It digests the result with LF, and counts it.
type bodyWriter struct {
	out      io.Writer // nil: digest only
	encoder  *mf.Encoder
	encode   *transform.Writer
	digest   hash.Hash
	cr       bool // the last byte was CR
	breaks   int64
	size     int64 // of what went to out
	any      bool
	writeErr error
}

func newBodyWriter(page mf.CodePage, out io.Writer) *bodyWriter {
	b := &bodyWriter{out: out, digest: sha256.New(), encoder: page.NewEncoder()}
	b.encode = transform.NewWriter((*encodedBody)(b), b.encoder)
	return b
}

// Write takes text; the encoder in between holds cut characters back.
func (b *bodyWriter) Write(p []byte) (int, error) { return b.encode.Write(p) }

// encodedBody takes text in the code page, of which all are supersets of ASCII.
type encodedBody bodyWriter

func (b *encodedBody) Write(p []byte) (int, error) {
	start := 0
	for i, c := range p {
		if c != '\r' && c != '\n' {
			if b.breaks > 0 {
				b.flush(p[start:start])
				b.lineBreaks()
				start = i
			}
			b.cr = false
			continue
		}
		b.flush(p[start:i])
		if start = i + 1; c == '\r' || !b.cr {
			b.breaks++
		}
		b.cr = c == '\r'
	}
	b.flush(p[start:])
	return len(p), b.writeErr
}

func (b *encodedBody) flush(p []byte) {
	if len(p) == 0 {
		return
	}
	b.any = true
	_, _ = b.digest.Write(p)
	b.emit(p)
}

func (b *encodedBody) lineBreaks() {
	for ; b.breaks > 0; b.breaks-- {
		_, _ = b.digest.Write([]byte{'\n'})
		b.emit([]byte("\r\n"))
	}
}

func (b *encodedBody) emit(p []byte) {
	if b.size += int64(len(p)); b.out != nil && b.writeErr == nil {
		_, b.writeErr = b.out.Write(p)
	}
}

// close ends the text: one that is not empty ends with CR LF.
func (b *bodyWriter) close() (size int64, digest [sha256.Size]byte, replaced int, err error) {
	err = b.encode.Close()
	e := (*encodedBody)(b)
	if b.any {
		e.emit([]byte("\r\n"))
	}
	if err == nil {
		err = b.writeErr
	}
	return b.size, [sha256.Size]byte(b.digest.Sum(nil)), b.encoder.Replaced, err
}
