package mime

import (
	"bytes"
	"context"
	"io"
	netmail "net/mail"
	"runtime"
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"

	"waybill/failure"
)

func textOf(s string) func(context.Context) (io.ReadCloser, error) {
	return func(context.Context) (io.ReadCloser, error) { return io.NopCloser(strings.NewReader(s)), nil }
}

func build(t testing.TB, m *Message) string {
	t.Helper()
	r := m.Open(context.Background())
	b, err := io.ReadAll(r)
	if err != nil {
		t.Fatal(err)
	}
	if err := r.Close(); err != nil {
		t.Fatal(err)
	}
	return string(b)
}

func letter() *Message {
	return &Message{
		Date:    time.Date(1995, 3, 21, 9, 34, 21, 0, time.FixedZone("", 3600)),
		From:    []Address{{"Jo Berry", "jo@example.org"}},
		To:      []Address{{"Boyle, Elizabeth", "liz@example.org"}, {"Jürgen Groß", "jg@example.org"}},
		Bcc:     []Address{{"", "secret@example.org"}},
		Subject: "Pläne für das neue Büro in der Königstraße, zweiter Stock, mit Blick über den Rhein",
		Root: &Entity{Type: "multipart/mixed", Parts: []*Entity{
			{Type: "multipart/alternative", Parts: []*Entity{
				{Type: "text/plain", Text: true, Size: -1, Open: textOf("From here on\nit is naïve.\n")},
				{Type: "text/html", Text: true, Size: -1, Open: textOf("<p>naïve</p>")},
			}},
			{Type: "application/pdf", Disposition: "attachment", Name: "Grundriß.pdf", Size: 5, Open: textOf("%PDF\n")},
			{Type: "message/rfc822", Message: true, Size: -1, Open: textOf("Subject: in\r\n\r\nside\r\n")},
		}},
	}
}

func TestMessage(t *testing.T) {
	text := build(t, letter())
	want := `multipart/mixed ""
 multipart/alternative ""
  text/plain "From here on\r\nit is naïve.\r\n"
  text/html "<p>naïve</p>"
 application/pdf name="Grundriß.pdf" "%PDF\n"
 message/rfc822
  text/plain "side\r\n"
`
	if got := outline(t, strings.NewReader(text)); got != want {
		t.Errorf("got\n%swant\n%s", got, want)
	}
	for line := range strings.SplitSeq(text, "\r\n") {
		if len(line) > 78 || strings.ContainsAny(line, "\r\n") {
			t.Errorf("line %q", line)
		}
	}
	m, err := netmail.ReadMessage(strings.NewReader(text))
	if err != nil {
		t.Fatal(err)
	}
	to, err := m.Header.AddressList("To")
	if err != nil || len(to) != 2 || to[1].Name != "Jürgen Groß" {
		t.Errorf("To is %v, %v", to, err)
	}
	if d, err := m.Header.Date(); err != nil || !d.Equal(letter().Date) {
		t.Errorf("Date is %v, %v", d, err)
	}
	if again := build(t, letter()); again != text {
		t.Error("the same message was built in two ways")
	}
	other := letter()
	other.Seed = "elsewhere"
	if build(t, other) == text {
		t.Error("the seed makes no difference")
	}
}

func TestTextRoundTrip(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		text := rapid.OneOf(rapid.String(), rapid.StringMatching(`([ \t.a-zFromé=]{0,90}(\r\n|\n|\r)?){0,6}`)).Draw(t, "text")
		m := &Message{Root: &Entity{Type: "text/plain", Text: true, Size: int64(len(text)), Open: textOf(text)}}
		r := m.Open(context.Background())
		out, err := io.ReadAll(r)
		if err != nil {
			t.Fatal(err)
		}
		_ = r.Close()
		p, err := NewReader(bytes.NewReader(out)).Next()
		if err != nil {
			t.Fatal(err)
		}
		got, _ := io.ReadAll(p.Text())
		want := strings.ReplaceAll(strings.ReplaceAll(strings.ReplaceAll(text, "\r\n", "\n"), "\r", "\n"), "\n", "\r\n")
		if p.Encoding == "base64" || p.Encoding == "quoted-printable" {
			for _, c := range out {
				if c >= 0x80 {
					t.Fatalf("8-bit byte in %s", p.Encoding)
				}
			}
		}
		if string(got) != want {
			t.Fatalf("%q became %q (%s)", want, got, p.Encoding)
		}
	})
}

func TestBodyOfAnotherLength(t *testing.T) {
	for _, size := range []int64{4, 6} {
		m := &Message{Root: &Entity{Type: "application/pdf", Size: size, Open: textOf("%PDF\n")}}
		_, err := io.ReadAll(m.Open(context.Background()))
		if failure.RuleOf(err) != "mime.body-length" {
			t.Errorf("announced %d bytes instead of 5: %v", size, err)
		}
	}
}

func TestMessageCancelled(t *testing.T) {
	ctx, cancel := context.WithCancel(context.Background())
	r := letter().Open(ctx)
	cancel()
	if _, err := io.ReadAll(r); failure.ClassOf(err) != failure.Cancelled {
		t.Errorf("got %v", err)
	}
}

// endless gives n zero bytes without holding them.
type endless struct{ n int64 }

func (e *endless) Read(p []byte) (int, error) {
	if e.n == 0 {
		return 0, io.EOF
	}
	p = p[:min(int64(len(p)), e.n)]
	clear(p)
	e.n -= int64(len(p))
	return len(p), nil
}

func TestLargeMessageInLittleMemory(t *testing.T) {
	const size = 64 << 20
	m := &Message{Root: &Entity{Type: "multipart/mixed", Parts: []*Entity{{Type: "application/x-disk", Size: size,
		Open: func(context.Context) (io.ReadCloser, error) { return io.NopCloser(&endless{size}), nil }}}}}
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	r := NewReader(m.Open(context.Background()))
	var got int64
	for {
		p, err := r.Next()
		if err == io.EOF {
			break
		}
		if err != nil {
			t.Fatal(err)
		}
		if !p.Multipart {
			got, err = io.Copy(io.Discard, p.Decoded())
			if err != nil {
				t.Fatal(err)
			}
		}
	}
	runtime.ReadMemStats(&after)
	if got != size {
		t.Errorf("read back %d bytes of %d", got, size)
	}
	if grown := after.TotalAlloc - before.TotalAlloc; grown > 16<<20 {
		t.Errorf("allocated %d bytes for a message of %d", grown, size)
	}
}
