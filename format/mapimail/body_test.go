package mapimail

import (
	"context"
	"errors"
	"io"
	"runtime"
	"strings"
	"testing"

	"waybill/failure"
	"waybill/format/mapi"
	"waybill/format/mime"
	"waybill/mail"
)

func TestStructure(t *testing.T) {
	picture := attach(mapi.AttachLongFilename, "p.png", mapi.AttachMimeTag, "image/png", mapi.AttachContentID, "<p@1>", mapi.AttachData, []byte("PNG"))
	unused := attach(mapi.AttachLongFilename, "q.png", mapi.AttachContentID, "q@1", mapi.AttachFlags, 4, mapi.AttachData, []byte("PNG"))
	placed := attach(mapi.AttachFilename, "R.GIF", mapi.AttachContentLocation, "http://x/r.gif", mapi.AttachData, []byte("GIF"))
	letter := attach(mapi.AttachLongFilename, "größe.doc", mapi.AttachData, []byte("doc"))
	html := []byte(`<p>Hi <img SRC="cid:p%401"> <body background='http://x/r.gif'>`)
	cases := []struct {
		name string
		m    *item
		want string
	}{
		{"nothing", &item{props: props()}, "text/plain\n"},
		{"text", &item{props: props(mapi.Body, "Hallo\r\nÖ\x00\x00")}, "text/plain\n| Hallo/Ö\n"},
		{"text in a code page", &item{props: props(mapi.Body, ansi("\xcf\xf0\xe8"), mapi.MessageCodepage, 1251)}, "text/plain\n| При\n"},
		{"html alone", &item{props: props(mapi.HTML, html)}, "text/html\n| " + string(html) + "\n"},
		{"html as text", &item{props: props(mapi.HTML, "<p>ü")}, "text/html\n| <p>ü\n"},
		{"both", &item{props: props(mapi.Body, "Hi", mapi.HTML, []byte("<p>\xe4"), mapi.InternetCodepage, 28591)},
			"multipart/alternative\n  text/plain\n  | Hi\n  text/html\n  | <p>ä\n"},
		{"pictures", &item{props: props(mapi.Body, "Hi", mapi.HTML, html), attachments: []mapi.Attachment{picture, unused, placed, letter}},
			"multipart/mixed\n  multipart/alternative\n    text/plain\n    | Hi\n    multipart/related\n      text/html\n      | " + string(html) +
				"\n      image/png name=p.png inline\n      image/gif name=R.GIF inline\n  image/png name=q.png inline\n  application/msword name=größe.doc attachment\n"},
		{"pictures without html", &item{props: props(mapi.Body, "Hi"), attachments: []mapi.Attachment{picture}},
			"multipart/mixed\n  text/plain\n  | Hi\n  image/png name=p.png attachment\n"},
		{"attachment alone", &item{props: props(), attachments: []mapi.Attachment{letter}}, "multipart/mixed\n  application/msword name=größe.doc attachment\n"},
		{"types that are none", &item{props: props(mapi.Body, "x"), attachments: []mapi.Attachment{
			attach(mapi.AttachMimeTag, "message/rfc822", mapi.AttachLongFilename, "a.eml", mapi.AttachData, []byte("Subject: x\n\nx")),
			attach(mapi.AttachMimeTag, "text/plain\r\nX: y", mapi.AttachLongFilename, "b\r\nX: y.TXT", mapi.AttachData, []byte("x")),
			attach(mapi.AttachMimeTag, "text/plain", mapi.TextAttachmentCharset, "iso-8859-1", mapi.AttachData, []byte("\xfc")),
			attach(mapi.AttachEncoding, macBinary, mapi.AttachData, []byte("x"))}},
			"multipart/mixed\n  text/plain\n  | x\n  application/octet-stream name=a.eml attachment\n  text/plain name=b  X: y.TXT attachment\n  | x\n" +
				"  text/plain name=attachment-3.txt attachment\n  | ü\n  application/macbinary name=attachment-4.bin attachment\n"},
	}
	for _, c := range cases {
		_, text := convertAll(t, c.m, Options{})
		_ = headOf(t, text)
		if got := outline(t, mime.NewReader(strings.NewReader(text))); got != c.want {
			t.Errorf("%s:\n%s\nwant:\n%s", c.name, got, c.want)
		}
	}
}

func TestCharsetOfHTML(t *testing.T) {
	cases := []struct {
		html string
		page int
		want string
	}{
		{"<p>ü", 65001, ""},
		{"<p>ascii", 0, ""},
		{"<p>\xfc", 1252, "windows-1252"},
		{"<p>\xfc", 0, "windows-1252"},
		{"<p>ü", 0, ""},
		{"<p>\xfc", 65001, "windows-1252"},
		{"<meta content='text/html; charset=KOI8-R'><p>\xc1", 0, "koi8-r"},
		{"<meta content='text/html; charset=koi8-r'><p>\xc1", 1251, "windows-1251"},
		{"<meta charset=utf-16><p>\xfc", 0, "windows-1252"},
		{"<meta charset=nonsense><p>ü", 0, ""},
		{"\x1b$B$\"\x1b(B", 50220, "iso-2022-jp"},
		{"<p>\xfc", 20127, "windows-1252"},
		{"<p>\xfc", 70000, "windows-1252"},
	}
	for _, c := range cases {
		conv := &converter{props: props(mapi.HTML, []byte(c.html), mapi.InternetCodepage, c.page)}
		b, err := conv.body(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		if b.html.Charset != c.want {
			t.Errorf("%q in %d: %q, want %q", c.html, c.page, b.html.Charset, c.want)
		}
	}
}

func TestUnreadable(t *testing.T) {
	m := &item{
		props: props(mapi.Body, mapi.Value{Type: mapi.TypeUnicode, Data: broken{wide("Anfang"), 999, damage}}),
		attachments: []mapi.Attachment{
			attach(mapi.AttachLongFilename, "gone.doc", mapi.AttachData, broken{nil, 100, damage}),
			attach(mapi.AttachLongFilename, "half.doc", mapi.AttachData, broken{[]byte("12345"), 10, damage}),
			attach(mapi.AttachLongFilename, "short.doc", mapi.AttachData, broken{[]byte("123"), 10, io.EOF}),
			attach(mapi.AttachLongFilename, "empty.doc"),
			&file{props: props(mapi.AttachMethod, mapi.EmbeddedMessage, mapi.DisplayName, "Inner"), err: damage},
			&file{props: props(mapi.AttachMethod, mapi.OLE, mapi.DisplayName, "Sheet"), err: damage},
			attach(mapi.AttachLongFilename, "good.doc", mapi.AttachData, []byte("good")),
		},
		recErr: damage, attErr: damage,
	}
	got, text := convertAll(t, m, Options{Where: "mail.pst: item 7"})
	want := `multipart/mixed
  text/plain
  | Anfang
  text/plain
  | [The end of this message's text could not be read: pst.crc.]
  text/plain
  | [The attachment "gone.doc" could not be read: pst.crc.]
  text/plain
  | [The attachment "half.doc" could be read for the first 5 of its 10 bytes only: pst.crc.]
  application/msword name=half.doc attachment
  text/plain
  | [The attachment "short.doc" could be read for the first 3 of its 10 bytes only: mapimail.length.]
  application/msword name=short.doc attachment
  text/plain
  | [The attachment "empty.doc" has no contents in its source.]
  text/plain
  | [The message "Inner" could not be read: pst.crc.]
  text/plain
  | [The attachment "Sheet" could not be read: pst.crc.]
  application/msword name=good.doc attachment
  text/plain
  | [The list of this message's attachments could not be read to its end: pst.crc.]
`
	if have := outline(t, mime.NewReader(strings.NewReader(text))); have != want {
		t.Errorf("%s\nwant:\n%s", have, want)
	}
	if k := kinds(got.Notes); k != "recipients-unreadable sender-unknown body-unreadable attachment-unreadable attachment-damaged attachment-damaged attachment-empty attachment-unreadable attachment-unreadable attachments-unreadable" {
		t.Errorf("notes %q", k)
	}
	for _, n := range got.Notes {
		if !strings.HasPrefix(n.Text, "mail.pst: item 7: ") {
			t.Errorf("note without its place: %q", n.Text)
		}
	}
	if strings.Contains(text, "mail.pst") {
		t.Error("the message tells where its source was")
	}
	// Without reading in advance, the reading fails and does not look whole.
	fast, err := Convert(t.Context(), m, Options{Unchecked: true})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := io.ReadAll(fast.Open(t.Context())); failure.RuleOf(err) != "pst.crc" {
		t.Errorf("error %v", err)
	}
}

func TestTroubleThatMayPass(t *testing.T) {
	busy := failure.New(failure.Transient, "read", "share", "io", nil)
	for name, m := range map[string]*item{
		"body":        {props: props(mapi.HTML, broken{[]byte("x"), 9, busy})},
		"text":        {props: props(mapi.Body, mapi.Value{Type: mapi.TypeUnicode, Data: broken{wide("x"), 9, busy}})},
		"rich text":   {props: props(mapi.RTFCompressed, broken{nil, 9, busy})},
		"header":      {props: props(mapi.TransportMessageHeaders, mapi.Value{Type: mapi.TypeUnicode, Data: broken{wide("A: b"), 9, busy}})},
		"attachment":  {props: props(), attachments: []mapi.Attachment{attach(mapi.AttachData, broken{[]byte("x"), 9, busy})}},
		"embedded":    {props: props(), attachments: []mapi.Attachment{&file{props: props(mapi.AttachMethod, mapi.EmbeddedMessage), err: busy}}},
		"object":      {props: props(), attachments: []mapi.Attachment{&file{props: props(mapi.AttachMethod, mapi.OLE), err: busy}}},
		"signed":      {props: props(mapi.MessageClass, "IPM.Note.SMIME"), attachments: []mapi.Attachment{attach(mapi.AttachData, broken{[]byte("x"), 9, busy})}},
		"recipients":  {props: props(), recErr: busy},
		"attachments": {props: props(), attErr: busy},
	} {
		if _, err := Convert(t.Context(), m, Options{}); failure.ClassOf(err) != failure.Transient {
			t.Errorf("%s: %v", name, err)
		}
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := Convert(ctx, &item{props: props()}, Options{}); failure.ClassOf(err) != failure.Cancelled {
		t.Errorf("cancelled: %v", err)
	}
}

func TestEmbedded(t *testing.T) {
	inner := &item{
		props:       props(mapi.MessageClass, "IPM.Note", mapi.Subject, "Inner", mapi.Body, "in"),
		attachments: []mapi.Attachment{attach(mapi.AttachLongFilename, "in.txt", mapi.AttachData, []byte("in"))},
	}
	contact := &item{props: props(mapi.MessageClass, "IPM.Contact", mapi.Subject, "Anna")}
	m := &item{props: props(mapi.Body, "out"), attachments: []mapi.Attachment{
		&file{props: props(mapi.AttachMethod, mapi.EmbeddedMessage, mapi.DisplayName, "Inner"), message: inner},
		&file{props: props(mapi.AttachMethod, mapi.EmbeddedMessage, mapi.DisplayName, "Anna"), message: contact},
		&file{props: props(mapi.AttachMethod, mapi.EmbeddedMessage, mapi.DisplayName, "None")},
		&file{props: props(mapi.AttachMethod, mapi.OLE, mapi.DisplayName, "Sheet"), storage: mapi.Bytes("\xd0\xcf\x11\xe0")},
		&file{props: props(mapi.AttachMethod, mapi.ByReferenceOnly, mapi.AttachLongFilename, "far.doc", mapi.AttachLongPathname, `\\srv\far.doc`)},
	}}
	o := Options{Item: func(_ context.Context, m mapi.Message) ([]*mime.Entity, []mail.Note, error) {
		if m.Props().Text(mapi.MessageClass) != "IPM.Contact" {
			return nil, nil, errors.New("asked for a mail")
		}
		e := textEntity("BEGIN:VCARD")
		e.Type = "text/vcard"
		return []*mime.Entity{e}, nil, nil
	}}
	got, text := convertAll(t, m, o)
	want := `multipart/mixed
  text/plain
  | out
  message/rfc822
    multipart/mixed
      text/plain
      | in
      text/plain name=in.txt attachment
      | in
  text/vcard
  | BEGIN:VCARD
  text/plain
  | [The message "None" has no contents in its source.]
  application/octet-stream name=Sheet attachment
  text/plain
  | [The attachment "far.doc" is not in this message. It is here:]/\\srv\far.doc
`
	if have := outline(t, mime.NewReader(strings.NewReader(text))); have != want {
		t.Errorf("%s\nwant:\n%s", have, want)
	}
	if k := kinds(got.Notes); k != "sender-unknown sender-unknown attachment-empty ole-object attachment-reference" {
		t.Errorf("notes %q", k)
	}
}

// TestCycle embeds a message in itself, many times over: what is made of it stays
// within the limits, and is told of.
func TestCycle(t *testing.T) {
	m := &item{props: props(mapi.Body, "loop")}
	opened := 0
	for range 3 {
		m.attachments = append(m.attachments, &counted{&file{props: props(mapi.AttachMethod, mapi.EmbeddedMessage), message: m}, &opened})
	}
	got, err := Convert(t.Context(), m, Options{MaxParts: 500})
	if err != nil {
		t.Fatal(err)
	}
	if opened > 500 {
		t.Errorf("%d messages opened", opened)
	}
	if k := kinds(got.Notes); !strings.Contains(k, "embedded-too-deep") || !strings.Contains(k, "too-many-parts") || len(got.Notes) > maxNotes {
		t.Errorf("notes %.500q", k)
	}
	n, err := io.Copy(io.Discard, got.Open(t.Context()))
	if err != nil || n > 4<<20 {
		t.Errorf("%d bytes, %v", n, err)
	}
	// A chain within the limits gives boundaries that differ at every level.
	m.attachments = m.attachments[:1]
	_, text := convertAll(t, m, Options{MaxDepth: 8})
	tree := outline(t, mime.NewReader(strings.NewReader(text)))
	if strings.Count(tree, "| loop") != 8 || strings.Contains(tree, "DEFECTS") {
		t.Errorf("tree:\n%s", tree)
	}
}

// counted counts how often a message is opened.
type counted struct {
	*file
	n *int
}

func (c *counted) Message(ctx context.Context) (mapi.Message, error) {
	*c.n++
	return c.file.Message(ctx)
}

// endless is data of a size that memory should not be asked for.
type endless int64

func (e endless) Size() int64 { return int64(e) }
func (e endless) Open() (io.ReadCloser, error) {
	return io.NopCloser(io.LimitReader(same{}, int64(e))), nil
}

type same struct{}

func (same) Read(p []byte) (int, error) {
	for i := range p {
		p[i] = 'x'
	}
	return len(p), nil
}

func TestMemoryIsBounded(t *testing.T) {
	const size = 4 << 20
	m := &item{props: props(mapi.HTML, endless(size), mapi.Body, mapi.Value{Type: mapi.TypeUnicode, Data: endless(size / 4)}),
		attachments: []mapi.Attachment{attach(mapi.AttachData, endless(size))}}
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	got, err := Convert(t.Context(), m, Options{})
	if err != nil {
		t.Fatal(err)
	}
	n, err := io.Copy(io.Discard, got.Open(t.Context()))
	if err != nil || n < 2*size {
		t.Fatalf("%d bytes, %v", n, err)
	}
	runtime.ReadMemStats(&after)
	if used := after.TotalAlloc - before.TotalAlloc; used > size/2 {
		t.Errorf("%d MB were allocated for a message of %d MB", used>>20, n>>20)
	}
}
