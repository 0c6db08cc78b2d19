//go:build unix

package provisioner

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"pgregory.net/rapid"

	"waybill/directory"
	"waybill/failure"
)

func TestRun(t *testing.T) {
	anna := Facts{User: "Anna", Account: "anna"}
	for _, c := range []struct {
		name, line string
		facts      Facts
		limit      time.Duration
		class      failure.Class
		rule       string // "": it goes well
		told       string // in what is told
	}{
		{name: "well", line: "echo made $WAYBILL_ACCOUNT", facts: anna, told: "made anna"},
		{name: "silent", line: ":", facts: anna, told: "ended with 0 after"},
		{name: "both outputs", line: "echo out; echo err >&2", facts: anna, told: "out\nerr"},
		{name: "refused", line: "echo first; echo no such domain >&2; exit 3", facts: anna, class: failure.Denied, rule: "provision.failed", told: "no such domain"},
		{name: "not now", line: "exit 75", facts: anna, class: failure.Transient, rule: "provision.tempfail", told: "ended with 75"},
		{name: "no such program", line: "no-such-program-anywhere", facts: anna, class: failure.Denied, rule: "provision.failed", told: "exit status 127"},
		{name: "killed", line: "kill -9 $$", facts: anna, class: failure.Denied, rule: "provision.failed", told: "signal: killed"},
		{name: "too slow", line: "echo begun; sleep 60", limit: 50 * time.Millisecond, facts: anna, class: failure.Transient, rule: "provision.timeout", told: "begun"},
		{name: "no input", line: "cat; echo end", facts: anna, told: "end"},
		{name: "account of two lines", line: "echo never", facts: Facts{Account: "anna\nroot::0:0"}, class: failure.Malformed, rule: "provision.account-name"},
		{name: "account with an end", line: "echo never", facts: Facts{Account: "anna\x00"}, class: failure.Malformed, rule: "provision.account-name"},
		{name: "no account", line: "echo never", facts: Facts{}, class: failure.Malformed, rule: "provision.account-name"},
		{name: "not text", line: `printf 'a\033[31m\000b\377c\342\200\256d\r\n'`, facts: anna, told: "a?[31m?b?c?d"},
	} {
		t.Run(c.name, func(t *testing.T) {
			var told []string
			command := Command{Line: c.line, Timeout: c.limit, Told: func(account, text string) { told = append(told, text) }}
			err := command.Run(t.Context(), c.facts)
			if c.rule == "" && err != nil || c.rule != "" && (failure.RuleOf(err) != c.rule || failure.ClassOf(err) != c.class) {
				t.Errorf("error %v, want %s of class %s", err, c.rule, c.class)
			}
			if c.told == "" != (len(told) == 0) || len(told) > 0 && !strings.Contains(told[0], c.told) {
				t.Errorf("told %q, want %q", told, c.told)
			}
		})
	}
}

// What the names hold is never part of the command.
func TestFactsAreNotCommands(t *testing.T) {
	dir := t.TempDir()
	t.Chdir(dir)
	evil := `x"; touch owned; $(touch owned) ` + "`touch owned`" + ` ' & touch owned #`
	f := Facts{User: evil, Account: evil, Entry: directory.User{Name: evil, First: evil, Last: evil,
		Addresses:  []directory.Address{{Type: "MS", Value: "N/P/A"}, {Type: directory.SMTP, Value: "a@example.org"}, {Type: directory.SMTP, Value: "b@example.org"}},
		Attributes: map[string]string{"Telephone-Office1": evil, "x=y; touch owned\n": evil}, Kind: directory.Public}}
	out := filepath.Join(dir, "out")
	line := `env | grep ^WAYBILL_ | sort >"` + out + `"; printf '%s\n' "$WAYBILL_ACCOUNT" >>"` + out + `"`
	t.Setenv("WAYBILL_TARGET_PASSWORD", "geheim")
	if err := (Command{Line: line}).Run(t.Context(), f); err != nil {
		t.Fatal(err)
	}
	text, err := os.ReadFile(out)
	if err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{"WAYBILL_ACCOUNT=" + evil, "WAYBILL_USER=" + evil, "WAYBILL_NAME=", "WAYBILL_FIRST=", "WAYBILL_LAST=", "WAYBILL_KIND=public\n",
		"WAYBILL_ADDRESS=a@example.org\n", "WAYBILL_ADDRESSES=a@example.org\n", "WAYBILL_ATTRIBUTE_Telephone_Office1=" + evil, "WAYBILL_ATTRIBUTE_x_y__touch_owned_=", "\n" + evil + "\n"} {
		if !strings.Contains(string(text), want) {
			t.Errorf("there is no %q in\n%s", want, text)
		}
	}
	if strings.Contains(string(text), "geheim") {
		t.Error("the command is given a password that is not its own")
	}
	if _, err := os.Stat("owned"); !errors.Is(err, os.ErrNotExist) {
		t.Error("a name became a command")
	}
}

func TestAgain(t *testing.T) {
	for _, again := range []bool{false, true} {
		err := Command{Line: `test "$WAYBILL_AGAIN" = 1`}.Run(t.Context(), Facts{Account: "anna", Again: again})
		if (err == nil) != again {
			t.Errorf("again %v: error %v", again, err)
		}
	}
}

// A command that is stopped takes along what it started.
func TestStoppedWithItsChildren(t *testing.T) {
	dir := t.TempDir()
	fifo := filepath.Join(dir, "fifo")
	if err := syscall.Mkfifo(fifo, 0o600); err != nil {
		t.Skip("no fifo here:", err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	done := make(chan error, 1)
	go func() {
		done <- Command{Line: fmt.Sprintf(`sleep 600 & echo $! >"%s"; wait`, fifo)}.Run(ctx, Facts{Account: "anna"})
	}()
	word, err := os.ReadFile(fifo) // the child runs
	if err != nil {
		t.Fatal(err)
	}
	child, err := strconv.Atoi(strings.TrimSpace(string(word)))
	if err != nil {
		t.Fatal(err)
	}
	cancel()
	if err := <-done; failure.ClassOf(err) != failure.Cancelled {
		t.Errorf("error %v, want class cancelled", err)
	}
	// Whoever adopted the child takes a moment to notice its end.
	for end := time.Now().Add(20 * time.Second); time.Now().Before(end); {
		status, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", child))
		if err != nil || strings.Contains(string(status), ") Z ") {
			return
		}
	}
	if syscall.Kill(child, 0) == nil {
		t.Errorf("process %d still runs", child)
	}
}

func TestOutputIsBoundedAndHarmless(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		var o output
		var all strings.Builder
		for _, piece := range rapid.SliceOfN(rapid.SliceOfN(rapid.Byte(), 0, 3000), 0, 8).Draw(t, "pieces") {
			n, err := o.Write(piece)
			if n != len(piece) || err != nil {
				t.Fatalf("wrote %d of %d: %v", n, len(piece), err)
			}
			all.Write(piece)
		}
		if kept := len(o.head) + len(o.tail); kept > outputLimit || int64(kept)+o.left != int64(all.Len()) {
			t.Fatalf("kept %d and left %d of %d", kept, o.left, all.Len())
		}
		if !strings.HasPrefix(all.String(), string(o.head)) || !strings.HasSuffix(all.String(), string(o.tail)) {
			t.Fatal("what is kept is neither the beginning nor the end")
		}
		for _, r := range o.String() {
			if r < ' ' && r != '\n' || r == 0x7f || r >= 0x80 && r < 0xa0 {
				t.Fatalf("the text has %U", r)
			}
		}
	})
}
