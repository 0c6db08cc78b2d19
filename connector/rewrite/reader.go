package rewrite

import (
	"bytes"
	"errors"
	"io"
	"slices"

	"waybill/connector"
	"waybill/mail"
)

// reader gives a message whose header was rewritten. It holds the header until it
// is read, and nothing else.
type reader struct {
	inner io.ReadCloser
	table Table

	ready bool
	head  []byte // what comes before the rest of inner
	grown int64  // how many bytes the header has more than before
	err   error  // of inner, met while the header was read; io.EOF too
	notes []mail.Note
}

// firstRead is how much is read at first, in bytes: most headers are smaller.
const firstRead = 8 << 10

// prepare reads the header and rewrites it.
func (r *reader) prepare() {
	if r.ready {
		return
	}
	r.ready = true
	buf := make([]byte, 0, firstRead)
	end, idle := -1, 0
	for end < 0 && r.err == nil && len(buf) < maxHeader {
		if len(buf) == cap(buf) {
			buf = append(make([]byte, 0, min(4*cap(buf), maxHeader)), buf...)
		}
		n, err := r.inner.Read(buf[len(buf):cap(buf)])
		from := max(len(buf)-3, 0)
		buf = buf[:len(buf)+n]
		end = headerEnd(buf, from)
		r.err = err
		if n > 0 {
			idle = 0
		} else if idle++; idle > 100 && err == nil {
			r.err = io.ErrNoProgress
		}
	}
	r.head = buf
	switch {
	case r.err != nil && !errors.Is(r.err, io.EOF):
		return // the message ends with this error, and nobody keeps what came before it
	case end < 0 && len(buf) >= maxHeader && unended(buf):
		r.notes = []mail.Note{{Kind: NoteLarge, Text: "the header has more than a megabyte; its addresses stay as they are"}}
		return
	case end < 0:
		end = len(buf)
	}
	header, o := rewriteHeader(buf[:end], r.table)
	r.notes = o.notes()
	if o.replaced > 0 {
		r.grown = int64(len(header) - end)
		r.head = slices.Concat(header, buf[end:])
	}
}

// headerEnd returns the place behind the empty line, looking from a place on
// where a line end may begin; -1 when there is none.
func headerEnd(b []byte, from int) int {
	if from == 0 {
		switch {
		case bytes.HasPrefix(b, []byte("\n")):
			return 1
		case bytes.HasPrefix(b, []byte("\r\n")):
			return 2
		}
	}
	for {
		i := bytes.IndexByte(b[from:], '\n')
		if i < 0 {
			return -1
		}
		from += i + 1
		switch {
		case bytes.HasPrefix(b[from:], []byte("\n")):
			return from + 1
		case bytes.HasPrefix(b[from:], []byte("\r\n")):
			return from + 2
		}
	}
}

// unended reports whether all of b is header: a line that is none ends a header,
// too.
func unended(b []byte) bool {
	for {
		_, rest, ok := cutField(b)
		if !ok {
			return len(b) == 0
		}
		b = rest
	}
}

func (r *reader) Read(p []byte) (int, error) {
	r.prepare()
	if len(r.head) > 0 {
		n := copy(p, r.head)
		if r.head = r.head[n:]; len(r.head) == 0 {
			r.head = nil
		}
		return n, nil
	}
	if r.err != nil {
		return 0, r.err
	}
	return r.inner.Read(p)
}

// Size implements connector.Sized.
func (r *reader) Size() int64 {
	sized, ok := r.inner.(connector.Sized)
	if !ok {
		return -1
	}
	size := sized.Size()
	if r.prepare(); size < 0 {
		return -1
	}
	return size + r.grown
}

// Notes implements connector.Noted.
func (r *reader) Notes() []mail.Note {
	r.prepare()
	var all []mail.Note
	if noted, ok := r.inner.(connector.Noted); ok {
		all = append(all, noted.Notes()...)
	}
	return append(all, r.notes...)
}

func (r *reader) Close() error { return r.inner.Close() }
