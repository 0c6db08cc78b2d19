package cfb

import (
	"bytes"
	"fmt"
	"io"
	"testing"

	"golang.org/x/sync/errgroup"
	"pgregory.net/rapid"
)

// memory is Data for tests.
type memory []byte

func (m memory) Size() int64                  { return int64(len(m)) }
func (m memory) Open() (io.ReadCloser, error) { return io.NopCloser(bytes.NewReader(m)), nil }

// pack gives the bytes of a file.
func pack(t interface{ Fatal(...any) }, root *Node) []byte {
	d, err := Pack(root)
	if err != nil {
		t.Fatal(err)
	}
	r, err := d.Open()
	if err != nil {
		t.Fatal(err)
	}
	defer r.Close()
	b, err := io.ReadAll(r)
	if err != nil {
		t.Fatal(err)
	}
	if int64(len(b)) != d.Size() {
		t.Fatal("stated", d.Size(), "got", len(b))
	}
	return b
}

func contents(t interface{ Fatal(...any) }, d Data) []byte {
	r, err := d.Open()
	if err != nil {
		t.Fatal(err)
	}
	defer r.Close()
	b, err := io.ReadAll(r)
	if err != nil {
		t.Fatal(err)
	}
	return b
}

// same compares two trees.
func same(t interface {
	Fatal(...any)
}, path string, want, got *Node,
) {
	if len(want.Children) != len(got.Children) {
		t.Fatal(path, "has", len(got.Children), "children, want", len(want.Children))
	}
	if want.CLSID != got.CLSID || want.State != got.State || want.Modified != got.Modified {
		t.Fatal(path, "lost its class, state or time")
	}
	for _, w := range want.Children {
		g := got.Child(w.Name)
		switch {
		case g == nil:
			t.Fatal(path, "lost", w.Name)
		case (w.Data == nil) != (g.Data == nil):
			t.Fatal(path, w.Name, "changed its kind")
		case w.Data != nil && !bytes.Equal(contents(t, w.Data), contents(t, g.Data)):
			t.Fatal(path, w.Name, "changed its contents")
		}
		same(t, path+"/"+w.Name, w, g)
	}
}

// tree draws a storage.
func tree(t *rapid.T, depth int, fill func() byte) *Node {
	n := &Node{State: rapid.Uint32().Draw(t, "state"), Modified: rapid.Uint64().Draw(t, "modified")}
	copy(n.CLSID[:], rapid.SliceOfN(rapid.Byte(), 16, 16).Draw(t, "class"))
	for i := range rapid.IntRange(0, 6).Draw(t, "children") {
		name := fmt.Sprintf("%s%d", rapid.StringMatching(`[a-zA-Zäß€ ]{0,20}`).Draw(t, "name"), i)
		if depth > 0 && rapid.Bool().Draw(t, "storage") {
			c := tree(t, depth-1, fill)
			c.Name = name
			n.Children = append(n.Children, c)
			continue
		}
		size := rapid.SampledFrom([]int{0, 1, 63, 64, 65, 511, 512, 513, 4095, 4096, 4097, 9000, 70000}).Draw(t, "size")
		n.Children = append(n.Children, &Node{Name: name, Data: memory(bytes.Repeat([]byte{fill()}, size))})
	}
	return n
}

func TestWhatIsPackedCanBeRead(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		b := byte(0)
		root := tree(t, 3, func() byte { b++; return b })
		file := pack(t, root)
		f, err := Open(bytes.NewReader(file), int64(len(file)), "test")
		if err != nil {
			t.Fatal(err)
		}
		if d := f.Defects(); len(d) > 0 {
			t.Fatal(d)
		}
		same(t, "", root, f.Root)
		if !bytes.Equal(pack(t, f.Root), file) {
			t.Fatal("packed again, the file differs")
		}
	})
}

// TestManySectors needs a FAT that the header has no room for, and the larger sectors.
func TestManySectors(t *testing.T) {
	root := &Node{Children: []*Node{{Name: "long", Data: zeros(9 << 20)}, {Name: "short", Data: memory("x")}}}
	file := pack(t, root)
	f, err := Open(bytes.NewReader(file), int64(len(file)), "test")
	if err != nil || len(f.Defects()) > 0 {
		t.Fatal(err, f.Defects())
	}
	same(t, "", root, f.Root)

	d, err := Pack(&Node{Children: []*Node{{Name: "huge", Data: zeros(3 << 30)}}})
	if err != nil {
		t.Fatal(err)
	}
	if p := d.(*packed); p.shift != 12 || d.Size() < 3<<30 {
		t.Errorf("sectors of 2^%d bytes, %d in all", p.shift, d.Size())
	}
}

// zeros is Data of any length that needs no memory.
type zeros int64

func (z zeros) Size() int64 { return int64(z) }
func (z zeros) Open() (io.ReadCloser, error) {
	return io.NopCloser(io.LimitReader(zero{}, int64(z))), nil
}

type zero struct{}

func (zero) Read(p []byte) (int, error) { clear(p); return len(p), nil }

// TestManyReaders reads one file from several goroutines.
func TestManyReaders(t *testing.T) {
	root, file := office(t)
	f, err := Open(bytes.NewReader(file), int64(len(file)), "test")
	if err != nil {
		t.Fatal(err)
	}
	var all errgroup.Group
	for range 8 {
		all.Go(func() error {
			var failed error
			compare(root, f.Root, func(name string, want, got []byte, err error) {
				if err != nil || !bytes.Equal(want, got) {
					failed = fmt.Errorf("%s: %d bytes of %d, %w", name, len(got), len(want), err)
				}
			})
			return failed
		})
	}
	if err := all.Wait(); err != nil {
		t.Error(err)
	}
}
