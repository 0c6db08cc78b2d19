// Package examples_test moves the example office with the real program and
// compares the waybill with what the generator of the mail expects.
package examples_test

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"waybill/examples/office"
	"waybill/report"
)

// build makes the program, once for all tests of the package.
func build(t *testing.T) string {
	t.Helper()
	bin := filepath.Join(t.TempDir(), "waybill")
	run(t, "", 0, "go", "build", "-o", bin, "waybill/cmd/waybill")
	return bin
}

// run runs a command that must end with the given code.
func run(t *testing.T, dir string, code int, command ...string) string {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 5*time.Minute)
	defer cancel()
	cmd := exec.CommandContext(ctx, command[0], command[1:]...)
	cmd.Dir = dir
	out, err := cmd.CombinedOutput()
	have := 0
	if exit, ok := errors.AsType[*exec.ExitError](err); ok {
		have = exit.ExitCode()
	} else if err != nil {
		t.Fatal(err)
	}
	if have != code {
		t.Fatalf("%s: exit code %d, want %d\n%s", strings.Join(command, " "), have, code, out)
	}
	return string(out)
}

func TestDemo(t *testing.T) {
	bin, dir := build(t), t.TempDir()
	expected, err := office.Write(filepath.Join(dir, "harbour"))
	if err != nil {
		t.Fatal(err)
	}
	migrate := []string{bin, "migrate", "--from", "tree:harbour", "--to", "site:harbour.site", "--ledger", "harbour.ledger", "--report", "waybill", "--all", "--yes"}
	run(t, dir, expected.Exit, migrate...)
	compare(t, filepath.Join(dir, "waybill"), expected)
	run(t, dir, expected.Exit, migrate...) // again is harmless
	compare(t, filepath.Join(dir, "waybill"), expected)
	run(t, dir, 0, bin, "verify", "--ledger", "harbour.ledger")
	onward(t, bin, dir, expected)
}

// compare holds the waybill against the generator's own count.
func compare(t *testing.T, dir string, expected *office.Expected) {
	t.Helper()
	text, err := os.ReadFile(filepath.Join(dir, "report.json"))
	if err != nil {
		t.Fatal(err)
	}
	var w report.Waybill
	if err := json.Unmarshal(text, &w); err != nil {
		t.Fatal(err)
	}
	have := count(w.Totals)
	if want := expected.Totals; have.Found != want.Found || have.Verified != want.Verified || have.Quarantined != want.Quarantined || !w.Totals.Balanced() {
		t.Errorf("totals: %+v, want %+v", w.Totals, want)
	}
	digests := readDigests(t, filepath.Join(dir, "messages.jsonl"))
	for _, want := range expected.Mailboxes {
		i := slices.IndexFunc(w.Mailboxes, func(m report.Mailbox) bool { return m.User == want.User })
		if i < 0 {
			t.Errorf("the waybill does not name %s", want.User)
			continue
		}
		for _, f := range want.Folders {
			j := slices.IndexFunc(w.Mailboxes[i].Folders, func(g report.Folder) bool { return g.Path == f.Path })
			if j < 0 {
				t.Errorf("%s: the waybill does not name the folder %s", want.User, f.Path)
				continue
			}
			g := count(w.Mailboxes[i].Folders[j].Count)
			if g.Found != f.Count.Found || g.Verified != f.Count.Verified || g.Quarantined != f.Count.Quarantined {
				t.Errorf("%s %s: %+v, want %+v", want.User, f.Path, g, f.Count)
			}
			if f.SHA256 != nil {
				a, b := slices.Sorted(slices.Values(f.SHA256)), slices.Sorted(slices.Values(digests[want.User+"\x00"+f.Path]))
				if !slices.Equal(a, b) {
					t.Errorf("%s %s: other messages than the source has: %d digests, want %d", want.User, f.Path, len(b), len(a))
				}
			}
		}
	}
	for _, kind := range []string{"mbox.truncated", "mbox.expunged", "pab-as-vcard"} {
		if w.Notes[kind] == 0 {
			t.Errorf("the waybill has no note %q, only %v", kind, w.Notes)
		}
	}
	if w.Directory.Contacts != expected.Contacts || w.Directory.Lists != expected.Lists {
		t.Logf("directory of this run: %+v", w.Directory)
	}
}

func count(c report.Count) office.Count {
	return office.Count{Found: int(c.Found), Verified: int(c.Verified), Quarantined: int(c.Quarantined)}
}

// readDigests collects the SHA-256 of verified messages by user and folder.
func readDigests(t *testing.T, name string) map[string][]string {
	t.Helper()
	f, err := os.Open(name)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	digests := map[string][]string{}
	lines := bufio.NewScanner(f)
	lines.Buffer(nil, 1<<20)
	for lines.Scan() {
		var m report.Message
		if err := json.Unmarshal(lines.Bytes(), &m); err != nil {
			t.Fatal(err)
		}
		if m.State == "verified" {
			key := m.User + "\x00" + m.Folder
			digests[key] = append(digests[key], m.SHA256)
		}
	}
	if err := lines.Err(); err != nil {
		t.Fatal(err)
	}
	return digests
}

// onward moves the mail out of the site again into Maildirs, and lets the file
// system say how many messages there are.
func onward(t *testing.T, bin, dir string, expected *office.Expected) {
	t.Helper()
	run(t, dir, 0, bin, "migrate", "--from", "site:harbour.site", "--to", "maildir:onward", "--ledger", "onward.ledger", "--report", "onward-waybill", "--yes")
	files := 0
	err := filepath.WalkDir(filepath.Join(dir, "onward"), func(path string, d os.DirEntry, err error) error {
		if err == nil && d.Type().IsRegular() {
			if parent := filepath.Base(filepath.Dir(path)); parent == "cur" || parent == "new" {
				files++
			}
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	if files != expected.Totals.Verified {
		t.Errorf("%d files in the Maildirs, want %d", files, expected.Totals.Verified)
	}
}
