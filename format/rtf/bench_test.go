package rtf

import (
	"bytes"
	"io"
	"strings"
	"testing"
)

// benchText is RTF as Outlook writes it for HTML.
func benchText() string {
	return `{\rtf1\ansi\ansicpg1252\fromhtml1 \deff0{\fonttbl{\f0\fswiss\fcharset0 Arial;}}\uc1\pard\plain\deftab360 ` +
		strings.Repeat(`{\*\htmltag64 <p class=MsoNormal>}\htmlrtf {\htmlrtf0 {\*\htmltag148 <span lang=EN-US>}The quick brown fox \'e4\u8217? jumps over the lazy dog.`+
			"{\\*\\htmltag156 </span>}\\htmlrtf\\par}\\htmlrtf0\r\n{\\*\\htmltag72 </p>}", 5000) + `}`
}

func BenchmarkDecompress(b *testing.B) {
	text := benchText()[:100_000]
	packed := wrap(compress([]byte(text)), len(text), magicCompressed)
	b.SetBytes(int64(len(text)))
	for b.Loop() {
		if _, err := io.Copy(io.Discard, Decompress(bytes.NewReader(packed), plenty)); err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkUnwrap(b *testing.B) {
	text := benchText()
	b.SetBytes(int64(len(text)))
	for b.Loop() {
		r, _, err := Unwrap(strings.NewReader(text), Options{})
		if err != nil {
			b.Fatal(err)
		}
		if _, err := io.Copy(io.Discard, r); err != nil {
			b.Fatal(err)
		}
	}
}
