package ledger

import (
	"bytes"
	"slices"
	"strings"
	"testing"

	"pgregory.net/rapid"
)

func TestKeysRoundTrip(t *testing.T) {
	c, err := newKeyCodec()
	must(t, err)
	defer c.close()
	rapid.Check(t, func(rt *rapid.T) {
		n := rapid.SampledFrom([]int{0, 1, 3, 40, 200}).Draw(rt, "number")
		length := rapid.SampledFrom([]int{1, 30, 128, 255}).Draw(rt, "length")
		stem := rapid.SliceOfN(rapid.Byte(), length, length).Draw(rt, "stem")
		var keys []string
		for range n {
			k := slices.Clone(stem)
			k[rapid.IntRange(0, length-1).Draw(rt, "at")] = rapid.Byte().Draw(rt, "byte")
			keys = append(keys, string(k[rapid.IntRange(0, length-1).Draw(rt, "from"):]))
		}
		packed := c.encode(keys)
		got, err := c.decode(packed)
		if err != nil || !slices.Equal(got, keys) {
			rt.Fatalf("got %q, %v; want %q", got, err, keys)
		}
		if !bytes.Equal(packed, c.encode(keys)) {
			rt.Fatal("the same keys gave other bytes")
		}
	})
}

func TestKeysAreSmall(t *testing.T) {
	c, err := newKeyCodec()
	must(t, err)
	defer c.close()
	var keys []string
	for i := range 500 {
		keys = append(keys, maildirKey(i))
	}
	if n := len(c.encode(keys)); n > 500*30 {
		t.Errorf("500 Maildir keys take %d bytes", n)
	}
}

func FuzzDecodeKeys(f *testing.F) {
	c, err := newKeyCodec()
	if err != nil {
		f.Fatal(err)
	}
	f.Cleanup(c.close)
	f.Add([]byte{})
	f.Add([]byte{keysPlain, 200})
	f.Add([]byte{keysPlain, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 1, 'x'})
	f.Add([]byte{keysZstd, 1, 2, 3})
	f.Add([]byte{7, 1, 'a'})
	f.Add(c.encode([]string{"a", "b"}))
	f.Add(c.encode([]string{strings.Repeat("long", 50), strings.Repeat("long", 60), strings.Repeat("zebra", 500)}))
	f.Fuzz(func(t *testing.T, b []byte) {
		keys, err := c.decode(b)
		if err != nil {
			return
		}
		again, err := c.decode(c.encode(keys))
		if err != nil || !slices.Equal(again, keys) {
			t.Fatalf("%q became %q, %v", keys, again, err)
		}
	})
}
