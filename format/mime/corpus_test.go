package mime

import (
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"testing"

	"waybill/internal/corpus"
)

// TestRealMail walks over every message of the collection: none may fail, and
// every part can be read to its end.
func TestRealMail(t *testing.T) {
	if testing.Short() {
		t.Skip("thousands of files")
	}
	files, dated, defects := 0, 0, map[string]int{}
	err := filepath.WalkDir(corpus.Dir(t, "eml"), func(path string, d fs.DirEntry, err error) error {
		if err != nil || !d.Type().IsRegular() {
			return err
		}
		f, err := os.Open(path)
		if err != nil {
			return err
		}
		defer func() { _ = f.Close() }()
		files++
		r := NewReader(f)
		for first := true; ; first = false {
			p, err := r.Next()
			if err == io.EOF {
				return nil
			}
			if err != nil {
				t.Errorf("%s: %v", path, err)
				return nil
			}
			if first {
				_ = ParseAddresses(p.Header.Get("To"))
				if _, ok := ParseDate(p.Header.Get("Date")); ok {
					dated++
				}
			}
			if _, err := io.Copy(io.Discard, p.Text()); err != nil {
				t.Errorf("%s: %v", path, err)
			}
			for _, d := range p.Defects {
				defects[d]++
			}
		}
	})
	if err != nil {
		t.Fatal(err)
	}
	t.Logf("%d files, %d with a date, defects %v", files, dated, defects)
	if files == 0 || dated < files*9/10 {
		t.Errorf("only %d of %d messages have a date that is understood", dated, files)
	}
}
