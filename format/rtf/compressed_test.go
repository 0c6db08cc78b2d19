package rtf

import (
	"bytes"
	"encoding/binary"
	"encoding/hex"
	"errors"
	"hash/crc32"
	"io"
	"strings"
	"testing"
	"testing/iotest"

	"pgregory.net/rapid"

	"waybill/failure"
)

// compress is a plain encoder, so that the decoder can be tried with any text.
func compress(text []byte) []byte {
	dict := make([]byte, dictSize)
	write := copy(dict, preset)
	full := false
	var body []byte
	flagAt, bits := 0, 8
	item := func(reference bool, b ...byte) {
		if bits == 8 {
			flagAt, bits = len(body), 0
			body = append(body, 0)
		}
		if reference {
			body[flagAt] |= 1 << bits
		}
		bits++
		body = append(body, b...)
	}
	put := func(b byte) {
		dict[write] = b
		write = (write + 1) % dictSize
		full = full || write == 0
	}
	for len(text) > 0 {
		best, from := 0, 0
		for start := range dictSize {
			if start == write || !full && start >= write {
				continue
			}
			n := 0
			for n < min(17, len(text)) && dict[(start+n)%dictSize] == text[n] && (start+n)%dictSize != write {
				n++
			}
			if n > best {
				best, from = n, start
			}
		}
		if best < 2 {
			item(false, text[0])
			best = 1
		} else {
			ref := from<<4 | (best - 2)
			item(true, byte(ref>>8), byte(ref))
		}
		for _, b := range text[:best] {
			put(b)
		}
		text = text[best:]
	}
	item(true, byte(write>>4), byte(write<<4))
	return body
}

// wrap puts a header before a body.
func wrap(body []byte, rawSize int, magic uint32) []byte {
	h := make([]byte, headerSize, headerSize+len(body))
	binary.LittleEndian.PutUint32(h, uint32(len(body)+12))
	binary.LittleEndian.PutUint32(h[4:], uint32(rawSize))
	binary.LittleEndian.PutUint32(h[8:], magic)
	if magic == magicCompressed {
		binary.LittleEndian.PutUint32(h[12:], ^crc32.Update(0xFFFFFFFF, crc32.IEEETable, body))
	}
	return append(h, body...)
}

const plenty = 1 << 20

func decompressed(b []byte, limit int64) (string, error) {
	out, err := io.ReadAll(Decompress(bytes.NewReader(b), limit))
	return string(out), err
}

// TestExamples are those of [MS-OXRTFCP] 4.1 and 4.2.
func TestExamples(t *testing.T) {
	for in, want := range map[string]string{
		"2d0000002b0000004c5a4675f1c5c7a703000a007263706731323542320af32068656c090020627705b06c647d0a800fa0": "{\\rtf1\\ansi\\ansicpg1252\\pard hello world}\r\n",
		"1a0000001c0000004c5a4675e2d44b51410004205758595a0d6e7d010eb0":                                       "{\\rtf1 WXYZWXYZWXYZWXYZWXYZ}",
	} {
		b, err := hex.DecodeString(in)
		if err != nil {
			t.Fatal(err)
		}
		if got, err := decompressed(b, plenty); got != want || err != nil {
			t.Errorf("got %q, %v, want %q", got, err, want)
		}
	}
}

func TestCompressedIsReadBack(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		word := rapid.SampledFrom([]string{`\par `, `\pard\plain`, "hello ", "{", "}", "\x00", "aaaaaaaaaaaaaaaaaaaaaaaa", `{\fonttbl`})
		text := strings.Join(rapid.SliceOfN(rapid.OneOf(word, rapid.String()), 0, 300).Draw(t, "text"), "")
		packed := wrap(compress([]byte(text)), len(text), magicCompressed)
		if got, err := decompressed(packed, plenty); got != text || err != nil {
			t.Fatalf("%d bytes of %d, %v", len(got), len(text), err)
		}
		if got, err := decompressed(append(packed, "behind"...), int64(len(text))); got != text || err != nil {
			t.Fatalf("with a limit that just does: %d bytes of %d, %v", len(got), len(text), err)
		}
		stored := wrap([]byte(text), len(text), magicUncompressed)
		if got, err := decompressed(stored, int64(len(text))); got != text || err != nil {
			t.Fatalf("stored: %d bytes of %d, %v", len(got), len(text), err)
		}
		if len(text) == 0 {
			return
		}
		// What is cut off gives its beginning and an error; and so does what is changed.
		cut := rapid.IntRange(0, len(packed)-3).Draw(t, "cut")
		got, err := decompressed(packed[:cut], plenty)
		if !strings.HasPrefix(text, got) || err == nil && got != text {
			t.Fatalf("cut at %d: %d bytes, %v", cut, len(got), err)
		}
		changed := bytes.Clone(packed)
		at := rapid.IntRange(headerSize, len(packed)-1).Draw(t, "at")
		changed[at] ^= 1 << rapid.IntRange(0, 7).Draw(t, "bit")
		if _, err := decompressed(changed, plenty); failure.ClassOf(err) != failure.Malformed {
			t.Fatalf("changed at %d: %v", at, err)
		}
	})
}

func TestDamagedCompression(t *testing.T) {
	text := strings.Repeat("a long text in rich text ", 100)
	good := wrap(compress([]byte(text)), len(text), magicCompressed)
	edit := func(at int, b ...byte) []byte {
		c := bytes.Clone(good)
		copy(c[at:], b)
		return c
	}
	for _, c := range []struct {
		name, rule, want string
		in               []byte
		limit            int64
	}{
		{"nothing", "rtf.truncated", "", nil, plenty},
		{"half a header", "rtf.truncated", "", good[:9], plenty},
		{"other magic", "rtf.magic", "", edit(8, 'L', 'Z', 'F', 'X'), plenty},
		{"checksum", "rtf.crc", text, edit(12, 1, 2, 3, 4), plenty},
		{"more stated", "rtf.truncated", text, edit(4, 0xFF, 0xFF, 0xFF, 0x7F), plenty},
		{"less stated", "rtf.size", text, edit(4, 1, 0, 0, 0), plenty},
		{"limit", "rtf.limit", text[:100], good, 100},
		{"stored and cut", "rtf.truncated", "abc", wrap([]byte("abc"), 5, magicUncompressed), plenty},
		{"stored, over the limit", "rtf.limit", "ab", wrap([]byte("abc"), 3, magicUncompressed), 2},
		{"stored, size with header", "", "abc", wrap([]byte("abc"), 15, magicUncompressed), plenty},
		{"no closing reference", "", text, closed(good), plenty},
	} {
		got, err := decompressed(c.in, c.limit)
		rule := ""
		if err != nil {
			rule = failure.RuleOf(err)
		}
		if got != c.want || rule != c.rule {
			t.Errorf("%s: %d bytes, %v; want %d and %q", c.name, len(got), err, len(c.want), c.rule)
		}
	}
	broken := errors.New("disk")
	r := Decompress(io.MultiReader(bytes.NewReader(good[:60]), iotest.ErrReader(broken)), plenty)
	if _, err := io.ReadAll(r); !errors.Is(err, broken) {
		t.Errorf("an error of the reader below became %v", err)
	}
}

// closed leaves the closing reference out, as some writers do.
func closed(good []byte) []byte {
	body := good[headerSize : len(good)-2]
	return wrap(body, int(binary.LittleEndian.Uint32(good[4:])), magicCompressed)
}

// TestBomb reads as much as the limit and no more from references that never end.
func TestBomb(t *testing.T) {
	read := 0
	endless := readerFunc(func(p []byte) (int, error) {
		for i := range p {
			// Eight references to 16 bytes at the beginning of the dictionary, over and over.
			p[i] = [17]byte{0xFF, 0, 14, 0, 14, 0, 14, 0, 14, 0, 14, 0, 14, 0, 14, 0, 14}[(read+i)%17]
		}
		read += len(p)
		return len(p), nil
	})
	h := wrap(nil, 1<<31, magicCompressed)
	n, err := io.Copy(io.Discard, Decompress(io.MultiReader(bytes.NewReader(h), endless), 10<<20))
	if n != 10<<20 || failure.ClassOf(err) != failure.TooLarge || read > 2<<20 {
		t.Errorf("%d bytes, %v, after %d bytes", n, err, read)
	}
}

type readerFunc func([]byte) (int, error)

func (f readerFunc) Read(p []byte) (int, error) { return f(p) }

func FuzzDecompress(f *testing.F) {
	f.Add(wrap(compress([]byte(`{\rtf1 hello}`)), 13, magicCompressed))
	f.Add(wrap([]byte(`{\rtf1 hello}`), 13, magicUncompressed))
	f.Add([]byte{})
	f.Fuzz(func(t *testing.T, b []byte) {
		got, err := decompressed(b, plenty)
		if len(got) > plenty {
			t.Error("more than the limit")
		}
		slow, err2 := io.ReadAll(iotest.OneByteReader(Decompress(iotest.HalfReader(bytes.NewReader(b)), plenty)))
		if string(slow) != got || failure.RuleOf(err) != failure.RuleOf(err2) {
			t.Errorf("read otherwise, it differs: %d and %d bytes, %v and %v", len(slow), len(got), err2, err)
		}
	})
}
