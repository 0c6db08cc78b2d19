//go:build !unix

package files

import "os"

func openAt(path string) (*os.File, error) { return os.Open(path) }
