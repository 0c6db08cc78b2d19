package files_test

import (
	"path/filepath"
	"strings"
	"testing"
	"unicode/utf8"

	"pgregory.net/rapid"

	"waybill/connector/files"
)

func TestEscapeName(t *testing.T) {
	for name, want := range map[string]string{
		"":              "%",
		"anna":          "anna",
		"Anna Müller":   "Anna Müller",
		"a/b":           "a%2Fb",
		`a\b`:           "a%5Cb",
		".":             "%2E",
		"..":            "%2E%2E",
		".hidden":       "%2Ehidden",
		"end.":          "end%2E",
		"end ":          "end%20",
		" start":        " start",
		"100%":          "100%25",
		"%41":           "%2541",
		"CON":           "%43ON",
		"con.mbox":      "%63on.mbox",
		"COM1":          "%43OM1",
		"COM10":         "COM10",
		"LPT¹":          "%4CPT¹",
		"console":       "console",
		"a\x00b\nc\x7f": "a%00b%0Ac%7F",
		"\u0085":        "%C2%85",
		"\xff":          "%FF",
		`<>:"|?*`:       "%3C%3E%3A%22%7C%3F%2A",
		"📬 Post":        "📬 Post",
	} {
		got, ok := files.EscapeName(name)
		if got != want || !ok {
			t.Errorf("EscapeName(%q) = %q, %v; want %q", name, got, ok, want)
		}
		if back, ok := files.UnescapeName(got); back != name || !ok {
			t.Errorf("UnescapeName(%q) = %q, %v; want %q", got, back, ok, name)
		}
	}
}

func TestUnescapeForeignName(t *testing.T) {
	for element, want := range map[string]string{
		"a%41":    "a%41", // EscapeName would have written aA
		"100%":    "100%",
		"%zz":     "%zz",
		"a:b":     "a:b",
		"caf\xe9": "caf%E9",
	} {
		if got, ok := files.UnescapeName(element); got != want || ok {
			t.Errorf("UnescapeName(%q) = %q, %v; want %q, false", element, got, ok, want)
		}
	}
}

func TestEscapeNameIsReversible(t *testing.T) {
	odd := rapid.StringOfN(rapid.RuneFrom([]rune("%/\\.: CONcon1~é📬\x00\n%25")), 0, 40, -1)
	rapid.Check(t, func(t *rapid.T) {
		name := rapid.OneOf(rapid.String(), odd, rapid.Map(rapid.SliceOfN(rapid.Byte(), 0, 80), func(b []byte) string { return string(b) })).Draw(t, "name")
		element, ok := files.EscapeName(name)
		if len(element) > files.MaxElement || element == "." || element == ".." || element == "" || strings.ContainsAny(element, "/\\\x00") ||
			!utf8.ValidString(element) || filepath.Base(element) != element {
			t.Fatalf("EscapeName(%q) = %q is not one safe element", name, element)
		}
		back, known := files.UnescapeName(element)
		if !known {
			t.Fatalf("UnescapeName(%q) does not know its own element", element)
		}
		if ok && back != name {
			t.Fatalf("%q came back as %q", name, back)
		}
		if again, whole := files.EscapeName(back); again != element || !whole {
			t.Fatalf("%q is listed as %q, whose element is %q", element, back, again)
		}
	})
}

func TestLongNamesStayDifferent(t *testing.T) {
	seen := map[string]string{}
	for _, name := range []string{
		strings.Repeat("a", 201), strings.Repeat("a", 202), strings.Repeat("é", 150), strings.Repeat("é", 151),
		strings.Repeat("%", 100), strings.Repeat("/", 90), strings.Repeat("/", 91), strings.Repeat("x", 1<<20),
	} {
		element, ok := files.EscapeName(name)
		if ok || len(element) > files.MaxElement || !utf8.ValidString(element) {
			t.Errorf("EscapeName of %d bytes = %q, %v", len(name), element, ok)
		}
		if other, clash := seen[element]; clash {
			t.Errorf("%.10q and %.10q have the same element", name, other)
		}
		seen[element] = name
	}
}

func FuzzUnescapeName(f *testing.F) {
	for _, s := range []string{"", "%", "%41", "a%2Fb", "%2E", "\xff%FF", "%%%"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, element string) {
		name, ok := files.UnescapeName(element)
		if !ok {
			return
		}
		if again, _ := files.EscapeName(name); again != element && len(element) <= files.MaxElement {
			t.Fatalf("%q is the element of %q, whose element is %q", element, name, again)
		}
	})
}
