package test

import (
	"bufio"
	"bytes"
	"encoding/json"
	"errors"
	"io"
	"os/exec"
	"strings"
	"syscall"
	"testing"
	"time"

	"waybill/report"
)

// running is the program at work with --json, followed line by line: what it
// prints tells the moment at which a test interferes.
type running struct {
	t      *testing.T
	cmd    *exec.Cmd
	lines  *bufio.Scanner
	stderr bytes.Buffer
	seen   []string
	guard  *time.Timer
}

// line is what is of interest in a line of --json.
type line struct {
	Type, Phase, User, Folder, ID, Msg, Detail, Text, Rule, Class string
	Code                                                          int
}

// start runs the program with --json in dir; change, when given, may alter the
// command before.
func start(t *testing.T, dir string, change func(*exec.Cmd), args ...string) *running {
	t.Helper()
	r := &running{t: t, cmd: exec.Command(program, append([]string{"--json"}, args...)...)}
	r.cmd.Dir, r.cmd.Stderr = dir, &r.stderr
	if change != nil {
		change(r.cmd)
	}
	out, err := r.cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	r.lines = bufio.NewScanner(out)
	r.lines.Buffer(nil, 16<<20)
	if err := r.cmd.Start(); err != nil {
		t.Fatal(err)
	}
	r.guard = time.AfterFunc(2*time.Minute, func() { _ = r.cmd.Process.Kill() }) // a run that hangs fails instead
	t.Cleanup(func() {
		if r.cmd.ProcessState == nil {
			_ = r.cmd.Process.Kill()
			_ = r.cmd.Wait()
		}
		r.guard.Stop()
	})
	return r
}

// next reads a line; false at the end.
func (r *running) next() (line, bool) {
	if !r.lines.Scan() {
		return line{}, false
	}
	text := r.lines.Text()
	r.seen = append(r.seen, text)
	var l line
	if err := json.Unmarshal([]byte(text), &l); err != nil {
		// Objects whose fields have other types are of no interest here; what is
		// no JSON at all is a fault.
		var any map[string]any
		if json.Unmarshal([]byte(text), &any) != nil {
			r.t.Errorf("with --json the program prints %q", text)
		}
	}
	return l, true
}

// until reads to the first line that f wants.
func (r *running) until(what string, f func(line) bool) line {
	r.t.Helper()
	for {
		l, ok := r.next()
		if !ok {
			_ = r.cmd.Wait()
			r.t.Fatalf("the run ended before %s:\n%s%s", what, strings.Join(r.seen, "\n"), r.stderr.String())
		}
		if f(l) {
			return l
		}
	}
}

// hold stops the process where it stands and returns when it has stopped; the
// function it returns lets it go on.
func (r *running) hold() (goOn func()) {
	r.t.Helper()
	if err := stopAndWait(r.cmd.Process.Pid); err != nil {
		r.t.Fatal(err)
	}
	return func() {
		if err := r.cmd.Process.Signal(syscall.SIGCONT); err != nil {
			r.t.Fatal(err)
		}
	}
}

// end reads the rest and returns the exit code and all that was printed.
func (r *running) end() (code int, output string) {
	r.t.Helper()
	for {
		if _, ok := r.next(); !ok {
			break
		}
	}
	err := r.cmd.Wait()
	r.guard.Stop()
	var exit *exec.ExitError
	if err != nil && !errors.As(err, &exit) && !errors.Is(err, io.ErrClosedPipe) {
		r.t.Fatal(err)
	}
	return r.cmd.ProcessState.ExitCode(), strings.Join(r.seen, "\n") + "\n" + r.stderr.String()
}

// ends fails the test unless the run ends with code.
func (r *running) ends(code int) string {
	r.t.Helper()
	got, out := r.end()
	if got != code {
		r.t.Fatalf("%q ended with %d, want %d:\n%s", r.cmd.Args, got, code, out)
	}
	return out
}

// accounted reads the waybill in dir and checks its arithmetic: every folder and
// mailbox on its own, the sums, and the lines of messages.jsonl. open says that
// a run which was not complete may leave messages without an outcome.
func accounted(t *testing.T, dir string, open bool) *report.Waybill {
	t.Helper()
	w := readWaybill(t, dir)
	balanced := func(what string, c report.Count) {
		if c.Found != c.Verified+c.Quarantined+c.Refused+c.Skipped+c.Open {
			t.Errorf("%s: %+v does not add up", what, c)
		}
		if c.Open != 0 && !open {
			t.Errorf("%s: %d messages have no outcome", what, c.Open)
		}
	}
	var sum report.Count
	for _, b := range w.Mailboxes {
		var box report.Count
		for _, f := range b.Folders {
			balanced(b.User+" "+f.Path, f.Count)
			if f.Complete && f.Count.Open != 0 {
				t.Errorf("%s %s is complete and has %d messages without an outcome", b.User, f.Path, f.Count.Open)
			}
			add(&box, f.Count)
		}
		// What left the source is told for each mailbox, not for its folders.
		box.Left, box.Moved, box.Kept, box.Mirrored = b.Count.Left, b.Count.Moved, b.Count.Kept, b.Count.Mirrored
		if box != b.Count {
			t.Errorf("%s: the folders sum up to %+v, the mailbox says %+v", b.User, box, b.Count)
		}
		add(&sum, b.Count)
	}
	if sum != w.Totals {
		t.Errorf("the mailboxes sum up to %+v, the totals are %+v", sum, w.Totals)
	}
	lines := map[string]int64{}
	for m, err := range report.ReadMessages(dir) {
		if err != nil {
			t.Fatal(err)
		}
		lines[m.State]++
		if m.State != "verified" && m.State != "skipped" && (m.Rule == "" || m.Reason == "") {
			t.Errorf("%s %s %s is %s without a rule and a reason", m.User, m.Folder, m.Key, m.State)
		}
	}
	for state, want := range map[string]int64{"quarantined": w.Totals.Quarantined, "refused": w.Totals.Refused} {
		if lines[state] != want {
			t.Errorf("messages.jsonl has %d %s messages, the totals say %d", lines[state], state, want)
		}
	}
	// Without --all only the exceptions have lines.
	if lines["verified"] != 0 && lines["verified"] != w.Totals.Verified {
		t.Errorf("messages.jsonl has %d verified messages, the totals say %d", lines["verified"], w.Totals.Verified)
	}
	return w
}

func add(sum *report.Count, c report.Count) {
	sum.Found += c.Found
	sum.Delivered += c.Delivered
	sum.Verified += c.Verified
	sum.Quarantined += c.Quarantined
	sum.Refused += c.Refused
	sum.Skipped += c.Skipped
	sum.Open += c.Open
	sum.Bytes += c.Bytes
	sum.VerifiedBytes += c.VerifiedBytes
	sum.Left += c.Left
	sum.Moved += c.Moved
	sum.Kept += c.Kept
	sum.Mirrored += c.Mirrored
}

// subset fails the test unless got holds nothing that is not in want.
func subset(t *testing.T, what string, want, got counted) {
	t.Helper()
	for k, n := range got {
		if n > want[k] {
			t.Errorf("%s: %q is %d times in the target, %d times in the source", what, k, n, want[k])
		}
	}
}
