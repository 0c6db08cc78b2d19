package mapimail

import (
	"context"
	"io"
	"slices"

	"waybill/failure"
	"waybill/format/mapi"
	"waybill/format/mime"
	"waybill/format/rtf"
)

// maxRTF bounds the rich text of one message, in bytes after decompression.
const maxRTF = 1 << 30

// body is what a message says, in the forms that it has.
type body struct {
	text, html *mime.Entity
	// scan knows what the HTML refers to.
	scan htmlScan
	// extra are parts that belong behind the body: the rich text as a file, and
	// what stands for the unreadable.
	extra []*mime.Entity
}

// body finds the forms of the body. The best is HTML; where it is missing, HTML or
// text is taken out of the RTF that wraps it ([MS-OXCMAIL] 2.1.3.3).
func (c *converter) body(ctx context.Context) (*body, error) {
	b := &body{}
	if err := c.htmlBody(ctx, b); err != nil {
		return nil, err
	}
	var plain *mime.Entity
	if v, ok := c.stored(mapi.Body, mapi.TypeUnicode, mapi.TypeString8); ok {
		src := textSource(v, c.codePage())
		good, damage, err := c.examine(ctx, src, v.Data, nil)
		if err != nil {
			return nil, err
		}
		if damage != nil {
			b.extra = append(b.extra, c.gap("body-unreadable", "The end of this message's text", "could not be read: "+failure.RuleOf(damage), damage))
		}
		if damage == nil || good.size > 0 {
			plain = &mime.Entity{Type: "text/plain", Text: true, Open: good.open, Size: good.size}
		}
	}
	if b.html == nil {
		if err := c.richBody(ctx, b, plain != nil); err != nil {
			return nil, err
		}
	}
	if plain != nil {
		b.text = plain
	}
	return b, nil
}

// stored is a property of one of some types that holds anything.
func (c *converter) stored(id mapi.ID, types ...mapi.Type) (mapi.Value, bool) {
	v, ok := c.props.Get(id)
	if !ok || v.Data == nil || v.Data.Size() == 0 {
		return v, false
	}
	return v, slices.Contains(types, v.Type)
}

// examine reads a body in advance, unless nobody wants that and see does not need it.
func (c *converter) examine(ctx context.Context, src source, d mapi.Data, see func([]byte)) (good source, damage, err error) {
	if _, inMemory := d.(mapi.Bytes); see == nil && (c.Unchecked || inMemory) {
		return src, nil, nil
	}
	return src.check(ctx, see)
}

// codePage is that of texts of one byte per character.
func (c *converter) codePage() int {
	if c.props.CodePage != 0 {
		return c.props.CodePage
	}
	n, _ := c.props.Int(mapi.MessageCodepage)
	return codePageNumber(n)
}

// codePageNumber is n where it may be a code page, and 0 otherwise.
func codePageNumber(n int64) int {
	if n < 0 || n > 0xFFFF {
		return 0
	}
	return int(n)
}

// htmlBody takes the HTML that is stored as such.
func (c *converter) htmlBody(ctx context.Context, b *body) error {
	v, ok := c.stored(mapi.HTML, mapi.TypeBinary, mapi.TypeUnicode, mapi.TypeString8)
	if !ok {
		return nil
	}
	n, _ := c.props.Int(mapi.InternetCodepage)
	page := codePageNumber(n)
	var src source
	charset := "utf-8"
	switch {
	case v.Type == mapi.TypeBinary && (page == 1200 || page == 1201):
		v.Type = mapi.TypeUnicode
		src = textSource(v, 0)
	case v.Type == mapi.TypeBinary:
		charset = ""
		src = dataSource(v.Data).through(func(r io.Reader) io.Reader { return &zeroTrimmer{r: r} })
	default:
		src = textSource(v, c.codePage())
	}
	good, damage, err := src.check(ctx, b.scan.see)
	if err != nil {
		return err
	}
	b.scan.end()
	if charset == "" {
		charset = b.scan.charset(page, c.codePage())
	}
	c.setHTML(b, good, charset, damage)
	return nil
}

// setHTML makes src the HTML body, as far as it could be read.
func (c *converter) setHTML(b *body, src source, charset string, damage error) {
	if damage != nil {
		b.extra = append(b.extra, c.gap("body-unreadable", "The end of this message's HTML", "could not be read: "+failure.RuleOf(damage), damage))
		if src.size == 0 {
			return
		}
	}
	if charset == "utf-8" {
		charset = ""
	}
	b.html = &mime.Entity{Type: "text/html", Text: true, Charset: charset, Open: src.open, Size: src.size}
}

// richBody takes what is in the RTF. Genuine RTF goes along as a file, beside its
// text.
func (c *converter) richBody(ctx context.Context, b *body, haveText bool) error {
	v, ok := c.stored(mapi.RTFCompressed, mapi.TypeBinary)
	if !ok {
		return nil
	}
	raw := dataSource(v.Data).through(func(r io.Reader) io.Reader { return rtf.Decompress(r, maxRTF) })
	kind := rtf.KindRTF
	src := source{size: -1, open: func(ctx context.Context) (io.ReadCloser, error) {
		r, err := raw.open(ctx)
		if err != nil {
			return nil, err
		}
		inner, found, err := rtf.Unwrap(r, rtf.Options{})
		if err != nil {
			_ = r.Close()
			return nil, err
		}
		kind = found
		return &changed{inner, r}, nil
	}}
	good, damage, err := src.check(ctx, b.scan.see)
	if err != nil {
		return err
	}
	found := kind
	if damage != nil && failure.RuleOf(damage) == "rtf.crc" {
		// Every byte was given; only the sum of them is another.
		c.note("rtf-checksum", "The rich text of the message has another checksum than it states: "+damage.Error())
		damage = nil
	}
	if damage != nil && failure.RuleOf(damage) == "rtf.truncated" && found == rtf.KindHTML && b.scan.whole() {
		// Some programs state a size that is some bytes too large.
		c.note("rtf-size", "The rich text of the message has another size than it states: "+damage.Error())
		damage = nil
	}
	switch {
	case damage != nil && good.size == 0:
		e := c.gap("body-unreadable", "This message's rich text", "could not be read: "+failure.RuleOf(damage), damage)
		b.extra = append(b.extra, e)
	case found == rtf.KindHTML:
		b.scan.end()
		c.setHTML(b, good, "utf-8", damage)
	case found == rtf.KindText && !haveText:
		b.text = &mime.Entity{Type: "text/plain", Text: true, Open: good.open, Size: good.size}
		if damage != nil {
			b.extra = append(b.extra, c.gap("body-unreadable", "The end of this message's text", "could not be read: "+failure.RuleOf(damage), damage))
		}
	case found == rtf.KindRTF:
		c.genuineRTF(b, good, haveText, damage)
	}
	return nil
}

// genuineRTF adds rich text that holds no HTML.
func (c *converter) genuineRTF(b *body, src source, haveText bool, damage error) {
	c.note("rtf-body", "The rich text of the message goes along as the file rtf-body.rtf, beside its text.")
	b.extra = append(b.extra, &mime.Entity{
		Type: "application/rtf", Disposition: "attachment", Name: "rtf-body.rtf", Open: src.open, Size: src.size,
	})
	if damage != nil {
		b.extra = append(b.extra, c.gap("body-unreadable", "The end of this message's rich text", "could not be read: "+failure.RuleOf(damage), damage))
	}
	if haveText {
		return
	}
	// Damage was told of already; the text ends there, or earlier.
	text := src.through(func(r io.Reader) io.Reader { return &lenient{r: rtf.Text(r, rtf.Options{})} })
	b.text = &mime.Entity{Type: "text/plain", Text: true, Open: text.open, Size: -1}
}

// lenient ends where its reader finds damage.
type lenient struct{ r io.Reader }

func (l *lenient) Read(p []byte) (int, error) {
	n, err := l.r.Read(p)
	if err != nil && damaged(err) {
		err = io.EOF
	}
	return n, err
}

// entity puts the forms of the body together, the best one last (RFC 2046 5.1.4),
// the pictures of the HTML beside it (RFC 2387); nil where there is none.
func (b *body) entity(inline []*mime.Entity, calendar *mime.Entity) *mime.Entity {
	html := b.html
	if html != nil && len(inline) > 0 {
		html = &mime.Entity{
			Type: "multipart/related", Params: []mime.Param{{Name: "type", Value: "text/html"}},
			Parts: append([]*mime.Entity{html}, inline...),
		}
	}
	var forms []*mime.Entity
	for _, e := range []*mime.Entity{b.text, html, calendar} {
		if e != nil {
			forms = append(forms, e)
		}
	}
	switch len(forms) {
	case 0:
		return nil
	case 1:
		return forms[0]
	default:
		return &mime.Entity{Type: "multipart/alternative", Parts: forms}
	}
}
