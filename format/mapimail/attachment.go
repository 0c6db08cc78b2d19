package mapimail

import (
	"bytes"
	"context"
	"fmt"
	"strconv"
	"strings"

	"waybill/failure"
	"waybill/format/mapi"
	"waybill/format/mime"
)

// renderedInBody is the bit of AttachFlags that says that the body shows the
// attachment ([MS-OXCMSG] 2.2.2.18).
const renderedInBody = 4

// macBinary is the AttachEncoding of files with a resource fork ([MS-OXCMSG]
// 2.2.2.20).
var macBinary = []byte{0x2A, 0x86, 0x48, 0x86, 0xF7, 0x14, 0x03, 0x0B, 0x01}

// attachment makes parts of the n-th attachment. related says that they belong to
// the HTML, which shows them.
func (c *converter) attachment(ctx context.Context, a mapi.Attachment, n int, b *body) (parts []*mime.Entity, related bool, err error) {
	if err := ctx.Err(); err != nil {
		return nil, false, cancelled(err)
	}
	p := a.Props()
	name := attachmentName(p)
	if !c.take() {
		return []*mime.Entity{c.gap("too-many-parts", named(name, n), "is left out, because the message has more parts than the limit of "+strconv.Itoa(c.MaxParts), nil)}, false, nil
	}
	method, _ := p.Int(mapi.AttachMethod)
	data, haveData := p.Get(mapi.AttachData)
	switch method {
	case mapi.EmbeddedMessage:
		parts, err = c.embedded(ctx, a, name, n)
		return parts, false, err
	case mapi.OLE:
		parts, err = c.object(ctx, a, name, n)
		return parts, false, err
	case mapi.ByReference, mapi.ByReferenceOnly, mapi.ByWebReference:
		if !haveData || data.Data == nil || data.Data.Size() == 0 {
			return []*mime.Entity{c.reference(p, name, n)}, false, nil
		}
	}
	if !haveData || data.Data == nil {
		return []*mime.Entity{c.gap("attachment-empty", named(name, n), "has no contents in its source", nil)}, false, nil
	}
	e := &mime.Entity{Disposition: "attachment", Name: name, ID: contentID(p)}
	e.Type, e.Params = mediaType(p, name)
	if e.Name == "" {
		e.Name = "attachment-" + strconv.Itoa(n) + extensionFor(p, e.Type)
	}
	location := oneLine(p.Text(mapi.AttachContentLocation))
	if location != "" && len(location) <= maxReference {
		e.Fields = append(e.Fields, mime.HeaderField{Name: "Content-Location", Value: location})
	}
	if b.html != nil && b.scan.refers(e.ID, location) {
		related, e.Disposition = true, "inline"
	} else if flags, _ := p.Int(mapi.AttachFlags); flags&renderedInBody != 0 && e.ID != "" {
		e.Disposition = "inline"
	}
	parts, err = c.contents(ctx, e, dataSource(data.Data), data.Data, n)
	return parts, related && len(parts) == 1, err
}

// contents gives e its body, or what can be read of it with a text that says so.
func (c *converter) contents(ctx context.Context, e *mime.Entity, src source, d mapi.Data, n int) ([]*mime.Entity, error) {
	good, damage, err := c.examine(ctx, src, d, nil)
	if err != nil {
		return nil, err
	}
	e.Open, e.Size = good.open, good.size
	if damage == nil {
		return []*mime.Entity{e}, nil
	}
	if good.size == 0 {
		return []*mime.Entity{c.gap("attachment-unreadable", named(e.Name, n), "could not be read: "+failure.RuleOf(damage), damage)}, nil
	}
	happened := fmt.Sprintf("could be read for its first %d bytes only: %s", good.size, failure.RuleOf(damage))
	if src.size > 0 {
		happened = fmt.Sprintf("could be read for the first %d of its %d bytes only: %s", good.size, src.size, failure.RuleOf(damage))
	}
	if src.size >= 0 && src.size < good.size {
		happened = fmt.Sprintf("states a length of %d bytes, and has %d or more: %s", src.size, good.size, failure.RuleOf(damage))
	}
	e.Disposition = "attachment"
	return []*mime.Entity{c.gap("attachment-damaged", named(e.Name, n), happened, damage), e}, nil
}

// object makes a file of an OLE object: the compound file that it is stored as.
func (c *converter) object(ctx context.Context, a mapi.Attachment, name string, n int) ([]*mime.Entity, error) {
	d, err := a.Storage(ctx)
	switch {
	case err != nil && !damaged(err):
		return nil, err
	case err != nil:
		return []*mime.Entity{c.gap("attachment-unreadable", named(name, n), "could not be read: "+failure.RuleOf(err), err)}, nil
	}
	e := &mime.Entity{Type: "application/octet-stream", Disposition: "attachment", Name: name, ID: contentID(a.Props())}
	if d == nil {
		// The picture of the object is better than nothing ([MS-OXCMSG] 2.2.2.17).
		picture, ok := a.Props().Get(mapi.AttachRendering)
		if !ok || picture.Data == nil || picture.Data.Size() == 0 {
			return []*mime.Entity{c.gap("attachment-empty", named(name, n), "has no contents in its source", nil)}, nil
		}
		d = picture.Data
		e.Name = strings.TrimSuffix(name, ".ole") + ".wmf"
		e.Type = "image/wmf"
	}
	if e.Name == "" {
		e.Name = "object-" + strconv.Itoa(n) + ".ole"
	}
	c.note("ole-object", named(e.Name, n)+" is an OLE object; it goes along as a file, which the program that made it may open.")
	return c.contents(ctx, e, dataSource(d), d, n)
}

// reference tells of a file that is not in the message, but somewhere else.
func (c *converter) reference(p *mapi.Props, name string, n int) *mime.Entity {
	path := p.Text(mapi.AttachLongPathname)
	if path == "" {
		path = p.Text(mapi.AttachPathname)
	}
	path = clip(oneLine(path), 2000)
	c.note("attachment-reference", named(name, n)+" is no file but the place of one: "+path)
	return textEntity("[" + named(name, n) + " is not in this message. It is here:]\n" + path + "\n")
}

// embedded makes message/rfc822 of a message in the message.
func (c *converter) embedded(ctx context.Context, a mapi.Attachment, name string, n int) ([]*mime.Entity, error) {
	if c.depth+1 >= c.MaxDepth {
		return []*mime.Entity{c.gap("embedded-too-deep", "The message "+quoted(name, n), "is left out, because it lies deeper than "+strconv.Itoa(c.MaxDepth)+" messages", nil)}, nil
	}
	m, err := a.Message(ctx)
	switch {
	case err != nil && !damaged(err):
		return nil, err
	case err != nil:
		return []*mime.Entity{c.gap("attachment-unreadable", "The message "+quoted(name, n), "could not be read: "+failure.RuleOf(err), err)}, nil
	case m == nil:
		return []*mime.Entity{c.gap("attachment-empty", "The message "+quoted(name, n), "has no contents in its source", nil)}, nil
	}
	if c.Item != nil && !isMail(m.Props().Text(mapi.MessageClass)) {
		parts, notes, err := c.Item(ctx, m)
		switch {
		case err == nil && len(parts) > 0:
			c.notes = append(c.notes, notes...)
			return parts, nil
		case err != nil && !damaged(err):
			return nil, err
		case err != nil:
			c.note("item-unreadable", "The item "+quoted(name, n)+" goes along as a message, because nothing else could be made of it: "+err.Error())
		}
	}
	inner, err := convert(ctx, m, c.Options, c.depth+1, c.inner(n), c.left)
	if err != nil {
		return nil, err
	}
	for _, note := range inner.Notes {
		c.keep(note)
	}
	return []*mime.Entity{{Type: "message/rfc822", Description: name, Message: true, Size: -1, Open: inner.reader}}, nil
}

// isMail reports whether items of a class are messages ([MS-OXCMSG] 2.2.1.3).
func isMail(class string) bool {
	class = strings.ToUpper(class)
	for _, mail := range []string{"IPM.NOTE", "IPM.POST", "REPORT", "IPM.SCHEDULE.MEETING", "IPM.RECALL", "IPM.OUTLOOK.RECALL"} {
		if class == mail || strings.HasPrefix(class, mail+".") {
			return true
		}
	}
	return class == "" || class == "IPM"
}

// attachmentName is the file's name, the long one before the short one. It is
// free of controls, but it is not checked for what file systems make of it.
func attachmentName(p *mapi.Props) string {
	for _, id := range []mapi.ID{mapi.AttachLongFilename, mapi.AttachFilename, mapi.DisplayName} {
		if name := strings.TrimSpace(oneLine(p.Text(id))); name != "" {
			return clip(name, 500)
		}
	}
	return ""
}

// named and quoted call an attachment by its name, or its number when it has none.
func named(name string, n int) string { return "The attachment " + quoted(name, n) }

func quoted(name string, n int) string {
	if name == "" {
		return "number " + strconv.Itoa(n)
	}
	return `"` + name + `"`
}

// contentID is the Content-ID without its brackets; empty where it holds what a
// header cannot.
func contentID(p *mapi.Props) string {
	id := strings.Trim(p.Text(mapi.AttachContentID), " \t<>")
	if len(id) > maxReference || !printable(id) || strings.ContainsAny(id, " <>") {
		return ""
	}
	return id
}

// isMacBinary reports whether an attachment holds a resource fork too.
func isMacBinary(p *mapi.Props) bool {
	return bytes.Equal(p.Binary(mapi.AttachEncoding), macBinary)
}
