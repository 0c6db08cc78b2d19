package wire_test

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"waybill/imap/wire"
)

// parse is a reference reader of commands, of RFC 9051 9 only: strings as they
// were meant, atoms as they stand.
func parse(t *rapid.T, text string) (words []string) {
	for len(text) > 0 {
		switch text[0] {
		case ' ':
			text = text[1:]
		case '"':
			var b strings.Builder
			text = text[1:]
			for {
				if text == "" {
					t.Fatal("a quote stays open")
				}
				c := text[0]
				text = text[1:]
				if c == '"' {
					break
				}
				if c == '\\' {
					c, text = text[0], text[1:]
					if c != '"' && c != '\\' {
						t.Fatalf("%q is quoted", c)
					}
				}
				if c == '\r' || c == '\n' || c == 0 {
					t.Fatalf("%q inside quotes", c)
				}
				b.WriteByte(c)
			}
			words = append(words, "s:"+b.String())
		case '{':
			var n int
			end := strings.Index(text, "}\r\n")
			if _, err := fmt.Sscanf(text[:end], "{%d", &n); err != nil {
				t.Fatal(err)
			}
			text = text[end+3:]
			words = append(words, "s:"+text[:n])
			text = text[n:]
		default:
			end := strings.IndexAny(text, " \"{")
			if end < 0 {
				end = len(text)
			}
			words = append(words, "a:"+text[:end])
			text = text[end:]
		}
	}
	return words
}

func TestCommandsAreReadBack(t *testing.T) {
	text := rapid.OneOf(rapid.String(), rapid.Map(rapid.SliceOf(rapid.SampledFrom([]byte("ab \"\\{}()\r\n\x7f\x80\xff"))), func(b []byte) string { return string(b) }), rapid.Just(strings.Repeat("x", 1500)))
	rapid.Check(t, func(t *rapid.T) {
		c := &wire.Command{UTF8: rapid.Bool().Draw(t, "utf8")}
		nonSync := rapid.Bool().Draw(t, "nonsync")
		c.NonSync = func(int64) bool { return nonSync }
		c.Begin(rapid.IntRange(1, 1<<30).Draw(t, "tag"), "DO")
		want := []string{}
		bad := false
		for range rapid.IntRange(0, 4).Draw(t, "n") {
			s := text.Draw(t, "text")
			bad = bad || strings.Contains(s, "\x00")
			c.Raw(" ").String(s)
			want = append(want, "s:"+s)
		}
		c.End()
		if bad != (c.Err() != nil) {
			t.Fatalf("error %v", c.Err())
		}
		if bad {
			return
		}
		parts := c.Parts()
		for i, p := range parts[:len(parts)-1] {
			if !bytes.HasSuffix(p, []byte("}\r\n")) || nonSync {
				t.Fatalf("part %d is %q", i, p)
			}
		}
		whole := string(bytes.Join(parts, nil))
		got := parse(t, strings.TrimSuffix(whole, "\r\n"))
		if len(got) < 2 || fmt.Sprint(got[2:]) != fmt.Sprint(want) {
			t.Fatalf("%q is read as %q, want %q", whole, got, want)
		}
	})
}

func TestFlagsAreAtoms(t *testing.T) {
	for flag, want := range map[string]bool{`\Seen`: true, "a": true, "$Forwarded": true, "Work+1": true, "[x": true, "": false, `\`: false, "a b": false, "a)": false,
		"a]": false, "ä": false, "a\r\nb": false, `a\b`: false, `\\a`: false, "a*": false, "{1}": false, `"a"`: false, `\Recent`: false, `\recent`: false, `\*`: false} {
		if wire.IsFlag(flag) != want {
			t.Errorf("%q: %v", flag, !want)
		}
		if err := new(wire.Command).Flags([]string{flag}).Err(); (err == nil) != want {
			t.Errorf("%q: %v", flag, err)
		}
	}
}

func TestSecretsAreHidden(t *testing.T) {
	for _, secret := range []string{"pass word", "ge\r\nheim", "{5}"} {
		c := (&wire.Command{}).Begin(1, "LOGIN ").String("anna").Raw(" ").Secret(secret).Raw(" ").SecretRaw("c2VjcmV0").Raw(" ").String("ä").End()
		if got := c.Shown(); strings.Contains(got, secret) || strings.Contains(got, "c2Vj") || !strings.HasPrefix(got, `W1 LOGIN "anna" <secret>`) || strings.Contains(got, "ä") {
			t.Errorf("%q", got)
		}
	}
}

// Whatever a response holds, the one behind it is read.
func TestSkipFindsTheNextResponse(t *testing.T) {
	piece := rapid.OneOf(
		rapid.SampledFrom([]string{"(", ")", " ", "NIL", `"q(x"`, `"a\"b"`, "{3}\r\na\nb", "~{2}\r\n\x00\r", "{0}\r\n", "atom", "{", "}", "12", "\\", "{99999999999999999999}"}),
		rapid.StringMatching(`[a-z(){}"\\ ]{0,6}`))
	rapid.Check(t, func(t *rapid.T) {
		text := strings.Join(rapid.SliceOfN(piece, 0, 12).Draw(t, "pieces"), rapid.SampledFrom([]string{"", " "}).Draw(t, "between"))
		// A text that ends in what looks like a literal announces one.
		r := wire.NewReader(io.MultiReader(strings.NewReader("* DATA "+text+"x\r\n* NEXT one\r\nW1 OK\r\n"), strings.NewReader("")))
		if err := r.Begin(); err != nil {
			t.Fatal(err)
		}
		for range rapid.IntRange(0, 6).Draw(t, "values") {
			if err := r.SkipValue(); err != nil {
				if _, odd := errors.AsType[*wire.SyntaxError](err); !odd {
					t.Fatal(err)
				}
				break
			}
		}
		for {
			if err := r.Begin(); err != nil {
				t.Fatalf("%q: the next response is not found: %v", text, err)
			}
			if strings.HasPrefix(string(r.Rest()), "* NEXT one") {
				return
			}
		}
	})
}

func TestLongLines(t *testing.T) {
	for _, n := range []int{10, 65534, 65535, 65536, 65537, wire.MaxLine - 20, wire.MaxLine + 20, 3 * wire.MaxLine} {
		r := wire.NewReader(strings.NewReader("* X " + strings.Repeat("y", n) + " {4}\r\n\r\n* \r\n* NEXT\r\n"))
		if err := r.Begin(); err != nil {
			t.Fatal(err)
		}
		if long := r.TooLong() != nil; long != (n > wire.MaxLine-20) || !long && len(r.Rest()) != n+5 {
			t.Errorf("%d bytes: %v, %d", n, r.TooLong(), len(r.Rest()))
		}
		if err := r.Begin(); err != nil || string(r.Rest()) != "* NEXT" {
			t.Errorf("%d bytes: then %q, %v", n, r.Rest(), err)
		}
	}
}

func FuzzReader(f *testing.F) {
	for _, s := range []string{"* 5 FETCH (UID 7 FLAGS (\\Seen) BODY[] {5}\r\nhello)\r\n", "* LIST () \"/\" \"a\r\nb\"\r\n", "W1 OK [X \"a]\"] x\r\n", "+ \r\n", "* X {3}\r\nab", "* X ~{1+}\r\n\x00 (((\n", "* X {-1}\r\n"} {
		f.Add([]byte(s), byte(3))
	}
	f.Fuzz(func(t *testing.T, data []byte, how byte) {
		r := wire.NewReader(bytes.NewReader(data))
		for n := 0; r.Begin() == nil; n++ {
			if n > len(data) {
				t.Fatal("more responses than bytes")
			}
			for i := range 8 {
				switch (int(how) + i) % 8 {
				case 0:
					_ = r.SkipValue()
				case 1:
					_, _, _ = r.String()
				case 2:
					_ = r.List(func() error { _, _, err := r.String(); return err })
				case 3:
					_ = r.ItemName()
				case 4:
					_, _ = r.Number()
				case 5:
					if _, ok := r.Literal(); ok {
						_, _ = r.Read(make([]byte, 3))
						_ = r.LeaveLiteral()
					}
				case 6:
					r.Take(r.Peek())
				case 7:
					_ = r.Word()
					r.More()
				}
			}
		}
		if r.Err() == nil {
			t.Fatal("no error at the end")
		}
	})
}
