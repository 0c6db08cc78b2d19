package pst

import (
	"errors"
	"os"

	"golang.org/x/sys/unix"
)

// openFile opens a file for reading and keeps its access time where it is ours.
// A FIFO is not waited for.
func openFile(path string) (*os.File, error) {
	f, err := os.OpenFile(path, os.O_RDONLY|unix.O_NOATIME|unix.O_NONBLOCK|unix.O_NOCTTY, 0)
	if errors.Is(err, unix.EPERM) {
		f, err = os.OpenFile(path, os.O_RDONLY|unix.O_NONBLOCK|unix.O_NOCTTY, 0)
	}
	return f, err
}
