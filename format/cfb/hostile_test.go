package cfb

import (
	"bytes"
	"encoding/binary"
	"errors"
	"io"
	"strings"
	"testing"

	"waybill/failure"
)

// office is a file with short and long streams in two storages.
func office(t interface{ Fatal(...any) }) (*Node, []byte) {
	root := &Node{Children: []*Node{
		{Name: "short", Data: memory("hello")},
		{Name: "long", Data: memory(bytes.Repeat([]byte("0123456789"), 2000))},
		{Name: "inner", Children: []*Node{
			{Name: "middle", Data: memory(bytes.Repeat([]byte("m"), 4000))},
			{Name: "large", Data: memory(bytes.Repeat([]byte("abcdefg"), 3000))},
		}},
	}}
	return root, pack(t, root)
}

// everything reads all streams; it counts bytes and gives the errors met.
func everything(n *Node) (total int64, errs []error) {
	for _, c := range n.Children {
		if c.Data == nil {
			more, bad := everything(c)
			total, errs = total+more, append(errs, bad...)
			continue
		}
		r, err := c.Data.Open()
		if err == nil {
			var k int64
			k, err = io.Copy(io.Discard, r)
			total += k
			_ = r.Close()
		}
		if err != nil {
			errs = append(errs, err)
		}
	}
	return total, errs
}

// edited opens a file with some numbers changed; change learns where the FAT and the
// directory are.
func edited(t *testing.T, file []byte, change func(b []byte, fat, dir int)) (*File, error) {
	t.Helper()
	b := bytes.Clone(file)
	sector := func(at int) int { return (int(binary.LittleEndian.Uint32(b[at:])) + 1) * 512 }
	change(b, sector(0x4C), sector(0x30))
	return Open(bytes.NewReader(b), int64(len(b)), "test")
}

func put(b []byte, at int, v uint32) { binary.LittleEndian.PutUint32(b[at:], v) }

func TestHostileFiles(t *testing.T) {
	_, file := office(t)
	entryAt := func(dir, id int) int { return dir + id*entrySize }
	find := func(b []byte, dir int, name string) int {
		for id := range 8 {
			at := entryAt(dir, id)
			if string(b[at:at+2*len(name)]) == strings.Join(strings.Split(name, ""), "\x00")+"\x00" && b[at+0x40] == byte(2*len(name)+2) {
				return at
			}
		}
		t.Fatal("no entry of name", name)
		return 0
	}
	for _, c := range []struct {
		name   string
		change func(b []byte, fat, dir int)
		open   string // rule of Open
		rule   string // a rule that is met, as a defect or while reading
	}{
		{"signature", func(b []byte, _, _ int) { b[0] = 0 }, "cfb.signature", ""},
		{"order of bytes", func(b []byte, _, _ int) { b[0x1C] = 0 }, "cfb.header", ""},
		{"sectors of 2^31", func(b []byte, _, _ int) { b[0x1E] = 31 }, "cfb.header", ""},
		{"mini sectors", func(b []byte, _, _ int) { b[0x20] = 40 }, "cfb.header", ""},
		{"cutoff", func(b []byte, _, _ int) { put(b, 0x38, 1<<31) }, "cfb.header", ""},
		{"directory nowhere", func(b []byte, _, _ int) { put(b, 0x30, 1<<30) }, "cfb.directory", ""},
		{"no root", func(b []byte, _, dir int) { b[dir+0x42] = 1 }, "cfb.directory", ""},
		{"directory in a circle", func(b []byte, fat, dir int) {
			put(b, fat+4*(dir/512-1), uint32(dir/512-1))
		}, "cfb.directory", ""},
		{"siblings in a circle", func(b []byte, _, dir int) { at := find(b, dir, "long"); put(b, at+0x44, 1) }, "", "cfb.directory"},
		{"storage in itself", func(b []byte, _, dir int) { at := find(b, dir, "inner"); put(b, at+0x4C, 0) }, "", "cfb.orphan"},
		{"child far away", func(b []byte, _, dir int) { put(b, dir+0x4C, 1<<31) }, "", "cfb.directory"},
		{"stream in a circle", func(b []byte, fat, dir int) {
			s := binary.LittleEndian.Uint32(b[find(b, dir, "long")+0x74:])
			put(b, fat+4*int(s), s)
		}, "", ""},
		{"stream nowhere", func(b []byte, _, dir int) { put(b, find(b, dir, "long")+0x74, 1<<29) }, "", "cfb.chain"},
		{"stream of 2 GB", func(b []byte, _, dir int) { put(b, find(b, dir, "long")+0x78, 1<<31) }, "", "cfb.overlap"},
		{"stream ends early", func(b []byte, fat, dir int) {
			s := binary.LittleEndian.Uint32(b[find(b, dir, "long")+0x74:])
			put(b, fat+4*int(s), endOfChain)
		}, "", "cfb.truncated"},
		{"mini stream nowhere", func(b []byte, _, dir int) { put(b, find(b, dir, "short")+0x74, 1<<20) }, "", "cfb.chain"},
		{"mini FAT nowhere", func(b []byte, _, _ int) { put(b, 0x3C, 1<<20) }, "", "cfb.chain"},
		{"FAT nowhere", func(b []byte, _, _ int) { put(b, 0x4C, 1<<20) }, "", "cfb.truncated"},
		{"no FAT", func(b []byte, _, _ int) { put(b, 0x4C, freeSector) }, "", "cfb.chain"},
	} {
		f, err := edited(t, file, c.change)
		if err != nil {
			if failure.RuleOf(err) != c.open || failure.ClassOf(err) != failure.Malformed {
				t.Errorf("%s: %v", c.name, err)
			}
			continue
		}
		if c.open != "" {
			t.Errorf("%s: opens, want %s", c.name, c.open)
			continue
		}
		total, errs := everything(f.Root)
		if total > int64(len(file)) {
			t.Errorf("%s: %d bytes out of %d", c.name, total, len(file))
		}
		met := c.rule == ""
		for _, err := range append(errs, f.Defects()...) {
			met = met || failure.RuleOf(err) == c.rule
		}
		if !met {
			t.Errorf("%s: %v and %v, want %s", c.name, errs, f.Defects(), c.rule)
		}
	}
}

// TestManyNamesForOneStream lets thousands of entries claim the whole file: what comes
// out together is no more than the file.
func TestManyNamesForOneStream(t *testing.T) {
	root := &Node{Children: []*Node{{Name: "long", Data: zeros(1 << 20)}}}
	for i := range 2000 {
		root.Children = append(root.Children, &Node{Name: strings.Repeat("a", i%20+1) + string(rune('A'+i/20)), Data: zeros(0)})
	}
	file := pack(t, root)
	dir := (int(binary.LittleEndian.Uint32(file[0x30:])) + 1) * 512
	start := uint32(0)
	for at := dir; at < dir+2001*entrySize; at += entrySize {
		if binary.LittleEndian.Uint32(file[at+0x78:]) == 1<<20 {
			start = binary.LittleEndian.Uint32(file[at+0x74:])
		}
	}
	for at := dir + entrySize; at < dir+2001*entrySize; at += entrySize {
		put(file, at+0x74, start)
		put(file, at+0x78, 1<<20)
	}
	f, err := Open(bytes.NewReader(file), int64(len(file)), "test")
	if err != nil {
		t.Fatal(err)
	}
	total, errs := everything(f.Root)
	if total > int64(len(file)) || len(errs) < 1990 {
		t.Errorf("%d bytes of %d, %d errors", total, len(file), len(errs))
	}
}

// TestCutFiles cuts a file everywhere: no stream is shorter without an error.
func TestCutFiles(t *testing.T) {
	want, file := office(t)
	read := 0
	for size := 0; size < len(file); size += 100 {
		f, err := Open(bytes.NewReader(file[:size]), int64(size), "test")
		if err != nil {
			if failure.ClassOf(err) != failure.Malformed {
				t.Errorf("cut at %d: %v", size, err)
			}
			continue
		}
		defective := len(f.Defects()) > 0
		compare(want, f.Root, func(name string, whole, got []byte, err error) {
			read++
			switch {
			case err == nil && !bytes.Equal(whole, got) && !defective:
				t.Errorf("cut at %d: %s has %d bytes of %d, and no error", size, name, len(got), len(whole))
			case !bytes.HasPrefix(whole, got) && !defective:
				t.Errorf("cut at %d: %s has other contents", size, name)
			}
		})
	}
	if read == 0 {
		t.Error("nothing was read")
	}
}

func compare(want, got *Node, report func(name string, want, got []byte, err error)) {
	for _, w := range want.Children {
		g := got.Child(w.Name)
		switch {
		case g == nil:
		case w.Data == nil:
			compare(w, g, report)
		default:
			r, err := g.Data.Open()
			var b []byte
			if err == nil {
				b, err = io.ReadAll(r)
			}
			report(w.Name, w.Data.(memory), b, err)
		}
	}
}

func TestErrorsOfTheDisk(t *testing.T) {
	_, file := office(t)
	for limit := int64(0); limit < int64(len(file)); limit += 512 {
		r := brokenDisk{bytes.NewReader(file), limit}
		f, err := Open(r, int64(len(file)), "test")
		if err == nil {
			_, errs := everything(f.Root)
			err = errors.Join(append(errs, f.Defects()...)...)
		}
		if !errors.Is(err, errDisk) {
			t.Errorf("broken at %d: %v", limit, err)
		}
	}
}

var errDisk = errors.New("disk")

// brokenDisk cannot be read from an offset on.
type brokenDisk struct {
	*bytes.Reader

	from int64
}

func (b brokenDisk) ReadAt(p []byte, at int64) (int, error) {
	if at+int64(len(p)) > b.from {
		return 0, errDisk
	}
	return b.Reader.ReadAt(p, at)
}

func TestWhatCannotBePacked(t *testing.T) {
	for name, root := range map[string]*Node{
		"long name":      {Children: []*Node{{Name: strings.Repeat("x", 32), Data: memory("")}}},
		"unknown length": {Children: []*Node{{Name: "x", Data: unknown{}}}},
	} {
		if _, err := Pack(root); failure.RuleOf(err) != "cfb.pack" {
			t.Errorf("%s: %v", name, err)
		}
	}
	d, err := Pack(&Node{Children: []*Node{{Name: "x", Data: liar{}}}})
	if err != nil {
		t.Fatal(err)
	}
	r, _ := d.Open()
	if _, err := io.Copy(io.Discard, r); failure.RuleOf(err) != "cfb.pack" {
		t.Errorf("a stream that is shorter than it says: %v", err)
	}
}

type unknown struct{ memory }

func (unknown) Size() int64 { return -1 }

type liar struct{ memory }

func (liar) Size() int64 { return 100 }

func FuzzOpen(f *testing.F) {
	_, file := office(f)
	f.Add(file)
	f.Add(file[:1024])
	f.Add([]byte{})
	f.Fuzz(func(t *testing.T, b []byte) {
		file, err := Open(bytes.NewReader(b), int64(len(b)), "fuzz")
		if err != nil {
			return
		}
		if total, _ := everything(file.Root); total > int64(len(b)) {
			t.Errorf("%d bytes out of %d", total, len(b))
		}
		if d, err := Pack(file.Root); err == nil {
			r, _ := d.Open()
			_, _ = io.Copy(io.Discard, r)
			_ = r.Close()
		}
	})
}
