package outlook

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"waybill/failure"
	"waybill/format/mapi"
	"waybill/inspect"
	"waybill/internal/pstwrite"
	"waybill/internal/pstwrite/sample"
)

// readInto copies what fits into memory.
func readInto(w io.Writer, r io.Reader) (int64, error) { return io.Copy(w, r) }

// store writes a PST of n letters, each with an attachment of 20 kB.
func store(t testing.TB, n int) (path string, l pstwrite.Layout) {
	t.Helper()
	path = filepath.Join(t.TempDir(), "store.pst")
	f, err := os.Create(path)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	w, err := pstwrite.New(f, pstwrite.Options{StoreName: "Anna's secrets"})
	if err != nil {
		t.Fatal(err)
	}
	inbox, err := w.Folder(pstwrite.Root, "Love letters", "IPF.Note")
	if err != nil {
		t.Fatal(err)
	}
	for i := range n {
		_, err := w.Add(inbox, pstwrite.Message{
			Props: []pstwrite.Prop{pstwrite.Text(mapi.MessageClass, "IPM.Note"), pstwrite.Text(mapi.Subject, fmt.Sprint("Letter ", i))},
			Attachments: []pstwrite.Attachment{{Data: func() (io.ReadCloser, error) {
				return io.NopCloser(strings.NewReader(strings.Repeat("abcdefgh", 2500))), nil
			}}},
		})
		if err != nil {
			t.Fatal(err)
		}
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	return path, w.Layout()
}

// damage changes a file of store.
func damage(t *testing.T, path string, change func(*os.File) error) {
	t.Helper()
	f, err := os.OpenFile(path, os.O_RDWR, 0)
	if err != nil {
		t.Fatal(err)
	}
	if err := errors.Join(change(f), f.Close()); err != nil {
		t.Fatal(err)
	}
}

// large is a block of an attachment's data.
func large(t *testing.T, l pstwrite.Layout) pstwrite.Region {
	t.Helper()
	for r := range l.Blocks() {
		if r.Kind == pstwrite.DataBlock && r.Size > 8000 {
			return r
		}
	}
	t.Fatal("no block")
	return pstwrite.Region{}
}

func TestSoundFiles(t *testing.T) {
	for _, test := range []struct {
		o                  pstwrite.Options
		format, encryption string
		password           string
	}{
		{pstwrite.Options{Format: pstwrite.ANSI}, "ANSI (Outlook 97 to 2002), version 14", "none", "none"},
		{pstwrite.Options{Encryption: pstwrite.Permute, Password: "secret"}, "Unicode (Outlook 2003 and later), version 23", "compressible", "set"},
		{pstwrite.Options{Format: pstwrite.Unicode4K}, "Unicode with pages of 4 kB", "none", "none"},
		{pstwrite.Options{Encryption: pstwrite.Cyclic}, "Unicode (Outlook 2003 and later)", "high", "none"},
	} {
		t.Run(test.format, func(t *testing.T) {
			m, err := sample.Write(filepath.Join(t.TempDir(), "a.bin"), sample.Options{Options: test.o, Messages: 80})
			if err != nil {
				t.Fatal(err)
			}
			r := look(t, m.Path)
			for name, part := range map[string]string{
				"format": test.format, "encryption": test.encryption, "password": test.password, "size": amount(m.Size),
				"items": number(int64(m.Total.Items)) + ", ", "health": "sound", "waybill": "as vCard", "dates": "20",
			} {
				if !strings.Contains(fact(r, name), part) {
					t.Errorf("%s is %q, want %q", name, fact(r, name), part)
				}
			}
			for class, n := range m.Total.Classes {
				if got := fact(r, class); got != number(int64(n)) {
					t.Errorf("%s items of class %s, want %d", got, class, n)
				}
			}
			if worst, found := r.Worst(); found && worst > inspect.Note {
				t.Errorf("%+v", r.Findings)
			}
		})
	}
}

func TestDamagedFiles(t *testing.T) {
	for _, test := range []struct {
		name   string
		change func(t *testing.T, f *os.File, l pstwrite.Layout) error
		rules  []string
		health string
		items  string
	}{
		{"a wrong checksum", func(t *testing.T, f *os.File, l pstwrite.Layout) error { return l.Flip(f, large(t, l), 10) },
			[]string{"pst.crc", "pst.item"}, "damaged: 1 block with a wrong checksum, 1 item not whole", "30, "},
		{"a broken root", func(_ *testing.T, f *os.File, l pstwrite.Layout) error {
			r := l.Root(pstwrite.NodePage)
			return l.Rewrite(f, r, func(b []byte) { clear(b) })
		}, []string{"pst.trees"}, "damaged", "30, "},
		{"cut off", func(t *testing.T, f *os.File, l pstwrite.Layout) error {
			info, err := f.Stat()
			return errors.Join(err, f.Truncate(info.Size()-512))
		}, []string{"pst.truncated"}, "", ""},
		{"a circle", func(_ *testing.T, f *os.File, l pstwrite.Layout) error {
			for _, r := range l.Pages() {
				if r.Kind == pstwrite.NodePage && r.Level > 0 {
					return l.Cycle(f, r)
				}
			}
			return errors.New("no branch")
		}, []string{"pst.page-level"}, "damaged", ""},
	} {
		t.Run(test.name, func(t *testing.T) {
			path, l := store(t, 30)
			damage(t, path, func(f *os.File) error { return test.change(t, f, l) })
			r := look(t, path)
			got := rules(r)
			for _, rule := range test.rules {
				if got[rule] == 0 {
					t.Errorf("findings %v, want %s", got, rule)
				}
			}
			if !strings.HasPrefix(fact(r, "health"), test.health) || !strings.HasPrefix(fact(r, "items"), test.items) {
				t.Errorf("health %q, items %q", fact(r, "health"), fact(r, "items"))
			}
			if worst, _ := r.Worst(); worst == inspect.Note {
				t.Error("nothing worse than a note")
			}
			var shared strings.Builder
			if err := r.Share().Text(&shared); err != nil {
				t.Fatal(err)
			}
			for _, secret := range []string{"Love letters", "Letter ", "Anna", filepath.Base(path)} {
				if strings.Contains(shared.String(), secret) {
					t.Errorf("%q is shared:\n%s", secret, shared.String())
				}
			}
		})
	}
}

func TestDirectoryOfFiles(t *testing.T) {
	dir := t.TempDir()
	if _, err := sample.Office(dir, sample.Users(3), sample.Options{Messages: 12}); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(dir, "zoe.PST"), []byte("no PST at all"), 0o644); err != nil {
		t.Fatal(err)
	}
	r := look(t, "pst:"+dir)
	if got := fact(r, "files"); got != "4, 3 of them sound" {
		t.Errorf("%q", got)
	}
	if got := rules(r); got["pst.magic"] != 1 || len(got) != 1 {
		t.Errorf("%v", got)
	}
	if got := fact(r, "anna.pst"); !strings.Contains(got, "items 12, ") {
		t.Errorf("%q", got)
	}
	if empty := look(t, "pst:"+t.TempDir()); rules(empty)["inspect.empty"] != 1 {
		t.Error("an empty directory seems well")
	}
}

func TestLookStopsWhenToldTo(t *testing.T) {
	path, _ := store(t, 3)
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, ok, err := Look(ctx, path); ok || failure.ClassOf(err) != failure.Cancelled {
		t.Errorf("%v %v", ok, err)
	}
}
