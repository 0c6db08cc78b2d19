package cli

import (
	"strings"
	"testing"
	"unicode"
	"unicode/utf8"

	"pgregory.net/rapid"
)

// TestPrintable is about what mail may do to the terminal of whoever looks at it.
func TestPrintable(t *testing.T) {
	dangerous := rapid.SampledFrom([]string{"\x1b[2J", "\x1b]0;x\a", "\r", "\n", "\b", "\x7f", "\u0085", "\u009b31m", "\u202e", "\u2066", "\u2069", "\u200e", "\u200f", "\u061c",
		"\u2028", "\u2029", "\xff", "\xc2", "é", "日本", "👩‍👧", "a\u0301"})
	rapid.Check(t, func(t *rapid.T) {
		s := strings.Join(rapid.SliceOf(rapid.OneOf(dangerous, rapid.String())).Draw(t, "pieces"), "")
		got := printable(s)
		if !utf8.ValidString(got) {
			t.Fatalf("%q is not UTF-8", got)
		}
		for _, r := range got {
			if unicode.IsControl(r) || unicode.Is(unicode.Bidi_Control, r) || r == '\u2028' || r == '\u2029' {
				t.Fatalf("%q lets %U through", got, r)
			}
		}
		if again := printable(got); len(s) < 80 && again != got {
			t.Fatalf("%q became %q", got, again)
		}
	})
	for _, s := range []string{"", "anna", "Grüße, 日本 👩‍👧 שלום", strings.Repeat("x", 600)} {
		if got := printable(s); got != s {
			t.Errorf("%q became %q", s, got)
		}
	}
	if got := printable(strings.Repeat("é", 10000)); len(got) > 700 || !strings.HasSuffix(got, "…") {
		t.Errorf("a long text becomes %d bytes", len(got))
	}
}

func TestSizesAsPeopleReadThem(t *testing.T) {
	for n, want := range map[int64]string{-1: "?", 0: "0 B", 1023: "1023 B", 1024: "1.0 KiB", 1536: "1.5 KiB", 1 << 20: "1.0 MiB", 5 << 30: "5.0 GiB", 1 << 40: "1.0 TiB", 1 << 62: "4096.0 PiB"} {
		if got := size(n); got != want {
			t.Errorf("%d is %q, want %q", n, got, want)
		}
	}
}
