package tnef

import (
	"os"
	"path/filepath"
	"testing"

	"waybill/failure"
	"waybill/internal/corpus"
	"waybill/internal/mapiwalk"
)

// samples calls f for each TNEF stream of the collection.
func samples(t *testing.T, f func(name, path string)) {
	t.Helper()
	if testing.Short() {
		t.Skip("dozens of files")
	}
	corpus.Each(t, "tnef", f)
}

func openFile(t *testing.T, path string) (*Message, error) {
	t.Helper()
	f, err := os.Open(path)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = f.Close() })
	st, err := f.Stat()
	if err != nil {
		t.Fatal(err)
	}
	return Open(t.Context(), f, st.Size(), filepath.Base(path))
}

func TestRealStreams(t *testing.T) {
	var c mapiwalk.Counts
	files, refused := 0, 0
	defects := map[string]int{}
	samples(t, func(name, path string) {
		files++
		m, err := openFile(t, path)
		if err != nil {
			refused++
			t.Logf("%s: %v", name, err)
			return
		}
		c.Message(t.Context(), m, func(err error) {
			defects[failure.RuleOf(err)]++
			t.Logf("%s: %v", name, err)
		})
	})
	t.Logf("%d files, %d refused, %+v, defects %v", files, refused, c, defects)
}
