package mapiitem

import (
	"bytes"
	"fmt"
	"io/fs"
	"maps"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"waybill/format/mapi"
	"waybill/format/msg"
	"waybill/format/pst"
	"waybill/internal/corpus"
)

// realItem is an item of the collection, converted.
type realItem struct {
	file  string // of the collection
	where string // folder, subject
	item  *Item
	text  []byte
}

// fromStore converts all items of a PST that are no mail.
func fromStore(t *testing.T, path, name string) (items []realItem) {
	t.Helper()
	f, err := os.Open(path)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	stat, err := f.Stat()
	if err != nil {
		t.Fatal(err)
	}
	store, err := pst.Open(t.Context(), f, stat.Size(), name, pst.Options{})
	if err != nil {
		t.Logf("%s: %v", name, err)
		return nil
	}
	folders, err := store.Folders(t.Context())
	if err != nil {
		t.Logf("%s: %v", name, err)
	}
	for _, folder := range folders {
		for it, err := range store.Items(t.Context(), folder.NID) {
			if err != nil || it.Associated || KindOf(it.Class) == 0 {
				continue
			}
			m, err := store.Message(t.Context(), it.NID)
			if err != nil {
				t.Logf("%s: %s: %v", name, it.Subject, err)
				continue
			}
			items = append(items, convertReal(t, m, name, fmt.Sprintf("%s/%s", folder.Name, it.Subject))...)
		}
	}
	return items
}

func convertReal(t *testing.T, m mapi.Message, name, where string) []realItem {
	t.Helper()
	item, err := Convert(t.Context(), m, Options{Key: name + where, Where: name})
	if err != nil {
		t.Errorf("%s: %s: %v", name, where, err)
		return nil
	}
	if item == nil {
		return nil
	}
	var first, again bytes.Buffer
	if err := item.Write(t.Context(), &first); err != nil {
		t.Errorf("%s: %s: %v", name, where, err)
	}
	if err := item.Write(t.Context(), &again); err != nil || !bytes.Equal(first.Bytes(), again.Bytes()) {
		t.Errorf("%s: %s: written twice, the bytes differ (%v)", name, where, err)
	}
	return []realItem{{name, where, item, first.Bytes()}}
}

// TestRealItems converts every item of every PST and .msg file of the collection
// and lets independent libraries read what came out.
func TestRealItems(t *testing.T) {
	if testing.Short() {
		t.Skip("reads large files")
	}
	var items []realItem
	for _, kind := range []string{"pst", "msg"} {
		dir := corpus.Dir(t, kind)
		_ = filepath.WalkDir(dir, func(path string, d fs.DirEntry, err error) error {
			if err != nil || d.IsDir() {
				return err
			}
			name, _ := filepath.Rel(dir, path)
			if kind == "pst" {
				items = append(items, fromStore(t, path, name)...)
				return nil
			}
			b, err := os.ReadFile(path)
			if err != nil {
				return err
			}
			if m, err := msg.Open(bytes.NewReader(b), int64(len(b)), name); err == nil {
				items = append(items, convertReal(t, m, name, "")...)
			}
			return nil
		})
	}
	if len(items) < 50 {
		t.Fatalf("%d items; the collection has more", len(items))
	}
	kinds, notes := map[Kind]int{}, map[string]int{}
	files := map[string][]byte{}
	for i, r := range items {
		kinds[r.item.Kind]++
		for _, n := range r.item.Notes {
			notes[n.Kind]++
		}
		files[fmt.Sprintf("%05d%s", i, r.item.Name[strings.LastIndexByte(r.item.Name, '.'):])] = r.text
	}
	t.Logf("%d items: %v; notes: %v", len(items), kinds, notes)
	checkCounts(t, items)
	if to := os.Getenv("WAYBILL_KEEP_ITEMS"); to != "" {
		for i, r := range items {
			name := fmt.Sprintf("%05d%s", i, r.item.Name[strings.LastIndexByte(r.item.Name, '.'):])
			_ = os.WriteFile(filepath.Join(to, name), r.text, 0o600)
			var b strings.Builder
			fmt.Fprintf(&b, "%s %s %s\n", r.file, r.where, r.item.Class)
			for _, n := range r.item.Notes {
				fmt.Fprintf(&b, "%s: %s\n", n.Kind, n.Text)
			}
			_ = os.WriteFile(filepath.Join(to, name+".notes"), []byte(b.String()), 0o600)
		}
	}
	for name, v := range judge(t, files) {
		if v.err != "" {
			var i int
			_, _ = fmt.Sscanf(name, "%05d", &i)
			t.Errorf("%s (%s %s): %s\n%.600s", name, items[i].file, items[i].where, v.err, items[i].text)
		}
	}
}

// checkCounts compares the items of each PST with what pffexport and other tools
// count: GROUNDTRUTH.csv has lists among the contacts.
func checkCounts(t *testing.T, items []realItem) {
	t.Helper()
	want := map[string][3]int{ // contacts and lists, events, all others
		"HiraokaHyperTools__ruby-msg/test/pst/contacts.pst":                                             {1, 0, 0},
		"HiraokaHyperTools__ruby-msg/test/pst/contacts97-2002.pst":                                      {1, 0, 0},
		"aranetic__process-pst/test_data/unsent_email.pst":                                              {2, 0, 0},
		"aspose-email__Aspose.Email-for-.NET/Examples/Data/Outlook/Outlook.pst":                         {1, 1, 0},
		"aspose-email__Aspose.Email-for-.NET/Examples/Data/Outlook/PersonalStorageFile.pst":             {18, 0, 0},
		"aspose-email__Aspose.Email-for-.NET/Examples/Data/Outlook/PersonalStorageFile1.pst":            {72, 0, 0},
		"aspose-email__Aspose.Email-for-Java/Examples/src/main/resources/outlook/MapiNoteToPST_out.pst": {0, 0, 3},
		"mooijtech__go-pst/data/32-bit.pst":                                                             {0, 1, 0},
		"rjohnsondev__java-libpst/passworded.pst":                                                       {2, 0, 0},
	}
	got := map[string][3]int{}
	for _, r := range items {
		if !strings.HasSuffix(r.file, ".pst") {
			continue
		}
		n := got[r.file]
		switch r.item.Kind {
		case Contact, List:
			n[0]++
		case Event:
			n[1]++
		default:
			n[2]++
		}
		got[r.file] = n
	}
	if !maps.Equal(got, want) {
		t.Errorf("counts %v, want %v", got, want)
	}
}
