package dbx_test

import (
	"bytes"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"testing"

	"waybill/format/dbx"
	"waybill/internal/corpus"
)

// TestRealRecovery takes the tree away from real folders: every message is found
// again, byte for byte, with its date and flags.
func TestRealRecovery(t *testing.T) {
	if testing.Short() {
		t.Skip("real files")
	}
	total := 0
	err := filepath.WalkDir(corpus.Dir(t, "dbx"), func(path string, d fs.DirEntry, err error) error {
		if err != nil || !d.Type().IsRegular() {
			return err
		}
		b, err := os.ReadFile(path)
		if err != nil {
			return err
		}
		if open(t, b).Kind != dbx.Messages {
			return nil
		}
		whole := known(messages(t, open(t, b)))
		put(b, 0xe4, 0)
		found := known(stranded(t, open(t, bytes.Clone(b))))
		if !slices.Equal(whole, found) {
			t.Errorf("%s: %d messages are found again of %d, or differ", path, len(found), len(whole))
		}
		total += len(found)
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	t.Logf("%d messages are found again", total)
	if total != 31 {
		t.Errorf("%d messages, and the collection has 31", total)
	}
}

// known is what is known of messages, in an order of its own.
func known(items []item) []string {
	var all []string
	for _, i := range items {
		all = append(all, i.Date.String()+" "+i.Flags.String()+" "+digest(i.text))
	}
	slices.Sort(all)
	return all
}
