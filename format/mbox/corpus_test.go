package mbox

import (
	"encoding/csv"
	"os"
	"path/filepath"
	"testing"
)

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
