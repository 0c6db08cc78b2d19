package unwrap

import (
	"context"
	"errors"
	"io"
	"slices"
	"strings"

	"waybill/failure"
	"waybill/format/mime"
)

// wrapped is a part of TNEF in a message.
type wrapped struct {
	// from and to bound the part with its header, body is where its body begins.
	from, body, to int64
	name           string
	// fields is the header of a message that is TNEF as a whole; nil otherwise.
	fields mime.Header
}

// finding is what was found in a message, in the order of the bytes.
type finding struct {
	parts   []wrapped
	signed  int
	tooMany bool
}

// find looks for parts of TNEF in the message that r reads.
func find(ctx context.Context, r io.Reader) (finding, error) {
	var f finding
	err := f.walk(ctx, mime.NewReader(r), 0)
	return f, err
}

// walk goes over one message, whose first byte is at base.
func (f *finding) walk(ctx context.Context, r *mime.Reader, base int64) error {
	top := -1
	signed := -1 // the depth of the multipart/signed that is around
	for {
		if err := ctx.Err(); err != nil {
			return failure.New(failure.Cancelled, "unwrap message", "", "cancelled", err)
		}
		p, err := r.Next()
		if errors.Is(err, io.EOF) {
			return nil
		}
		if err != nil {
			return err
		}
		if top < 0 {
			top = p.Depth
		}
		if signed >= 0 && p.Depth <= signed {
			signed = -1
		}
		whole := !slices.Contains(p.Defects, "mime.header-unended")
		switch {
		case p.Type == "multipart/signed" && signed < 0:
			signed = p.Depth
		case isTNEF(p) && signed >= 0:
			f.signed++
		case isTNEF(p) && len(f.parts) >= maxParts:
			f.tooMany = true
		case isTNEF(p) && whole:
			w := wrapped{from: base + p.Offset, body: base + p.Body, name: p.Name}
			if p.Depth == top {
				w.fields = p.Header
			}
			n, err := io.Copy(io.Discard, p.Raw())
			if err != nil {
				return err
			}
			w.to = w.body + n
			f.parts = append(f.parts, w)
		case p.Type == "message/rfc822" && signed < 0 && whole && plain(p.Encoding):
			inner := p.Message()
			if inner == nil {
				continue
			}
			if err := f.walk(ctx, inner, base+p.Body); err != nil {
				return err
			}
		}
	}
}

// isTNEF tells whether a part says that it is TNEF. Gateways that do not know the
// type leave its usual name.
func isTNEF(p *mime.Part) bool {
	switch p.Type {
	case "application/ms-tnef", "application/vnd.ms-tnef":
		return true
	case "application/octet-stream":
		return strings.EqualFold(p.Name, "winmail.dat")
	default:
		return false
	}
}

// plain tells whether a body stands in the message as it is.
func plain(encoding string) bool {
	return slices.Contains([]string{"", "7bit", "8bit", "binary"}, encoding)
}
