package test

import (
	"context"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"waybill/internal/counterpart"
)

// TestBarsOnATerminal gives the program a terminal.
func TestBarsOnATerminal(t *testing.T) {
	t.Parallel()
	work := t.TempDir()
	noisy(t, filepath.Join(work, "from"), 30, 2000)
	ctx, cancel := context.WithTimeout(t.Context(), 5*time.Minute) // a display that never ends fails
	defer cancel()
	cmd := exec.CommandContext(ctx, program, "migrate", "--from", "maildir:from", "--to", "site:to.site")
	cmd.Dir, cmd.Env = work, append(os.Environ(), "TERM=xterm")
	out, err := counterpart.OnTerminal(cmd)
	if err != nil {
		t.Fatalf("%v:\n%q", err, out)
	}
	if !strings.Contains(out, "\x1b[") {
		t.Errorf("nothing is drawn on the terminal: %q", out)
	}
	for _, want := range []string{"all: 3/3 mailboxes", "anna", "bert", "cleo", "30 messages", "[====", "Complete: All 90 messages are proven"} {
		if !strings.Contains(out, want) {
			t.Errorf("the terminal does not show %q: %q", want, out)
		}
	}
}

// TestLinesWithoutATerminal sees plain lines and no escape codes in a pipe.
func TestLinesWithoutATerminal(t *testing.T) {
	t.Parallel()
	work := t.TempDir()
	noisy(t, filepath.Join(work, "from"), 30, 2000)
	out := expect(t, 0, work, "migrate", "--from", "maildir:from", "--to", "site:to.site")
	if strings.ContainsAny(out, "\x1b\r\b") {
		t.Errorf("the output has escape codes: %q", out)
	}
	for _, want := range []string{"copying 3 mailboxes", "anna: started", "anna: 30 messages", "Complete: All 90 messages are proven"} {
		if !strings.Contains(out, want) {
			t.Errorf("the output does not tell %q:\n%s", want, out)
		}
	}
}
