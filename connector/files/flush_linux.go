package files

import (
	"fmt"

	"golang.org/x/sys/unix"
)

// CanFlushAll tells whether FlushAll works here and reports errors of writing,
// which syncfs(2) does since Linux 5.8.
func CanFlushAll() bool {
	var u unix.Utsname
	if unix.Uname(&u) != nil {
		return false
	}
	var major, minor int
	if n, _ := fmt.Sscanf(unix.ByteSliceToString(u.Release[:]), "%d.%d", &major, &minor); n != 2 {
		return false
	}
	return major > 5 || major == 5 && minor >= 8
}

// FlushAll makes everything that was written to the file system of d since d
// was opened durable in one call, which for many small files is much cheaper
// than one fsync each.
func (d *Dir) FlushAll() error {
	return Fail("flush file system", d.path, "dir.flush", ignoringEINTR(func() error { return unix.Syncfs(int(d.self.Fd())) }))
}
