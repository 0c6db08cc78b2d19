package mapimail

import (
	"encoding/binary"
	"io"
	"strings"
	"testing"

	"waybill/format/mapi"
	"waybill/format/mime"
)

// mela packs RTF without compressing it ([MS-OXRTFCP] 2.1.3.1); size is what it
// states, 0 for the truth.
func mela(text string, size int) []byte {
	if size == 0 {
		size = len(text)
	}
	b := binary.LittleEndian.AppendUint32(nil, uint32(len(text)+12))
	b = binary.LittleEndian.AppendUint32(b, uint32(size))
	b = append(b, "MELA\x00\x00\x00\x00"...)
	return append(b, text...)
}

func TestRichText(t *testing.T) {
	const (
		html    = `{\rtf1\ansi\ansicpg1252\fromhtml1 {\*\htmltag <p>Gr}\'fc\u223?{\*\htmltag <img src="cid:p@1">}{\*\htmltag </p></html>}}`
		text    = `{\rtf1\ansi\fromtext Hallo\par Welt}`
		genuine = `{\rtf1\ansi{\fonttbl{\f0 Arial;}}Hallo \b Welt\b0\par}`
	)
	picture := attach(mapi.AttachLongFilename, "p.png", mapi.AttachContentID, "p@1", mapi.AttachData, []byte("PNG"))
	cases := []struct {
		name  string
		p     *mapi.Props
		want  string
		kinds string
	}{
		{"html", props(mapi.Body, "x", mapi.RTFCompressed, mela(html, 0)),
			"multipart/alternative\n  text/plain\n  | x\n  multipart/related\n    text/html\n    | <p>Grüß<img src=\"cid:p@1\"></p></html>\n    image/png name=p.png inline\n", ""},
		{"html, and a size that is too large", props(mapi.RTFCompressed, mela(html, len(html)+100)),
			"multipart/related\n  text/html\n  | <p>Grüß<img src=\"cid:p@1\"></p></html>\n  image/png name=p.png inline\n", "rtf-size"},
		{"html that is cut off", props(mapi.RTFCompressed, mela(html[:len(html)-28], len(html))),
			"multipart/mixed\n  multipart/related\n    text/html\n    | <p>Grüß<img src=\"cid:p@1\n    image/png name=p.png inline\n  text/plain\n  | [The end of this message's HTML could not be read: rtf.truncated.]\n", "body-unreadable"},
		{"stored html is better", props(mapi.HTML, []byte("<p>stored"), mapi.RTFCompressed, mela(html, 0)),
			"multipart/mixed\n  text/html\n  | <p>stored\n  image/png name=p.png attachment\n", ""},
		{"text", props(mapi.RTFCompressed, mela(text, 0)), "multipart/mixed\n  text/plain\n  | Hallo/Welt\n  image/png name=p.png attachment\n", ""},
		{"text that is there already", props(mapi.Body, "Hallo", mapi.RTFCompressed, mela(text, 0)), "multipart/mixed\n  text/plain\n  | Hallo\n  image/png name=p.png attachment\n", ""},
		{"genuine", props(mapi.RTFCompressed, mela(genuine, 0)),
			"multipart/mixed\n  text/plain\n  | Hallo Welt\n  application/rtf name=rtf-body.rtf attachment\n  image/png name=p.png attachment\n", "rtf-body"},
		{"genuine, with text", props(mapi.Body, "Hallo", mapi.RTFCompressed, mela(genuine, 0)),
			"multipart/mixed\n  text/plain\n  | Hallo\n  application/rtf name=rtf-body.rtf attachment\n  image/png name=p.png attachment\n", "rtf-body"},
		{"none at all", props(mapi.RTFCompressed, []byte("nonsense, and not packed at all")),
			"multipart/mixed\n  text/plain\n  | [This message's rich text could not be read: rtf.magic.]\n  image/png name=p.png attachment\n", "body-unreadable"},
	}
	for _, c := range cases {
		c.p.Set(mapi.MessageFlags, value(8)) // a draft needs no sender
		got, out := convertAll(t, &item{props: c.p, attachments: []mapi.Attachment{picture}}, Options{})
		if have := outline(t, mime.NewReader(strings.NewReader(out))); have != c.want {
			t.Errorf("%s:\n%s\nwant:\n%s", c.name, have, c.want)
		}
		if k := kinds(got.Notes); k != c.kinds {
			t.Errorf("%s: notes %q, want %q", c.name, k, c.kinds)
		}
	}
}

// TestRichFileKeepsItsBytes wants the RTF as it was packed.
func TestRichFileKeepsItsBytes(t *testing.T) {
	const genuine = "{\\rtf1\\ansi Hallo\\par\n}\n"
	_, out := convertAll(t, &item{props: props(mapi.RTFCompressed, mela(genuine, 0))}, Options{})
	r := mime.NewReader(strings.NewReader(out))
	for {
		p, err := r.Next()
		if err != nil {
			t.Fatalf("no such file: %v", err)
		}
		if p.Name == "rtf-body.rtf" {
			if b, err := io.ReadAll(p.Decoded()); err != nil || string(b) != genuine {
				t.Errorf("%q, %v", b, err)
			}
			return
		}
	}
}
