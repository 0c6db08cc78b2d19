package pstwrite

import (
	"bytes"
	"encoding/binary"
	"math/rand/v2"
	"testing"

	"waybill/failure"
	"waybill/format/mapi"
)

// damaged is a file with a long attachment and enough nodes for trees of two levels.
func damaged(t *testing.T, o Options) (*store, Layout) {
	t.Helper()
	s, w := build(t, o, func(w *Writer) {
		noise := make([]byte, 200_000) // which cannot be compressed
		_, _ = rand.NewChaCha8([32]byte{}).Read(noise)
		for i := range 200 {
			content := noise[:1000]
			if i == 0 {
				content = noise
			}
			add(t, w, Root, Message{Props: []Prop{Text(mapi.Subject, "x")}, Attachments: []Attachment{file("f", content)}})
		}
	})
	return s, w.Layout()
}

// first finds the first block of a kind whose content a test wants.
func first(t *testing.T, l Layout, kind Kind, want func(Region) bool) Region {
	t.Helper()
	for r := range l.Blocks() {
		if r.Kind == kind && want(r) {
			return r
		}
	}
	t.Fatal("there is no such block")
	return Region{}
}

func TestFlipBreaksTheChecksum(t *testing.T) {
	s, l := damaged(t, Options{})
	before := bytes.Clone(s.b)
	r := first(t, l, DataBlock, func(r Region) bool { return r.Size > 5000 })
	if err := l.Flip(s, r, 100); err != nil {
		t.Fatal(err)
	}
	if s.b[r.Offset+100] != ^before[r.Offset+100] {
		t.Fatal("the byte is as it was")
	}
	s.b[r.Offset+100] = before[r.Offset+100]
	if !bytes.Equal(s.b, before) {
		t.Fatal("more than one byte was changed")
	}
}

func TestRewriteSealsAgain(t *testing.T) {
	for _, o := range kinds() {
		t.Run(o.String(), func(t *testing.T) {
			s, l := damaged(t, o)
			r := first(t, l, DataBlock, func(r Region) bool { return !r.Packed && r.Size > 200 })
			var plain []byte
			for range 2 {
				if err := l.Rewrite(s, r, func(b []byte) {
					plain = bytes.Clone(b)
					b[0] = 0xAB
				}); err != nil {
					t.Fatal(err)
				}
			}
			if plain[0] != 0xAB {
				t.Fatalf("the second look shows %x", plain[:16])
			}
			check(t, s.b) // nothing that a checksum would show
			if o.Format == Unicode4K {
				packed := first(t, l, DataBlock, func(r Region) bool { return r.Packed })
				if err := l.Rewrite(s, packed, func([]byte) {}); failure.ClassOf(err) != failure.Unsupported {
					t.Fatal(err)
				}
			}
		})
	}
}

func TestCyclesLeadBack(t *testing.T) {
	for _, o := range []Options{{Format: Unicode}, {Format: ANSI}, {Format: Unicode4K}} {
		t.Run(o.String(), func(t *testing.T) {
			s, l := damaged(t, o)
			id := func(at int64) uint64 {
				if o.Format == ANSI {
					return uint64(binary.LittleEndian.Uint32(s.b[at:]))
				}
				return binary.LittleEndian.Uint64(s.b[at:])
			}
			wide := int64(map[bool]int{true: 4, false: 8}[o.Format == ANSI])
			for _, kind := range []Kind{NodePage, BlockPage} {
				r := l.Root(kind)
				if err := l.Cycle(s, r); err != nil {
					t.Fatal(err)
				}
				if id(r.Offset+wide) != r.ID || id(r.Offset+2*wide) != uint64(r.Offset) {
					t.Errorf("page %+v leads elsewhere", r)
				}
			}
			tree := first(t, l, InternalBlock, func(r Region) bool { return s.b[r.Offset] == 1 })
			list := first(t, l, InternalBlock, func(r Region) bool { return s.b[r.Offset] == 2 })
			for r, at := range map[Region]int64{tree: 8, list: map[bool]int64{true: 12, false: 24}[o.Format == ANSI]} {
				if err := l.Cycle(s, r); err != nil {
					t.Fatal(err)
				}
				if id(r.Offset+at) != r.ID {
					t.Errorf("block %+v leads elsewhere", r)
				}
			}
			if err := l.Lengthen(s, tree, 1<<31); err != nil || binary.LittleEndian.Uint32(s.b[tree.Offset+4:]) != 1<<31 {
				t.Error(err)
			}
		})
	}
}

func TestLayoutFindsNodes(t *testing.T) {
	_, l := damaged(t, Options{})
	n, ok := l.Node(uint32(Root))
	if !ok || n.Parent != uint32(StoreRoot) {
		t.Fatalf("%+v, %v", n, ok)
	}
	if r, ok := l.Block(n.Data); !ok || r.Kind != DataBlock {
		t.Fatalf("%+v, %v", r, ok)
	}
	if _, ok := l.Node(3); ok {
		t.Fatal("a node that is not there was found")
	}
	count := 0
	for range l.Nodes() {
		count++
	}
	if count < 200 || len(l.Pages()) < 4 {
		t.Fatalf("%d nodes, %d pages", count, len(l.Pages()))
	}
}
