package dbx_test

import (
	"bytes"
	"context"
	"encoding/binary"
	"io"
	"testing"

	"waybill/failure"
	"waybill/format/dbx"
	"waybill/internal/dbxwrite"
)

func put(b []byte, at, v int) { binary.LittleEndian.PutUint32(b[at:], uint32(v)) }
func get(b []byte, at int) int {
	return int(binary.LittleEndian.Uint32(b[at:]))
}

// find returns where the n-th object begins for which is says so.
func find(t *testing.T, b []byte, is func(at int) bool) int {
	t.Helper()
	for at := 0x24bc; at+0x210 <= len(b); at += 4 {
		if get(b, at) == at && is(at) {
			return at
		}
	}
	t.Fatal("there is no such object")
	return 0
}

// rules counts what is listed: texts that are whole, and the rules of the others.
func rules(t *testing.T, b []byte) (whole int, broken map[string]int) {
	t.Helper()
	broken = map[string]int{}
	for _, i := range messages(t, open(t, b)) {
		if i.err == nil {
			whole++
		} else {
			broken[failure.RuleOf(i.err)]++
		}
	}
	return whole, broken
}

func TestDamage(t *testing.T) {
	var in []dbxwrite.Message
	for n := 1; n <= 200; n++ {
		in = append(in, letter(n, 2000))
	}
	good := dbxwrite.Messages(in)
	root := get(good, 0xe4)
	child := get(good, root+8)
	info := get(good, child+0x18)
	first := find(t, good, func(at int) bool { return get(good, at+4) == 512 })
	for _, c := range []struct {
		name  string
		spoil func(b []byte) []byte
		whole int
		rule  string
		n     int
		back  int // messages that are found by looking for them
	}{
		{"no damage", func(b []byte) []byte { return b }, 200, "", 0, 0},
		{"no root", func(b []byte) []byte { put(b, 0xe4, 0); return b }, 0, "dbx.lost", 200, 200},
		{"the root lies outside", func(b []byte) []byte { put(b, 0xe4, 1<<31); return b }, 0, "dbx.lost", 200, 200},
		{"the root is its own child", func(b []byte) []byte { put(b, root+8, root); return b }, 197, "dbx.lost", 3, 3},
		{"a node has too many entries", func(b []byte) []byte { b[root+0x11] = 52; return b }, 0, "dbx.lost", 200, 200},
		{"a node is nowhere", func(b []byte) []byte { put(b, child, 0); return b }, 197, "dbx.lost", 3, 3},
		{"a billion entries", func(b []byte) []byte { put(b, 0xc4, 1<<30); return b }, 200, "dbx.lost", 1, 0},
		{"facts are gone", func(b []byte) []byte { put(b, info, 0); return b }, 199, "dbx.info", 1, 1},
		{"facts are too long", func(b []byte) []byte { put(b, info+4, 1<<31-1); return b }, 199, "dbx.info", 1, 1},
		{"a chain is cut", func(b []byte) []byte { put(b, get(b, first+12), 0); return b }, 199, "dbx.segment", 1, 1},
		{"a chain is a circle", func(b []byte) []byte { put(b, get(b, first+12)+12, first); return b }, 199, "dbx.shared", 1, 1},
		{"a chain leads into another", func(b []byte) []byte { put(b, first+12, first+528); return b }, 199, "dbx.shared", 1, 2},
		{"the end is missing", func(b []byte) []byte { return b[:root] }, 0, "dbx.lost", 200, 200},
		{"a piece is too long", func(b []byte) []byte { put(b, first+8, 1<<20); return b }, 199, "dbx.segment", 1, 1},
	} {
		b := c.spoil(bytes.Clone(good))
		whole, broken := rules(t, b)
		if whole != c.whole || broken[c.rule] != c.n || c.n > 0 && len(broken) != 1 {
			t.Errorf("%s: %d whole and %v, want %d and %d of %s", c.name, whole, broken, c.whole, c.n, c.rule)
		}
		back := 0
		for _, i := range stranded(t, open(t, b)) {
			if i.err != nil {
				t.Errorf("%s: %v", c.name, i.err)
			}
			back++
		}
		if back < c.back {
			t.Errorf("%s: %d messages are found again, want %d", c.name, back, c.back)
		}
	}
}

func TestNoFolderFile(t *testing.T) {
	good := dbxwrite.Messages(nil)
	for name, c := range map[string]struct {
		b    []byte
		rule string
	}{
		"empty":         {nil, "dbx.signature"},
		"something":     {[]byte("From a@example.org"), "dbx.signature"},
		"a short file":  {good[:1000], "dbx.truncated"},
		"a short .mbx":  {[]byte("JMF6"), "dbx.truncated"},
		"a whole empty": {good, ""},
	} {
		f, err := dbx.Open(bytes.NewReader(c.b), int64(len(c.b)), name)
		if c.rule == "" && (err != nil || len(messages(t, f)) != 0) || c.rule != "" && failure.RuleOf(err) != c.rule {
			t.Errorf("%s: %v, want %q", name, err, c.rule)
		}
	}
}

// counter counts what is read of a file.
type counter struct {
	io.ReaderAt
	bytes int64
}

func (c *counter) ReadAt(p []byte, off int64) (int, error) {
	n, err := c.ReaderAt.ReadAt(p, off)
	c.bytes += int64(n)
	return n, err
}

// Every place of this file bears its own offset, every object leads to another,
// and the texts of all entries lead into each other: work stays bounded.
func TestMaze(t *testing.T) {
	b := dbxwrite.Messages(nil)
	b = append(b, make([]byte, 1<<20-len(b))...)
	for at := 0x24bc &^ 3; at+4 <= len(b); at += 4 {
		put(b, at, at)
	}
	put(b, 0xc4, 1000)
	put(b, 0xe4, 0x24bc)
	c := &counter{ReaderAt: bytes.NewReader(b)}
	f, err := dbx.Open(c, int64(len(b)), "maze")
	if err != nil {
		t.Fatal(err)
	}
	n := 0
	for range f.Messages(t.Context()) {
		n++
	}
	for range f.Stranded(t.Context()) {
		n++
	}
	if limit := int64(len(b)) * 400; c.bytes > limit || n > len(b)/12 {
		t.Errorf("%d bytes were read of a file of %d, and %d entries listed", c.bytes, len(b), n)
	}
}

// An endless chain ends, and so does a context.
func TestEnds(t *testing.T) {
	b := dbxwrite.Messages([]dbxwrite.Message{letter(1, 5000)})
	first := find(t, b, func(at int) bool { return get(b, at+4) == 512 })
	put(b, get(b, first+12)+12, first)
	f := open(t, b)
	n, err := io.Copy(io.Discard, f.Text(t.Context(), dbx.Message{First: int64(first), Size: -1}))
	if failure.RuleOf(err) != "dbx.segment" || n > int64(len(b)) {
		t.Errorf("%d bytes, %v", n, err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	for _, err := range f.Messages(ctx) {
		if failure.ClassOf(err) != failure.Cancelled {
			t.Error(err)
		}
	}
	for _, err := range f.Stranded(ctx) {
		if failure.ClassOf(err) != failure.Cancelled {
			t.Error(err)
		}
	}
	if _, err := f.Text(ctx, dbx.Message{First: int64(first), Size: -1}).Read(make([]byte, 10)); failure.ClassOf(err) != failure.Cancelled {
		t.Error(err)
	}
}

func FuzzFile(f *testing.F) {
	f.Add(dbxwrite.Messages([]dbxwrite.Message{letter(1, 1200), letter(2, 0), {Index: 3, NoText: true}, {Index: 4, Text: "A: b", Deleted: true}, {Index: 5, Text: "A: c", Stranded: true}}))
	f.Add(dbxwrite.Folders([]dbxwrite.Folder{{WithoutParent: true, Name: "O"}, {ID: 1, Name: "L", Account: "LocalStore"}, {ID: 2, Parent: 1, Name: "a", File: "a.dbx"}}))
	f.Add(dbxwrite.Version4([]string{"A: 1", "", "B: 2"}))
	f.Fuzz(func(t *testing.T, b []byte) {
		file, err := dbx.Open(bytes.NewReader(b), int64(len(b)), "fuzz")
		if err != nil {
			return
		}
		total := int64(0)
		for _, i := range messages(t, file) {
			if i.err == nil && int64(len(i.text)) != i.Size {
				t.Fatalf("%d bytes are listed and %d read", i.Size, len(i.text))
			}
			total += int64(len(i.text))
		}
		for _, i := range stranded(t, file) {
			if i.err != nil || int64(len(i.text)) != i.Size {
				t.Fatalf("%d bytes are found and %d read: %v", i.Size, len(i.text), i.err)
			}
			total += int64(len(i.text))
		}
		if total > int64(len(b)) {
			t.Fatalf("%d bytes came out of %d", total, len(b))
		}
		all, _ := file.Folders(t.Context(), 1252)
		for _, p := range dbx.Arrange(all) {
			if len(p.Names) == 0 || len(p.Names) > 64 {
				t.Fatalf("%d names", len(p.Names))
			}
		}
	})
}
