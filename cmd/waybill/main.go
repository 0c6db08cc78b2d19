// Command waybill moves whole mail systems.
package main

import (
	"os"
	"runtime/debug"

	"waybill/internal/cli"
)

// garbage is how much of the heap may be garbage before it is collected, in
// percent of what is in use. Messages stream through: with less than Go's own
// 100 twenty mailboxes at once need a fifth less memory, and no more time.
const garbage = 50

func main() {
	if os.Getenv("GOGC") == "" {
		debug.SetGCPercent(garbage)
	}
	os.Exit(cli.Main(os.Args[1:], os.Stdin, os.Stdout, os.Stderr))
}
