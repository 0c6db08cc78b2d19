// Package scratch gives tests folders in memory. What a test writes needs to last
// no longer than the test; to flush thousands of small files to a disk makes it
// wait, and proves nothing, because no test cuts the machine's power.
package scratch

import (
	"os"
	"testing"
)

// memory is where Linux keeps files in memory.
const memory = "/dev/shm"

// Dir returns an empty folder that is removed with the test: in memory where the
// system has files in memory, or else on the disk, as t.TempDir.
func Dir(t testing.TB) string {
	t.Helper()
	if info, err := os.Stat(memory); err != nil || !info.IsDir() {
		return t.TempDir()
	}
	dir, err := os.MkdirTemp(memory, "waybill-test-")
	if err != nil {
		return t.TempDir()
	}
	t.Cleanup(func() {
		if err := os.RemoveAll(dir); err != nil {
			t.Errorf("remove the test's folder: %v", err)
		}
	})
	return dir
}
