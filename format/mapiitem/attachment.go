package mapiitem

import (
	"context"
	"fmt"
	"io"
	"strings"

	"waybill/format/mapi"
	"waybill/format/mapiitem/contentline"
)

// maxAttachments bounds how many attachments of an item are looked at.
const maxAttachments = 10000

// attachments carries what is attached: in a calendar object as ATTACH, in a card
// the picture as PHOTO; everything is listed in the item. What is attached to a
// message about a meeting is only listed.
func (c *converter) attachments(form string) error { return c.attachmentsOf(c.m, form) }

func (c *converter) attachmentsOf(m mapi.Message, form string) error {
	list, err := m.Attachments(c.ctx)
	if err != nil {
		if cerr := ctxError(c.ctx); cerr != nil {
			return cerr
		}
		c.note("attachments-unreadable", "Not all attachments can be listed: %v.", err)
	}
	if len(list) > maxAttachments {
		c.note("attachments-too-many", "Of %d attachments the first %d are carried.", len(list), maxAttachments)
		list = list[:maxAttachments]
	}
	for i, a := range list {
		if err := ctxError(c.ctx); err != nil {
			return err
		}
		if isException(a.Props()) {
			continue // the modified occurrences of a series; see exceptions
		}
		c.attachment(a, i, form)
	}
	return nil
}

// isException tells a modified occurrence from an attachment ([MS-OXOCAL] 2.2.10.1.1).
func isException(p *mapi.Props) bool {
	method, _ := p.Int(mapi.AttachMethod)
	flags, _ := p.Int(attachmentFlags)
	_, replaces := p.Get(exceptionReplaceTime)
	return method == mapi.EmbeddedMessage && (replaces || flags&2 != 0)
}

func (c *converter) attachment(a mapi.Attachment, i int, form string) {
	p := watch(a.Props())
	name := oneLine(p.first(mapi.AttachLongFilename, mapi.AttachFilename, mapi.DisplayName))
	named := name
	if named == "" {
		named = fmt.Sprintf("number %d", i+1)
	}
	media := strings.ToLower(p.text(mapi.AttachMimeTag))
	if media == "" || !strings.Contains(media, "/") || strings.ContainsAny(media, " \t\";,") {
		media = mediaType(name)
	}
	out := Attachment{Name: name, MediaType: media, Size: -1}
	method, _ := p.int(mapi.AttachMethod)
	switch method {
	case mapi.NoAttachment:
		return
	case mapi.ByReference, mapi.ByReferenceOnly, mapi.ByWebReference:
		place := oneLine(p.first(attachLongPathname, mapi.AttachLongFilename))
		c.note("attachment-by-reference", "The attachment %s is a reference to %q, and carried as that.", named, place)
		if form == "calendar" && place != "" {
			c.doc.Add("ATTACH", contentline.URI(reference(place)))
		}
		return
	case mapi.EmbeddedMessage:
		made, err := c.embedded(a)
		if err != nil || made == nil || made.Open == nil {
			why := "is an item of Outlook that is not converted"
			if err != nil {
				why = "cannot be read: " + err.Error()
			}
			c.note("attachment-left-out", "The attachment %s %s.", named, why)
			return
		}
		out = *made
	default:
		data, err := contents(c.ctx, a, p, method)
		if err != nil || data == nil {
			c.note("attachment-unreadable", "The attachment %s has no contents that can be read.", named)
			return
		}
		if method == mapi.OLE {
			c.note("ole-object", "The attachment %s is an embedded object, and carried as the file that it is stored as.", named)
		}
		out.Open = func(context.Context) (io.ReadCloser, error) { return data.Open() }
	}
	n, _, err := c.probe(out.Open)
	if err != nil {
		if c.ctx.Err() == nil {
			c.note("attachment-damaged", "Of the attachment %s only %d bytes can be read: %v.", named, n, err)
		}
		if n == 0 {
			return
		}
	}
	out.Open, out.Size = upTo(out.Open, n, err), n
	c.carry(&out, p.bool(attachmentContactPhoto), form)
	c.item.Attachments = append(c.item.Attachments, out)
}

// contents finds the bytes of an attachment.
func contents(ctx context.Context, a mapi.Attachment, p *props, method int64) (mapi.Data, error) {
	if method == mapi.OLE {
		return a.Storage(ctx)
	}
	v, ok := p.Get(mapi.AttachData)
	if !ok || v.Data == nil {
		return nil, nil
	}
	return v.Data, nil
}

// embedded converts an attached item.
func (c *converter) embedded(a mapi.Attachment) (*Attachment, error) {
	if c.o.Embedded == nil {
		return nil, nil
	}
	m, err := a.Message(c.ctx)
	if err != nil || m == nil {
		return nil, err
	}
	return c.o.Embedded(c.ctx, m)
}

// carry writes an attachment into the text form where that is possible.
func (c *converter) carry(a *Attachment, photo bool, form string) {
	stream := &contentline.Stream{Open: a.Open, Encoding: contentline.Base64}
	fits := a.Size <= c.o.InlineLimit
	switch {
	case form == "card" && (photo || strings.EqualFold(a.Name, "ContactPicture.jpg")) && fits:
		if !strings.HasPrefix(a.MediaType, "image/") {
			a.MediaType = "image/jpeg" // [MS-OXOCNTC] 2.2.1.8: a picture is a JPEG
		}
		a.Inline = true
		c.doc.AddStream("PHOTO", "data:"+a.MediaType+";base64,", stream)
	case form == "calendar" && fits:
		a.Inline = true
		params := []contentline.Param{contentline.P("FMTTYPE", a.MediaType), contentline.P("ENCODING", "BASE64"), contentline.P("VALUE", "BINARY")}
		if a.Name != "" {
			params = append(params, contentline.P("X-FILENAME", a.Name)) // as [MS-OXCICAL] 2.1.3.1.1.20.1
		}
		c.doc.AddStream("ATTACH", "", stream, params...)
	case form == "mail":
	default:
		c.note("attachment-beside", "The attachment %q (%d bytes) is not in the item's text form and stands beside it.", a.Name, a.Size)
	}
}

// mediaType guesses a media type by a file's extension: the few that matter to
// calendars and cards. A table of the system would differ between machines.
func mediaType(name string) string {
	i := strings.LastIndexByte(name, '.')
	switch strings.ToLower(name[i+1:]) {
	case "jpg", "jpeg":
		return "image/jpeg"
	case "png":
		return "image/png"
	case "gif":
		return "image/gif"
	case "pdf":
		return "application/pdf"
	case "txt":
		return "text/plain"
	case "htm", "html":
		return "text/html"
	default:
		return "application/octet-stream"
	}
}

// reference makes a URI of the place of a file.
func reference(place string) string {
	switch {
	case strings.Contains(place, "://"):
		return place
	case strings.HasPrefix(place, `\\`):
		return "file:" + strings.ReplaceAll(place, `\`, "/")
	default:
		return "file:///" + strings.TrimPrefix(strings.ReplaceAll(place, `\`, "/"), "/")
	}
}
