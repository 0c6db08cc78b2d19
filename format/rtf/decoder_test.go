package rtf

import (
	"fmt"
	"io"
	"strings"
	"testing"
	"testing/iotest"
	"unicode/utf8"

	"pgregory.net/rapid"

	"waybill/failure"
)

// rendered gives what Unwrap or, for genuine RTF, Text makes.
func rendered(rtf string, o Options) (string, Kind, error) {
	r, kind, err := Unwrap(strings.NewReader(rtf), o)
	if err != nil {
		return "", kind, err
	}
	if kind == KindRTF {
		r = Text(r, o)
	}
	b, err := io.ReadAll(r)
	return string(b), kind, err
}

func TestUnwrap(t *testing.T) {
	const html = `{\rtf1\ansi\ansicpg1251\fromhtml1 \deff0{\fonttbl{\f0\fswiss\fcharset0 Arial;}{\f1\fcharset204 Arial CYR;}{\f2\fcharset128 MS Gothic;}{\f3\fcharset2 Wingdings;}}` +
		`{\colortbl\red0\green0\blue0;}\uc1\pard\plain `
	const text = `{\rtf1\ansi\ansicpg1252\fromtext \deff0{\fonttbl{\f0 Courier;}}`
	for _, c := range []struct{ name, in, want string }{
		{"tags and text", html + `{\*\htmltag64}{\*\htmltag84 <b>}\htmlrtf {\b \htmlrtf0 bold{\*\htmltag92 </b>}\htmlrtf }\htmlrtf0 }`, "<b>bold</b>"},
		{"the example of the specification", html + `{\*\htmltag50 <p>}\htmlrtf \par\htmlrtf0 x{\*\htmltag58 </p>}{\*\htmltag241 \par }}`, "<p>x</p>\r\n"},
		{"rewritten links", html + `{\*\htmltag84 <a href="x">}{\*\mhtmltag84 <a href="mhtml:y">}z}`, `<a href="x">z`},
		{"escapes", html + `{\*\htmltag x\{y\}\\ \'26}}`, `x{y}\ &`},
		{"code page of the font", html + `\f1 \'cf\f0 \'e4\f2 \'83\'65}`, "Пäテ"},
		{"font set where nothing is shown", html + `\htmlrtf\f2\htmlrtf0 \'83e}`, "テ"},
		{"default code page in tags", html + `\f0 {\*\htmltag <p title="\'cf">}}`, `<p title="П">`},
		{"symbol font keeps its letter", html + `\f3 J}`, "J"},
		{"unicode", html + `\u1055?\u-10179?\u-8704?}`, "П😀"},
		{"two bytes for one", html + `\uc2\u1055\'cf\'d0x\uc0\u1056y}`, "ПxРy"},
		{"words for characters", html + `\lquote a\rquote\~\endash\tab\line}`, "&lsquo;a&rsquo;&nbsp;&ndash;\t\r\n"},
		{"unknown destinations", html + `{\*\generator x;}{\info{\title t}}{\pict 0102}a}`, "a"},
		{"binary", html + "{\\pict\\bin5 }}}}}}a{\\bin3 {{{}b}", "ab"},
		{"group closed that was not opened", html + `a\htmlrtf }\htmlrtf0 b}`, "ab"},
		{"ends of lines mean nothing", html + "a\r\nb\nc}", "abc"},
		{"padding at the end", html + "a}\x00\x00\r\n", "a"},
		{"plain text", text + `\pard\plain first\par second\tab x\line \{\}}`, "first\r\nsecond\tx\r\n{}"},
		{"plain text with a link", text + `{\field{\*\fldinst HYPERLINK "http://a/"}{\fldrslt http://a/}}}`, "http://a/"},
	} {
		got, kind, err := rendered(c.in, Options{})
		if got != c.want || err != nil || kind == KindRTF {
			t.Errorf("%s: %q, %s, %v; want %q", c.name, got, kind, err, c.want)
		}
	}
}

func TestText(t *testing.T) {
	const head = `{\rtf1\ansi\ansicpg1252\deff0{\fonttbl{\f0\fcharset0 Arial;}{\f1\fcharset2 Symbol;}{\f2\fcharset136 \'b7\'73;}}{\stylesheet{\s0 Normal;}}`
	for _, c := range []struct{ name, in, want string }{
		{"paragraphs", `one\par two\par`, "one\r\ntwo\r\n"},
		{"table", `\trowd\intbl a\cell b\cell\row\trowd c\cell\cell d\cell\row}`, "a\tb\r\nc\t\td\r\n"},
		{"nested table", `\intbl x\nestcell y\nestcell{\*\nesttableprops\nestrow}{\nonesttables\par}\cell\row`, "x\ty\t\r\n"},
		{"bullets", `{\pntext\f1\'b7\tab}item\par{\listtext\f1\'B7\tab}more`, "•\titem\r\n•\tmore"},
		{"link", `{\field{\*\fldinst{HYPERLINK "http://a.example/"}}{\fldrslt{\ul here}}}.`, "here <http://a.example/>."},
		{"link that shows its address", `{\field{\*\fldinst{HYPERLINK "mailto:a@b.example"}}{\fldrslt a@b.example}}`, "a@b.example"},
		{"link in a code page", `{\field{\*\fldinst{HYPERLINK "http://a/\'e4"}}{\fldrslt x}}`, "x <http://a/ä>"},
		{"other field", `{\field{\*\fldinst PAGE}{\fldrslt 7}}`, "7"},
		{"Chinese", `\f2\'b7\'73`, "新"},
		{"upr", `{\upr{plain}{\*\ud{\u1055?lain}}}`, "Пlain"},
		{"hidden and deleted", `a{\v secret}{\deleted gone}b\v c\v0 d`, "abd"},
		{"footnote", `word{\footnote see there}.`, "word (see there)."},
		{"box", `{\shp{\*\shpinst{\sp{\sn a}{\sv b}}{\shptxt in the box}}{\shprslt old}}`, "in the box"},
		{"header and footer", `{\header h}{\footer f}body`, "body"},
		{"symbols", `\bullet\emdash\~\_x\-y`, "•—\u00a0\u2011xy"},
		{"half a character at the end", `\f2\'b7`, "\ufffd"},
		{"upper case word", `\ANSI\Par x`, "x"},
	} {
		got, kind, err := rendered(head+c.in+`}`, Options{})
		if c.name == "table" {
			got, kind, err = rendered(head+c.in, Options{})
		}
		if got != c.want || err != nil || kind != KindRTF {
			t.Errorf("%s: %q, %s, %v; want %q", c.name, got, kind, err, c.want)
		}
	}
}

func TestPlaceholders(t *testing.T) {
	o := Options{Attachment: func(n int) string { return fmt.Sprintf("[%d]", n) }}
	const body = `a\objattph\'20 b{\objattph  }`
	for in, want := range map[string]string{
		`{\rtf1 ` + body + `}`:                               "a[0]  b[1] ",
		`{\rtf1\fromhtml1 \htmlrtf ` + body + `\htmlrtf0 c}`: "[0][1]c",
	} {
		if got, _, err := rendered(in, o); got != want || err != nil {
			t.Errorf("%q, %v; want %q", got, err, want)
		}
	}
}

func TestUnwrapGivesGenuineRTFAsItIs(t *testing.T) {
	in := `{\rtf1 ` + strings.Repeat("long ", 5000) + `}`
	r, kind, err := Unwrap(strings.NewReader(in), Options{})
	if err != nil || kind != KindRTF {
		t.Fatal(kind, err)
	}
	if b, err := io.ReadAll(r); string(b) != in || err != nil {
		t.Errorf("%d bytes of %d, %v", len(b), len(in), err)
	}
}

func TestDamage(t *testing.T) {
	for _, c := range []struct{ name, in, want, rule string }{
		{"nothing", ``, "", "rtf.header"},
		{"HTML", `<html>`, "", "rtf.header"},
		{"cut off", `{\rtf1 some {\b te`, "some te", "rtf.truncated"},
		{"cut in a word", `{\rtf1 some\pa`, "some", "rtf.truncated"},
		{"cut in binary data", `{\rtf1 some\bin99999999 x`, "some", "rtf.truncated"},
		{"deep", `{\rtf1 some` + strings.Repeat("{", 20000), "some", "rtf.nesting"},
		{"no hexadecimal", `{\rtf1 a\'zzb}`, "azzb", ""},
		{"negative lengths", `{\rtf1 a\bin-5 b\uc-7 \u65 cd\u66?}`, "abAdB", ""},
		{"long words and numbers", `{\rtf1 a\` + strings.Repeat("x", 5000) + strings.Repeat("9", 5000) + ` b}`, "ab", ""},
		{"lone surrogate", `{\rtf1 \u-10179?x\u-8704?y}`, "x\ufffdy", ""},
	} {
		got, _, err := rendered(c.in, Options{})
		rule := ""
		if err != nil {
			rule = failure.RuleOf(err)
		}
		if got != c.want || rule != c.rule {
			t.Errorf("%s: %q, %v; want %q, %s", c.name, got, err, c.want, c.rule)
		}
	}
	// An error below comes through, though the document is complete.
	r := Text(io.MultiReader(strings.NewReader(`{\rtf1 a}`), iotest.ErrReader(io.ErrNoProgress)), Options{})
	if b, err := io.ReadAll(r); string(b) != "a" || err != io.ErrNoProgress {
		t.Errorf("%q, %v", b, err)
	}
}

// escape writes text as Word does.
func escape(text string) string {
	var b strings.Builder
	for _, r := range text {
		switch {
		case r == '{' || r == '}' || r == '\\':
			b.WriteString(`\` + string(r))
		case r >= ' ' && r < 0x7F:
			b.WriteRune(r)
		case r > 0xFFFF:
			v := r - 0x10000
			fmt.Fprintf(&b, `\u%d?\u%d?`, int16(uint16(0xD800+v>>10)), int16(uint16(0xDC00+v&0x3FF)))
		default:
			fmt.Fprintf(&b, `\u%d ?`, int16(uint16(r)))
		}
	}
	return b.String()
}

func TestAnyTextIsReadBack(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		text := strings.Map(func(r rune) rune {
			if r == 0 || r == utf8.RuneError {
				return -1
			}
			return r
		}, rapid.String().Draw(t, "text"))
		for _, head := range []string{`\fromhtml1 `, `\fromtext `, ``} {
			if got, _, err := rendered(`{\rtf1\ansi`+head+`{\fonttbl{\f0 x;}}`+escape(text)+`}`, Options{}); got != text || err != nil {
				t.Fatalf("%q became %q, %v", text, got, err)
			}
		}
	})
}

func FuzzDecode(f *testing.F) {
	f.Add(`{\rtf1\ansi\ansicpg932\fromhtml1 {\fonttbl{\f0\fcharset128 x;}}{\*\htmltag64 <b>}\htmlrtf{\b\htmlrtf0 \'83\'65}\u-1?}`)
	f.Add(`{\rtf1\ansi\fromtext \par\tab x}`)
	f.Add(`{\rtf1\trowd\cell\row{\field{\*\fldinst{HYPERLINK "x"}}{\fldrslt y}}{\footnote z}{\upr{a}{\*\ud b}}\bin3 }}}\objattph }`)
	f.Fuzz(func(t *testing.T, in string) {
		o := Options{Attachment: func(n int) string { return "@" }}
		got, kind, err := rendered(in, o)
		if !utf8.ValidString(got) {
			t.Errorf("%q is not UTF-8", got)
		}
		if kind == KindRTF || err != nil {
			return
		}
		r, _, err := Unwrap(iotest.OneByteReader(strings.NewReader(in)), o)
		if err != nil {
			t.Fatal(err)
		}
		if slow, err := io.ReadAll(r); string(slow) != got || err != nil {
			t.Errorf("read slowly: %q, %v; want %q", slow, err, got)
		}
	})
}
