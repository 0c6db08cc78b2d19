package journal

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"testing"

	"waybill/failure"
)

func TestRecover(t *testing.T) {
	dir := t.TempDir()
	path := filepath.Join(dir, "a.pri")
	if err := WriteFile(path, []byte("whole")); err != nil {
		t.Fatal(err)
	}
	if err := Begin(dir, "a", map[string]int64{"a.pri": 5}); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(path, []byte("whole and half"), 0o600); err != nil {
		t.Fatal(err)
	}
	for range 2 { // recovering twice does no harm
		if err := Recover(dir, "a"); err != nil {
			t.Fatal(err)
		}
		if b, err := os.ReadFile(path); err != nil || string(b) != "whole" {
			t.Errorf("the file holds %q, %v", b, err)
		}
	}
	if _, err := os.Stat(filepath.Join(dir, "a"+Suffix)); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("the journal is still there: %v", err)
	}
}

func TestRecoverDamaged(t *testing.T) {
	for _, text := range []string{"", "5 a.pri\n", "x a.pri\nend\n", "5 ../a.pri\nend\n"} {
		dir := t.TempDir()
		if err := os.WriteFile(filepath.Join(dir, "a"+Suffix), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		if err := Recover(dir, "a"); failure.RuleOf(err) != "migfile.journal" {
			t.Errorf("%q: got %v", text, err)
		}
	}
}
