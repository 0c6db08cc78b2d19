package unwrap

import (
	"io"
	"os"

	"waybill/failure"
)

// spool holds a message, or a part of one, to be read at any place: in memory, or
// in a file without a name when it is large.
type spool struct {
	memory []byte
	file   *os.File
	size   int64
}

func (s *spool) Write(p []byte) (int, error) {
	if s.file == nil && len(s.memory)+len(p) > maxMemory {
		f, err := os.CreateTemp("", "waybill-unwrap-")
		if err != nil {
			return 0, spoolError(err)
		}
		_ = os.Remove(f.Name()) // where the system lets us; otherwise when it is closed
		s.file = f
		if _, err := f.Write(s.memory); err != nil {
			return 0, spoolError(err)
		}
		s.memory = nil
	}
	if s.file == nil {
		s.memory = append(s.memory, p...)
		s.size += int64(len(p))
		return len(p), nil
	}
	n, err := s.file.Write(p)
	s.size += int64(n)
	if err != nil {
		return n, spoolError(err)
	}
	return n, nil
}

func (s *spool) ReadAt(p []byte, off int64) (int, error) {
	if s.file != nil {
		return s.file.ReadAt(p, off)
	}
	if off < 0 || off >= int64(len(s.memory)) {
		return 0, io.EOF
	}
	n := copy(p, s.memory[off:])
	if n < len(p) {
		return n, io.EOF
	}
	return n, nil
}

// section reads the bytes from one place to another.
func (s *spool) section(from, to int64) *io.SectionReader {
	return io.NewSectionReader(s, from, to-from)
}

func (s *spool) close() {
	if s.file != nil {
		_ = s.file.Close()
		_ = os.Remove(s.file.Name())
	}
	*s = spool{}
}

// spoolError is an error of the temporary folder, which is nothing that the
// message could help.
func spoolError(err error) error {
	class := failure.ClassOf(err)
	if class == failure.Internal || class == failure.Malformed {
		class = failure.Transient
	}
	return failure.New(class, "keep a message for a moment", os.TempDir(), "unwrap.spool", err).WithRemedy("make room in the folder for temporary files, or name another one in TMPDIR")
}
