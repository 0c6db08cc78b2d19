//go:build unix

package mbox

import (
	"os/signal"
	"strings"
	"syscall"
	"testing"

	"golang.org/x/sys/unix"

	"waybill/failure"
	"waybill/mail"
)

// TestDiskFull lets the system refuse to write on in the middle of a batch: the
// whole batch is taken back, and the class is Full.
func TestDiskFull(t *testing.T) {
	dir := t.TempDir()
	m := openAccount(t, dir)
	mustDeliver(t, m, "first")
	before, err := m.Position(t.Context(), mail.Inbox)
	if err != nil {
		t.Fatal(err)
	}
	var old unix.Rlimit
	if err := unix.Getrlimit(unix.RLIMIT_FSIZE, &old); err != nil {
		t.Skip("the size of files cannot be limited: ", err)
	}
	signal.Ignore(syscall.SIGXFSZ)
	defer signal.Reset(syscall.SIGXFSZ)
	if err := unix.Setrlimit(unix.RLIMIT_FSIZE, &unix.Rlimit{Cur: 300 << 10, Max: old.Max}); err != nil {
		t.Skip("the size of files cannot be limited: ", err)
	}
	big := strings.Repeat("x", 200<<10)
	receipts, err := deliver(t, m, item("fits"), item(big), item(big))
	if rerr := unix.Setrlimit(unix.RLIMIT_FSIZE, &old); rerr != nil {
		t.Fatal(rerr)
	}
	if failure.ClassOf(err) != failure.Full || receipts != nil {
		t.Errorf("receipts %v, error %v", receipts, err)
	}
	if after, err := m.Position(t.Context(), mail.Inbox); err != nil || after != before {
		t.Errorf("position is %q, and was %q (%v)", after, before, err)
	}
	mustDeliver(t, m, big)
	want(t, dir, "first", big)
}
