//go:build !unix

package mbox

import (
	"io/fs"
	"os"
)

func lock(*os.File) error      { return nil }
func inode(fs.FileInfo) uint64 { return 0 }
func mayWrite(dir string) bool {
	fi, err := os.Stat(dir)
	return err == nil && fi.IsDir()
}
