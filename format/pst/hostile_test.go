package pst

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"strings"
	"testing"

	"waybill/failure"
	"waybill/format/mapi"
	"waybill/format/pst/ndb"
	"waybill/internal/pstwrite"
)

// bounded reads all of a hostile file, and fails if that takes more reading than
// the size of the file explains.
func bounded(t *testing.T, m *memory, o Options) found {
	t.Helper()
	m.read.Store(0)
	got, _ := survey(t.Context(), t, m, o)
	if n := m.read.Load(); n > 100*int64(len(m.b)) {
		t.Errorf("%d bytes were read of a file of %d", n, len(m.b))
	}
	return got
}

// TestCycles lets each branch page and each block of references lead to itself.
func TestCycles(t *testing.T) {
	for _, o := range damaged {
		whole, layout, _ := fixture(t, o, 60)
		branches := 0
		for _, r := range layout.Pages() {
			if r.Level == 0 {
				continue
			}
			branches++
			m := whole.clone()
			if err := layout.Cycle(m, r); err != nil {
				t.Fatal(err)
			}
			if got := bounded(t, m, Options{}); len(got.errs) == 0 && got.defects == 0 {
				t.Errorf("a circle in the page at %d is not told", r.Offset)
			}
		}
		if branches == 0 {
			t.Errorf("%+v: no tree has branches", o)
		}
		whole, layout, all := fixture(t, o, 3)
		for r := range layout.Blocks() {
			if r.Kind != pstwrite.InternalBlock {
				continue
			}
			m := whole.clone()
			if err := layout.Cycle(m, r); err != nil {
				t.Fatal(err)
			}
			if got := bounded(t, m, Options{}); len(got.items) < len(all)-1 {
				t.Errorf("a circle in the block at %d costs %d items", r.Offset, len(all)-len(got.items))
			}
		}
	}
}

// TestImpossibleLength says that an attachment has 2 GB and more.
func TestImpossibleLength(t *testing.T) {
	for _, o := range damaged {
		tried := 0
		whole, layout, all := fixture(t, o, 4)
		for _, n := range []uint32{1 << 31, 1<<32 - 1, 1} {
			for r := range layout.Blocks() {
				if r.Kind != pstwrite.InternalBlock {
					continue
				}
				m := whole.clone()
				if err := layout.Lengthen(m, r, n); err != nil {
					t.Fatal(err)
				}
				if bytes.Equal(m.b, whole.b) {
					continue // it is no list of blocks
				}
				tried++
				got := bounded(t, m, Options{})
				if len(got.errs) == 0 {
					t.Errorf("%+v: a length of %d in the block at %d is believed", o, n, r.Offset)
				}
				if len(got.items) != len(all) {
					t.Errorf("%d items, not %d", len(got.items), len(all))
				}
			}
		}
		if tried == 0 {
			t.Errorf("%+v: no value has a list of blocks", o)
		}
	}
}

// TestDeepEmbedding embeds messages in each other, 400 deep.
func TestDeepEmbedding(t *testing.T) {
	inner := &pstwrite.Message{Props: []pstwrite.Prop{pstwrite.Text(mapi.Subject, "innermost")}}
	for range 400 {
		inner = &pstwrite.Message{Attachments: []pstwrite.Attachment{{Embedded: inner}}}
	}
	m := &memory{}
	w, err := pstwrite.New(m, pstwrite.Options{})
	if err != nil {
		t.Fatal(err)
	}
	nid, err := w.Add(pstwrite.Root, *inner)
	if err != nil {
		t.Fatal(err)
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	f, err := Open(t.Context(), m, int64(len(m.b)), "deep.pst", Options{})
	if err != nil {
		t.Fatal(err)
	}
	var x mapi.Message
	if x, err = f.Message(t.Context(), NID(nid)); err != nil {
		t.Fatal(err)
	}
	for depth := 0; ; depth++ {
		all, err := x.Attachments(t.Context())
		if err != nil || len(all) != 1 {
			t.Fatalf("%d deep: %d attachments, %v", depth, len(all), err)
		}
		x, err = all[0].Message(t.Context())
		if err == nil {
			continue
		}
		if depth != maxDepth || failure.ClassOf(err) != failure.TooLarge || failure.RuleOf(err) != "pst.depth" {
			t.Errorf("%d deep: %v", depth, err)
		}
		return
	}
}

// TestSharedBlocks lets a list of blocks name one block a thousand times: the
// value is not longer than the file for that.
func TestSharedBlocks(t *testing.T) {
	whole, layout, _ := fixture(t, pstwrite.Options{}, 2)
	for r := range layout.Blocks() {
		if r.Kind != pstwrite.InternalBlock {
			continue
		}
		m := whole.clone()
		is := false
		err := layout.Rewrite(m, r, func(b []byte) {
			if is = b[0] == 1; !is {
				return
			}
			for i := 16; i+8 <= len(b); i += 8 {
				copy(b[i:i+8], b[8:16])
			}
			binary.LittleEndian.PutUint32(b[4:], 1<<30)
		})
		if err != nil {
			t.Fatal(err)
		}
		if got := bounded(t, m, Options{}); is && len(got.errs) == 0 {
			t.Errorf("the block at %d is believed", r.Offset)
		}
	}
}

// TestFolderCircle makes two folders each other's parents.
func TestFolderCircle(t *testing.T) {
	whole, layout, all := fixture(t, pstwrite.Options{}, 4)
	var inbox, deep ndb.NID
	f, err := Open(t.Context(), whole, int64(len(whole.b)), "x", Options{})
	if err != nil {
		t.Fatal(err)
	}
	folders, err := f.Folders(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	for _, x := range folders {
		switch x.Name {
		case "Inbox":
			inbox = x.NID
		case "Deep":
			deep = x.NID
		}
	}
	m := whole.clone()
	for _, r := range layout.Pages() {
		if r.Kind != pstwrite.NodePage || r.Level != 0 {
			continue
		}
		err := layout.Rewrite(m, r, func(b []byte) {
			for i := 0; i+32 <= 488; i += 32 {
				if NID(binary.LittleEndian.Uint32(b[i:])) == inbox {
					binary.LittleEndian.PutUint32(b[i+24:], uint32(deep))
				}
			}
		})
		if err != nil {
			t.Fatal(err)
		}
	}
	got := bounded(t, m, Options{})
	if len(got.items) != len(all) {
		t.Errorf("%d items, not %d: %v", len(got.items), len(all), got.errs)
	}
	if f, err = Open(t.Context(), m, int64(len(m.b)), "x", Options{}); err != nil {
		t.Fatal(err)
	}
	if folders, err = f.Folders(t.Context()); err != nil {
		t.Fatal(err)
	}
	orphaned := ""
	for _, x := range folders {
		if x.Orphaned {
			orphaned += fmt.Sprint(x.Path)
		}
	}
	if !strings.Contains(orphaned, "Inbox") || !strings.Contains(orphaned, "Deep") {
		t.Errorf("orphaned: %s", orphaned)
	}
}

// TestRefusals are files that are none, or that nobody can read.
func TestRefusals(t *testing.T) {
	whole, _, _ := fixture(t, pstwrite.Options{}, 1)
	change := func(at int, b ...byte) *memory {
		m := whole.clone()
		copy(m.b[at:], b)
		return m
	}
	for _, c := range []struct {
		name string
		m    *memory
		rule string
	}{
		{"nothing", &memory{}, "pst.magic"},
		{"a zip", change(0, 'P', 'K', 3, 4), "pst.magic"},
		{"half a header", &memory{b: whole.b[:300]}, "pst.truncated"},
		{"a version of old", change(10, 7, 0), "pst.version"},
		{"protected", change(513, 0x10), "pst.protected"},
		{"an unknown encryption", change(513, 0x77), "pst.encryption"},
		{"no tree of blocks", change(240, 0xFF, 0xFF, 0xFF, 0xFF), "pst.trees"},
	} {
		_, err := Open(t.Context(), c.m, int64(len(c.m.b)), "x.pst", Options{})
		if failure.RuleOf(err) != c.rule {
			t.Errorf("%s: %v, want %s", c.name, err, c.rule)
		}
	}
}
