package parts

import (
	"bytes"
	"slices"
	"strconv"
	"strings"
	"testing"

	"pgregory.net/rapid"
)

func TestAddresses(t *testing.T) {
	for text, want := range map[string][]address{
		`"A, B" <a@b>, c@d (C)`:    {{"A, B", "a", "b"}, {"C", "c", "d"}},
		`(C) c@d`:                  {{"C", "c", "d"}},
		`g: a@b, c@d; e@f`:         {{"", "g", ""}, {"", "a", "b"}, {"", "c", "d"}, {}, {"", "e", "f"}},
		`undisclosed-recipients:;`: {{"", "undisclosed-recipients", ""}, {}},
		`g: a@b`:                   {{"", "g", ""}, {"", "a", "b"}, {}},
		`<@r1,@r2:a@b>`:            {{"", "a", "b"}},
		`"x@y" <"q r"@b>`:          {{"x@y", "q r", "b"}},
		`nobody`:                   {{"", "nobody", noHost}},
		`a@`:                       {{"", "a", noHost}},
		` , ,`:                     nil,
		`"open <a@b`:               {{`"open`, "a", "b"}},
	} {
		if got := addresses(text); !slices.Equal(got, want) {
			t.Errorf("%s: %q, want %q", text, got, want)
		}
	}
}

// A text is found wherever it lies, over the borders of what is read at once.
func TestFinder(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		before := strings.Repeat("ä", scanned/2-rapid.IntRange(0, 8).Draw(t, "short"))
		body := before + "Grüße" + strings.Repeat("-", rapid.IntRange(0, 10).Draw(t, "behind"))
		for want, hit := range map[string]bool{"grüSSe": true, "küsse": false, "ägrü": true} {
			f := NewFinder(Fold(want), BodyText{"8bit", "utf-8"})
			if _, err := f.Write([]byte(body)); err != nil && err != ErrEnough {
				t.Fatal(err)
			}
			if got := f.Ends(); got != hit {
				t.Fatalf("%q is found: %v", want, got)
			}
		}
	})
}

// FuzzParse takes messages apart: parts lie inside each other, in order, and the
// header and the body are the whole.
func FuzzParse(f *testing.F) {
	for _, s := range []string{"", "\r\n", "a: b", "Content-Type: multipart/mixed; boundary=b\r\n\r\npre\r\n--b\r\n\r\none\r\n--b\r\nContent-Type: message/rfc822\r\n\r\nA: b\r\n\r\nx\r\n--b--\r\nend",
		"Content-Type: multipart/mixed; boundary=a\n\n--a\nContent-Type: multipart/mixed; boundary=b\n\n--b\n--a\n--b--\n--a--",
		"Content-Type: message/rfc822\r\n\r\nContent-Type: message/rfc822\r\n\r\n\r\n", "Content-Type: multipart/digest; boundary=\"\"\r\n\r\n--\r\n", "From: (a) <b\r\n\x00: c"} {
		f.Add([]byte(s))
	}
	f.Fuzz(func(t *testing.T, message []byte) {
		root, err := Parse(bytes.NewReader(message), int64(len(message)))
		if err != nil {
			t.Fatal(err)
		}
		if root.Header.Start != 0 || root.Header.End != root.Body.Start || root.Body.End != int64(len(message)) {
			t.Fatalf("header %v, body %v of %d bytes", root.Header, root.Body, len(message))
		}
		top, err := ParseTop(bytes.NewReader(message), int64(len(message)))
		if err != nil || top.Header != root.Header || top.Body != root.Body || !bytes.Equal(top.Raw, root.Raw) {
			t.Fatalf("the header alone is %v, not %v, %v", top, root, err)
		}
		var check func(e *Part, within Span)
		check = func(e *Part, within Span) {
			if e.Header.Start < within.Start || e.Header.End != e.Body.Start || e.Body.End < e.Body.Start || e.Body.End > within.End || e.lines < 0 {
				t.Fatalf("header %v, body %v, %d lines, inside %v", e.Header, e.Body, e.lines, within)
			}
			if n := int64(bytes.Count(message[e.Body.Start:e.Body.End], []byte("\n"))); n != e.lines && n+1 != e.lines {
				t.Fatalf("%d lines, counted %d", n, e.lines)
			}
			at := e.Body.Start
			for _, child := range e.Children {
				check(child, Span{at, e.Body.End})
				at = child.Body.End
			}
			if e.Message != nil {
				check(e.Message, e.Body)
			}
		}
		check(root, Span{0, int64(len(message))})
		for _, extended := range []bool{false, true} {
			l := &Line{}
			WriteStructure(l, root, extended)
			WriteEnvelope(l, root.Raw)
			rest := l.Bytes()
			for range 2 { // it reads as two lists
				rest = list(t, bytes.TrimPrefix(rest, []byte(" ")))
			}
			if len(rest) > 0 {
				t.Fatalf("%q behind %s", rest, l)
			}
		}
	})
}

// list reads a parenthesized list and returns what is behind it.
func list(t *testing.T, b []byte) []byte {
	depth := 0
	for i := 0; i < len(b); i++ {
		switch b[i] {
		case '(':
			depth++
		case ')':
			if depth--; depth == 0 {
				return b[i+1:]
			}
		case '"':
			for i++; i < len(b) && b[i] != '"'; i++ {
				if b[i] == '\\' {
					i++
				}
				if i < len(b) && (b[i] < ' ' || b[i] > '~') {
					t.Fatalf("%q in a quoted string", b[i])
				}
			}
		case '{':
			digits, _, ok := bytes.Cut(b[i+1:], []byte("}\r\n"))
			n, err := strconv.Atoi(string(digits))
			if i += len(digits) + 3 + n; !ok || err != nil || i >= len(b) {
				t.Fatalf("a wrong literal in %q", b)
			}
		}
		if depth == 0 {
			break
		}
	}
	t.Fatalf("no list: %q", b)
	return nil
}
