package mbox

import (
	"encoding/csv"
	"os"
	"os/exec"
	"path/filepath"
	"testing"
)

// corpus unpacks one kind of real mail and returns its directory. The corpora lie
// beside the repository; where they are missing the test is skipped.
func corpus(t *testing.T, kind string) string {
	t.Helper()
	dir, err := os.Getwd()
	if err != nil {
		t.Fatal(err)
	}
	for {
		unpack := filepath.Join(dir, "..", "shared", "corpora", "unpack")
		if _, err := os.Stat(unpack); err == nil {
			to := t.TempDir()
			if out, err := exec.Command(unpack, to, kind).CombinedOutput(); err != nil {
				t.Skipf("the corpora cannot be unpacked: %v\n%s", err, out)
			}
			return to
		}
		parent := filepath.Dir(dir)
		if parent == dir {
			t.Skip("no corpora of real mail beside the repository")
		}
		dir = parent
	}
}

// groundTruth returns what independent tools count in each mbox file.
func groundTruth(t *testing.T, dir string) map[string]map[string]string {
	t.Helper()
	f, err := os.Open(filepath.Join(dir, "GROUNDTRUTH.csv"))
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = f.Close() }()
	rows, err := csv.NewReader(f).ReadAll()
	if err != nil {
		t.Fatal(err)
	}
	column := map[string]int{}
	for i, name := range rows[0] {
		column[name] = i
	}
	truth := map[string]map[string]string{}
	for _, row := range rows[1:] {
		if row[column["kind"]] != "mbox" {
			continue
		}
		file := row[column["file"]]
		if truth[file] == nil {
			truth[file] = map[string]string{}
		}
		truth[file][row[column["tool"]]] = row[column["messages"]]
	}
	return truth
}
