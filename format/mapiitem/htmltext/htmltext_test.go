package htmltext

import (
	"io"
	"strings"
	"testing"
	"testing/iotest"
	"unicode/utf8"
)

func TestText(t *testing.T) {
	for in, want := range map[string]string{
		"<p>a</p><p>b": "a\nb\n", "a<br/>b": "a\nb", "1 &lt; 2 &#228;&nbsp;x &unknown; & y": "1 < 2 ä x &unknown; & y", "<script>evil()</script>x<!-- <p> -->y": "xy",
		"<td>a</td><td>b</td>": "a b ", "&amp": "&amp", "a<": "a", "<style/>x": "x", "a \r\n b": "a b",
	} {
		got, err := io.ReadAll(NewReader(iotest.OneByteReader(strings.NewReader(in))))
		if err != nil || strings.TrimRight(string(got), " \n") != strings.TrimRight(want, " \n") {
			t.Errorf("%q: %q, want %q", in, got, want)
		}
	}
}

func FuzzText(f *testing.F) {
	f.Add("<p>a<b>b</b>&auml;</p><!-- c --><style>d</style>")
	f.Add("<<<&&&;>")
	f.Fuzz(func(t *testing.T, in string) {
		got, err := io.ReadAll(NewReader(strings.NewReader(in)))
		if err != nil {
			t.Fatal(err)
		}
		if len(got) > 4*len(in) || utf8.ValidString(in) && !utf8.Valid(got) {
			t.Fatalf("%q out of %q", got, in)
		}
	})
}
