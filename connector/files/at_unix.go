//go:build unix

package files

import (
	"errors"
	"os"

	"golang.org/x/sys/unix"
)

// OpenFile opens whatever has that name for reading. It keeps the access time
// where the file is ours, and waits for no FIFO. Errors are the system's.
func OpenFile(path string) (*os.File, error) {
	const flags = os.O_RDONLY | unix.O_NONBLOCK | unix.O_NOCTTY
	f, err := os.OpenFile(path, flags|noAtime, 0)
	if noAtime != 0 && errors.Is(err, unix.EPERM) {
		f, err = os.OpenFile(path, flags, 0)
	}
	return f, err
}
