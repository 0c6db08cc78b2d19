package dbx_test

import (
	"crypto/sha256"
	"encoding/hex"
	"io/fs"
	"maps"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"waybill/failure"
	"waybill/format/dbx"
	"waybill/internal/corpus"
)

// realFiles opens every file of Outlook Express in the collection.
func realFiles(t *testing.T, each func(path string, f *dbx.File)) {
	t.Helper()
	if testing.Short() {
		t.Skip("real files")
	}
	err := filepath.WalkDir(corpus.Dir(t, "dbx"), func(path string, d fs.DirEntry, err error) error {
		if err != nil || !d.Type().IsRegular() {
			return err
		}
		file, err := os.Open(path)
		if err != nil {
			return err
		}
		defer func() { _ = file.Close() }()
		info, err := file.Stat()
		if err != nil {
			return err
		}
		f, err := dbx.Open(file, info.Size(), filepath.Base(path))
		if err != nil {
			t.Errorf("%s: %v", path, err)
			return nil
		}
		each(path, f)
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
}

func digest(text string) string {
	d := sha256.Sum256([]byte(text))
	return hex.EncodeToString(d[:])
}

// TestRealFiles compares every message with what undbx, an independent program,
// takes out of the same file.
func TestRealFiles(t *testing.T) {
	undbx, err := exec.LookPath("undbx")
	if err != nil {
		t.Skip("undbx is not installed")
	}
	total, short := 0, 0
	realFiles(t, func(path string, f *dbx.File) {
		if f.Kind != dbx.Messages {
			return
		}
		var ours []string
		for _, i := range messages(t, f) {
			if i.err != nil {
				t.Errorf("%s: %v", path, i.err)
			}
			short += len(i.Notes)
			if i.Date.Year() < 2004 || i.Date.Year() > 2006 || i.Flags.System == 0 {
				t.Errorf("%s: message %d is of %v, with %s and notes %v", path, i.Index, i.Date, i.Flags, i.Notes)
			}
			ours = append(ours, digest(i.text))
		}
		if int64(len(ours)) != f.Stated {
			t.Errorf("%s has %d messages, and states %d", path, len(ours), f.Stated)
		}
		if n := len(stranded(t, f)); n != 0 {
			t.Errorf("%s has %d stranded messages", path, n)
		}
		theirs := extract(t, undbx, path)
		slices.Sort(ours)
		if !slices.Equal(ours, theirs) {
			t.Errorf("%s: %d messages differ from the %d of undbx", path, len(ours), len(theirs))
		}
		total += len(ours)
	})
	t.Logf("%d messages are the same in both programs, byte for byte", total)
	// Two texts are shorter than their folder says, for both programs.
	if total != 31 || short != 2 {
		t.Errorf("%d messages with %d notes, and the collection has 31 with 2", total, short)
	}
}

// extract lets undbx take a file apart and digests what it wrote.
func extract(t *testing.T, undbx, path string) []string {
	t.Helper()
	in, out := t.TempDir(), t.TempDir()
	b, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(in, filepath.Base(path)), b, 0o600); err != nil {
		t.Fatal(err)
	}
	if said, err := exec.CommandContext(t.Context(), undbx, in, out).CombinedOutput(); err != nil {
		t.Fatalf("undbx: %v: %.500s", err, said)
	}
	var all []string
	err = filepath.WalkDir(out, func(path string, d fs.DirEntry, err error) error {
		if err != nil || !d.Type().IsRegular() || !strings.HasSuffix(path, ".eml") {
			return err
		}
		b, err := os.ReadFile(path)
		all = append(all, digest(string(b)))
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	slices.Sort(all)
	return all
}

// TestRealFolders reads a list of folders that Outlook Express wrote.
func TestRealFolders(t *testing.T) {
	got := map[string]string{}
	realFiles(t, func(path string, f *dbx.File) {
		all, err := f.Folders(t.Context(), 1252)
		if err != nil {
			t.Errorf("%s: %v", path, err)
		}
		for _, p := range dbx.Arrange(all) {
			got[strings.Join(p.Names, "/")] = p.File + " " + string(p.Use)
		}
	})
	want := map[string]string{
		"Posteingang": "Posteingang.dbx Inbox", "Postausgang": "Postausgang.dbx Outbox", "Gesendete Objekte": "Gesendete Objekte.dbx Sent",
		"Gelöschte Objekte": "Gelöschte Objekte.dbx Trash", "Entwürfe": "Entwürfe.dbx Drafts", "Posteingang/KDE": "KDE.dbx ", "Posteingang/KDE/kmail": "kmail.dbx ",
		"Mailinglists": "Mailinglists.dbx ", "Mailinglists/acpi-devel": "acpi-devel.dbx ", "Mailinglists/ck": "ck.dbx ", "Mailinglists/hal": "hal.dbx ",
		"Mailinglists/hal/hal-commit": "hal-commit.dbx ", "Mailinglists/linux-kernel": "linux-kernel.dbx ",
	}
	if !maps.Equal(got, want) {
		t.Errorf("folders are %v", got)
	}
}

// The two files of version 4 in the collection were cut and edited by hand: their
// sizes lead behind their ends. What is there is told, and nothing made up.
func TestRealVersion4(t *testing.T) {
	files := 0
	realFiles(t, func(path string, f *dbx.File) {
		if f.Kind != dbx.Version4 {
			return
		}
		files++
		for _, i := range messages(t, f) {
			t.Logf("%s: message %d of %d bytes, %v", filepath.Base(path), i.Index, i.Size, i.err)
			if i.err != nil && failure.ClassOf(i.err) != failure.Malformed {
				t.Errorf("%s: %v", path, i.err)
			}
		}
	})
	if files != 2 {
		t.Errorf("%d files of version 4", files)
	}
}
