package sample

import (
	"bytes"
	"os"
	"path/filepath"
	"reflect"
	"testing"

	"pgregory.net/rapid"
)

func TestSameOptionsGiveTheSameFile(t *testing.T) {
	dir := t.TempDir()
	o := Options{Messages: 60, Bytes: 1 << 20, Seed: 3}
	one, err := Write(filepath.Join(dir, "one.pst"), o)
	if err != nil {
		t.Fatal(err)
	}
	count := 0
	o.Each = func(Item) error { count++; return nil }
	two, err := Write(filepath.Join(dir, "two.pst"), o)
	if err != nil {
		t.Fatal(err)
	}
	a, _ := os.ReadFile(one.Path)
	b, _ := os.ReadFile(two.Path)
	if !bytes.Equal(a, b) || len(a) == 0 || int64(len(a)) != one.Size {
		t.Fatal("the files differ")
	}
	if len(one.Items) != 60 || count != 60 || two.Items != nil || !reflect.DeepEqual(one.Total, two.Total) {
		t.Fatalf("%d and %d items; %+v, %+v", len(one.Items), count, one.Total, two.Total)
	}
	if len(one.Total.Classes) != 10 || one.Total.Bytes < 1<<20 || one.Total.Bytes > 2<<20 {
		t.Fatalf("%+v", one.Total)
	}
	for i, f := range one.Folders {
		n := 0
		for _, item := range one.Items {
			if item.Folder == i {
				n++
			}
		}
		if n != f.Items {
			t.Errorf("%v has %d items, not %d", f.Path, n, f.Items)
		}
	}
}

func TestOfficeDiffersByUser(t *testing.T) {
	all, err := Office(t.TempDir(), Users(12), Options{Messages: 15})
	if err != nil {
		t.Fatal(err)
	}
	if len(all) != 12 || all["anna2"] == nil || all["anna"].Items[0].MessageID == all["boris"].Items[0].MessageID {
		t.Fatalf("%d files", len(all))
	}
}

// decompressRTF is a plain reading of [MS-OXRTFCP] 2.2.
func decompressRTF(b []byte) []byte {
	dictionary := make([]byte, 4096)
	at := copy(dictionary, prefill)
	var out []byte
	put := func(c byte) {
		out, dictionary[at] = append(out, c), c
		at = (at + 1) % 4096
	}
	for b = b[16:]; len(b) > 0; {
		control := b[0]
		b = b[1:]
		for bit := 0; bit < 8 && len(b) > 0; bit++ {
			if control&(1<<bit) == 0 {
				put(b[0])
				b = b[1:]
				continue
			}
			from, n := int(b[0])<<4|int(b[1])>>4, int(b[1]&15)+2
			b = b[2:]
			if from == at {
				return out
			}
			for i := range n {
				put(dictionary[(from+i)%4096])
			}
		}
	}
	return nil
}

func TestCompressedRTFComesBack(t *testing.T) {
	rapid.Check(t, func(r *rapid.T) {
		text := rapid.SliceOfN(rapid.SampledFrom([]byte("ab\\{}pard fs20")), 0, 12000).Draw(r, "text")
		if back := decompressRTF(compressRTF(text)); !bytes.Equal(back, text) {
			t.Fatalf("%q is %q", text, back)
		}
	})
}
