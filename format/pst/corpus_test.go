package pst

import (
	"compress/gzip"
	"context"
	"encoding/csv"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"testing"

	"waybill/format/mapi"
	"waybill/internal/corpus"
)

// collection lays out all PST and OST files, and returns the directory above.
func collection(t testing.TB) (dir string, files []string) {
	t.Helper()
	if testing.Short() {
		t.Skip("real files")
	}
	for _, kind := range []string{"pst", "ost"} {
		under := corpus.Dir(t, kind)
		if dir == "" {
			dir = filepath.Dir(under)
		} else if err := os.Rename(under, filepath.Join(dir, kind)); err != nil {
			t.Fatal(err)
		}
	}
	err := filepath.WalkDir(dir, func(path string, d fs.DirEntry, err error) error {
		if err != nil || !d.Type().IsRegular() {
			return err
		}
		switch filepath.Ext(path) {
		case ".gz":
			unzip(t, path, strings.TrimSuffix(path, ".gz"))
			files = append(files, strings.TrimSuffix(path, ".gz"))
		case ".pst", ".ost":
			files = append(files, path)
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	if len(files) < 30 {
		t.Fatalf("only %d files", len(files))
	}
	return dir, files
}

func unzip(t testing.TB, from, to string) {
	t.Helper()
	in, err := os.Open(from)
	if err != nil {
		t.Fatal(err)
	}
	defer in.Close()
	z, err := gzip.NewReader(in)
	if err != nil {
		t.Fatal(err)
	}
	out, err := os.Create(to)
	if err != nil {
		t.Fatal(err)
	}
	if _, err = io.Copy(out, z); err != nil {
		t.Fatal(err)
	}
	if err = out.Close(); err != nil {
		t.Fatal(err)
	}
}

// truth is what other tools say of a file.
type truth struct {
	format, encryption             string
	mail, contact, calendar, other int
	folders, attachments           int
	password, refused              bool
}

// truths reads what was recorded of the files, by path.
func truths(t *testing.T, dir string) map[string]*truth {
	t.Helper()
	f, err := os.Open(filepath.Join(dir, "GROUNDTRUTH.csv"))
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	rows, err := csv.NewReader(f).ReadAll()
	if err != nil {
		t.Fatal(err)
	}
	column := map[string]int{}
	for i, name := range rows[0] {
		column[name] = i
	}
	all := map[string]*truth{}
	for _, r := range rows[1:] {
		get := func(name string) string { return r[column[name]] }
		number := func(name string) int { n, _ := strconv.Atoi(get(name)); return n }
		path := strings.TrimSuffix(get("file"), ".gz")
		if all[path] == nil {
			all[path] = &truth{}
		}
		x := all[path]
		switch tool, _, _ := strings.Cut(get("tool"), " "); tool {
		case "pffinfo":
			x.format, x.encryption = get("format"), get("encryption")
			x.password = regexp.MustCompile(`Password checksum=0x`).MatchString(get("notes"))
		case "pffexport":
			// pffexport counts all folders below the root.
			x.folders = number("folders") + 1
			x.attachments = max(x.attachments, number("attachments"))
		case "pst-extractor":
			// pffexport stops at one attachment table of an OST that this tool reads.
			x.attachments = max(x.attachments, number("attachments"))
		case "(comparison:":
			x.mail, x.contact, x.calendar, x.other = number("mail"), number("contact"), number("calendar"), number("other")
			x.refused = strings.Contains(get("notes"), "NO TOOL OPENS IT")
		}
	}
	return all
}

// class sorts an item as the tools do; hidden free/busy data is none of these.
func class(x Item) string {
	c := strings.ToUpper(x.Class)
	switch {
	case x.Associated, strings.HasPrefix(c, "IPM.MICROSOFT."):
		return ""
	case strings.HasPrefix(c, "IPM.CONTACT"), strings.HasPrefix(c, "IPM.DISTLIST"):
		return "contact"
	case strings.HasPrefix(c, "IPM.APPOINTMENT"):
		return "calendar"
	case strings.HasPrefix(c, "IPM.NOTE"), strings.HasPrefix(c, "IPM.POST"), strings.HasPrefix(c, "IPM.SCHEDULE"), strings.HasPrefix(c, "REPORT."):
		return "mail"
	default:
		return "other"
	}
}

// open opens a file of the disk for the length of the test.
func open(t testing.TB, path string, o Options) (*File, error) {
	t.Helper()
	r, err := os.Open(path)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = r.Close() })
	info, err := r.Stat()
	if err != nil {
		t.Fatal(err)
	}
	return Open(t.Context(), r, info.Size(), filepath.Base(path), o)
}

// everything visits each item of a file, opened.
func everything(ctx context.Context, t *testing.T, f *File, visit func(Folder, Item, *Message)) (folders []Folder) {
	t.Helper()
	folders, err := f.Folders(ctx)
	if err != nil {
		t.Fatal(err)
	}
	for _, folder := range folders {
		if folder.Err != nil {
			t.Errorf("folder %q: %v", folder.Path, folder.Err)
		}
		for item, err := range f.Items(ctx, folder.NID) {
			if err != nil {
				t.Errorf("folder %q: %v", folder.Path, err)
				continue
			}
			m, err := f.Message(ctx, item.NID)
			if err != nil {
				t.Errorf("folder %q: %v", folder.Path, err)
				continue
			}
			visit(folder, item, m)
			if d := m.Defects(); len(d) > 0 {
				t.Errorf("%v: %v", item.NID, d)
			}
		}
	}
	return folders
}

// TestRealFiles compares every file of the collection with what other tools found
// in it: folders, items by class, attachments, encryption, passwords.
func TestRealFiles(t *testing.T) {
	dir, files := collection(t)
	known := truths(t, dir)
	for _, path := range files {
		name, _ := filepath.Rel(dir, path)
		t.Run(filepath.Base(path), func(t *testing.T) {
			want := known[filepath.ToSlash(name)]
			if want == nil {
				t.Fatal("nothing is recorded of it")
			}
			f, err := open(t, path, Options{})
			if want.refused {
				if err == nil {
					t.Error("it was opened, and no other tool can")
				}
				return
			}
			if err != nil {
				t.Fatal(err)
			}
			compare(t, f, want)
		})
	}
}

func compare(t *testing.T, f *File, want *truth) {
	got := truth{password: f.Info().Password, encryption: f.Info().Encryption.String(), format: strings.Fields(f.Info().Format.String())[0]}
	folders := everything(t.Context(), t, f, func(_ Folder, x Item, m *Message) {
		switch class(x) {
		case "mail":
			got.mail++
		case "contact":
			got.contact++
		case "calendar":
			got.calendar++
		case "other":
			got.other++
		}
		if x.Unlisted {
			t.Errorf("%v is not in its folder's table", x.NID)
		}
		if own := m.Props().Text(mapi.MessageClass); own != x.Class {
			t.Errorf("%v has the class %q, and %q in its folder", x.NID, own, x.Class)
		}
		if _, err := m.Recipients(t.Context()); err != nil {
			t.Error(err)
		}
		all, err := m.Attachments(t.Context())
		if err != nil {
			t.Error(err)
		}
		if !x.Associated {
			got.attachments += len(all)
		}
	})
	got.folders = len(folders)
	expect := *want
	if expect.encryption == "no" {
		expect.encryption = "none"
	}
	if strings.HasPrefix(expect.format, "Unicode") {
		expect.format = "Unicode"
	}
	if got != expect {
		t.Errorf("got  %+v\nwant %+v", got, expect)
	}
	h, err := f.Check(t.Context())
	if err != nil || !h.Sound() {
		t.Errorf("%+v %v", h, err)
	}
	if h.Folders != len(folders) {
		t.Errorf("%d folders are listed, and the tree of nodes has %d", len(folders), h.Folders)
	}
}

// largest is the largest real PST.
func largest(t testing.TB) string {
	_, files := collection(t)
	best, size := "", int64(0)
	for _, path := range files {
		if info, err := os.Stat(path); err == nil && info.Size() > size && filepath.Ext(path) == ".pst" {
			best, size = path, info.Size()
		}
	}
	return best
}
