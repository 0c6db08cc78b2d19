// Package index is the SQLite file of a mail site: its layout, the connections
// that read it, the one that changes it, and what its errors mean. What the
// tables say is the business of package sitestore.
package index

import (
	"context"
	"encoding/binary"
	"errors"
	"io"
	"os"

	"waybill/failure"
)

// File is an open index. It may be used from several goroutines.
type File struct {
	path   string
	others func() string
	reads  readPool
	write  *writer // nil when read-only
}

// New is the index at path, not open yet. others describes, for an error, the
// other processes that may hold it.
func New(path string, others func() string) *File {
	return &File{path: path, others: others}
}

// Path is where the file is.
func (f *File) Path() string { return f.path }

// Writable reports whether the index was opened for changes.
func (f *File) Writable() bool { return f.write != nil }

// OpenToWrite opens the connection that changes the index, and brings an older
// layout up to date. It comes before OpenToRead.
func (f *File) OpenToWrite(ctx context.Context) error {
	if err := f.openWriter(ctx); err != nil {
		return err
	}
	return f.migrate(ctx)
}

// OpenToRead opens the connections that read, and refuses a layout that this
// program does not know. Without OpenToWrite before it, nothing can change the
// file, and none is made beside it.
func (f *File) OpenToRead(ctx context.Context) error {
	if err := f.reads.open(f.path, f.write == nil); err != nil {
		return f.Fail("open site", err)
	}
	return f.checkLayout(ctx)
}

// Close ends all connections.
func (f *File) Close() error {
	err := f.reads.close()
	if f.write != nil {
		err = errors.Join(err, f.write.close())
	}
	return err
}

// CheckHeader looks at a file before SQLite does, so that one that is something
// else is not touched (the header is described in SQLite's "Database File
// Format", 1.3).
func CheckHeader(path string) error {
	f, err := os.Open(path)
	if err != nil {
		return failure.New(failure.ClassOf(err), "open site", path, "site.cannot-open", err)
	}
	defer f.Close()
	var header [72]byte
	if _, err := io.ReadFull(f, header[:]); err != nil {
		return NotASite(path, errors.New("the file is too short"))
	}
	if string(header[:16]) != "SQLite format 3\x00" || binary.BigEndian.Uint32(header[68:]) != applicationID {
		return NotASite(path, errors.New("the file is something else"))
	}
	return nil
}

// NotASite is the error of a file that is something else.
func NotASite(path string, err error) error {
	return failure.New(failure.Malformed, "open site", path, "site.not-a-site", err).
		WithRemedy("name a file that was made with: waybill site create")
}
