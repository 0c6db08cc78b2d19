package sitestore_test

import (
	"os/signal"

	"golang.org/x/sys/unix"
)

// limitFiles bounds how long files of this process may become.
func limitFiles(bytes uint64) bool {
	signal.Ignore(unix.SIGXFSZ)
	return unix.Setrlimit(unix.RLIMIT_FSIZE, &unix.Rlimit{Cur: bytes, Max: bytes}) == nil
}
