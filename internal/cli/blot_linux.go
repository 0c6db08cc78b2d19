package cli

import (
	"bytes"
	"os"
	"strconv"
	"strings"
	"unsafe"
)

// overwrite blots an argument of the process out in the process's own memory,
// from which /proc/PID/cmdline is read, and keeps its first bytes. It does so
// only when the kernel says that the text lies where the arguments are
// (proc_pid_stat(5), arg_start and arg_end): anything else may not be writable.
func overwrite(arg string, keep int) {
	if len(arg) <= keep {
		return
	}
	stat, err := os.ReadFile("/proc/self/stat")
	if err != nil {
		return
	}
	// The name of the program, in parentheses, may hold blanks.
	fields := strings.Fields(string(stat[bytes.LastIndexByte(stat, ')')+1:]))
	const argStart, argEnd = 48 - 3, 49 - 3
	if len(fields) <= argEnd {
		return
	}
	start, err1 := strconv.ParseUint(fields[argStart], 10, 64)
	end, err2 := strconv.ParseUint(fields[argEnd], 10, 64)
	data := unsafe.StringData(arg)              //nolint:gosec // see above
	at := uint64(uintptr(unsafe.Pointer(data))) //nolint:gosec // compared, never made a pointer again
	if err1 != nil || err2 != nil || at < start || at+uint64(len(arg)) > end {
		return
	}
	for i, b := 0, unsafe.Slice(data, len(arg)); i < len(b); i++ { //nolint:gosec // inside the arguments
		if i >= keep {
			b[i] = '*'
		}
	}
}
