package pst

import (
	"fmt"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"waybill/format/mapi"
	"waybill/internal/pstwrite"
	"waybill/internal/pstwrite/sample"
)

// TestEveryFormat reads generated files of each format and encryption, and
// compares all of what their maker knows.
func TestEveryFormat(t *testing.T) {
	formats := map[string]pstwrite.Format{"ANSI": pstwrite.ANSI, "Unicode": pstwrite.Unicode, "Unicode4K": pstwrite.Unicode4K}
	encryptions := map[string]pstwrite.Encryption{"none": pstwrite.None, "compressible": pstwrite.Permute, "high": pstwrite.Cyclic}
	for formatName, format := range formats {
		for name, encryption := range encryptions {
			if format == pstwrite.Unicode4K && encryption != pstwrite.None {
				continue // no such file is known
			}
			t.Run(formatName+" "+name, func(t *testing.T) {
				path := filepath.Join(t.TempDir(), "sample.pst")
				made, err := sample.Write(path, sample.Options{
					Options:  pstwrite.Options{Format: format, Encryption: encryption, Password: "secret"},
					Messages: 60, Bytes: 1 << 20, Seed: uint64(format)*3 + uint64(encryption),
				})
				if err != nil {
					t.Fatal(err)
				}
				f, err := open(t, path, Options{})
				if err != nil {
					t.Fatal(err)
				}
				if i := f.Info(); i.Encryption.String() != name || !i.Password || i.Size != made.Size {
					t.Errorf("%+v", i)
				}
				compareSample(t, f, made)
				if h, err := f.Check(t.Context()); err != nil || !h.Sound() {
					t.Errorf("%+v %v", h, err)
				}
			})
		}
	}
}

// compareSample compares a file with its manifest.
func compareSample(t *testing.T, f *File, made *sample.Manifest) {
	t.Helper()
	want := map[NID]sample.Item{}
	for _, x := range made.Items {
		want[NID(x.Node)] = x
	}
	paths := map[string]int{}
	items := 0
	folders := everything(t.Context(), t, f, func(folder Folder, x Item, m *Message) {
		if x.Associated {
			return
		}
		w, ok := want[x.NID]
		if !ok {
			t.Errorf("%v was not made", x.NID)
			return
		}
		items++
		paths[strings.Join(folder.Path, "/")]++
		if at := made.Folders[w.Folder].Path; !slices.Equal(at, below(folder.Path, at)) {
			t.Errorf("%v lies in %q, not in %q", x.NID, folder.Path, at)
		}
		if x.Class != w.Class {
			t.Errorf("%v is %q, not %q", x.NID, x.Class, w.Class)
		}
		compareItem(t, m, m.Props(), w)
	})
	if items != len(made.Items) {
		t.Errorf("%d items of %d", items, len(made.Items))
	}
	for _, w := range made.Folders {
		i := slices.IndexFunc(folders, func(x Folder) bool { return slices.Equal(below(x.Path, w.Path), w.Path) })
		if i < 0 {
			t.Errorf("there is no folder %q", w.Path)
			continue
		}
		if x := folders[i]; x.ContainerClass != w.Class || x.Items != w.Items || x.NonIPM || x.Hidden || x.Orphaned || x.Unlisted {
			t.Errorf("%+v, want %+v", x, w)
		}
	}
}

// below cuts a path to the length of another: the manifest may begin under the
// top folder.
func below(path, like []string) []string {
	return path[max(len(path)-len(like), 0):]
}

func compareItem(t *testing.T, m mapi.Message, p *mapi.Props, w sample.Item) {
	t.Helper()
	if got := p.Text(mapi.Subject); got != w.Subject && !strings.Contains(got, "?") {
		t.Errorf("subject %q, not %q", got, w.Subject)
	}
	if got := p.Text(mapi.InternetMessageID); got != w.MessageID {
		t.Errorf("message ID %q, not %q", got, w.MessageID)
	}
	if got, _ := p.Time(mapi.ClientSubmitTime); !w.Sent.IsZero() && !got.Equal(w.Sent) {
		t.Errorf("sent at %v, not %v", got, w.Sent)
	}
	if got, _ := p.Time(mapi.MessageDeliveryTime); !w.Delivered.IsZero() && !got.Equal(w.Delivered) {
		t.Errorf("delivered at %v, not %v", got, w.Delivered)
	}
	recipients, err := m.Recipients(t.Context())
	if err != nil || len(w.To) > 0 && len(recipients) != len(w.To)+len(w.Cc) {
		t.Errorf("%d recipients, not %d: %v", len(recipients), len(w.To)+len(w.Cc), err)
	}
	all, err := m.Attachments(t.Context())
	if err != nil || len(all) != len(w.Attachments) {
		t.Errorf("%d attachments, not %d: %v", len(all), len(w.Attachments), err)
		return
	}
	for i, a := range all {
		want := w.Attachments[i]
		inner, err := a.Message(t.Context())
		if err != nil || (inner != nil) != (want.Embedded != nil) {
			t.Errorf("an embedded message: %v %v", inner, err)
			continue
		}
		if inner != nil {
			compareItem(t, inner, inner.Props(), *want.Embedded)
			continue
		}
		v, _ := a.Props().Get(mapi.AttachData)
		r, err := v.Data.Open()
		if err != nil {
			t.Error(err)
			continue
		}
		if got := sum(t, r); got != want.SHA256 || v.Data.Size() != want.Size {
			t.Errorf("attachment %s has %d bytes, not %d, or others", want.Name, v.Data.Size(), want.Size)
		}
		_ = r.Close()
	}
}

// TestNamedProperties finds categories by the name of their property.
func TestNamedProperties(t *testing.T) {
	path := filepath.Join(t.TempDir(), "sample.pst")
	made, err := sample.Write(path, sample.Options{Messages: 80, Seed: 5})
	if err != nil {
		t.Fatal(err)
	}
	f, err := open(t, path, Options{})
	if err != nil {
		t.Fatal(err)
	}
	found := 0
	for _, w := range made.Items {
		m, err := f.Message(t.Context(), NID(w.Node))
		if err != nil {
			t.Fatal(err)
		}
		id := m.Props().Find(mapi.Name{Set: mapi.PublicStrings, Text: "Keywords"})
		if got := m.Props().Texts(id); fmt.Sprint(got) != fmt.Sprint(w.Categories) {
			t.Errorf("categories %q, not %q", got, w.Categories)
		}
		found += len(w.Categories)
	}
	if found == 0 {
		t.Error("the sample has no categories")
	}
}
