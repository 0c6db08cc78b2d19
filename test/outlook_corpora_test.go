package test

import (
	"compress/gzip"
	"context"
	"fmt"
	"io"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"waybill/format/mapiitem"
	"waybill/format/pst"
	"waybill/internal/corpus"
)

// realOutlook lays out every PST and OST file of the collection as one directory,
// each the mailbox of a user of its own.
func realOutlook(t *testing.T, to string) (users map[string]string) {
	t.Helper()
	users = map[string]string{}
	for _, kind := range []string{"pst", "ost"} {
		from := corpus.Dir(t, kind)
		err := filepath.WalkDir(from, func(path string, d fs.DirEntry, err error) error {
			name := strings.TrimSuffix(d.Name(), ".gz")
			ending := strings.ToLower(filepath.Ext(name))
			if err != nil || !d.Type().IsRegular() || ending != ".pst" && ending != ".ost" {
				return err
			}
			user := fmt.Sprintf("%02d-%s", len(users), strings.TrimSuffix(name, filepath.Ext(name)))
			users[user] = filepath.Join(to, user+ending)
			return unpack(path, users[user])
		})
		if err != nil {
			t.Fatal(err)
		}
	}
	return users
}

func unpack(from, to string) error {
	if err := os.MkdirAll(filepath.Dir(to), 0o755); err != nil {
		return err
	}
	in, err := os.Open(from)
	if err != nil {
		return err
	}
	defer in.Close()
	r := io.Reader(in)
	if strings.HasSuffix(from, ".gz") {
		if r, err = gzip.NewReader(in); err != nil {
			return err
		}
	}
	out, err := os.Create(to)
	if err != nil {
		return err
	}
	_, err = io.Copy(out, r)
	if closed := out.Close(); err == nil {
		err = closed
	}
	return err
}

// inFile counts the items that people see in a file, by class; mail is one class.
func inFile(ctx context.Context, path string) (classes counted, items int, err error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, 0, err
	}
	defer f.Close()
	info, err := f.Stat()
	if err != nil {
		return nil, 0, err
	}
	file, err := pst.Open(ctx, f, info.Size(), path, pst.Options{})
	if err != nil {
		return nil, 0, err
	}
	folders, err := file.Folders(ctx)
	if err != nil {
		return nil, 0, err
	}
	classes = counted{}
	for _, folder := range folders {
		if folder.NonIPM {
			continue
		}
		for item, err := range file.Items(ctx, folder.NID) {
			if err != nil {
				return nil, 0, err
			}
			if item.Associated {
				continue
			}
			items++
			class := item.Class
			if mapiitem.KindOf(class) == 0 || strings.HasPrefix(class, "IPM.Schedule.Meeting") || strings.HasPrefix(class, "IPM.TaskRequest") {
				class = "mail"
			}
			classes[class]++
		}
	}
	return classes, items, nil
}

// TestRealOutlook takes everything out of the real files. What Python's mail
// parser finds in the Maildirs is what the files hold, class by class.
func TestRealOutlook(t *testing.T) {
	if testing.Short() {
		t.Skip("takes the mail out of many files; left out with -short")
	}
	if _, err := exec.LookPath("python3"); err != nil {
		t.Skip("python3 is not installed")
	}
	t.Parallel()
	work := t.TempDir()
	users := realOutlook(t, filepath.Join(work, "pst"))
	if len(users) < 40 {
		t.Fatalf("only %d files", len(users))
	}
	code, out := waybill(t, work, "extract", "--from", "pst:pst", "--to", "maildir:mail")
	found, unreadable := 0, 0
	w := accounted(t, filepath.Join(work, "mail-waybill"), false)
	verified := map[string]int64{}
	for _, b := range w.Mailboxes {
		verified[b.User] = b.Count.Verified
	}
	for user, path := range users {
		want, items, err := inFile(t.Context(), path)
		if err != nil {
			unreadable++
			t.Logf("%s: %v", user, err)
			continue
		}
		found += items
		if verified[user] != int64(items) {
			t.Errorf("%s: %d items are proven, the file holds %d", user, verified[user], items)
		}
		got := counted{}
		for _, s := range pythonMails(t, filepath.Join(work, "mail", user)) {
			if s.Class == "" {
				s.Class = "mail"
			}
			got[s.Class]++
		}
		compare(t, user, want, got)
	}
	// One file's tree of blocks is overwritten; no program opens it.
	if unreadable != 1 || code != 2 {
		t.Errorf("%d files cannot be read, and the program ended with %d:\n%s", unreadable, code, out)
	}
	if w.Totals.Found != int64(found) || found < 600 {
		t.Errorf("totals %+v, the files hold %d items", w.Totals, found)
	}
	t.Logf("%d items of %d files", found, len(users))
}
