//go:build unix

package provisioner

import (
	"os/exec"
	"syscall"
)

// endTogether makes the command the leader of a group of its own, so that what
// ends it ends the programs that it started too, and a Ctrl-C at the terminal
// reaches us and not half of an account's making.
func endTogether(cmd *exec.Cmd) {
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	cmd.Cancel = func() error { return syscall.Kill(-cmd.Process.Pid, syscall.SIGKILL) }
}
