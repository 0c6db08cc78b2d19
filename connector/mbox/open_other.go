//go:build !linux

package mbox

import "os"

func openFile(path string) (*os.File, error) { return os.Open(path) }
