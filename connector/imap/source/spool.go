package source

import (
	"bytes"
	"errors"
	"io"
	"os"
)

// spoolMemory is how many bytes are put aside in memory; more go to a file.
const spoolMemory = 256 << 10

// spool is the rest of a message that had to leave the line.
type spool struct {
	io.Reader

	file *os.File // nil: all in memory
}

// newSpool reads from to its end.
func newSpool(from io.Reader) (*spool, error) {
	var memory bytes.Buffer
	_, err := io.CopyN(&memory, from, spoolMemory)
	if errors.Is(err, io.EOF) {
		return &spool{Reader: &memory}, nil
	}
	if err != nil {
		return nil, err
	}
	file, err := os.CreateTemp("", "waybill-")
	if err != nil {
		return nil, err
	}
	// Nobody else needs the name, and a crash leaves nothing behind.
	_ = os.Remove(file.Name())
	_, err = io.Copy(file, from)
	if err == nil {
		_, err = file.Seek(0, io.SeekStart)
	}
	if err != nil {
		_ = file.Close()
		return nil, err
	}
	return &spool{Reader: io.MultiReader(&memory, file), file: file}, nil
}

// Close removes the file.
func (s *spool) Close() error {
	if s.file == nil {
		return nil
	}
	return s.file.Close()
}
