package counterpart

import (
	"context"
	"errors"
	"os"
)

// daemon is a server with a folder of its own.
type daemon struct {
	// Dir holds everything.
	Dir  string
	proc *process
	// run writes the configuration for the ports that were chosen and starts.
	run func(context.Context) error
}

// Stop ends the server in good order; Restart starts it again.
func (d *daemon) Stop() {
	if d.proc != nil {
		d.proc.stop()
		d.proc = nil
	}
}

// Kill ends all of the server's processes at once (SIGKILL).
func (d *daemon) Kill() {
	if d.proc != nil {
		d.proc.kill()
		d.proc = nil
	}
}

// Restart starts the server again at the same addresses, after killing it if it
// still runs. The configuration is written anew from the server's Options.
func (d *daemon) Restart(ctx context.Context) error {
	d.Kill()
	var err error
	for range 50 {
		if err = d.run(ctx); !errors.Is(err, errTaken) {
			return err
		}
	}
	return err
}

// Close ends the server and removes its folder.
func (d *daemon) Close() {
	d.Kill()
	if d.Dir != "" {
		_ = os.RemoveAll(d.Dir)
	}
}
