package mime

import (
	"bytes"
	"encoding/base64"
	"io"
	"strings"
	"testing"
	"testing/iotest"

	"pgregory.net/rapid"
)

// What is between the characters changes nothing, nor do the pieces in which they
// come; pasted pieces, each with its own padding, give their bytes in order.
func TestBase64OfAnyShape(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		var text strings.Builder
		var want []byte
		noise := rapid.SampledFrom([]string{"", "", "", "\r\n", " ", "\n\t", "!", "\x00\xff-_", ">"})
		for range rapid.IntRange(0, 4).Draw(t, "pieces") {
			data := rapid.SliceOfN(rapid.Byte(), 0, 300).Draw(t, "data")
			want = append(want, data...)
			encoded := base64.StdEncoding.EncodeToString(data)
			for width := rapid.IntRange(1, 80).Draw(t, "width"); encoded != ""; {
				n := min(width, len(encoded))
				text.WriteString(encoded[:n] + noise.Draw(t, "noise"))
				encoded = encoded[n:]
			}
		}
		in := io.Reader(strings.NewReader(text.String()))
		switch rapid.IntRange(0, 2).Draw(t, "reader") {
		case 1:
			in = iotest.OneByteReader(in)
		case 2:
			in = iotest.DataErrReader(iotest.HalfReader(in))
		}
		got, err := io.ReadAll(&base64Reader{src: in})
		if err != nil || !bytes.Equal(got, want) {
			t.Fatalf("%q gives %x, %v, want %x", text.String(), got, err, want)
		}
	})
}

func TestBase64WithoutPadding(t *testing.T) {
	for text, want := range map[string]string{"": "", "aGk": "hi", "aGVsbG8": "hello", "a": "", "aGk=aGk": "hihi", "=": "", "====aGk=": "hi", "aGVsbG8=x": "hello"} {
		if got, err := io.ReadAll(&base64Reader{src: strings.NewReader(text)}); err != nil || string(got) != want {
			t.Errorf("%q gives %q, %v, want %q", text, got, err, want)
		}
	}
}
