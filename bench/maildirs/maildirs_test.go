package maildirs

import (
	"bytes"
	"io/fs"
	"net/mail"
	"os"
	"path/filepath"
	"testing"
)

func TestWrite(t *testing.T) {
	read := func(dir string) (map[string]string, int64) {
		files, bytes := map[string]string{}, int64(0)
		err := filepath.WalkDir(dir, func(path string, d fs.DirEntry, err error) error {
			if err != nil || d.IsDir() || d.Name() == "maildirfolder" {
				return err
			}
			b, err := os.ReadFile(path)
			files[path[len(dir):]] = string(b)
			bytes += int64(len(b))
			return err
		})
		if err != nil {
			t.Fatal(err)
		}
		return files, bytes
	}
	o := Options{Mailboxes: 3, Messages: 200, Folders: 2, Profile: "office", Seed: 7}
	first, second := t.TempDir(), t.TempDir()
	total, err := Write(t.Context(), first, o)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := Write(t.Context(), second, o); err != nil {
		t.Fatal(err)
	}
	files, size := read(first)
	if len(files) != 200 || total.Messages != 200 {
		t.Errorf("%d files, reported %d, want 200", len(files), total.Messages)
	}
	if size != total.Bytes {
		t.Errorf("files hold %d bytes, reported %d", size, total.Bytes)
	}
	again, _ := read(second)
	for name, content := range files {
		if again[name] != content {
			t.Fatalf("%s differs between two runs", name)
		}
		if _, err := mail.ReadMessage(bytes.NewReader([]byte(content))); err != nil {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func TestBig(t *testing.T) {
	dir := t.TempDir()
	total, err := Write(t.Context(), dir, Options{Mailboxes: 1, Messages: 1, Profile: "big", Big: 5 << 20})
	if err != nil {
		t.Fatal(err)
	}
	if total.Bytes < 5<<20 || total.Bytes > 5<<20+4096 {
		t.Errorf("%d bytes, want a little over %d", total.Bytes, 5<<20)
	}
}
