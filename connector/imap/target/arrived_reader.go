package target

import (
	"errors"
	"io"
)

// storedReader reads one message from the connection. When somebody needs the
// connection before it was read to its end, it keeps the rest.
type storedReader struct {
	line  *line
	body  io.Reader // nil: the rest is kept, or nothing is left
	rest  *parcel
	kept  io.Reader
	err   error // how the body ended
	where string
}

// Read waits while the connection is used for something else.
func (r *storedReader) Read(p []byte) (int, error) {
	r.line.mu.Lock()
	defer r.line.mu.Unlock()
	if r.body == nil {
		if r.kept != nil {
			if n, err := r.kept.Read(p); n > 0 || err != nil && !errors.Is(err, io.EOF) {
				return n, err
			}
		}
		return 0, r.err
	}
	n, err := r.body.Read(p)
	if err != nil {
		r.ended(err)
	}
	return n, r.err
}

func (r *storedReader) ended(err error) {
	if !errors.Is(err, io.EOF) {
		err = r.line.box.t.fail("read back", r.where, err)
	}
	r.body, r.err = nil, err
	if r.line.live == r {
		r.line.live = nil
	}
}

// rescue reads what is left and keeps it. The line is locked.
func (r *storedReader) rescue() {
	if r.body == nil {
		return
	}
	pool := r.line.box.t.parcels
	r.rest = pool.get()
	r.rest.begin()
	buf := pool.buffer()
	defer pool.giveBack(buf)
	for r.body != nil {
		n, err := r.body.Read(*buf)
		if _, full := r.rest.Write((*buf)[:n]); full != nil {
			r.ended(full)
			return
		}
		if err != nil {
			r.ended(err)
		}
	}
	r.kept = r.rest.reader(r.rest.keep())
}

// discard gives back what is kept.
func (r *storedReader) discard() error {
	r.body, r.kept = nil, nil
	if r.err == nil || errors.Is(r.err, io.EOF) {
		r.err = io.ErrClosedPipe
	}
	if r.rest != nil {
		rest := r.rest
		r.rest = nil
		return r.line.box.t.parcels.put(rest)
	}
	return nil
}

// Close leaves what was not read to the connection, which throws it away when
// it is needed.
func (r *storedReader) Close() error {
	r.line.mu.Lock()
	defer r.line.mu.Unlock()
	if r.line.live == r {
		r.line.live = nil
	}
	return r.discard()
}
