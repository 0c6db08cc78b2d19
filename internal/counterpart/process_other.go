//go:build !linux

package counterpart

import "fmt"

// process exists on Linux only: the servers come from Debian's packages.
type process struct{}

func start(string, ...string) (*process, error) {
	return nil, fmt.Errorf("%w: servers for tests run on Linux only", ErrMissing)
}

func (*process) ended() error { return ErrMissing }
func (*process) stop()        {}
func (*process) kill()        {}
