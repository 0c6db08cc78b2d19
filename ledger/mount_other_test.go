//go:build !linux

package ledger

import (
	"os"
	"testing"
)

func smallDisk(t *testing.T, _ string) string {
	t.Skip("a small disk is only made on Linux")
	return ""
}

func resizeDisk(*testing.T, string, string) {}

func readOnlyMountWorks(*testing.T) bool { return false }

func makeReadOnly(t *testing.T, dir string) {
	must(t, os.Chmod(dir, 0o500))
	t.Cleanup(func() { _ = os.Chmod(dir, 0o700) })
}
