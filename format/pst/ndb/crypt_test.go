package ndb

import (
	"bytes"
	"testing"

	"pgregory.net/rapid"
)

// TestRotors checks what [MS-PST] 5.1 says of the tables: the first and the last
// undo each other, the middle one undoes itself.
func TestRotors(t *testing.T) {
	for i := range 256 {
		if rotorI[rotorR[i]] != byte(i) || rotorS[rotorS[i]] != byte(i) {
			t.Errorf("byte %d", i)
		}
	}
}

// TestPermute compares the fast decoding with the table, at any length.
func TestPermute(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		plain := rapid.SliceOfN(rapid.Byte(), 0, 100).Draw(t, "plain")
		b := bytes.Clone(plain)
		for i, c := range b {
			b[i] = rotorR[c]
		}
		if Permute.decrypt(b, 4); !bytes.Equal(b, plain) {
			t.Fatalf("%x becomes %x", plain, b)
		}
	})
}

// TestCyclic encodes and decodes by the same function, and depends on the key.
func TestCyclic(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		plain := rapid.SliceOfN(rapid.Byte(), 1, 300).Draw(t, "plain")
		id := BID(rapid.Uint64().Draw(t, "id"))
		b := bytes.Clone(plain)
		Cyclic.decrypt(b, id)
		if Cyclic.decrypt(b, id); !bytes.Equal(b, plain) {
			t.Fatalf("%x becomes %x", plain, b)
		}
	})
}

// TestChecksum has the values of a CRC that begins with zero and is not
// complemented: nothing and zeros give zero, and it is linear.
func TestChecksum(t *testing.T) {
	for _, c := range []struct {
		b    string
		want uint32
	}{{"", 0}, {"\x00\x00\x00\x00", 0}, {"\x01", 0x77073096}, {"\xFF", 0x2D02EF8D}, {"123456789", 0x2DFD2D88}} {
		if got := checksum([]byte(c.b)); got != c.want {
			t.Errorf("%q: %08X, not %08X", c.b, got, c.want)
		}
	}
	rapid.Check(t, func(t *rapid.T) {
		n := rapid.IntRange(0, 50).Draw(t, "n")
		a, b := rapid.SliceOfN(rapid.Byte(), n, n).Draw(t, "a"), rapid.SliceOfN(rapid.Byte(), n, n).Draw(t, "b")
		both := make([]byte, n)
		for i := range both {
			both[i] = a[i] ^ b[i]
		}
		if checksum(both) != checksum(a)^checksum(b) {
			t.Fatal("it is not linear")
		}
	})
}
