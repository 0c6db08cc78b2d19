package blob

import (
	"context"
	"errors"
	"io/fs"
	"os"
	"sync"

	"waybill/failure"
)

// maxOpenSegments bounds the file handles kept for reading. A segment beyond
// it is opened for each body.
const maxOpenSegments = 128

// Dir is a folder of segment files. Its methods may be called from several
// goroutines; a Segment belongs to one.
type Dir struct {
	path string

	mu      sync.RWMutex
	reading map[int64]*os.File
	idle    []*Segment // locked by us, waiting for the next writer
	closed  bool

	smallEncoders, smallDecoders sync.Pool // of *zstd.Encoder and *zstd.Decoder, for bodies in one piece
	streamEncoders               sync.Pool
	streamDecoders               sync.Pool
	buffers                      sync.Pool
}

// Open takes the segment files in path. Nothing is read or made yet.
func Open(path string) *Dir {
	return &Dir{path: path, reading: map[int64]*os.File{}}
}

// Close gives back every file and lock. Readers that are still open keep
// working as far as they hold a file of their own.
func (d *Dir) Close() error {
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.closed {
		return nil
	}
	d.closed = true
	var errs []error
	for _, s := range d.idle {
		errs = append(errs, s.file.Close())
	}
	for _, f := range d.reading {
		errs = append(errs, f.Close())
	}
	d.idle, d.reading = nil, nil
	return errors.Join(errs...)
}

// reader gives a file for reading a segment; done is called when it is not
// needed any more.
func (d *Dir) reader(id int64) (f *os.File, done func() error, err error) {
	d.mu.RLock()
	f, closed := d.reading[id], d.closed
	d.mu.RUnlock()
	if closed {
		return nil, nil, failure.New(failure.Usage, "read message body", d.path, "site.closed", fs.ErrClosed)
	}
	if f != nil {
		return f, nothing, nil
	}
	f, err = os.Open(d.segmentPath(id))
	if err != nil {
		if errors.Is(err, fs.ErrNotExist) {
			return nil, nil, damaged(d.segmentPath(id), "site.segment-missing", err)
		}
		return nil, nil, failure.New(failure.ClassOf(err), "read message body", d.segmentPath(id), "site.segment-unreadable", err)
	}
	d.mu.Lock()
	defer d.mu.Unlock()
	switch have := d.reading[id]; {
	case d.closed:
		_ = f.Close()
		return nil, nil, failure.New(failure.Usage, "read message body", d.path, "site.closed", fs.ErrClosed)
	case have != nil:
		_ = f.Close()
		return have, nothing, nil
	case len(d.reading) >= maxOpenSegments:
		return f, f.Close, nil
	}
	d.reading[id] = f
	return f, nothing, nil
}

func nothing() error { return nil }

// Usage is the room that the segment files take on disk, in bytes.
func (d *Dir) Usage(ctx context.Context) (files int, bytes int64, err error) {
	entries, err := os.ReadDir(d.path)
	if err != nil {
		if errors.Is(err, fs.ErrNotExist) {
			return 0, 0, nil
		}
		return 0, 0, failure.New(failure.ClassOf(err), "count segment files", d.path, "site.segment-unreadable", err)
	}
	for _, e := range entries {
		if err := ctx.Err(); err != nil {
			return files, bytes, failure.New(failure.Cancelled, "count segment files", d.path, "", err)
		}
		info, err := e.Info()
		if err != nil || !info.Mode().IsRegular() || !isSegment(e.Name()) {
			continue
		}
		files++
		bytes += info.Size()
	}
	return files, bytes, nil
}

func isSegment(name string) bool { return len(name) == 12 && name[8:] == ".seg" }

func (d *Dir) buffer(size int) *[]byte {
	if b, ok := d.buffers.Get().(*[]byte); ok {
		if cap(*b) >= size {
			*b = (*b)[:0]
			return b
		}
	}
	b := make([]byte, 0, max(size, 32<<10))
	return &b
}
