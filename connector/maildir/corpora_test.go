//go:build unix

package maildir

import (
	"os"
	"path/filepath"
	"testing"

	"waybill/connector"
	"waybill/internal/corpus"
)

// The corpora hold Maildirs of several programs, some without cur, new or tmp.
func TestCorpora(t *testing.T) {
	dir := corpus.Dir(t, "maildir")
	for root, want := range map[string]struct {
		users    int
		messages int
	}{
		"notmuch__notmuch/test/corpora/lkml": {1, 0}, "djcb__mu/testdata/testdir": {1, 0}, "djcb__mu/testdata/testdir2": {0, 0}, "rjbs__Email-Folder/t/testmaildir": {1, 0},
	} {
		base := filepath.Join(dir, root)
		if _, err := os.Stat(base); err != nil {
			t.Errorf("the corpora have no %s", root)
			continue
		}
		source := open(t, base, "")
		users, found := 0, 0
		for u, err := range source.Users(t.Context()) {
			if err != nil {
				t.Logf("%s: %v", root, err)
				continue
			}
			users++
			for _, list := range readAll(t, connector.Location{Scheme: scheme, Path: base}, u.ID) {
				found += len(list)
			}
		}
		files := 0
		err := filepath.WalkDir(base, func(path string, e os.DirEntry, err error) error {
			if part := filepath.Base(filepath.Dir(path)); err == nil && e.Type().IsRegular() && (part == "cur" || part == "new") && e.Name()[0] != '.' {
				files++
			}
			return err
		})
		if err != nil {
			t.Fatal(err)
		}
		if users < want.users || found != files || files == 0 {
			t.Errorf("%s: %d users with %d messages, and %d files", root, users, found, files)
		}
	}
}
