// Package counterpart starts the real programs that tests talk to: Dovecot and
// Cyrus on ports of their own, proxies that break connections in stated ways,
// and the judge that compares two mail systems without any of our code.
//
// Nothing here is for production. Whatever cannot be started because it is not
// installed skips the test with a message that says what is missing; everything
// runs on 127.0.0.1 in a folder of its own and ends with the test.
package counterpart

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"net"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// ErrMissing is wrapped by errors that mean: not installed here, or not
// permitted. Tests skip on it.
var ErrMissing = errors.New("not available here")

// startLimit is how long a server may take until it greets; on a machine that
// is busy with other tests this is seconds.
const startLimit = 60 * time.Second

// orSkip ends the test when err is not nil: as skipped when the program is not
// installed, as failed otherwise.
func orSkip(t testing.TB, err error) {
	t.Helper()
	if errors.Is(err, ErrMissing) {
		t.Skip(err)
	}
	if err != nil {
		t.Fatal(err)
	}
}

// newDir makes a folder with a path that is short enough for sockets. In memory
// when base is empty and there is room for it, as nothing of it must last.
func newDir(base, pattern string) (string, error) {
	if base == "" {
		base = os.TempDir()
		if info, err := os.Stat("/dev/shm"); err == nil && info.IsDir() {
			base = "/dev/shm"
		}
	}
	dir, err := os.MkdirTemp(base, pattern)
	if err != nil {
		return "", fmt.Errorf("make a folder for a server: %w", err)
	}
	// The server's own users have to pass through it.
	return dir, os.Chmod(dir, 0o755)
}

// freePort finds a port that nobody listens on, below the range that the system
// gives to outgoing connections, so that none of those can take it later.
func freePort() int {
	for range 200 {
		port := 12000 + rand.IntN(20000)
		l, err := net.Listen("tcp", fmt.Sprintf("127.0.0.1:%d", port))
		if err != nil {
			continue
		}
		_ = l.Close()
		return port
	}
	return 0
}

// errTaken means that another process was faster to take the port.
var errTaken = errors.New("the port is taken")

// greets waits until the server at addr says its first line. ended tells whether
// the server has given up meanwhile.
func greets(ctx context.Context, addr string, ended func() error) error {
	ctx, cancel := context.WithTimeout(ctx, startLimit)
	defer cancel()
	tick := time.NewTicker(10 * time.Millisecond)
	defer tick.Stop()
	var last error
	for {
		line, err := greeting(ctx, addr)
		if err == nil && strings.HasPrefix(line, "* ") {
			return nil
		}
		if last = err; err == nil {
			last = fmt.Errorf("it said %q", line)
		}
		if err := ended(); err != nil {
			return err
		}
		select {
		case <-ctx.Done():
			return fmt.Errorf("no greeting at %s: %w", addr, last)
		case <-tick.C:
		}
	}
}

func greeting(ctx context.Context, addr string) (string, error) {
	c, err := (&net.Dialer{Timeout: time.Second}).DialContext(ctx, "tcp", addr)
	if err != nil {
		return "", err
	}
	defer func() { _ = c.Close() }()
	if err := c.SetDeadline(time.Now().Add(10 * time.Second)); err != nil {
		return "", err
	}
	b := make([]byte, 512)
	n, err := c.Read(b)
	return string(b[:n]), err
}

// tail is the end of a log, for a message about a failure.
func tail(path string) string {
	b, err := os.ReadFile(path)
	if err != nil {
		return ""
	}
	if len(b) > 4000 {
		b = b[len(b)-4000:]
	}
	return string(b)
}

// write makes files with their folders below dir.
func write(dir string, files map[string]string) error {
	for name, text := range files {
		path := filepath.Join(dir, name)
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			return err
		}
		if err := os.WriteFile(path, []byte(text), 0o644); err != nil {
			return err
		}
	}
	return nil
}
