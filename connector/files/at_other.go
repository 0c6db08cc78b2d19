//go:build !unix

package files

import "os"

// OpenFile opens whatever has that name for reading. Errors are the system's.
func OpenFile(path string) (*os.File, error) { return os.Open(path) }
