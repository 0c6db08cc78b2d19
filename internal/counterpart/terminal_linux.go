package counterpart

import (
	"bytes"
	"fmt"
	"io"
	"os"
	"os/exec"
	"strconv"
	"syscall"

	"golang.org/x/sys/unix"
)

// OnTerminal runs a command on a pseudo-terminal of its own, 24 lines of 120
// columns, and gives what was written there. The command may read from the
// terminal, and nobody types.
func OnTerminal(command *exec.Cmd) (screen string, err error) {
	master, err := os.OpenFile("/dev/ptmx", os.O_RDWR|unix.O_NOCTTY, 0)
	if err != nil {
		return "", err
	}
	defer func() { _ = master.Close() }()
	terminal, err := openTerminal(int(master.Fd()))
	if err != nil {
		return "", err
	}
	command.Stdin, command.Stdout, command.Stderr = terminal, terminal, terminal
	command.SysProcAttr = &syscall.SysProcAttr{Setsid: true, Setctty: true}
	err = command.Start()
	_ = terminal.Close()
	if err != nil {
		return "", err
	}
	var written bytes.Buffer
	read := make(chan struct{})
	go func() {
		defer close(read)
		_, _ = io.Copy(&written, master) // ends with EIO when nobody has the terminal open
	}()
	err = command.Wait()
	<-read
	return written.String(), err
}

// openTerminal opens the other end of a pseudo-terminal (pts(4)).
func openTerminal(master int) (*os.File, error) {
	if err := unix.IoctlSetPointerInt(master, unix.TIOCSPTLCK, 0); err != nil {
		return nil, fmt.Errorf("unlock the terminal: %w", err)
	}
	n, err := unix.IoctlGetInt(master, unix.TIOCGPTN)
	if err != nil {
		return nil, fmt.Errorf("the terminal's number: %w", err)
	}
	if err := unix.IoctlSetWinsize(master, unix.TIOCSWINSZ, &unix.Winsize{Row: 24, Col: 120}); err != nil {
		return nil, fmt.Errorf("the terminal's size: %w", err)
	}
	return os.OpenFile("/dev/pts/"+strconv.Itoa(n), os.O_RDWR|unix.O_NOCTTY, 0)
}
