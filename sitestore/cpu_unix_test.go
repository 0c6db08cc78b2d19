//go:build unix

package sitestore_test

import "golang.org/x/sys/unix"

// cpuTime is how much processor time this process has used, in nanoseconds.
func cpuTime() int64 {
	var u unix.Rusage
	if err := unix.Getrusage(unix.RUSAGE_SELF, &u); err != nil {
		return 0
	}
	return u.Utime.Nano() + u.Stime.Nano()
}
