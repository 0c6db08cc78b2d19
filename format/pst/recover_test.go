package pst

import (
	"encoding/binary"
	"strings"
	"testing"

	"waybill/format/pst/ndb"
	"waybill/internal/pstwrite"
)

// branches are the pages above the leaves, leaves the others.
func branches(layout pstwrite.Layout) (branches, leaves []pstwrite.Region) {
	for _, r := range layout.Pages() {
		if r.Level > 0 {
			branches = append(branches, r)
		} else {
			leaves = append(leaves, r)
		}
	}
	return branches, leaves
}

// TestRecoverWithoutBranches destroys all pages above the leaves: a search finds
// every item, and without it the file is not opened.
func TestRecoverWithoutBranches(t *testing.T) {
	for _, o := range damaged {
		m, layout, all := fixture(t, o, 120)
		above, _ := branches(layout)
		for _, r := range above {
			clear(m.b[r.Offset : r.Offset+int64(r.Size)])
		}
		if len(above) == 0 {
			t.Fatal("the trees have no branches")
		}
		if got, opened := survey(t.Context(), t, m, Options{}); opened && len(got.errs) == 0 {
			t.Errorf("%+v: the damage is not told", o)
		}
		got, opened := survey(t.Context(), t, m, Options{Recover: true})
		if !opened || len(got.items) != len(all) {
			t.Errorf("%+v: %d items of %d: %v", o, len(got.items), len(all), got.errs)
		}
	}
}

// TestRecoverAroundLeaf destroys one leaf after the other: what was on it is lost
// and told, and the rest is there, with and without a search.
func TestRecoverAroundLeaf(t *testing.T) {
	for _, o := range damaged {
		whole, layout, all := fixture(t, o, 60)
		_, leaves := branches(layout)
		for i, r := range leaves {
			m := whole.clone()
			clear(m.b[r.Offset : r.Offset+int64(r.Size)])
			got, _ := survey(t.Context(), t, m, Options{Recover: i%2 == 0})
			if len(got.items) < len(all) && len(got.errs) == 0 {
				t.Errorf("%+v: items are lost without an error", r)
			}
			// A page of an ANSI file has 31 nodes, a page of 4 kB all of them.
			if i%2 == 0 && o.Format != pstwrite.Unicode4K && r.Kind == pstwrite.NodePage && len(got.items) < len(all)-31 {
				t.Errorf("%+v: one page costs %d items of %d", r, len(all)-len(got.items), len(all))
			}
		}
	}
}

// TestOldPages leaves an older version of a page in the file, as Outlook does: a
// search takes the newer one.
func TestOldPages(t *testing.T) {
	whole, layout, all := fixture(t, pstwrite.Options{}, 120)
	above, leaves := branches(layout)
	m := whole.clone()
	old := leaves[0]
	for _, r := range leaves {
		if r.Kind == pstwrite.NodePage {
			old = r
		}
	}
	// The same page once more at the end of the file, whose number is smaller and
	// whose nodes have no data.
	at := (len(m.b) + 511) / 512 * 512
	m.b = append(m.b, make([]byte, at-len(m.b)+512)...)
	copy(m.b[at:], whole.b[old.Offset:old.Offset+512])
	err := layout.Rewrite(m, pstwrite.Region{Kind: pstwrite.NodePage, Offset: int64(at), Size: 512, Room: 512, ID: 1}, func(b []byte) {
		for i := 0; i+32 <= 488; i += 32 {
			clear(b[i+8 : i+24])
		}
	})
	if err != nil {
		t.Fatal(err)
	}
	for _, r := range above {
		clear(m.b[r.Offset : r.Offset+int64(r.Size)])
	}
	got, _ := survey(t.Context(), t, m, Options{Recover: true})
	if len(got.items) != len(all) || len(got.errs) > 0 {
		t.Errorf("%d items of %d: %v", len(got.items), len(all), got.errs)
	}
}

// TestOrphans takes a folder out of the tree: its items are listed apart, if that
// is asked for.
func TestOrphans(t *testing.T) {
	for _, o := range []pstwrite.Options{{}, {Format: pstwrite.ANSI}} {
		m, layout, all := fixture(t, o, 10)
		f, err := Open(t.Context(), m, int64(len(m.b)), "x", Options{})
		if err != nil {
			t.Fatal(err)
		}
		folders, err := f.Folders(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		deep := ndb.NID(0)
		for _, x := range folders {
			if strings.Join(x.Path[max(len(x.Path)-1, 0):], "") == "Deep" {
				deep = x.NID
			}
		}
		remove(t, m, layout, deep)
		for _, search := range []bool{false, true} {
			f, err := Open(t.Context(), m, int64(len(m.b)), "x", Options{Recover: search})
			if err != nil {
				t.Fatal(err)
			}
			if h, err := f.Check(t.Context()); err != nil || h.Strays != len(all)/2 {
				t.Errorf("%d strays, not %d: %v", h.Strays, len(all)/2, err)
			}
			folders, err := f.Folders(t.Context())
			if err != nil {
				t.Fatal(err)
			}
			last := folders[len(folders)-1]
			if (last.NID == Orphans) != search {
				t.Fatalf("searched %v: %+v", search, last)
			}
			if !search {
				continue
			}
			n := 0
			for item, err := range f.Items(t.Context(), Orphans) {
				if err != nil || !item.Orphaned || !strings.HasPrefix(item.Subject, "message ") {
					t.Errorf("%+v: %v", item, err)
				}
				n++
			}
			if n != len(all)/2 || last.Items != n {
				t.Errorf("%d orphans, not %d", n, len(all)/2)
			}
		}
	}
}

// remove makes nodes of no meaning of a folder and of its tables, and lets its
// items name a folder that nobody knows.
func remove(t *testing.T, m *memory, layout pstwrite.Layout, folder ndb.NID) {
	t.Helper()
	other := map[ndb.Kind]ndb.Kind{ndb.KindFolder: ndb.KindInternal, ndb.KindHierarchyTable: 0x13, ndb.KindContentsTable: 0x14, ndb.KindAssociatedTable: 0x15}
	for _, r := range layout.Pages() {
		if r.Kind != pstwrite.NodePage {
			continue
		}
		width := 24
		if r.Level == 0 {
			width = 32
		}
		if _, ansi := m.b[10], m.b[10] < 20; ansi {
			width /= 2
		}
		err := layout.Rewrite(m, r, func(b []byte) {
			for i := 0; i+width <= 488; i += width {
				nid := ndb.NID(binary.LittleEndian.Uint32(b[i:]))
				if k, is := other[nid.Kind()]; is && nid.With(0) == folder.With(0) {
					binary.LittleEndian.PutUint32(b[i:], uint32(nid.With(k)))
				}
				parent := b[i+width*3/4:]
				if r.Level == 0 && nid.Kind() == ndb.KindMessage && ndb.NID(binary.LittleEndian.Uint32(parent)) == folder {
					binary.LittleEndian.PutUint32(parent, 0xFFFE2)
				}
			}
		})
		if err != nil {
			t.Fatal(err)
		}
	}
}
