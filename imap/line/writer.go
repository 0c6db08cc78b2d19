package line

import (
	"bufio"
	"io"

	"github.com/klauspost/compress/flate"
)

// Writer is a buffered writer that counts what may have reached the other side.
type Writer struct {
	*bufio.Writer
	out outlet
}

// NewWriter writes to w in pieces of 16 KiB.
func NewWriter(w io.Writer) *Writer {
	lw := &Writer{out: outlet{w: w}}
	lw.Writer = bufio.NewWriterSize(&lw.out, writePiece)
	return lw
}

// Sent is how many bytes have left the buffer, before compression.
func (w *Writer) Sent() int64 { return w.out.sent }

// Compress goes on with DEFLATE (RFC 4978) over to. The buffer must be empty.
func (w *Writer) Compress(to io.Writer) error {
	packer, err := flate.NewWriter(to, flate.DefaultCompression)
	if err != nil {
		return err
	}
	w.out.w, w.out.flush = packer, packer.Flush
	return nil
}

// Decompress undoes, on the other side, what Compress does.
func Decompress(from io.Reader) io.Reader { return flate.NewReader(from) }

// outlet counts what may have reached the server.
type outlet struct {
	w     io.Writer
	flush func() error // set when w compresses
	sent  int64
}

func (o *outlet) Write(p []byte) (int, error) {
	n, err := o.w.Write(p)
	if o.flush == nil {
		o.sent += int64(n)
		return n, err
	}
	o.sent += int64(len(p)) // what a compressor has let through cannot be told
	if err == nil {
		err = o.flush()
	}
	return n, err
}
