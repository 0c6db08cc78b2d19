package blob

import (
	"bytes"
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"hash"
	"io"
	"sync"

	"github.com/klauspost/compress/zstd"

	"waybill/failure"
)

// Open reads a body. Its bytes are checked against digest and length; a body
// that differs ends with an error of class Malformed in place of io.EOF. The
// caller closes the reader.
func (d *Dir) Open(ctx context.Context, loc Location, digest Digest) (io.ReadCloser, error) {
	if loc.Offset < headerSize || loc.Stored < 0 || loc.Size < 0 || loc.Encoding > Zstd {
		return nil, damaged(d.segmentPath(loc.Segment), "site.body-place", fmt.Errorf("index gives an impossible place: %+v", loc))
	}
	file, done, err := d.reader(loc.Segment)
	if err != nil {
		return nil, err
	}
	if loc.Size <= SmallBody && loc.Stored <= SmallBody {
		r, err := d.small(file, loc, digest)
		return r, errors.Join(err, done())
	}
	var r io.Reader = io.NewSectionReader(file, loc.Offset, loc.Stored)
	s := &stream{ctx: ctx, dir: d, loc: loc, want: digest, done: done, sum: sha256.New(), in: r}
	if loc.Encoding == Zstd {
		if s.dec, err = d.streamDecoder(r); err != nil {
			_ = done()
			return nil, damaged(loc.String(), "site.body-damaged", err)
		}
		s.in = s.dec
	}
	return s, nil
}

// small reads a body in one piece into pooled memory.
func (d *Dir) small(file io.ReaderAt, loc Location, digest Digest) (io.ReadCloser, error) {
	stored := d.buffer(int(loc.Stored))
	*stored = (*stored)[:loc.Stored]
	if _, err := file.ReadAt(*stored, loc.Offset); err != nil {
		d.buffers.Put(stored)
		if errors.Is(err, io.EOF) {
			return nil, damaged(loc.String(), "site.segment-short", io.ErrUnexpectedEOF)
		}
		return nil, failure.New(failure.ClassOf(err), "read message body", loc.String(), "site.segment-unreadable", err)
	}
	body := stored
	if loc.Encoding == Zstd {
		dec, err := d.smallDecoder()
		if err != nil {
			d.buffers.Put(stored)
			return nil, failure.New(failure.Internal, "prepare decompression", loc.String(), "site.codec", err)
		}
		body = d.buffer(int(loc.Size))
		plain, err := dec.DecodeAll(*stored, (*body)[:0])
		d.smallDecoders.Put(dec)
		d.buffers.Put(stored)
		if err != nil {
			d.buffers.Put(body)
			return nil, damaged(loc.String(), "site.body-damaged", err)
		}
		*body = plain
	}
	if int64(len(*body)) != loc.Size || sha256.Sum256(*body) != digest {
		d.buffers.Put(body)
		return nil, damaged(loc.String(), "site.body-damaged", errDiffers)
	}
	return &memory{dir: d, buf: body, Reader: bytes.NewReader(*body)}, nil
}

var errDiffers = errors.New("content is not what was stored: length or SHA-256 differs")

// memory is a body in pooled memory.
type memory struct {
	*bytes.Reader
	dir  *Dir
	buf  *[]byte
	once sync.Once
}

func (m *memory) Close() error {
	m.once.Do(func() {
		m.Reset(nil)
		m.dir.buffers.Put(m.buf)
		m.buf = nil
	})
	return nil
}

// stream is a body that is read piece by piece.
type stream struct {
	ctx  context.Context
	dir  *Dir
	loc  Location
	want Digest
	in   io.Reader
	dec  *zstd.Decoder // nil for raw bodies
	sum  hash.Hash
	n    int64
	end  error
	done func() error
}

func (s *stream) Read(p []byte) (int, error) {
	if s.end != nil {
		return 0, s.end
	}
	if err := s.ctx.Err(); err != nil {
		return 0, failure.New(failure.Cancelled, "read message body", s.loc.String(), "", err)
	}
	n, err := s.in.Read(p)
	s.sum.Write(p[:n])
	s.n += int64(n)
	switch {
	case s.n > s.loc.Size:
		s.end = damaged(s.loc.String(), "site.body-damaged", errDiffers)
	case errors.Is(err, io.EOF):
		s.end = io.EOF
		if s.n != s.loc.Size || Digest(s.sum.Sum(nil)) != s.want {
			s.end = damaged(s.loc.String(), "site.body-damaged", errDiffers)
		}
	case err != nil:
		s.end = damaged(s.loc.String(), "site.body-damaged", err)
	}
	if n > 0 && !errors.Is(s.end, io.EOF) && s.end != nil {
		return n, s.end
	}
	if n > 0 {
		return n, nil
	}
	return 0, s.end
}

func (s *stream) Close() error {
	if s.done == nil {
		return nil
	}
	if s.dec != nil {
		_ = s.dec.Reset(nil)
		s.dir.streamDecoders.Put(s.dec)
	}
	if s.end == nil || errors.Is(s.end, io.EOF) {
		s.end = failure.New(failure.Usage, "read message body", s.loc.String(), "site.reader-closed", nil)
	}
	err := s.done()
	s.done, s.dec, s.in = nil, nil, nil
	return err
}

func (d *Dir) streamDecoder(r io.Reader) (*zstd.Decoder, error) {
	if dec, ok := d.streamDecoders.Get().(*zstd.Decoder); ok {
		if err := dec.Reset(r); err != nil {
			return nil, err
		}
		return dec, nil
	}
	return zstd.NewReader(r, zstd.WithDecoderConcurrency(1), zstd.WithDecoderLowmem(true),
		zstd.WithDecoderMaxWindow(8<<20))
}

// smallEncoder takes a pooled encoder for bodies in one piece.
func (d *Dir) smallEncoder() (*zstd.Encoder, error) {
	if enc, ok := d.smallEncoders.Get().(*zstd.Encoder); ok {
		return enc, nil
	}
	return zstd.NewWriter(nil, zstd.WithEncoderLevel(zstd.SpeedFastest), zstd.WithEncoderCRC(false),
		zstd.WithEncoderConcurrency(1), zstd.WithWindowSize(SmallBody), zstd.WithLowerEncoderMem(true))
}

// smallDecoder takes a pooled decoder that never makes more than a small body,
// whatever a damaged frame claims.
func (d *Dir) smallDecoder() (*zstd.Decoder, error) {
	if dec, ok := d.smallDecoders.Get().(*zstd.Decoder); ok {
		return dec, nil
	}
	return zstd.NewReader(nil, zstd.WithDecoderConcurrency(1), zstd.WithDecoderLowmem(true), zstd.WithDecoderMaxMemory(SmallBody))
}
