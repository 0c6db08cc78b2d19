// Package corpus gives tests a collection of real mail that is not part of the
// project, because much of it may be read but not passed on.
package corpus

import (
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"testing"
)

// variable names the collection's directory. Without it the collection is looked
// for in shared/corpora, beside or above the project.
const variable = "WAYBILL_CORPORA"

// Dir lays out one kind of mail (mbox, eml, maildir) in a directory that lives as
// long as the test, and returns it. The test is skipped where there is no
// collection. Beside the directory lies GROUNDTRUTH.csv: what other tools counted.
func Dir(t testing.TB, kind string) string {
	t.Helper()
	unpack := find(t)
	if unpack == "" {
		t.Skip("there is no collection of real mail; " + variable + " may name one")
	}
	to := t.TempDir()
	if out, err := exec.CommandContext(t.Context(), unpack, to, kind).CombinedOutput(); err != nil {
		t.Fatalf("the collection of real mail cannot be unpacked: %v: %.500s", err, out)
	}
	return filepath.Join(to, kind)
}

// Each lays out one kind of mail and calls f for each file of it; name is the path
// inside the collection.
func Each(t testing.TB, kind string, f func(name, path string)) {
	t.Helper()
	dir := Dir(t, kind)
	err := filepath.WalkDir(dir, func(path string, e fs.DirEntry, err error) error {
		if err == nil && e.Type().IsRegular() {
			name, _ := filepath.Rel(dir, path)
			f(name, path)
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
}

// find returns the program that unpacks the collection.
func find(t testing.TB) string {
	t.Helper()
	if dir := os.Getenv(variable); dir != "" {
		return filepath.Join(dir, "unpack")
	}
	dir, err := os.Getwd()
	if err != nil {
		t.Fatal(err)
	}
	for ; dir != filepath.Dir(dir); dir = filepath.Dir(dir) {
		unpack := filepath.Join(dir, "shared", "corpora", "unpack")
		if _, err := os.Stat(unpack); err == nil {
			return unpack
		}
	}
	return ""
}
