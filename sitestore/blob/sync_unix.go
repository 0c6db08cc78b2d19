//go:build unix

package blob

import (
	"errors"

	"golang.org/x/sys/unix"
)

// notSyncable reports whether a file system has no way to sync a folder.
func notSyncable(err error) bool {
	return errors.Is(err, unix.EINVAL) || errors.Is(err, unix.ENOTSUP)
}
