package mapiitem

import (
	"context"
	"io"
	"strings"

	"waybill/format/mime"
)

// AsMessage wraps an item as an Internet message, for targets that take nothing
// else: a summary to be read, the text form attached, and behind it the
// attachments that are not in it. The same item gives the same bytes.
func AsMessage(i *Item) *mime.Message {
	text := i.summary
	if text == "" {
		text = i.Title + "\r\n"
	}
	summary := &mime.Entity{Type: "text/plain", Text: true, Size: int64(len(text)),
		Open: func(context.Context) (io.ReadCloser, error) { return io.NopCloser(strings.NewReader(text)), nil }}
	root := &mime.Entity{Type: "multipart/mixed", Parts: append([]*mime.Entity{summary}, i.Parts()...)}
	title := i.Title
	if title == "" {
		title = "(" + i.Kind.String() + ")"
	}
	return &mime.Message{Date: i.Date, Seed: i.seed, Subject: title, Root: root,
		Fields: []mime.HeaderField{{Name: "X-Outlook-Class", Value: i.Class}}}
}

// Parts are the text form, and behind it the attachments that are not in it, as
// parts of a message.
func (i *Item) Parts() []*mime.Entity {
	parts := []*mime.Entity{i.Part()}
	for n := range i.Attachments {
		a := &i.Attachments[n]
		if a.Inline {
			continue
		}
		media := a.MediaType
		if media == "" || strings.HasPrefix(media, "multipart/") {
			media = "application/octet-stream"
		}
		parts = append(parts, &mime.Entity{Type: media, Disposition: "attachment", Name: a.Name, Size: a.Size,
			Message: media == "message/rfc822", Open: a.Open})
	}
	return parts
}
