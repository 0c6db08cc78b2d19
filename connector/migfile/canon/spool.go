package canon

import (
	"io"
	"os"

	"waybill/failure"
)

// spoolMemory is how much of a message is held in memory; the rest of a larger
// one goes to a temporary file.
const spoolMemory = 1 << 20

// Spool keeps the stretches of one message until their lengths are known, because
// a secondary file has the length in front of the data.
type Spool struct {
	dir  string
	mem  []byte
	file *os.File
	size int64
}

// Write implements io.Writer.
func (s *Spool) Write(p []byte) (int, error) {
	if s.file == nil && len(s.mem)+len(p) <= spoolMemory {
		s.mem = append(s.mem, p...)
		s.size += int64(len(p))
		return len(p), nil
	}
	if s.file == nil {
		f, err := os.CreateTemp(s.dir, ".waybill-spool-*")
		if err == nil {
			s.file = f
			_, err = f.Write(s.mem)
		}
		if err != nil {
			return 0, s.failed(err)
		}
	}
	n, err := s.file.Write(p)
	s.size += int64(n)
	if err != nil {
		return n, s.failed(err)
	}
	return n, nil
}

func (s *Spool) failed(err error) error {
	return failure.New(failure.ClassOf(err), "keep message", s.dir, "migfile.spool", err).WithRemedy("make room beside the packing list for the largest message")
}

// ReadAt reads what was written before.
func (s *Spool) ReadAt(p []byte, off int64) (int, error) {
	if s.file != nil {
		return s.file.ReadAt(p, off)
	}
	if off >= int64(len(s.mem)) {
		return 0, io.EOF
	}
	n := copy(p, s.mem[off:])
	if n < len(p) {
		return n, io.EOF
	}
	return n, nil
}

// Stretch is a stretch of a Spool, in bytes.
type Stretch struct{ off, Size int64 }

// Open reads a stretch from its start.
func (s *Spool) Open(p Stretch) io.Reader { return io.NewSectionReader(s, p.off, p.Size) }

// NewSpool makes a spool whose temporary file, if it needs one, lies in dir.
func NewSpool(dir string) *Spool { return &Spool{dir: dir} }

// Reset forgets everything; the memory is used again.
func (s *Spool) Reset() {
	s.mem, s.size = s.mem[:0], 0
	if s.file != nil {
		_ = s.file.Close()
		_ = os.Remove(s.file.Name())
		s.file = nil
	}
}
