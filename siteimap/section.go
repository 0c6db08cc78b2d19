package siteimap

import (
	"context"
	"slices"

	"github.com/emersion/go-imap/v2"

	"waybill/siteimap/parts"
)

// maxHeader is how many bytes of a header are looked at when some of its fields
// are sent.
const maxHeader = 8 << 20

// isWhole reports whether a section is the whole message.
func isWhole(s *imap.FetchItemBodySection) bool {
	return len(s.Part) == 0 && s.Specifier == imap.PartSpecifierNone
}

// piece finds a section (RFC 9051 6.4.5.1). One that is not there is empty.
func (c *content) piece(ctx context.Context, root *parts.Part, s *imap.FetchItemBodySection) (piece, error) {
	var p piece
	if isWhole(s) {
		p.span = parts.Span{End: c.msg.Size}
	} else {
		p.span = place(root, s)
	}
	if len(s.HeaderFields) > 0 || len(s.HeaderFieldsNot) > 0 {
		header, err := c.bytes(ctx, p.span, maxHeader)
		if err != nil {
			return p, err
		}
		p.text, p.isText = parts.SelectFields(header, slices.Concat(s.HeaderFields, s.HeaderFieldsNot), len(s.HeaderFieldsNot) > 0), true
	}
	if s.Partial != nil {
		size := p.size()
		from := min(s.Partial.Offset, size)
		to := from + min(s.Partial.Size, size-from)
		if p.isText {
			p.text = p.text[from:to]
		} else {
			p.span = parts.Span{Start: p.span.Start + from, End: p.span.Start + to}
		}
	}
	return p, nil
}

// place is where a section lies.
func place(root *parts.Part, s *imap.FetchItemBodySection) parts.Span {
	at := root.Find(s.Part)
	if at == nil {
		return parts.Span{}
	}
	message := at
	if len(s.Part) > 0 {
		message = at.Message
	}
	switch {
	case s.Specifier == imap.PartSpecifierNone:
		return at.Body
	case s.Specifier == imap.PartSpecifierMIME:
		return at.Header
	case message == nil:
		return parts.Span{}
	case s.Specifier == imap.PartSpecifierHeader:
		return message.Header
	}
	return message.Body
}
