package ndb

import (
	"context"
	"io"
	"sync"

	"waybill/failure"
)

// File is an open file. Its methods may be called by several goroutines.
type File struct {
	Header
	// Defects are those of header and pages.
	Defects Defects

	r       io.ReaderAt
	size    int64
	name    string
	lay     layout
	pages   pageCache
	buffers sync.Pool
	// inflaters are decompressors that are not in use.
	inflaters sync.Pool
	salvage   *salvage
}

// Open reads the header. With search, the file is looked through for pages of
// trees that cannot be reached from their roots, if there are such.
func Open(ctx context.Context, r io.ReaderAt, size int64, name string, search bool) (*File, error) {
	f := &File{r: r, size: size, name: name}
	if err := f.readHeader(); err != nil {
		return nil, err
	}
	f.pages = newPageCache(size, f.lay.pageSize)
	f.buffers.New = func() any { return new([]byte) }
	if f.StatedSize > size {
		f.Defects.Add(f.Broken("open PST", "pst.truncated", size, "the file has %d bytes and should have %d: %d are missing at its end", size, f.StatedSize, f.StatedSize-size))
	}
	if search {
		if err := f.search(ctx); err != nil {
			return nil, err
		}
	}
	return f, nil
}

// Name is the file's name, for errors.
func (f *File) Name() string { return f.name }

// Size is the file's length in bytes.
func (f *File) Size() int64 { return f.size }

// buffer lends memory of at least n bytes; release gives it back.
func (f *File) buffer(n int) *[]byte {
	b := f.buffers.Get().(*[]byte)
	if cap(*b) < n {
		*b = make([]byte, max(n, 8192))
	}
	*b = (*b)[:cap(*b)]
	return b
}

func (f *File) release(b *[]byte) { f.buffers.Put(b) }

// cancelled is the error of a context that is done.
func (f *File) cancelled(ctx context.Context) error {
	if err := ctx.Err(); err != nil {
		return failure.New(failure.Cancelled, "read PST", f.name, "cancelled", err)
	}
	return nil
}
