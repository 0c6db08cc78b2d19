package olm

import (
	"archive/zip"
	"bytes"
	"errors"
	"fmt"
	"io"
	"strings"
	"testing"
	"testing/iotest"

	"pgregory.net/rapid"

	"waybill/failure"
)

func read(t testing.TB, text string) (list []*Mail, err error) {
	t.Helper()
	err = ReadMail(iotest.OneByteReader(strings.NewReader(text)), "x.xml", func(m *Mail) bool { list = append(list, m); return true })
	return list, err
}

func wrap(fields string) string { return "<emails><email>" + fields + "</email></emails>" }

func TestReadMail(t *testing.T) {
	list, err := read(t, "\ufeff<?xml version='1.0'?><!-- x -- y --->\n"+`<emails a='1' ><email><OPFMessageCopySubject>a &amp; &#98;&#x63; &nope; &#0;&#xD800;`+"\r\nd</OPFMessageCopySubject>"+
		`<OPFMessageCopyBody> `+"\n"+`</OPFMessageCopyBody><OPFMessageGetPriority>1E0</OPFMessageGetPriority></email><email/></emails>`)
	if err != nil || len(list) != 2 {
		t.Fatalf("%d messages, %v", len(list), err)
	}
	m := list[0]
	if m.Subject != "a & bc &nope; \ufffd\ufffd\nd" || m.Priority != 1 || len(m.Bodies) != 0 || m.Cut != 0 {
		t.Errorf("read is %+v", m)
	}
}

func TestBadDocuments(t *testing.T) {
	for text, rule := range map[string]string{
		"":                 "olm.no-element",
		"<emails>":         "olm.truncated",
		"<emails><email":   "olm.truncated",
		"<emails></email>": "olm.tag",
		"<emails a=b/>":    "olm.tag",
		"<emails a/>":      "olm.tag",
		"< emails/>":       "olm.tag",
		"<contacts/>":      "olm.no-message",
		"\xff\xfe<\x00":    "olm.encoding",
		`<!DOCTYPE a [<!ENTITY b "cc">]><emails/>`:                     "olm.doctype",
		"<emails>" + strings.Repeat("<a>", maxDepth):                   "olm.depth",
		"<emails b='" + strings.Repeat("a", maxValue+2) + "'/>":        "olm.value",
		"<" + strings.Repeat("a", maxName+2) + "/>":                    "olm.tag",
		"<emails " + strings.Repeat("b='' ", 3) + manyAttributes + ">": "olm.attributes",
	} {
		_, err := read(t, text)
		var f *failure.Error
		if !errors.As(err, &f) || f.Rule != rule || f.Where == "" {
			t.Errorf("%.40q gives %v, want %s", text, err, rule)
		}
	}
}

var manyAttributes = func() string {
	var b strings.Builder
	for i := range maxAttrs + 1 {
		fmt.Fprintf(&b, "a%d='' ", i)
	}
	return b.String()
}()

func TestBounds(t *testing.T) {
	list, err := read(t, wrap("<OPFMessageCopySubject>"+strings.Repeat("ä", maxField)+"</OPFMessageCopySubject><OPFMessageCopyToAddresses>"+
		strings.Repeat("<emailAddress/>", maxAddresses+3)+"</OPFMessageCopyToAddresses>"))
	if err != nil || len(list) != 1 {
		t.Fatal(err)
	}
	if m := list[0]; len(m.Subject) > maxField || len(m.To) != maxAddresses || m.Cut < 4 {
		t.Errorf("kept are %d bytes and %d addresses, %d cut", len(m.Subject), len(m.To), m.Cut)
	}
	// A document that never ends is not read for ever.
	endless := io.MultiReader(strings.NewReader("<emails><email><OPFMessageCopyBody>"), &counted{r: zeros{}, n: maxDocument - 1<<16})
	if err := ReadMail(endless, "x", func(*Mail) bool { return true }); failure.ClassOf(err) != failure.TooLarge {
		t.Errorf("an endless document gives %v", err)
	}
}

type zeros struct{}

func (zeros) Read(p []byte) (int, error) { clear(p); return len(p), nil }

// TestBodyIsStreamed checks that a body comes back as it was written, whatever is
// around it.
func TestBodyIsStreamed(t *testing.T) {
	escape := strings.NewReplacer("&", "&amp;", "<", "&lt;", "\r", "&#13;")
	rapid.Check(t, func(rt *rapid.T) {
		body := rapid.StringOf(rapid.OneOf(rapid.RuneFrom([]rune("<>&;\r\n ä€𝄞a")), rapid.Rune())).Draw(rt, "body")
		body = strings.ReplaceAll(strings.ToValidUTF8(body, ""), "\x00", "")
		nth := rapid.IntRange(0, 2).Draw(rt, "nth")
		field := "<OPFMessageCopyBody>" + escape.Replace(body) + "</OPFMessageCopyBody>"
		text := "<emails>" + strings.Repeat("<email><OPFMessageCopyBody>x</OPFMessageCopyBody></email>", nth) + "<email>" + field + "</email></emails>"
		r := NewTextReader(io.NopCloser(strings.NewReader(text)), "x", nth, TextBody)
		got, err := io.ReadAll(iotest.OneByteReader(r))
		if err != nil || string(got) != body {
			rt.Fatalf("%q became %q, %v", body, got, err)
		}
		list, err := read(t, text)
		if err != nil || len(list) != nth+1 {
			rt.Fatal(err)
		}
		if b, ok := list[nth].Bodies[TextBody]; ok != (strings.TrimSpace(body) != "") || ok && b.Size != int64(len(body)) {
			rt.Fatalf("%q is described as %+v", body, b)
		}
	})
}

func TestBomb(t *testing.T) {
	var b bytes.Buffer
	z := zip.NewWriter(&b)
	for i := range 3 {
		w, err := z.CreateRaw(&zip.FileHeader{Name: fmt.Sprint(i), Method: zip.Deflate, UncompressedSize64: 1 << 30, CompressedSize64: 2})
		if err == nil {
			_, err = w.Write([]byte{3, 0})
		}
		if err != nil {
			t.Fatal(err)
		}
	}
	if err := z.Close(); err != nil {
		t.Fatal(err)
	}
	_, err := Open(bytes.NewReader(b.Bytes()), int64(b.Len()), "x.olm")
	if failure.RuleOf(err) != "olm.bomb" {
		t.Errorf("a bomb gives %v", err)
	}
	many := bytes.Repeat([]byte("PK\x01\x02"+strings.Repeat("\x00", 42)), 1000)
	s := &signatures{r: bytes.NewReader(many), where: "x", n: maxEntries - 500}
	if _, err := io.Copy(io.Discard, io.NewSectionReader(s, 0, int64(len(many)))); failure.RuleOf(err) != "olm.entries" {
		t.Errorf("too many entries give %v", err)
	}
	s = &signatures{r: bytes.NewReader(many), where: "x"}
	if _, err := io.Copy(io.Discard, iotest.OneByteReader(io.NewSectionReader(s, 0, int64(len(many))))); err != nil || s.n != 1000 {
		t.Errorf("%d entries are counted, %v", s.n, err)
	}
}

func FuzzReadMail(f *testing.F) {
	f.Add(wrap("<OPFMessageCopySubject>a</OPFMessageCopySubject><OPFMessageCopyBody>b&amp;</OPFMessageCopyBody>"))
	f.Add(wrap(`<OPFMessageCopyToAddresses><emailAddress OPFContactEmailAddressAddress="a@b" b='&#x41;'/></OPFMessageCopyToAddresses>`))
	f.Add("<!-- --><?x?><emails/>")
	f.Add("<emails><email><OPFMessageCopyCategoryList><category>x</category></OPFMessageCopyCategoryList></email></emails>")
	f.Fuzz(func(t *testing.T, text string) {
		n := 0
		err := ReadMail(strings.NewReader(text), "x", func(m *Mail) bool {
			for name, b := range m.Bodies {
				r := NewTextReader(io.NopCloser(strings.NewReader(text)), "x", n, name)
				size, err := io.Copy(io.Discard, r)
				if err != nil {
					t.Fatalf("a body that was read cannot be read again: %v", err)
				}
				_ = size + b.Size
			}
			n++
			return n < 20
		})
		if err != nil && failure.ClassOf(err) == failure.Internal {
			t.Errorf("%v has no class", err)
		}
		if _, _, err := CountItems(strings.NewReader(text), "x"); err != nil && failure.ClassOf(err) == failure.Internal {
			t.Errorf("%v has no class", err)
		}
	})
}
