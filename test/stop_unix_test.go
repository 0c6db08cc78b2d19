//go:build unix

package test

import (
	"errors"
	"syscall"

	"golang.org/x/sys/unix"
)

// stopAndWait stops a child process and returns when it has stopped. A child
// that has ended meanwhile is left for whoever waits for it.
func stopAndWait(pid int) error {
	if err := unix.Kill(pid, syscall.SIGSTOP); err != nil {
		return err
	}
	for {
		err := unix.Waitid(unix.P_PID, pid, nil, unix.WSTOPPED|unix.WEXITED|unix.WNOWAIT, nil)
		if !errors.Is(err, unix.EINTR) {
			return err
		}
	}
}
