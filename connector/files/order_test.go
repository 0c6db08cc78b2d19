package files_test

import (
	"errors"
	"os"
	"path/filepath"
	"testing"
	"time"

	"waybill/connector/files"
	"waybill/failure"
)

// TestOrder follows a folder over two runs: names go on where the first ended,
// and a clock that went back does not lead before what is there.
func TestOrder(t *testing.T) {
	var there []string
	fail := errors.New("not now")
	walk := func(f func(files.Moment, int)) error {
		if fail != nil {
			return fail
		}
		for _, name := range there {
			m, n, _, ok := files.ParseMomentName(name)
			if !ok {
				t.Fatalf("odd name %q", name)
			}
			f(m, n)
		}
		return nil
	}
	now := time.Date(2024, time.March, 4, 5, 6, 7, 0, time.UTC)
	var first files.Order
	if _, err := first.Position(now, walk); !errors.Is(err, fail) {
		t.Fatalf("a folder that cannot be read: %v", err)
	}
	fail = nil
	at, err := first.Position(now, walk)
	if err != nil {
		t.Fatal(err)
	}
	there = append(there, first.Name(), first.Name())

	m, err := files.ParsePosition("test", at)
	if err != nil {
		t.Fatal(err)
	}
	var second files.Order
	if _, err := second.Position(now, walk); err != nil {
		t.Fatal(err)
	}
	fail = errors.New("cut off")
	if err := second.Resume(m, walk); !errors.Is(err, fail) {
		t.Fatalf("resuming in a folder that cannot be read: %v", err)
	}
	fail = nil
	if err := second.Resume(m, walk); err != nil {
		t.Fatal(err)
	}
	if got, want := second.Name(), m.Name(2); got != want {
		t.Errorf("the third name is %s, want %s", got, want)
	}
	later, err := second.Position(now.Add(-time.Hour), walk)
	if err != nil {
		t.Fatal(err)
	}
	if after, err := files.ParsePosition("test", later); err != nil || after.Compare(m) <= 0 {
		t.Errorf("position %s does not follow %s: %v", later, at, err)
	}
	if _, err := files.ParsePosition("test", at+"x"); failure.RuleOf(err) != "test.position" {
		t.Errorf("a position of somebody else's: %v", err)
	}
}

func TestState(t *testing.T) {
	dir := t.TempDir()
	file := filepath.Join(dir, "f")
	if err := os.WriteFile(file, []byte("one"), 0o600); err != nil {
		t.Fatal(err)
	}
	if s := files.State(time.Now(), dir, file); s != "" {
		t.Errorf("what changed just now has the state %q", s)
	}
	later := time.Now().Add(time.Hour)
	before := files.State(later, dir, file, filepath.Join(dir, "none"))
	if before == "" || before != files.State(later, dir, file, filepath.Join(dir, "none")) {
		t.Errorf("state %q of what does not change", before)
	}
	if err := os.WriteFile(file, []byte("three"), 0o600); err != nil {
		t.Fatal(err)
	}
	if after := files.State(later, dir, file, filepath.Join(dir, "none")); after == before {
		t.Errorf("a change left the state %q", after)
	}
}
