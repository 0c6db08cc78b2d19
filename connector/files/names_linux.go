package files

import (
	"bytes"
	"encoding/binary"

	"golang.org/x/sys/unix"
)

// readNames takes the names out of one getdents64(2). With a million names in a
// folder the strings that other ways would make are most of the memory.
func readNames(fd int, buf []byte, f func(name []byte) error) (int, error) {
	n, err := unix.Getdents(fd, buf)
	if err != nil {
		return 0, err
	}
	const nameAt = 19 // d_ino 8, d_off 8, d_reclen 2, d_type 1
	for rest := buf[:n]; len(rest) > nameAt; {
		length := int(binary.NativeEndian.Uint16(rest[16:]))
		if length < nameAt || length > len(rest) {
			return 0, unix.EIO
		}
		name := rest[nameAt:length]
		if i := bytes.IndexByte(name, 0); i >= 0 {
			name = name[:i]
		}
		rest = rest[length:]
		if string(name) == "." || string(name) == ".." {
			continue
		}
		if err := f(name); err != nil {
			return 0, err
		}
	}
	return n, nil
}
