package canon

import (
	"bytes"
	"context"
	"crypto/sha256"
	"io"
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"

	"waybill/failure"
	mf "waybill/format/migfile"
	"waybill/format/mime"
)

func page(t testing.TB, number int) mf.CodePage {
	t.Helper()
	p, err := mf.NewCodePage(number, "test")
	if err != nil {
		t.Fatal(err)
	}
	return p
}

func take(t testing.TB, p mf.CodePage, message string) (*Content, *Spool) {
	t.Helper()
	s := NewSpool("") // no test here is large enough for its file
	x := &Extractor{Page: p, Zone: time.UTC, Spool: s}
	c, err := x.Extract(context.Background(), strings.NewReader(message))
	if err != nil {
		t.Fatal(err)
	}
	return c, s
}

func TestExtract(t *testing.T) {
	head := "From: Jo <jo@x.example>, Liz <l@x.example>\nTo: a@b, C D <c@d>\nCc: undisclosed-recipients:;\nSubject: =?utf-8?q?caf=C3=A9?=\n bar\nDate: Tue, 21 Mar 1995 10:34:21 +0100\nImportance: High\nMessage-ID: <1@x>\n"
	tests := []struct{ name, in, body, files, notes string }{
		{"plain", head + "\none\r\ntwo\n\n\n", "one\r\ntwo\r\n", "", "senders-reduced headers-not-kept"},
		{"empty", "", "", "", "date-unknown"},
		{"HTML only", head + "Content-Type: text/html; charset=iso-8859-1\n\n<p>Gr\xfc\xdfe<br>you", "Grüße\r\nyou\r\n", "body-1.html=<p>Gr\xfc\xdfe<br>you", "senders-reduced headers-not-kept html-as-attachment"},
		{"alternative", head + "Content-Type: multipart/alternative; boundary=b\n\n--b\n\ntext\n--b\nContent-Type: text/html\n\n<p>text\n--b--\n", "text\r\n", "body-1.html=<p>text", "senders-reduced headers-not-kept alternative-as-attachment"},
		{"attachments", head + "Content-Type: multipart/mixed; boundary=b\n\npreamble\n--b\nContent-Type: image/png\nContent-Transfer-Encoding: base64\n\nAAEC\n--b\nContent-Disposition: attachment; filename=\"../a/b.txt\"\n\nx\n--b\n\nthe text\n--b\n\nmore\n--b\nContent-Type: message/rfc822\n\nSubject: in\n\nside\n--b--\n",
			"the text\r\n", "attachment-1.png=\x00\x01\x02|b.txt=x|attachment-3.txt=more|attachment-4.eml=Subject: in\n\nside", "senders-reduced headers-not-kept"},
		{"nothing but a preamble", head + "Content-Type: multipart/mixed; boundary=b\n\nall there is\n", "all there is\r\n", "", "senders-reduced headers-not-kept"},
		{"nested", head + "Content-Type: multipart/mixed; boundary=b\n\n--b\nContent-Type: multipart/related; boundary=c\n\n--c\nContent-Type: text/html\n\nh\n--c--\n--b--\n", "h\r\n", "body-1.html=h", "senders-reduced headers-not-kept html-as-attachment structure-flattened"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			c, s := take(t, page(t, mf.UTF8), tt.in)
			defer s.Reset()
			body, _ := io.ReadAll(s.Open(c.Body))
			if string(body) != tt.body {
				t.Errorf("body is %q, want %q", body, tt.body)
			}
			var files, notes []string
			for _, a := range c.Attachments {
				b, _ := io.ReadAll(s.Open(a.Data))
				files = append(files, a.Name+"="+string(b))
			}
			for _, n := range c.Notes {
				notes = append(notes, n.Kind)
			}
			if got := strings.Join(files, "|"); got != tt.files {
				t.Errorf("files are %q, want %q", got, tt.files)
			}
			if got := strings.Join(notes, " "); got != tt.notes {
				t.Errorf("notes are %q, want %q", got, tt.notes)
			}
			if tt.in == "" {
				return
			}
			if c.Sender != "Jo[SMTP:jo@x.example]" || strings.Join(c.To, ";") != "a@b[SMTP:a@b];C D[SMTP:c@d]" || c.Cc != nil || c.Subject != "café bar" || c.Sent != "19950321093421" || c.Priority != 1 {
				t.Errorf("header is %+v", c)
			}
		})
	}
}

// TestFingerprintTells checks that the fingerprint differs when anything differs
// that the files hold, and does not when only its writing does.
func TestFingerprintTells(t *testing.T) {
	digest := func(message string) string {
		c, s := take(t, page(t, 1252), message)
		s.Reset()
		return c.Fingerprint().String()
	}
	base := "From: Jo <jo@x>\r\nTo: a@b\r\nSubject: Hi\r\nDate: Tue, 21 Mar 1995 09:34:21 +0000\r\n\r\nbody\r\n"
	for _, same := range []string{strings.ReplaceAll(base, "\r\n", "\n"), base + "\r\n\r\n", strings.Replace(base, "09:34:21 +0000", "10:34:21 +0100", 1), strings.Replace(base, "Hi", "=?utf-8?q?Hi?=", 1), "Message-ID: <2@x>\r\n" + base} {
		if digest(same) != digest(base) {
			t.Errorf("%q differs from %q", same, base)
		}
	}
	for _, change := range [][2]string{{"Jo", "Joe"}, {"jo@x", "joe@x"}, {"a@b", "a@c"}, {"To:", "Cc:"}, {"Hi", "hi"}, {":21 ", ":22 "}, {"body", "Body"}, {"body", "body "}, {"\r\n\r\n", "\r\nImportance: high\r\n\r\n"}, {"\r\n\r\n", "\r\nContent-Type: application/pdf\r\n\r\n"}} {
		if other := strings.Replace(base, change[0], change[1], 1); digest(other) == digest(base) {
			t.Errorf("%q and %q have one fingerprint", base, other)
		}
	}
}

func TestHTMLText(t *testing.T) {
	for in, want := range map[string]string{
		"":                                    "",
		"plain &amp; simple":                  "plain & simple",
		"<p>one</p><p>two</p>":                "one\n\ntwo\n\n",
		"a<br>b<BR/>c":                        "a\nb\nc",
		"<script>if (a<b) x();</script>after": "after",
		"<style>p{}</style><title>T</title>x": "x",
		"<!-- no <b> --->yes":                 "yes",
		"1 < 2 &lt; 3 & 4 &nosuch; &#8364;":   "1 < 2 < 3 & 4 &nosuch; €",
		"<a href=\"x>y\">link</a>":            "link",
		"<ul><li>a<li>b</ul>":                 "* a\n* b\n\n",
		"<pre>  a\n  b</pre>":                 "  a\n  b\n",
		"  spaced \n out  ":                   "spaced out",
		"<td>a</td><td>b</td>":                "a b",
		"<unclosed":                           "",
		"caf\u00e9&nbsp;x":                    "café x",
	} {
		b, err := io.ReadAll(newHTMLText(strings.NewReader(in)))
		if err != nil || string(b) != want {
			t.Errorf("%q gives %q, want %q; %v", in, b, want, err)
		}
	}
}

func TestBodyWriter(t *testing.T) {
	p := page(t, mf.UTF8)
	rapid.Check(t, func(t *rapid.T) {
		text := rapid.OneOf(rapid.String(), rapid.StringMatching(`[ab\r\n]{0,12}`)).Draw(t, "text")
		lf := strings.ReplaceAll(strings.ReplaceAll(text, "\r\n", "\n"), "\r", "\n")
		want := strings.ToValidUTF8(strings.TrimRight(lf, "\n"), "\uFFFD")
		var out bytes.Buffer
		w := newBodyWriter(p, &out)
		for rest := text; rest != ""; {
			n := rapid.IntRange(1, len(rest)).Draw(t, "n")
			if _, err := w.Write([]byte(rest[:n])); err != nil {
				t.Fatal(err)
			}
			rest = rest[n:]
		}
		size, digest, _, err := w.close()
		if err != nil {
			t.Fatal(err)
		}
		crlf := strings.ReplaceAll(want, "\n", "\r\n")
		if crlf != "" {
			crlf += "\r\n"
		}
		if out.String() != crlf || size != int64(len(crlf)) || digest != sha256.Sum256([]byte(want)) {
			t.Fatalf("%q became %q, want %q", text, out.String(), crlf)
		}
	})
}

func TestPartyRoundTrip(t *testing.T) {
	for _, number := range []int{mf.UTF8, 1252, 932} {
		p := page(t, number)
		rapid.Check(t, func(t *rapid.T) {
			text := rapid.OneOf(rapid.String(), rapid.StringMatching(`[ a.A@"<>()\[\]:;,\\=?/+_-]{0,16}`))
			a := mime.Address{Name: text.Draw(t, "name"), Addr: text.Draw(t, "addr")}
			first := Canonical(FromMIME(a), p)
			header, _ := ToMIME(mf.ParseParty(first), nil)
			list := mime.ParseAddresses(header.String())
			if first == "" {
				return
			}
			if len(list) != 1 {
				t.Fatalf("%q is written %q and read as %q", first, header.String(), list)
			}
			if second := Canonical(FromMIME(list[0]), p); second != first {
				t.Fatalf("%q became %q by way of %q", first, second, header.String())
			}
		})
	}
}

func TestEncapsulation(t *testing.T) {
	a, notes := ToMIME(mf.Party{Name: "Jo", Type: "EX", Value: "/O=ORG/OU=SITE A/CN=JO"}, nil)
	if a.Addr != "IMCEAEX-_O=ORG_OU=SITE+20A_CN=JO@migrated.invalid" || len(notes) != 1 {
		t.Errorf("got %q, %v", a, notes)
	}
	if p := FromMIME(a); p.Value != "/O=ORG/OU=SITE A/CN=JO" || p.Type != "EX" {
		t.Errorf("got %q back", p)
	}
	if a, _ := ToMIME(mf.Party{Name: "Jo"}, func(string) (string, bool) { return "jo@x", true }); a.Addr != "jo@x" {
		t.Errorf("not resolved: %q", a)
	}
}

func TestSpoolGrowsToAFile(t *testing.T) {
	s := NewSpool(t.TempDir())
	piece := strings.Repeat("0123456789", 30000)
	for range 8 {
		if _, err := io.WriteString(s, piece); err != nil {
			t.Fatal(err)
		}
	}
	b, err := io.ReadAll(s.Open(Stretch{off: int64(len(piece)) * 5, Size: int64(len(piece))}))
	if err != nil || string(b) != piece || s.file == nil {
		t.Errorf("read %d bytes: %v", len(b), err)
	}
	name := s.file.Name()
	s.Reset()
	if _, err := NewSpool(name).ReadAt(make([]byte, 1), 0); err != io.EOF {
		t.Errorf("an empty spool gives %v", err)
	}
	full := NewSpool(name + "/no/such/directory")
	if _, err := full.Write(make([]byte, 2<<20)); failure.RuleOf(err) != "migfile.spool" {
		t.Errorf("no room: %v", err)
	}
}

func FuzzExtract(f *testing.F) {
	f.Add([]byte("From: a@b\n\nx"), 0)
	f.Add([]byte("Content-Type: multipart/mixed; boundary=b\n\n--b\nContent-Type: text/html\n\n<p>&amp;\n--b\n\ny\n--b--"), 1)
	f.Fuzz(func(t *testing.T, in []byte, n int) {
		p := page(t, []int{mf.UTF8, 1252, 932, 437}[uint(n)%4])
		c, s := take(t, p, string(in))
		defer s.Reset()
		x := &Extractor{Page: p, Zone: time.UTC}
		digests, err := x.Extract(context.Background(), bytes.NewReader(in))
		if err != nil {
			t.Fatal(err)
		}
		if c.Fingerprint() != digests.Fingerprint() {
			t.Fatalf("with and without a spool: %+v, %+v", c, digests)
		}
		for _, a := range c.Attachments {
			if a.Name == "" || strings.ContainsAny(a.Name, "/\\\x00\n") {
				t.Fatalf("attachment called %q", a.Name)
			}
		}
	})
}
