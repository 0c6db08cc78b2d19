package cfb

import (
	"errors"
	"io"
	"io/fs"
)

// stream is the contents of one entry.
type stream struct {
	file    *File
	name    string
	start   uint32
	size    int64
	allowed int64 // how much of size may be read
}

// Size is what the entry states.
func (s *stream) Size() int64 {
	if s.size < 0 || s.size > s.file.size {
		return -1
	}
	return s.size
}

// Open starts at the first sector.
func (s *stream) Open() (io.ReadCloser, error) {
	r := &streamReader{stream: s, sector: s.start, left: s.allowed}
	r.mini = s.size < s.file.cutoff
	return r, nil
}

// streamReader walks along a chain. The length that the entry states bounds the
// walk, so a chain in a circle ends.
type streamReader struct {
	*stream

	mini   bool
	sector uint32
	within int64 // offset in the sector
	left   int64
	err    error
}

// Close ends the reading.
func (r *streamReader) Close() error {
	r.err = fs.ErrClosed
	return nil
}

// Read reads as far as sectors lie side by side.
func (r *streamReader) Read(p []byte) (int, error) {
	if r.err != nil {
		return 0, r.err
	}
	if r.left == 0 {
		if r.allowed == r.size {
			return 0, io.EOF
		}
		return 0, malformed(r.file.name, r.file.offset(r.start), "cfb.overlap",
			"stream %.64q states %d bytes; with those before, more than the file has", r.name, r.size)
	}
	if len(p) == 0 {
		return 0, nil
	}
	n, err := r.read(p[:min(int64(len(p)), r.left)])
	r.left -= int64(n)
	r.err = err
	if n > 0 {
		return n, nil
	}
	return 0, err
}

func (r *streamReader) read(p []byte) (int, error) {
	size := int64(1) << r.file.shift
	if r.mini {
		size = 1 << r.file.mini
	}
	if r.within == size {
		next, err := r.next()
		if err != nil {
			return 0, err
		}
		r.sector, r.within = next, 0
	}
	from, err := r.place(r.sector)
	if err != nil {
		return 0, err
	}
	from += r.within
	n := min(size-r.within, int64(len(p)))
	r.within += n
	for n < int64(len(p)) {
		next, err := r.next()
		if err != nil {
			break // comes again with the next call
		}
		if place, err := r.place(next); err != nil || place != from+n {
			break
		}
		r.sector, r.within = next, min(size, int64(len(p))-n)
		n += r.within
	}
	got, err := r.file.r.ReadAt(p[:n], from)
	switch {
	case int64(got) == n:
		return got, nil
	case err == nil || errors.Is(err, io.EOF):
		return got, malformed(r.file.name, from+int64(got), "cfb.truncated", "stream %.64q goes on behind the end of the file", r.name)
	default:
		return got, r.file.ioError(from, err)
	}
}

// next is the sector behind the one where the reader stands.
func (r *streamReader) next() (uint32, error) {
	follow := r.file.next
	if r.mini {
		follow = r.file.nextMini
	}
	next, err := follow(r.sector)
	if err == nil && next >= maxRegular {
		err = malformed(r.file.name, r.file.offset(r.start), "cfb.truncated", "the chain of stream %.64q ends %d bytes early", r.name, r.left)
	}
	return next, err
}

// place is where a sector begins in the file.
func (r *streamReader) place(sector uint32) (int64, error) {
	f := r.file
	if !r.mini {
		if int64(sector) >= f.sectors {
			return 0, malformed(f.name, f.size, "cfb.chain", "stream %.64q leads to sector 0x%X, which is none", r.name, sector)
		}
		return f.offset(sector), nil
	}
	at := int64(sector) << f.mini
	if i := at >> f.shift; i < int64(len(f.miniStream)) && at < f.miniSize {
		return f.offset(f.miniStream[i]) + at&(1<<f.shift-1), nil
	}
	return 0, malformed(f.name, f.size, "cfb.chain", "stream %.64q leads to mini sector 0x%X, which is none", r.name, sector)
}
