package tnef

import (
	"encoding/binary"
	"errors"
	"fmt"
	"io"

	"waybill/failure"
	"waybill/format/mapi"
)

// source is where a stream lies. All offsets are those of the whole file.
type source struct {
	r    io.ReaderAt
	name string
}

func (s source) where(offset int64) string { return fmt.Sprintf("%s offset %d", s.name, offset) }

func (s source) malformed(offset int64, rule, format string, args ...any) *failure.Error {
	return failure.New(failure.Malformed, "read TNEF", s.where(offset), rule, fmt.Errorf(format, args...))
}

func (s source) cancelled(err error) error {
	return failure.New(failure.Cancelled, "read TNEF", s.name, "cancelled", err)
}

// ioError is an error of reading at an offset; what ends early is truncated.
func (s source) ioError(offset int64, err error) error {
	if err == nil || errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) {
		return s.malformed(offset, "tnef.truncated", "the stream ends here")
	}
	return failure.New(failure.ClassOf(err), "read TNEF", s.where(offset), "tnef.io", err)
}

// section is Data that lies in the stream.
type section struct {
	source
	from, size int64
	missing    int64 // how much was cut off from its end
}

// Size is the stated length.
func (s section) Size() int64 {
	if s.missing > 0 {
		return -1
	}
	return s.size
}

// Open reads from the stream.
func (s section) Open() (io.ReadCloser, error) {
	return &sectionReader{section: s, at: s.from}, nil
}

type sectionReader struct {
	section

	at int64
}

// Read reads; what was cut off is an error at the end.
func (r *sectionReader) Read(p []byte) (int, error) {
	left := r.from + r.size - r.at
	if left == 0 {
		if r.missing > 0 {
			return 0, r.malformed(r.at, "tnef.truncated", "%d bytes are missing", r.missing)
		}
		return 0, io.EOF
	}
	n, err := r.r.ReadAt(p[:min(int64(len(p)), left)], r.at)
	r.at += int64(n)
	if n > 0 || len(p) == 0 {
		return n, nil
	}
	return 0, r.ioError(r.at, err)
}

// Close does nothing: the stream stays open.
func (r *sectionReader) Close() error { return nil }

// cut gives a part, at most what is there.
func (s section) cut(from, size int64) section {
	size = max(min(size, s.from+s.size-from), 0)
	return section{source: s.source, from: from, size: size}
}

// cursor reads small things one behind the other. Once something is missing, err
// is set, and all that follows is zero.
type cursor struct {
	source
	at, end int64
	err     error

	window [512]byte
	first  int64
	filled int
}

func newCursor(s section) *cursor { return &cursor{source: s.source, at: s.from, end: s.from + s.size} }

// take gives the next n bytes, at most as many as the window has. They are valid
// until the next call.
func (c *cursor) take(n int) []byte {
	if c.err == nil && c.end-c.at < int64(n) {
		c.err = c.malformed(c.at, "tnef.props", "%d bytes are expected, %d are left", n, c.end-c.at)
	}
	if c.err != nil {
		return make([]byte, n)
	}
	if c.at < c.first || c.at+int64(n) > c.first+int64(c.filled) {
		got, err := c.r.ReadAt(c.window[:min(int64(len(c.window)), c.end-c.at)], c.at)
		if got < n {
			c.err = c.ioError(c.at, err)
			return make([]byte, n)
		}
		c.first, c.filled = c.at, got
	}
	b := c.window[c.at-c.first:][:n]
	c.at += int64(n)
	return b
}

func (c *cursor) uint16() uint16 { return binary.LittleEndian.Uint16(c.take(2)) }
func (c *cursor) uint32() uint32 { return binary.LittleEndian.Uint32(c.take(4)) }
func (c *cursor) uint64() uint64 { return binary.LittleEndian.Uint64(c.take(8)) }
func (c *cursor) guid() mapi.GUID {
	return mapi.GUID(c.take(16))
}

// value takes size bytes as Data, and the padding to four bytes behind them.
func (c *cursor) value(size uint32) section {
	if c.err == nil && c.end-c.at < int64(size) {
		c.err = c.malformed(c.at, "tnef.props", "a value of %d bytes is stated, %d are left", size, c.end-c.at)
	}
	if c.err != nil {
		return section{source: c.source}
	}
	s := section{source: c.source, from: c.at, size: int64(size)}
	// The padding of the last value is sometimes left out.
	c.at = min(c.at+(int64(size)+3)&^3, c.end)
	return s
}

// withoutZero leaves out the zero at the end of a text of the given width.
func (s section) withoutZero(width int64) section {
	if s.size < width {
		return s
	}
	var b [2]byte
	if n, _ := s.r.ReadAt(b[:width], s.from+s.size-width); int64(n) == width && b == [2]byte{} {
		s.size -= width
	}
	return s
}
