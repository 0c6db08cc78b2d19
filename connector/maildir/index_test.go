package maildir

import (
	"cmp"
	"fmt"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"testing"

	"pgregory.net/rapid"
)

// fileNames draws names as delivery agents make them, and some that nobody does.
func fileNames() *rapid.Generator[string] {
	usual := rapid.Custom(func(t *rapid.T) string {
		name := fmt.Sprintf("%d.M%dP%d.%s", rapid.IntRange(0, 5).Draw(t, "s"), rapid.IntRange(0, 12).Draw(t, "m"), rapid.IntRange(0, 3).Draw(t, "p"),
			rapid.SampledFrom([]string{"host", "mail.example.org", "h,x", "a:b", ""}).Draw(t, "host"))
		return name + rapid.SampledFrom([]string{"", ":2,", ":2,S", ",S=12:2,FS", ";2,S", "!2,", ":2,ab"}).Draw(t, "info")
	})
	odd := rapid.StringMatching(`[0-9a.:;!2,SMx-]{1,24}`)
	return rapid.OneOf(usual, odd).Filter(func(s string) bool { return s[0] != '.' })
}

func TestIndexKeepsEveryName(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		dir, err := os.MkdirTemp("", "waybill-index-")
		if err != nil {
			t.Fatal(err)
		}
		defer func() { _ = os.RemoveAll(dir) }()
		want := map[string]int{}
		for _, part := range []string{"cur", "new"} {
			if err := os.Mkdir(filepath.Join(dir, part), 0o700); err != nil {
				t.Fatal(err)
			}
			for _, name := range rapid.SliceOfNDistinct(fileNames(), 0, 12, rapid.ID).Draw(t, part) {
				if err := os.WriteFile(filepath.Join(dir, part, name), nil, 0o600); err != nil {
					t.Fatal(err)
				}
				want[part+"/"+name]++
			}
		}
		x, err := readIndex(t.Context(), dir)
		if err != nil {
			t.Fatal(err)
		}
		keys := map[string]bool{}
		last := ""
		x.each(func(key string, file fileName) bool {
			path := strings.TrimPrefix(file.path(""), "/")
			if want[path]--; want[path] < 0 {
				t.Fatalf("%q is listed and not there", path)
			}
			if keys[key] {
				t.Fatalf("key %q is listed twice", key)
			}
			keys[key] = true
			if found, ok := x.find(key); !ok || found != file {
				t.Fatalf("key %q is that of %v, and finds %v, %v", key, file, found, ok)
			}
			base, _, _ := splitName(file.name)
			if last != "" && cmp.Or(compareTimes(last, base), compareBases([]byte(last), []byte(base))) > 0 {
				t.Fatalf("%q is listed after %q", base, last)
			}
			last = base
			return true
		})
		for path, n := range want {
			if n != 0 {
				t.Fatalf("%q is not listed", path)
			}
		}
	})
}

func compareTimes(a, b string) int {
	x, _ := leadingTime([]byte(a))
	y, _ := leadingTime([]byte(b))
	return cmp.Compare(x, y)
}

func TestOrderOfArrival(t *testing.T) {
	want := []string{
		"9.M1P1.h", "10.M2P1.h", "10.M10P1.h", "10.M10P2.h", "1350506030.M9P1.h", "1350506030.M10P1.h", "1350506030.M000011P1.h", "4294967295.x", "99999999999.x",
	}
	x := &index{hostIDs: map[string]byte{}}
	for _, name := range slices.Backward(want) {
		if err := x.add([]byte(name+":2,S"), false); err != nil {
			t.Fatal(err)
		}
	}
	x.sort()
	var got []string
	x.each(func(key string, _ fileName) bool { got = append(got, key); return true })
	if !slices.Equal(got, want) {
		t.Errorf("order is %q, want %q", got, want)
	}
}

// A million messages are an ordinary archive folder; their names alone are 60 MB.
func TestIndexOfAMillionNamesIsSmall(t *testing.T) {
	if testing.Short() {
		t.Skip("takes some seconds")
	}
	const n = 1_000_000
	var before, after runtime.MemStats
	runtime.GC()
	runtime.ReadMemStats(&before)
	x := &index{hostIDs: map[string]byte{}}
	total := 0
	for i := range n {
		name := fmt.Appendf(nil, "%d.M%dP%d.mail.example.org,S=%d,W=%d:2,S", 1350506030+i/3, i*7919%1_000_000, 30000+i%2000, i, i+40)
		total += len(name)
		if err := x.add(name, i%10 == 0); err != nil {
			t.Fatal(err)
		}
	}
	x.sort()
	runtime.GC()
	runtime.ReadMemStats(&after)
	used := int64(after.HeapAlloc) - int64(before.HeapAlloc)
	if used > 64<<20 {
		t.Errorf("the index of %d names (%d MB) takes %d MB", n, total>>20, used>>20)
	}
	t.Logf("%d names of %d MB take %d MB", n, total>>20, used>>20)
	if file := x.file(n / 2); !strings.Contains(file.name, "P3") || !strings.Contains(file.name, ".mail.example.org,S=") {
		t.Errorf("name in the middle is %q", file.name)
	}
}

func FuzzIndex(f *testing.F) {
	f.Add([]byte("1350506030.M20048P30256.host,S=4321,W=4400:2,S"), []byte("1350506030.M9"))
	f.Add([]byte("007.x.y!2,S"), []byte("7.x.y;2,"))
	f.Add([]byte("99999999999999999999.a.b:2,"), []byte("a"))
	f.Fuzz(func(t *testing.T, a, b []byte) {
		for _, name := range [][]byte{a, b} {
			if len(name) == 0 || len(name) > maxDirName || slices.Contains(name, '/') || slices.Contains(name, 0) {
				return
			}
		}
		x := &index{hostIDs: map[string]byte{}}
		for _, name := range [][]byte{a, b} {
			if err := x.add(name, false); err != nil {
				t.Fatal(err)
			}
		}
		x.sort()
		got := []string{x.file(0).name, x.file(1).name}
		want := []string{string(a), string(b)}
		slices.Sort(got)
		slices.Sort(want)
		if !slices.Equal(got, want) {
			t.Fatalf("names %q come back as %q", want, got)
		}
		if c, d := compareBases(a, b), compareBases(b, a); (c < 0) != (d > 0) || (c == 0) != (string(a) == string(b)) {
			t.Fatalf("%q and %q compare as %d and %d", a, b, c, d)
		}
		for i := range 2 {
			base, _, _ := splitName(x.file(i).name)
			if _, ok := x.find(base); !ok {
				t.Fatalf("%q is not found in %q", base, want)
			}
		}
	})
}
