package blob

import (
	"bytes"
	"crypto/sha256"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"

	"github.com/klauspost/compress/zstd"

	"waybill/failure"
)

// flushAt is how much is gathered before it is written to the file.
const flushAt = 256 << 10

// Segment is one segment file, held for writing by one process and one writer.
// Bodies that were put after the last Commit are given up by Rollback.
type Segment struct {
	dir       *Dir
	id        int64
	file      *os.File
	committed int64  // end of what the index knows
	written   int64  // end of what was handed to the file
	pending   []byte // follows written
}

// Idle takes a segment that this process has locked and nobody is writing, nil
// if there is none.
func (d *Dir) Idle() *Segment {
	d.mu.Lock()
	defer d.mu.Unlock()
	if len(d.idle) == 0 {
		return nil
	}
	s := d.idle[len(d.idle)-1]
	d.idle = d.idle[:len(d.idle)-1]
	return s
}

// Acquire locks segment id for writing and makes its file when it is not
// there; nil without an error means that somebody else is writing it. committed
// is called with the lock held and tells where the index says that the segment
// ends; what lies behind is cut off.
func (d *Dir) Acquire(id int64, committed func() (int64, error)) (*Segment, error) {
	path := d.segmentPath(id)
	fail := func(err error) error {
		return failure.New(failure.ClassOf(err), "open segment for writing", path, "site.segment-open", err)
	}
	file, err := os.OpenFile(path, os.O_RDWR|os.O_CREATE, 0o600)
	if err != nil {
		return nil, fail(err)
	}
	locked, err := TryLock(file)
	if err != nil || !locked {
		_ = file.Close()
		if err != nil {
			return nil, fail(err)
		}
		return nil, nil
	}
	s, err := d.prepare(id, file, committed)
	if err != nil {
		_ = file.Close()
		return nil, err
	}
	return s, nil
}

func (d *Dir) prepare(id int64, file *os.File, committed func() (int64, error)) (*Segment, error) {
	end, err := committed()
	if err != nil {
		return nil, err
	}
	info, err := file.Stat()
	if err != nil {
		return nil, failure.New(failure.ClassOf(err), "open segment for writing", file.Name(), "site.segment-open", err)
	}
	s := &Segment{dir: d, id: id, file: file, committed: max(end, headerSize), written: max(end, headerSize)}
	switch {
	case end <= headerSize:
		// New, or nothing in it was ever committed: the name must be durable
		// before the index refers to it.
		if err := file.Truncate(0); err != nil {
			return nil, s.failed("write segment", err)
		}
		if _, err := file.WriteAt([]byte(magic), 0); err != nil {
			return nil, s.failed("write segment", err)
		}
		if err := SyncDir(d.path); err != nil {
			return nil, err
		}
	case info.Size() < end:
		return nil, damaged(file.Name(), "site.segment-short",
			fmt.Errorf("file has %d bytes, index says %d", info.Size(), end))
	case info.Size() > end:
		if err := file.Truncate(end); err != nil {
			return nil, s.failed("cut off leftovers of segment", err)
		}
	}
	return s, nil
}

// ID is the number of the segment.
func (s *Segment) ID() int64 { return s.id }

// End is the offset behind the last body, which the index has to remember
// together with the bodies.
func (s *Segment) End() int64 { return s.written + int64(len(s.pending)) }

// IsFull reports whether the segment should take no further bodies.
func (s *Segment) IsFull() bool { return s.End() >= SegmentLimit }

// Put appends a body that is in memory.
func (s *Segment) Put(body []byte) (Location, error) {
	if len(body) > SmallBody {
		loc, _, readErr, err := s.PutStream(bytes.NewReader(body))
		return loc, errors.Join(readErr, err)
	}
	start := s.End()
	mark := len(s.pending)
	loc := Location{Segment: s.id, Offset: start, Size: int64(len(body)), Encoding: Zstd}
	enc, err := s.dir.smallEncoder()
	if err != nil {
		return Location{}, failure.New(failure.Internal, "prepare compression", s.file.Name(), "site.codec", err)
	}
	s.pending = enc.EncodeAll(body, s.pending)
	s.dir.smallEncoders.Put(enc)
	if len(s.pending)-mark >= len(body) {
		s.pending = append(s.pending[:mark], body...)
		loc.Encoding = Raw
	}
	loc.Stored = int64(len(s.pending) - mark)
	if len(s.pending) >= flushAt {
		if err := s.flush(); err != nil {
			return Location{}, err
		}
	}
	return loc, nil
}

// PutStream appends a body of any length and digests it. When reading fails,
// nothing of it stays and the error is the reader's, unchanged, as readErr.
func (s *Segment) PutStream(body io.Reader) (loc Location, digest Digest, readErr, err error) {
	if err := s.flush(); err != nil {
		return loc, digest, nil, err
	}
	start := s.written
	enc, ok := s.dir.streamEncoders.Get().(*zstd.Encoder)
	if !ok {
		enc, err = zstd.NewWriter(nil, zstd.WithEncoderLevel(zstd.SpeedFastest), zstd.WithEncoderCRC(false),
			zstd.WithEncoderConcurrency(1), zstd.WithWindowSize(1<<20))
		if err != nil {
			return loc, digest, nil, failure.New(failure.Internal, "prepare compression", s.file.Name(), "site.codec", err)
		}
	}
	defer func() { enc.Reset(nil); s.dir.streamEncoders.Put(enc) }()
	out := &tail{s: s}
	enc.Reset(out)
	sum := sha256.New()
	buf := s.dir.buffer(128 << 10)
	defer s.dir.buffers.Put(buf)
	in := &failing{r: body}
	size, err := io.CopyBuffer(onlyWriter{io.MultiWriter(enc, sum)}, onlyReader{in}, (*buf)[:128<<10])
	if err == nil {
		err = enc.Close()
	}
	if err != nil {
		s.Rewind(start)
		if in.err != nil {
			return loc, digest, in.err, nil
		}
		return loc, digest, nil, s.failed("write message body", err)
	}
	sum.Sum(digest[:0])
	return Location{Segment: s.id, Offset: start, Stored: s.written - start, Size: size, Encoding: Zstd}, digest, nil, nil
}

// Rewind gives up everything from offset on, which is not before the last
// Commit.
func (s *Segment) Rewind(offset int64) {
	offset = max(offset, s.committed)
	if offset >= s.written {
		s.pending = s.pending[:min(int64(len(s.pending)), offset-s.written)]
		return
	}
	s.written, s.pending = offset, s.pending[:0]
}

// Sync makes every body durable that was put so far.
func (s *Segment) Sync() error {
	if err := s.flush(); err != nil {
		return err
	}
	if s.written == s.committed {
		return nil
	}
	if err := s.file.Sync(); err != nil {
		return s.failed("make segment durable", err)
	}
	return nil
}

// Commit says that the index now knows everything that was put so far.
func (s *Segment) Commit() { s.committed = s.End() }

// Rollback gives up everything since the last Commit.
func (s *Segment) Rollback() { s.Rewind(s.committed) }

// Release keeps the segment for the next writer of this process, or closes it
// when it is full.
func (s *Segment) Release() error {
	s.Rollback()
	if !s.IsFull() {
		s.dir.mu.Lock()
		defer s.dir.mu.Unlock()
		if !s.dir.closed {
			s.dir.idle = append(s.dir.idle, s)
			return nil
		}
	}
	return s.Discard()
}

// Discard closes the segment and gives up its lock. It is for a segment whose
// committed end is in doubt: whoever acquires it next asks the index again.
func (s *Segment) Discard() error {
	if err := s.file.Close(); err != nil && !errors.Is(err, fs.ErrClosed) {
		return s.failed("close segment", err)
	}
	return nil
}

// Abandon gives up everything since the last Commit, makes the room free again
// as far as that is possible, and closes the segment. It must not be called
// when the index may know of what was put.
func (s *Segment) Abandon() {
	s.Rollback()
	_ = s.file.Truncate(s.committed)
	_ = s.file.Close()
}

func (s *Segment) flush() error {
	if len(s.pending) == 0 {
		return nil
	}
	n, err := s.file.WriteAt(s.pending, s.written)
	if err != nil {
		return s.failed("write segment", err)
	}
	s.written += int64(n)
	s.pending = s.pending[:0]
	return nil
}

func (s *Segment) failed(op string, err error) error {
	f := failure.New(failure.ClassOf(err), op, s.file.Name(), "site.segment-write", err)
	if f.Class == failure.Full {
		f.Rule = "site.full"
		return f.WithRemedy("make room on that disk and run again; nothing of this batch was stored")
	}
	return f
}

// SyncDir makes names in a folder durable.
func SyncDir(path string) error {
	d, err := os.Open(path)
	if err != nil {
		return failure.New(failure.ClassOf(err), "make names durable", path, "site.folder-sync", err)
	}
	defer d.Close()
	if err := d.Sync(); err != nil && !errors.Is(err, errors.ErrUnsupported) && !notSyncable(err) {
		return failure.New(failure.ClassOf(err), "make names durable", path, "site.folder-sync", err)
	}
	return nil
}

// tail writes behind the segment's end.
type tail struct{ s *Segment }

func (t *tail) Write(p []byte) (int, error) {
	n, err := t.s.file.WriteAt(p, t.s.written)
	t.s.written += int64(n)
	return n, err
}

// failing remembers that it was the reader that failed, not the writer.
type failing struct {
	r   io.Reader
	err error
}

func (f *failing) Read(p []byte) (int, error) {
	n, err := f.r.Read(p)
	if err != nil && !errors.Is(err, io.EOF) {
		f.err = err
	}
	return n, err
}

// The wrappers hide ReadFrom and WriteTo, so that io.CopyBuffer uses the buffer.
type (
	onlyReader struct{ io.Reader }
	onlyWriter struct{ io.Writer }
)
