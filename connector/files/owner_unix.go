//go:build unix

package files

import (
	"io/fs"
	"syscall"
)

func ownerOf(fi fs.FileInfo) Owner {
	if st, ok := fi.Sys().(*syscall.Stat_t); ok {
		return Owner{UID: int(st.Uid), GID: int(st.Gid)}
	}
	return Owner{}
}
