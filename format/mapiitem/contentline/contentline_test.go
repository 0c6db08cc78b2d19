package contentline

import (
	"bytes"
	"context"
	"encoding/base64"
	"errors"
	"io"
	"strings"
	"testing"
	"testing/iotest"
	"unicode/utf8"

	"pgregory.net/rapid"

	"waybill/failure"
)

func written(t interface {
	Helper()
	Fatal(...any)
}, d Document, slow bool) []byte {
	t.Helper()
	r := d.Open(context.Background())
	var src io.Reader = r
	if slow {
		src = iotest.OneByteReader(r)
	}
	b, err := io.ReadAll(src)
	if err != nil {
		t.Fatal(err)
	}
	if err := r.Close(); err != nil {
		t.Fatal(err)
	}
	return b
}

// unfold takes the lines apart (RFC 5545 3.1).
func unfold(b []byte) []string {
	return strings.Split(strings.TrimSuffix(strings.ReplaceAll(string(b), "\r\n ", ""), "\r\n"), "\r\n")
}

// unescape is the inverse of Text.
func unescape(s string) string {
	return strings.NewReplacer(`\\`, `\`, `\;`, `;`, `\,`, `,`, `\n`, "\n", `\N`, "\n").Replace(s)
}

// readable is what is left of a text that neither format can hold as it is.
func readable(s string) string {
	s = strings.NewReplacer("\r\n", "\n", "\r", "\n", "\v", "\n").Replace(strings.ToValidUTF8(s, "\uFFFD"))
	return strings.Map(func(r rune) rune {
		if r < ' ' && r != '\n' && r != '\t' || r == 0x7f {
			return -1
		}
		return r
	}, s)
}

func stream(b []byte, e Encoding) *Stream {
	return &Stream{Encoding: e, Open: func(context.Context) (io.ReadCloser, error) { return io.NopCloser(bytes.NewReader(b)), nil }}
}

func TestAnyTextComesBack(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		text := rapid.OneOf(rapid.String(), rapid.StringOfN(rapid.SampledFrom([]rune("aé漢😀,;\\\r\n\v\t:\"^ ")), 0, 300, -1)).Draw(t, "text")
		param := rapid.String().Draw(t, "parameter")
		var d Document
		d.Add("NOTE", Text(text), P("X-P", param))
		d.AddStream("NOTE", "", stream([]byte(text), Escaped))
		d.AddStream("PHOTO", "data:;base64,", stream([]byte(text), Base64))
		b := written(t, d, rapid.Bool().Draw(t, "slow"))
		for line := range bytes.SplitSeq(bytes.TrimSuffix(b, []byte("\r\n")), []byte("\r\n")) {
			if len(line) > 75 || !utf8.Valid(line) || bytes.ContainsAny(line, "\r\n") {
				t.Fatalf("line %q", line)
			}
		}
		lines := unfold(b)
		if len(lines) != 3 {
			t.Fatalf("%d lines: %q", len(lines), lines)
		}
		value := lines[0][strings.LastIndex(lines[0], ":"+Text(text))+1:]
		if got := unescape(value); got != readable(text) {
			t.Fatalf("got %q, want %q", got, readable(text))
		}
		if lines[1] != "NOTE:"+Text(text) {
			t.Fatalf("as a stream %q, as a value %q", lines[1], "NOTE:"+Text(text))
		}
		raw, err := base64.StdEncoding.DecodeString(strings.TrimPrefix(lines[2], "PHOTO:data:;base64,"))
		if err != nil || string(raw) != text {
			t.Fatalf("%v: %q", err, raw)
		}
	})
}

func TestParameters(t *testing.T) {
	for in, want := range map[string]string{
		"plain": "plain", "two words": "two words", "a;b": `"a;b"`, "a,b:c": `"a,b:c"`, `say "x"`: `say ^'x^'`, "": `""`,
		"line\nbreak": "line^nbreak", "^": "^^", "bell\a": "bell",
	} {
		if got := paramValue(in); got != want {
			t.Errorf("%q: %s, want %s", in, got, want)
		}
	}
	l := Line{Group: "a b", Name: "X:Y", Params: []Param{P("TYPE", "work", "a,b")}}
	if got := l.head(); got != `a-b.X-Y;TYPE=work,"a,b":` {
		t.Error(got)
	}
}

func TestURI(t *testing.T) {
	if got := URI("http://a.example/b c\r\nX:é"); got != "http://a.example/b%20c%0D%0AX:%C3%A9" {
		t.Error(got)
	}
}

func TestErrorsOfStreams(t *testing.T) {
	broken := failure.New(failure.Malformed, "read", "here", "test.broken", errors.New("damaged"))
	var d Document
	d.AddStream("NOTE", "", &Stream{Open: func(context.Context) (io.ReadCloser, error) {
		return io.NopCloser(io.MultiReader(strings.NewReader("abc"), iotest.ErrReader(broken))), nil
	}})
	b, err := io.ReadAll(d.Open(t.Context()))
	if !errors.Is(err, broken) || !strings.HasPrefix(string(b), "NOTE:ab") {
		t.Errorf("%q, %v", b, err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := io.ReadAll(d.Open(ctx)); failure.ClassOf(err) != failure.Cancelled {
		t.Error(err)
	}
}

// TestLongValuesStream writes 3 MB and counts what is allocated.
func TestLongValuesStream(t *testing.T) {
	const size = 3 << 20
	var d Document
	d.AddStream("ATTACH", "", &Stream{Encoding: Base64, Open: func(context.Context) (io.ReadCloser, error) {
		return io.NopCloser(io.LimitReader(zeros{}, size)), nil
	}})
	var n int64
	allocated := testing.AllocsPerRun(1, func() {
		r := d.Open(t.Context())
		n, _ = io.Copy(io.Discard, r)
	})
	if n < size*4/3 {
		t.Errorf("%d bytes", n)
	}
	if allocated > 200 {
		t.Errorf("%v allocations", allocated)
	}
}

type zeros struct{}

func (zeros) Read(p []byte) (int, error) { clear(p); return len(p), nil }
