//go:build !unix

package mbox

import (
	"io/fs"
	"os"
)

func lock(*os.File) error      { return nil }
func inode(fs.FileInfo) uint64 { return 0 }
