// Package test runs the real program against real systems, from end to end.
package test

import (
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"sort"
	"testing"
	"time"

	"waybill/connector"
	"waybill/mail"
	"waybill/report"
)

// program is the binary under test, built once.
var program string

func TestMain(m *testing.M) {
	os.Exit(run(m))
}

func run(m *testing.M) int {
	dir, err := os.MkdirTemp("", "waybill-test-")
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	defer os.RemoveAll(dir)
	program = filepath.Join(dir, "waybill")
	build := exec.Command("go", "build", "-o", program, "waybill/cmd/waybill")
	build.Env = append(os.Environ(), "CGO_ENABLED=0")
	if out, err := build.CombinedOutput(); err != nil {
		fmt.Fprintf(os.Stderr, "%s\n%v\n", out, err)
		return 1
	}
	return m.Run()
}

// waybill runs the program to its end and returns its exit code and output.
func waybill(t *testing.T, dir string, args ...string) (code int, output string) {
	t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), 5*time.Minute)
	defer cancel()
	cmd := exec.CommandContext(ctx, program, args...)
	cmd.Dir = dir
	out, err := cmd.CombinedOutput()
	var exit *exec.ExitError
	if err != nil && !errors.As(err, &exit) {
		t.Fatal(err)
	}
	return cmd.ProcessState.ExitCode(), string(out)
}

// expect runs the program and fails the test unless it ends with code.
func expect(t *testing.T, want int, dir string, args ...string) string {
	t.Helper()
	code, out := waybill(t, dir, args...)
	if code != want {
		t.Fatalf("waybill %q ended with %d, want %d:\n%s", args, code, want, out)
	}
	return out
}

// counted is a multiset of messages.
type counted map[string]int

// multiset reads a whole system through its Source: folder, content, and with
// marks set also flags, keywords and date.
func multiset(t *testing.T, source connector.Source, marks bool) counted {
	t.Helper()
	ctx := context.Background()
	all := counted{}
	for u, err := range source.Users(ctx) {
		if err != nil {
			t.Fatalf("user %s: %v", u.ID, err)
		}
		box, err := source.Mailbox(ctx, u.ID)
		if err != nil {
			t.Fatal(err)
		}
		folders, err := box.Folders(ctx)
		if err != nil {
			t.Fatal(err)
		}
		for _, f := range folders {
			if f.Container {
				continue
			}
			for m, err := range box.Messages(ctx, f.Path) {
				if err != nil {
					continue // what cannot be presented is the waybill's to list
				}
				if key, ok := describe(ctx, box, f.Path, m, marks); ok {
					all[u.ID+" "+string(f.Path)+" "+key]++
				}
			}
		}
		if err := box.Close(); err != nil {
			t.Fatal(err)
		}
	}
	if err := source.Close(); err != nil {
		t.Fatal(err)
	}
	return all
}

func describe(ctx context.Context, box connector.SourceMailbox, folder mail.Path, m mail.Message, marks bool) (string, bool) {
	r, err := box.Open(ctx, folder, m)
	if err != nil {
		return "", false
	}
	h := sha256.New()
	_, err = io.Copy(h, r)
	if err = errors.Join(err, r.Close()); err != nil {
		return "", false
	}
	key := fmt.Sprintf("%x", h.Sum(nil))
	if marks {
		key += fmt.Sprintf(" %s %d", m.Flags, m.InternalDate.Unix())
	}
	return key, true
}

// compare fails the test unless both multisets are equal.
func compare(t *testing.T, what string, want, got counted) {
	t.Helper()
	var differs []string
	for k, n := range want {
		if got[k] != n {
			differs = append(differs, fmt.Sprintf("%s: %d times in the source, %d in the target", k, n, got[k]))
		}
	}
	for k, n := range got {
		if want[k] == 0 {
			differs = append(differs, fmt.Sprintf("%s: %d times in the target, not in the source", k, n))
		}
	}
	sort.Strings(differs)
	if len(differs) > 0 {
		t.Errorf("%s: %d differences, first: %q", what, len(differs), differs[:min(5, len(differs))])
	}
}

func (c counted) total() (n int) {
	for _, k := range c {
		n += k
	}
	return n
}

// must is for sources that have to open.
func must(t *testing.T) func(connector.Source, error) connector.Source {
	return func(s connector.Source, err error) connector.Source {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
		return s
	}
}

func readWaybill(t *testing.T, dir string) *report.Waybill {
	t.Helper()
	w, err := report.Read(dir)
	if err != nil {
		t.Fatal(err)
	}
	return w
}

func locate(scheme, path string) connector.Location {
	return connector.Location{Scheme: scheme, Path: path}
}

// writeMaildir puts a small Maildir++ there: messages by folder ("" is INBOX).
func writeMaildir(t *testing.T, dir string, folders map[string][]string) {
	t.Helper()
	for folder, bodies := range folders {
		for _, sub := range []string{"cur", "new", "tmp"} {
			if err := os.MkdirAll(filepath.Join(dir, folder, sub), 0o755); err != nil {
				t.Fatal(err)
			}
		}
		for i, body := range bodies {
			name := filepath.Join(dir, folder, "cur", fmt.Sprintf("%d.M%dP7.kogge:2,S", 1_000_000_000+i*60, i))
			if err := os.WriteFile(name, []byte(body), 0o644); err != nil {
				t.Fatal(err)
			}
			when := time.Unix(1_000_000_000+int64(i)*3600, 0)
			if err := os.Chtimes(name, when, when); err != nil {
				t.Fatal(err)
			}
		}
	}
}
