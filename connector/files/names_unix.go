//go:build unix && !linux

package files

import "golang.org/x/sys/unix"

func readNames(fd int, buf []byte, f func(name []byte) error) (int, error) {
	n, err := unix.ReadDirent(fd, buf)
	if err != nil {
		return 0, err
	}
	_, _, names := unix.ParseDirent(buf[:n], -1, nil)
	for _, name := range names {
		if err := f([]byte(name)); err != nil {
			return 0, err
		}
	}
	return n, nil
}
