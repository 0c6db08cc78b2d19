package msmail_test

import (
	"context"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"runtime"
	"sync"
	"testing"

	"waybill/failure"
	"waybill/format/msmail"
	"waybill/internal/postoffice"
)

// TestLargePostoffice reads 200 users' mail and counts it, and what an open
// postoffice holds in memory.
func TestLargePostoffice(t *testing.T) {
	if testing.Short() {
		t.Skip("thousands of files")
	}
	ctx := context.Background()
	files, m := build(t, postoffice.Options{Seed: 200, Users: 200, Messages: 1000, Groups: 20, Externals: 50, Folders: 8, Attachments: 10})
	fsys := files.FS()
	var before, after runtime.MemStats
	runtime.GC()
	runtime.ReadMemStats(&before)
	p, err := msmail.Open(ctx, fsys, msmail.Options{})
	if err != nil {
		t.Fatal(err)
	}
	runtime.GC()
	runtime.ReadMemStats(&after)
	if held := int64(after.HeapAlloc) - int64(before.HeapAlloc); held > 8<<20 {
		t.Errorf("an open postoffice holds %d MB", held>>20)
	}
	want, live := 0, 0
	for _, u := range m.Users {
		want += len(u.Rows)
	}
	for _, u := range p.Users() {
		for row, err := range p.Mailbag(ctx, u.ID) {
			if err != nil {
				t.Fatal(err)
			}
			want--
			if row.State != msmail.Live {
				continue
			}
			msg, err := p.Message(ctx, row)
			if err != nil || !msg.Whole() {
				t.Fatal(err, msg)
			}
			r, err := msg.Text(ctx)
			if err != nil {
				t.Fatal(err)
			}
			if n, err := io.Copy(io.Discard, r); err != nil || n < msg.TextSize {
				t.Fatal(n, msg.TextSize, err)
			}
			_ = r.Close()
			live++
		}
	}
	if want != 0 {
		t.Errorf("%d rows are missing", want)
	}
	err = p.Check(ctx, func(f msmail.Finding) {
		if f.Rule != "msmail.mmf" {
			t.Errorf("%+v", f)
		}
	})
	if err != nil {
		t.Error(err)
	}
	if live == 0 {
		t.Error("nothing was read")
	}
	runtime.KeepAlive(files)

	cancelled, cancel := context.WithCancel(ctx)
	cancel()
	if err := p.Check(cancelled, func(msmail.Finding) {}); failure.ClassOf(err) != failure.Cancelled {
		t.Error(err)
	}
}

// TestOnDisk reads a postoffice with lower-case names from disk through a root that
// cannot be left; a link out of it is told of and not followed.
func TestOnDisk(t *testing.T) {
	ctx := context.Background()
	dir := t.TempDir()
	m, err := postoffice.Write(dir, postoffice.Options{Seed: 9, Messages: 60, LowerCase: true})
	if err != nil {
		t.Fatal(err)
	}
	outside := filepath.Join(t.TempDir(), "00000099.MMF")
	if err := os.WriteFile(outside, []byte("secret"), 0o600); err != nil {
		t.Fatal(err)
	}
	if err := os.Symlink(outside, filepath.Join(dir, "mbg", "00000099.mbg")); err != nil {
		t.Skip(err)
	}
	before := listing(t, dir)
	root, err := os.OpenRoot(dir)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = root.Close() }()
	p, err := msmail.Open(ctx, root.FS(), msmail.Options{})
	if err != nil {
		t.Fatal(err)
	}
	compareDirectory(t, p, m)
	compareMail(t, p, m)
	link := false
	if err := p.Check(ctx, func(f msmail.Finding) { link = link || f.Rule == "msmail.link" }); err != nil || !link {
		t.Errorf("the link is not told of: %v", err)
	}
	if after := listing(t, dir); before != after {
		t.Errorf("the postoffice was changed:\n%s\n%s", before, after)
	}
}

// listing tells names, sizes and times of a tree.
func listing(t *testing.T, dir string) (s string) {
	t.Helper()
	err := filepath.Walk(dir, func(path string, info os.FileInfo, err error) error {
		s += fmt.Sprintf("%s %d %v %v\n", path, info.Size(), info.ModTime(), info.Mode())
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return s
}

// TestManyReaders reads one postoffice from several goroutines.
func TestManyReaders(t *testing.T) {
	files, m := build(t, postoffice.Options{Seed: 31})
	p := open(t, files, msmail.Options{})
	var group sync.WaitGroup
	for range 4 {
		group.Go(func() {
			n := 0
			for _, u := range m.Users {
				for row, err := range p.Mailbag(context.Background(), u.ID) {
					if err != nil {
						t.Error(err)
					}
					if msg, err := p.Message(context.Background(), row); err == nil {
						if r, err := msg.Text(context.Background()); err != nil {
							t.Error(err)
						} else {
							_, _ = io.Copy(io.Discard, r)
							_ = r.Close()
						}
						n++
					}
				}
			}
			if _, err := p.Folders(context.Background()); err != nil || n == 0 {
				t.Error(n, err)
			}
		})
	}
	group.Wait()
}
