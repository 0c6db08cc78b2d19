// Package spool puts a message aside that came before what was asked for with it.
package spool

import (
	"bytes"
	"io"
	"os"

	"waybill/failure"
)

// inMemory is how much is kept in memory; more goes to a file.
const inMemory = 1 << 20

// Room keeps one body at a time. The zero value is ready.
type Room struct {
	memory []byte
	file   *os.File
}

// Fill takes n bytes of r and gives them back from their beginning; they are valid
// until the next call. Errors of the file are *failure.Error, those of r are its
// own.
func (s *Room) Fill(r io.Reader, n int64) (io.Reader, error) {
	s.Close()
	if n <= inMemory {
		if int64(cap(s.memory)) < n {
			s.memory = make([]byte, n)
		}
		s.memory = s.memory[:n]
		_, err := io.ReadFull(r, s.memory)
		return bytes.NewReader(s.memory), err
	}
	file, err := os.CreateTemp("", "waybill-body-*")
	if err != nil {
		return nil, failed(err)
	}
	_ = os.Remove(file.Name()) // it lives as long as it is open
	s.file = file
	if _, err := io.Copy(writer{file}, r); err != nil {
		return nil, err
	}
	if _, err := file.Seek(0, io.SeekStart); err != nil {
		return nil, failed(err)
	}
	return file, nil
}

// Close gives the file back.
func (s *Room) Close() {
	if s.file != nil {
		_ = s.file.Close()
		s.file = nil
	}
}

type writer struct{ file *os.File }

func (w writer) Write(p []byte) (int, error) {
	n, err := w.file.Write(p)
	if err != nil {
		err = failed(err)
	}
	return n, err
}

func failed(err error) error {
	class := failure.ClassOf(err)
	if class == failure.Internal {
		class = failure.Transient
	}
	return failure.New(class, "put a message aside", os.TempDir(), "imap.spool", err)
}
