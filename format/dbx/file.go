package dbx

import (
	"encoding/binary"
	"errors"
	"fmt"
	"io"

	"waybill/failure"
)

// Kind is what a file holds.
type Kind uint8

// The kinds of files ([oedbx] file header).
const (
	// Other is a file of Outlook Express without mail: Offline.dbx, Pop3uidl.dbx.
	Other    Kind = iota
	Messages      // the messages of one folder
	Folders       // Folders.dbx, the list of folders
	Version4      // the messages of one folder, in a .mbx file of version 4
)

func (k Kind) String() string {
	return [...]string{"other data", "messages", "list of folders", "messages of version 4"}[k]
}

// Sizes and places ([oedbx] file header, tree, message).
const (
	headerSize  = 0x24bc
	countAt     = 0xc4 // entries of the tree
	treeAt      = 0xe4 // its root
	segmentHead = 0x10
	segmentText = 0x200
	segmentSize = segmentHead + segmentText
)

// Beginnings of files: the class id that all have, and the first bytes of the one
// that tells what is in them.
const (
	signature       = 0xfe12adcf
	kindMessages    = 0x6f74fdc5
	kindFolders     = 0x6f74fdc6
	signatureJMF6   = 0x36464d4a // "JMF6"
	maxFile         = 1<<32 - 1  // offsets have 32 bits
	windowSize      = 64 << 10
	maxIndexedInfo  = 16 << 20
	maxIndexEntries = 128
)

// File is an open file. It may be read by several goroutines.
type File struct {
	Kind Kind
	// Stated is how many entries the file says to have.
	Stated int64

	r    io.ReaderAt
	size int64
	name string
	root int64
}

// Open reads the header of a file of size bytes. name is for errors: dbx.signature
// (it is none), dbx.truncated, dbx.size, or those of r.
func Open(r io.ReaderAt, size int64, name string) (*File, error) {
	f := &File{r: r, size: size, name: name}
	if size > maxFile {
		return nil, f.fail(failure.TooLarge, "open file", 0, "size", errors.New("no such file is larger than 4 GB"))
	}
	var head [headerSize]byte
	n, err := r.ReadAt(head[:min(size, headerSize)], 0)
	if err != nil && !errors.Is(err, io.EOF) {
		return nil, err
	}
	b := head[:n]
	switch {
	case n >= 4 && u32(b, 0) == signatureJMF6:
		if n < mbxHeader {
			return nil, f.fail(failure.Malformed, "open file", int64(n), "truncated", errors.New("the file ends in its header"))
		}
		f.Kind, f.Stated = Version4, int64(u32(b, mbxCountAt))
		return f, nil
	case n < 8 || u32(b, 0) != signature:
		return nil, f.fail(failure.Malformed, "open file", 0, "signature", errors.New("it is no file of Outlook Express"))
	}
	switch u32(b, 4) {
	case kindMessages:
		f.Kind = Messages
	case kindFolders:
		f.Kind = Folders
	default:
		return f, nil
	}
	if n < headerSize {
		return nil, f.fail(failure.Malformed, "open file", int64(n), "truncated", errors.New("the file ends in its header"))
	}
	f.Stated, f.root = int64(u32(b, countAt)), int64(u32(b, treeAt))
	return f, nil
}

// fail makes an error at an offset of the file.
func (f *File) fail(class failure.Class, op string, at int64, rule string, err error) error {
	return failure.New(class, op, fmt.Sprintf("%s, offset %#x", f.name, at), "dbx."+rule, err)
}

func (f *File) malformed(at int64, rule, format string, args ...any) error {
	return f.fail(failure.Malformed, "read file", at, rule, fmt.Errorf(format, args...))
}

func u32(b []byte, at int) uint32 { return binary.LittleEndian.Uint32(b[at:]) }

// window reads a file through a buffer: objects are small and lie side by side.
type window struct {
	f   *File
	buf []byte
	at  int64
	n   int
}

func (f *File) window(size int) *window { return &window{f: f, buf: make([]byte, size)} }

// bytes gives n bytes at an offset. They are the caller's until the next call.
func (w *window) bytes(at int64, n int) ([]byte, error) {
	if at < 0 || at+int64(n) > w.f.size || n > len(w.buf) {
		return nil, w.f.malformed(at, "offset", "%d bytes at %#x lie outside of the file", n, at)
	}
	if at < w.at || at+int64(n) > w.at+int64(w.n) {
		w.at, w.n = at, 0
		got, err := w.f.r.ReadAt(w.buf[:min(int64(len(w.buf)), w.f.size-at)], at)
		w.n = got
		if got < n {
			if err == nil || errors.Is(err, io.EOF) {
				err = w.f.fail(failure.Transient, "read file", at+int64(got), "changed", errors.New("the file became shorter while it was read"))
			}
			return nil, err
		}
	}
	i := int(at - w.at)
	return w.buf[i : i+n], nil
}

// places marks objects of one size that lie nowhere upon each other, by their
// offsets: of two in the same stretch of that size only one can be true.
type places struct {
	bits []uint64
	unit int64
}

func newPlaces(size, unit int64) *places {
	return &places{bits: make([]uint64, size/unit/64+1), unit: unit}
}

// mark marks an offset inside the file; it is false when it was marked already.
func (p *places) mark(at int64) bool {
	i := at / p.unit
	was := p.bits[i/64]&(1<<(i%64)) != 0
	p.bits[i/64] |= 1 << (i % 64)
	return !was
}

// clear takes a mark back.
func (p *places) clear(at int64) {
	i := at / p.unit
	p.bits[i/64] &^= 1 << (i % 64)
}

func (p *places) has(at int64) bool {
	i := at / p.unit
	return p.bits[i/64]&(1<<(i%64)) != 0
}
