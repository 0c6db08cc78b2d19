package cli

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"
)

// While the program waits for its control file, which is a pipe here, others on
// the machine look at its arguments.
func TestPasswordLeavesTheProcessList(t *testing.T) {
	dir := t.TempDir()
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	program, pipe := filepath.Join(dir, "waybill"), filepath.Join(dir, "control.txt")
	if err := os.Symlink(self, program); err != nil {
		t.Fatal(err)
	}
	if err := syscall.Mkfifo(pipe, 0o600); err != nil {
		t.Fatal(err)
	}
	cmd := exec.Command(program, "mailmig", "/C:"+pipe, "/A:admin", "/P:geheim", "/P:", "geheimer")
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	done := make(chan struct{})
	go func() { _ = cmd.Wait(); close(done) }()
	// Opening the writing end returns when the program reads.
	out, err := openWithin(pipe, done, time.Minute)
	if err != nil {
		t.Fatal(err)
	}
	text, err := os.ReadFile(fmt.Sprintf("/proc/%d/cmdline", cmd.Process.Pid))
	_, _ = out.WriteString("Mode,FILE\n")
	_ = out.Close()
	<-done
	if err != nil {
		t.Skipf("no process list here: %v", err)
	}
	if got := strings.ReplaceAll(string(text), "\x00", " "); strings.Contains(got, "geheim") || !strings.Contains(got, "/P:***") || !strings.Contains(got, "/A:admin") {
		t.Errorf("the process list shows %q", got)
	}
	if cmd.ProcessState.ExitCode() != mailmigErrors {
		t.Errorf("ended with %d", cmd.ProcessState.ExitCode())
	}
}

// openWithin opens the writing end of a pipe, unless the reader ends first.
func openWithin(path string, ended <-chan struct{}, limit time.Duration) (*os.File, error) {
	type result struct {
		f   *os.File
		err error
	}
	opened := make(chan result, 1)
	go func() {
		f, err := os.OpenFile(path, os.O_WRONLY, 0)
		opened <- result{f, err}
	}()
	select {
	case r := <-opened:
		return r.f, r.err
	case <-ended:
		return nil, fmt.Errorf("the program ended without reading %s", path)
	case <-time.After(limit):
		return nil, fmt.Errorf("nobody reads %s", path)
	}
}
