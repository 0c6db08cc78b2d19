package mutf7_test

import (
	"strings"
	"testing"
	"unicode/utf8"

	"pgregory.net/rapid"

	"waybill/format/mutf7"
)

func TestKnownNames(t *testing.T) {
	for name, encoded := range map[string]string{
		"":                   "",
		"INBOX":              "INBOX",
		"R&D":                "R&-D",
		"&":                  "&-",
		"Entwürfe":           "Entw&APw-rfe",
		"~peter/mail/台北/日本語": "~peter/mail/&U,BTFw-/&ZeVnLIqe-", // RFC 3501 5.1.3
		"📬":                  "&2D3c7A-",
		"a\tb":               "a&AAk-b",
		"\x00":               "&AAA-",
		"tilde~":             "tilde~",
		"é&è":                "&AOk-&-&AOg-",
	} {
		if got := mutf7.Encode(name); got != encoded {
			t.Errorf("Encode(%q) = %q, want %q", name, got, encoded)
		}
		if got, ok := mutf7.Decode(encoded); got != name || !ok {
			t.Errorf("Decode(%q) = %q, %v; want %q", encoded, got, ok, name)
		}
	}
}

func TestDecodeLeavesOtherTextAlone(t *testing.T) {
	for _, s := range []string{
		"R&D",       // no end of the shift
		"Q&A-x",     // a single base64 character holds no unit
		"&AOk",      // no end
		"&A/k-",     // "/" is not of this alphabet
		"&2D0-",     // half a surrogate pair
		"&3Kw-",     // second half alone
		"&2D0AQQ-",  // first half, then a letter
		"&AOl-",     // bits left over
		"Entwürfe",  // UTF-8
		"&AOk-\xff", // neither
		"&AO\nk-",
	} {
		if got, ok := mutf7.Decode(s); got != s || ok {
			t.Errorf("Decode(%q) = %q, %v; want it back with false", s, got, ok)
		}
	}
}

func TestDecodeForgives(t *testing.T) {
	for s, want := range map[string]string{
		"&AEEAQg-":    "AB",
		"&AOk-&AOk-x": "ééx",
		"&ACY-":       "&",
	} {
		if got, ok := mutf7.Decode(s); got != want || !ok {
			t.Errorf("Decode(%q) = %q, %v; want %q", s, got, ok, want)
		}
	}
}

func TestEveryNameComesBack(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		name := rapid.OneOf(rapid.String(), rapid.StringOf(rapid.RuneFrom([]rune("&-a,é+/台📬\x00\x7f")))).Draw(t, "name")
		encoded := mutf7.Encode(name)
		if strings.ContainsFunc(encoded, func(r rune) bool { return r < 0x20 || r > 0x7e }) {
			t.Fatalf("Encode(%q) = %q is not printable ASCII", name, encoded)
		}
		if got, ok := mutf7.Decode(encoded); got != name || !ok {
			t.Fatalf("Decode(%q) = %q, %v; want %q", encoded, got, ok, name)
		}
	})
}

func FuzzDecode(f *testing.F) {
	for _, s := range []string{"Entw&APw-rfe", "&-", "&2D3c7A-", "R&D", "&AOl-", "&AEEAQg-", "\xff"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		name, ok := mutf7.Decode(s)
		if !ok {
			if name != s {
				t.Fatalf("Decode(%q) changed text that it could not read: %q", s, name)
			}
			return
		}
		if !utf8.ValidString(name) {
			t.Fatalf("Decode(%q) = %q is not UTF-8", s, name)
		}
		if again, ok := mutf7.Decode(mutf7.Encode(name)); again != name || !ok {
			t.Fatalf("%q does not survive encoding", name)
		}
	})
}
