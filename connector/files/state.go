package files

import (
	"fmt"
	"strings"
	"time"

	"waybill/failure"
)

// Youth is how long after its last change a time stamp may still be the same
// after another change: that long, it proves nothing.
const Youth = 2 * time.Second

// State is a word for the times of the given files and directories: while it
// stays the same, no name in the directories and nothing in the files changed.
// It is empty when that cannot be told.
func State(now time.Time, paths ...string) string {
	var s strings.Builder
	for _, path := range paths {
		info, err := Stat(path)
		if err != nil {
			if failure.ClassOf(err) != failure.Vanished {
				return ""
			}
			s.WriteString("-;")
			continue
		}
		if now.Sub(info.ModTime) < Youth || now.Sub(info.ChangeTime) < Youth {
			return ""
		}
		fmt.Fprintf(&s, "%x.%x.%x.%x;", info.Inode, info.Size, info.ModTime.UnixNano(), info.ChangeTime.UnixNano())
	}
	return s.String()
}
