package migfile

import (
	"encoding/binary"
	"io"
)

// DataFork finds the data fork of a MacBinary file (I, II or III): 128 bytes of
// header, then the data fork, then the resource fork. ok is false when the
// header is none; resource is the length of what is left out.
func DataFork(r io.ReaderAt, length int64) (fork io.Reader, size, resource int64, ok bool) {
	var h [128]byte
	if length < 128 {
		return nil, 0, 0, false
	}
	if _, err := r.ReadAt(h[:], 0); err != nil {
		return nil, 0, 0, false
	}
	size, resource = int64(binary.BigEndian.Uint32(h[83:])), int64(binary.BigEndian.Uint32(h[87:]))
	if h[0] != 0 || h[74] != 0 || h[82] != 0 || h[1] == 0 || h[1] > 63 || 128+size > length || 128+size+resource > length+127 {
		return nil, 0, 0, false
	}
	return io.NewSectionReader(r, 128, size), size, resource, true
}
