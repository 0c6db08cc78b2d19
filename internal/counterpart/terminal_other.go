//go:build !linux

package counterpart

import (
	"errors"
	"os/exec"
)

// OnTerminal runs a command on a pseudo-terminal of its own.
func OnTerminal(*exec.Cmd) (screen string, err error) { return "", errors.ErrUnsupported }
