// Package failures recreates what went wrong with the Exchange Migration Wizard,
// and shows what happens now. Each script in testdata/script is one failure and is
// called after the Knowledge Base article about it; docs/failures.md answers for
// all failures, and is checked against what is here.
package failures

import (
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"testing"

	"github.com/rogpeppe/go-internal/testscript"

	"waybill/internal/scratch"
)

// program is the binary under test, built once.
var program string

func TestMain(m *testing.M) {
	os.Exit(run(m))
}

func run(m *testing.M) int {
	dir, err := os.MkdirTemp("", "waybill-failures-")
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

// TestRecreated runs every script: the situation of an article, made again.
func TestRecreated(t *testing.T) {
	testscript.Run(t, testscript.Params{
		Dir:         "testdata/script",
		WorkdirRoot: scratch.Dir(t),
		Setup: func(e *testscript.Env) error {
			e.Setenv("PATH", filepath.Dir(program)+string(filepath.ListSeparator)+e.Getenv("PATH"))
			return nil
		},
		Cmds: commands(),
	})
}

// commands are what scripts can say besides testscript's own words.
func commands() map[string]func(*testscript.TestScript, bool, []string) {
	return map[string]func(*testscript.TestScript, bool, []string){
		"waybill":    waybill,
		"exits":      exits,
		"mail":       makeMail,
		"untouched":  untouched,
		"raw":        raw,
		"subst":      subst,
		"office":     office,
		"postoffice": makePostoffice,
	}
}

// waybill runs the program, which has to end with 0: waybill ls site:x.
func waybill(ts *testscript.TestScript, neg bool, args []string) {
	if neg {
		ts.Fatalf("say the exit code: exits CODE waybill ...")
	}
	exits(ts, false, append([]string{"0"}, args...))
}

// exits runs the program and checks its exit code: exits 3 waybill migrate ...
func exits(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) < 2 {
		ts.Fatalf("usage: exits CODE waybill ARGUMENT...")
	}
	want, rest := args[0], args[1:]
	if rest[0] == "waybill" {
		rest = rest[1:]
	}
	err := ts.Exec(program, rest...)
	code := "0"
	var exit *exec.ExitError
	switch {
	case errors.As(err, &exit):
		code = fmt.Sprint(exit.ExitCode())
	case err != nil:
		ts.Fatalf("%v", err)
	}
	if code != want {
		ts.Fatalf("waybill %q ended with %s, want %s", rest, code, want)
	}
}
