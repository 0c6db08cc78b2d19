package holder_test

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"waybill/sitestore/holder"
)

// TestRecords has two holders of one site and one that was killed.
func TestRecords(t *testing.T) {
	dir := t.TempDir()
	mine, other := holder.In(dir), holder.In(dir)
	for _, r := range []*holder.Records{mine, other} {
		if err := r.Register("waybill test"); err != nil {
			t.Fatal(err)
		}
	}
	killed := filepath.Join(dir, "holder-killed")
	if err := os.WriteFile(killed, []byte(`{"pid":1,"command":"killed"}`), 0o600); err != nil {
		t.Fatal(err)
	}
	// An empty record is that of a process that is just starting, for a minute.
	stale := filepath.Join(dir, "holder-stale")
	if err := os.WriteFile(stale, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	if !mine.Alive("holder-stale") {
		t.Error("a process that is just starting counts as dead")
	}
	if old := time.Now().Add(-time.Hour); os.Chtimes(stale, old, old) != nil {
		t.Fatal("the time cannot be set")
	}
	list := mine.List()
	if len(list) != 2 || list[0].Self == list[1].Self || list[0].PID != os.Getpid() || list[0].Command != "waybill test" {
		t.Errorf("%+v", list)
	}
	for _, path := range []string{killed, stale} {
		if _, err := os.Stat(path); err == nil {
			t.Errorf("%s is still there", path)
		}
	}
	if words := mine.Others(); !strings.HasPrefix(words, "waybill test, process ") || strings.Contains(words, ";") {
		t.Error(words)
	}
	name := other.Name()
	if !mine.Alive(name) {
		t.Error("the other is dead")
	}
	other.Leave()
	if mine.Alive(name) || len(mine.List()) != 1 || mine.Others() != "it has left no record of itself" {
		t.Errorf("the other left: %+v, %s", mine.List(), mine.Others())
	}
}
