package mapiitem

import (
	"context"
	"errors"
	"io"
	"strings"

	"golang.org/x/text/encoding/unicode"

	"waybill/format/mapi"
	"waybill/format/mapiitem/contentline"
	"waybill/format/mapiitem/htmltext"
	"waybill/format/mime"
	"waybill/format/rtf"
)

// maxRTF bounds what compressed RTF may grow to.
const maxRTF = 256 << 20

// body is the text of an item, in the forms that it has.
type body struct {
	text, html *contentline.Stream // nil where there is none
	// lost says that there was a formatting that is in neither of them.
	lost bool
}

// opener opens a stream of text in UTF-8, or of bytes.
type opener = func(ctx context.Context) (io.ReadCloser, error)

// body finds the text and the HTML of an item ([MS-OXCMSG] 2.2.1.56). What it
// gives was read once and can be read.
func (c *converter) body(p *props) (b body) {
	text := c.value(p, mapi.Body, 0)
	codePage, _ := p.int(mapi.InternetCodepage)
	html := c.value(p, mapi.HTML, int(codePage))
	p.skip(mapi.RTFCompressed)
	var rich opener
	if v, ok := p.Get(mapi.RTFCompressed); ok && v.Data != nil {
		rich = func(context.Context) (io.ReadCloser, error) { return v.Data.Open() }
	}
	b.text = c.readable("text", text)
	b.html = c.readable("HTML text", html)
	if b.html == nil && rich != nil {
		kind, err := richKind(c.ctx, rich)
		switch {
		case err != nil:
			c.note("body-damaged", "The item's rich text cannot be read: %v.", err)
		case kind == rtf.KindHTML:
			b.html = c.readable("rich text", richText(rich, false))
		case b.text == nil:
			b.text = c.readable("rich text", richText(rich, true))
		}
		b.lost = err == nil && kind == rtf.KindRTF && b.text != nil
	}
	if b.text == nil && b.html != nil {
		open := b.html.Open
		b.text = c.readable("HTML text", func(ctx context.Context) (io.ReadCloser, error) {
			r, err := open(ctx)
			if err != nil {
				return nil, err
			}
			return &reading{Reader: htmltext.NewReader(r), closer: r}, nil
		})
	}
	return b
}

// value opens a text property as UTF-8. Binary text (HTML) is in codePage.
func (c *converter) value(p *props, id mapi.ID, codePage int) opener {
	p.skip(id)
	v, ok := p.Get(id)
	if !ok || v.Data == nil {
		return nil
	}
	if codePage == 0 || v.Type == mapi.TypeString8 {
		codePage = p.CodePage
	}
	return func(context.Context) (io.ReadCloser, error) {
		r, err := v.Data.Open()
		if err != nil {
			return nil, err
		}
		if v.Type == mapi.TypeUnicode {
			return &reading{Reader: unicode.UTF16(unicode.LittleEndian, unicode.IgnoreBOM).NewDecoder().Reader(r), closer: r}, nil
		}
		if enc, known := mapi.CodePage(codePage); known && enc != nil {
			return &reading{Reader: enc.NewDecoder().Reader(r), closer: r}, nil
		}
		text, _ := mime.NewTextReader(r, "utf-8")
		return &reading{Reader: text, closer: r}, nil
	}
}

// reading is a reader with the closer of what it reads from.
type reading struct {
	io.Reader
	closer io.Closer
}

func (r *reading) Close() error { return r.closer.Close() }

// richKind tells what an RTF body holds.
func richKind(ctx context.Context, open opener) (rtf.Kind, error) {
	r, err := open(ctx)
	if err != nil {
		return 0, err
	}
	defer func() { _ = r.Close() }()
	_, kind, err := rtf.Unwrap(rtf.Decompress(r, maxRTF), rtf.Options{})
	return kind, err
}

// richText opens what an RTF body holds: as plain text, or as it is wrapped.
func richText(open opener, plain bool) opener {
	return func(ctx context.Context) (io.ReadCloser, error) {
		r, err := open(ctx)
		if err != nil {
			return nil, err
		}
		raw := rtf.Decompress(r, maxRTF)
		if plain {
			return &reading{Reader: rtf.Text(raw, rtf.Options{}), closer: r}, nil
		}
		text, _, err := rtf.Unwrap(raw, rtf.Options{})
		if err != nil {
			_ = r.Close()
			return nil, err
		}
		return &reading{Reader: text, closer: r}, nil
	}
}

// readable reads a text once and gives a stream of what can be read; nil where
// that is nothing but white space. What cannot be read is noted.
func (c *converter) readable(what string, open opener) *contentline.Stream {
	if open == nil {
		return nil
	}
	n, blank, err := c.probe(open)
	if err != nil && c.ctx.Err() == nil {
		c.note("body-damaged", "The item's %s cannot be read behind %d bytes: %v.", what, n, err)
	}
	if blank {
		return nil
	}
	return &contentline.Stream{Open: upTo(open, n, err)}
}

// probe reads to the end or to an error.
func (c *converter) probe(open opener) (n int64, blank bool, err error) {
	r, err := open(c.ctx)
	if err != nil {
		return 0, true, err
	}
	defer func() { _ = r.Close() }()
	buf := make([]byte, 16<<10)
	blank = true
	for {
		if err := ctxError(c.ctx); err != nil {
			return n, blank, err
		}
		k, err := r.Read(buf)
		n += int64(k)
		blank = blank && strings.Trim(string(buf[:k]), " \t\r\n\x00\ufeff") == ""
		if errors.Is(err, io.EOF) {
			return n, blank, nil
		}
		if err != nil {
			return n, blank, err
		}
	}
}

// upTo opens the n bytes that can be read; all of them where err is nil.
func upTo(open opener, n int64, err error) opener {
	if err == nil {
		return open
	}
	return func(ctx context.Context) (io.ReadCloser, error) {
		r, err := open(ctx)
		if err != nil {
			return nil, err
		}
		return &reading{Reader: io.LimitReader(r, n), closer: r}, nil
	}
}
