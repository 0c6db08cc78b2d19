//go:build unix

package mbox

import (
	"errors"
	"io/fs"
	"os"
	"syscall"

	"golang.org/x/sys/unix"

	"waybill/failure"
)

// lock keeps other Waybills from writing the file at the same time; closing the
// file gives it back. Delivery agents lock in ways of their own (dot files,
// fcntl), each differently; none of them delivers into a mailbox that is still
// being filled, so their locks would only be left behind by a crash.
func lock(f *os.File) error {
	err := unix.Flock(int(f.Fd()), unix.LOCK_EX|unix.LOCK_NB)
	if errors.Is(err, unix.EWOULDBLOCK) {
		return failure.New(failure.Conflict, "lock mbox", f.Name(), "mbox.locked",
			errors.New("another program is writing to the file")).WithRemedy("wait until it has ended, and run again")
	}
	if err != nil && !errors.Is(err, unix.ENOTSUP) && !errors.Is(err, unix.ENOLCK) {
		return failure.New(failure.Transient, "lock mbox", f.Name(), "mbox.lock", err)
	}
	return nil
}

func inode(fi fs.FileInfo) uint64 {
	if st, ok := fi.Sys().(*syscall.Stat_t); ok {
		return st.Ino
	}
	return 0
}
