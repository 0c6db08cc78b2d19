package mime

import (
	"fmt"
	"io"
	"strings"
	"testing"
	"testing/iotest"
)

// outline walks over a message and writes one line per part.
func outline(t testing.TB, r io.Reader) string {
	t.Helper()
	var b strings.Builder
	walk(t, &b, NewReader(r))
	return b.String()
}

func walk(t testing.TB, b *strings.Builder, r *Reader) {
	for {
		p, err := r.Next()
		if err == io.EOF {
			return
		}
		if err != nil {
			t.Fatal(err)
		}
		fmt.Fprintf(b, "%s%s", strings.Repeat(" ", p.Depth), p.Type)
		if p.Name != "" {
			fmt.Fprintf(b, " name=%q", p.Name)
		}
		if p.Type == "message/rfc822" {
			fmt.Fprintln(b)
			if m := p.Message(); m != nil {
				walk(t, b, m)
			}
			continue
		}
		text, err := io.ReadAll(p.Text())
		if err != nil {
			t.Fatal(err)
		}
		fmt.Fprintf(b, " %q", text)
		for _, d := range p.Defects {
			fmt.Fprintf(b, " !%s", d)
		}
		fmt.Fprintln(b)
	}
}

func TestReader(t *testing.T) {
	tests := []struct{ name, in, want string }{
		{"empty", "", "text/plain \"\"\n"},
		{"no header", "just words\r\nand more", "text/plain \"just words\\r\\nand more\" !mime.header-unended\n"},
		{"header only", "Subject: x\r\n", "text/plain \"\"\n"},
		{"mbox line in front", "From a@b Mon\nSubject: x\n\nhi\n", "text/plain \"hi\\n\"\n"},
		{"CR alone", "Subject: x\rContent-Type: multipart/mixed; boundary=b\r\r--b\r\rone\r--b--\r", "multipart/mixed \"\"\n text/plain \"one\"\n"},
		{"folded type", "Content-Type: multipart/mixed;\n\tboundary=\"a b\"\n\npre\n--a b\nContent-Type: text/html\n\n<p>\n--a b--\nepilogue\n",
			"multipart/mixed \"pre\"\n text/html \"<p>\"\n"},
		{"unclosed", "Content-Type: multipart/mixed; boundary=b\n\n--b\n\none\n--b\n\ntwo\n", "multipart/mixed \"\"\n text/plain \"one\"\n text/plain \"two\\n\"\n"},
		{"no boundary", "Content-Type: multipart/mixed\n\n--b\n\none\n", "multipart/mixed \"--b\\n\\none\\n\" !mime.boundary-missing\n"},
		{"inner never closed", "Content-Type: multipart/mixed; boundary=o\n\n--o\nContent-Type: multipart/alternative; boundary=i\n\n--i\n\none\n--o\n\ntwo\n--o--\n",
			"multipart/mixed \"\"\n multipart/alternative \"\"\n  text/plain \"one\"\n text/plain \"two\"\n"},
		{"boundary is a prefix of another", "Content-Type: multipart/mixed; boundary=b\n\n--b\nContent-Type: multipart/mixed; boundary=bb\n\n--bb\n\none\n--bb--\n--b\n\ntwo\n--b--\n",
			"multipart/mixed \"\"\n multipart/mixed \"\"\n  text/plain \"one\"\n text/plain \"two\"\n"},
		{"no empty line in a part", "Content-Type: multipart/mixed; boundary=b\n\n--b\n--b\n\ntwo\n--b--\n",
			"multipart/mixed \"\"\n text/plain \"\" !mime.header-unended\n text/plain \"two\"\n"},
		{"digest", "Content-Type: multipart/digest; boundary=b\n\n--b\n\nSubject: in\n\nbody\n--b--\n", "multipart/digest \"\"\n message/rfc822\n  text/plain \"body\"\n"},
		{"unknown encoding", "Content-Transfer-Encoding: x-secret\n\na=41\n", "text/plain \"a=41\\n\" !mime.encoding-unknown\n"},
		{"base64 with noise", "Content-Transfer-Encoding: BASE64\n\naGVs!bG8=\nIHRoZXJl=", "text/plain \"hello there\"\n"},
		{"quoted-printable", "Content-Transfer-Encoding: quoted-printable\n\nca=66=E9 =\nau lait=  \n=ZZ=", "text/plain \"café au lait=ZZ\"\n"},
		{"uuencode", "Content-Transfer-Encoding: x-uuencode\n\nbegin 644 a\n#86)C\n`\nend\n", "text/plain \"abc\"\n"},
		{"uuencode that is none", "Content-Transfer-Encoding: uuencode\n\njust text", "text/plain \"just text\"\n"},
		{"cp932", "Content-Type: text/plain; charset=cp932\n\n\x93\xfa\x96\x7b", "text/plain \"日本\"\n"},
		{"unknown charset", "Content-Type: text/plain; charset=klingon\n\n\xe9t\xc3\xa9", "text/plain \"été\"\n"},
		{"name by RFC 2231", "Content-Type: application/pdf; name*0*=UTF-8''%C3%BC; name*1=\"b er.pdf\"\n\n", "application/pdf name=\"üb er.pdf\" \"\"\n"},
		{"name by RFC 2047", "Content-Type: application/pdf; name=\"=?iso-8859-1?Q?=FCber.pdf?=\"\n\n", "application/pdf name=\"über.pdf\" \"\"\n"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			if got := outline(t, strings.NewReader(tt.in)); got != tt.want {
				t.Errorf("got\n%swant\n%s", got, tt.want)
			}
			if got := outline(t, iotest.OneByteReader(strings.NewReader(tt.in))); got != tt.want {
				t.Errorf("byte by byte: got\n%swant\n%s", got, tt.want)
			}
		})
	}
}

func TestReaderBounds(t *testing.T) {
	var deep strings.Builder
	for i := range 3 * MaxDepth {
		fmt.Fprintf(&deep, "Content-Type: multipart/mixed; boundary=b%d\n\n--b%d\n", i, i)
	}
	deepest := 0
	r := NewReader(strings.NewReader(deep.String()))
	for {
		p, err := r.Next()
		if err != nil {
			break
		}
		deepest = max(deepest, p.Depth)
	}
	if deepest != MaxDepth {
		t.Errorf("deepest part at %d, want %d", deepest, MaxDepth)
	}

	head := "X-Long: " + strings.Repeat("x", 3*MaxHeaderBytes) + "\nSubject: there\n\nbody"
	p, err := NewReader(strings.NewReader(head)).Next()
	if err != nil {
		t.Fatal(err)
	}
	if n := len(p.Header.Get("X-Long")); n > MaxHeaderBytes {
		t.Errorf("kept %d bytes of a header field", n)
	}
	if body, _ := io.ReadAll(p.Raw()); string(body) != "body" {
		t.Errorf("body is %q", body)
	}
}

func TestReaderFailure(t *testing.T) {
	broken := io.MultiReader(strings.NewReader("Subject: x\n\nhalf"), iotest.ErrReader(io.ErrUnexpectedEOF))
	r := NewReader(broken)
	if _, err := r.Next(); err != nil {
		t.Fatal(err)
	}
	if _, err := r.Next(); err != io.ErrUnexpectedEOF {
		t.Errorf("got %v, want the reader's own error", err)
	}
}

func TestLongQuotedPrintableLine(t *testing.T) {
	want := strings.Repeat("é", 100000)
	in := "Content-Transfer-Encoding: quoted-printable\n\n" + strings.Repeat("=C3=A9", 100000)
	p, err := NewReader(strings.NewReader(in)).Next()
	if err != nil {
		t.Fatal(err)
	}
	if got, _ := io.ReadAll(p.Text()); string(got) != want {
		t.Errorf("a line of %d bytes was not decoded whole", len(in))
	}
}

func FuzzReader(f *testing.F) {
	f.Add([]byte("Content-Type: multipart/mixed; boundary=b\r\n\r\n--b\r\nContent-Transfer-Encoding: base64\r\n\r\naGk=\r\n--b--\r\n"))
	f.Add([]byte("Content-Type: message/rfc822\n\nContent-Type: multipart/digest; boundary=\"\"\n\n--\n--\n"))
	f.Add([]byte("Subject: =?utf-8?q?=C3?= =?utf-8?q?=A9?=\rFrom: \"a\" <b@c>\r\rx"))
	f.Fuzz(func(t *testing.T, in []byte) {
		_ = outline(t, strings.NewReader(string(in)))
		p, err := NewReader(strings.NewReader(string(in))).Next()
		if err != nil {
			t.Fatal(err)
		}
		for _, field := range p.Header {
			_ = DecodeWords(field.Value)
			for _, a := range ParseAddresses(field.Value) {
				_ = a.String()
			}
			_, _ = ParseDate(field.Value)
			_, _ = ParseParams(field.Value)
		}
	})
}
