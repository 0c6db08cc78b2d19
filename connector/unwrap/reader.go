package unwrap

import (
	"context"
	"errors"
	"fmt"
	"io"
	"strings"

	"waybill/failure"
	"waybill/format/mime"
	"waybill/mail"
)

// reader gives a message with its parts of TNEF replaced. The message is kept until
// it is closed, since what is in it has to be known before its first byte can go.
type reader struct {
	ctx   context.Context
	inner io.ReadCloser
	where string

	whole  spool
	parts  []*spool
	out    io.Reader
	opened []io.Closer
	notes  []mail.Note
	err    error
}

func (r *reader) Read(p []byte) (int, error) {
	if r.err == nil && r.ctx.Err() != nil {
		r.err = failure.New(failure.Cancelled, "unwrap message", r.where, "cancelled", r.ctx.Err())
	}
	if r.err == nil && r.out == nil {
		r.err = r.begin()
	}
	if r.err != nil {
		return 0, r.err
	}
	n, err := r.out.Read(p)
	if err != nil {
		r.err = err
	}
	return n, err
}

// Notes implements connector.Noted.
func (r *reader) Notes() []mail.Note { return r.notes }

// Close gives back what the message took.
func (r *reader) Close() error {
	if r.err == nil {
		r.err = failure.New(failure.Usage, "read message", r.where, "unwrap.closed", nil)
	}
	for _, c := range r.opened {
		_ = c.Close()
	}
	for _, s := range r.parts {
		s.close()
	}
	r.whole.close()
	r.opened, r.parts = nil, nil
	return r.inner.Close()
}

// begin reads the message and puts together what is to be given.
func (r *reader) begin() error {
	if _, err := io.Copy(&r.whole, r.inner); err != nil {
		return err
	}
	found, err := find(r.ctx, r.whole.section(0, r.whole.size))
	if err != nil {
		return err
	}
	if found.signed > 0 {
		r.note(NoteSigned, fmt.Sprintf("%d parts of Outlook's own format (TNEF) stay as they are, because a signature covers them.", found.signed))
	}
	if found.tooMany {
		r.note(NoteTooMany, fmt.Sprintf("Only the first %d parts of Outlook's own format (TNEF) are looked at.", maxParts))
	}
	var pieces []io.Reader
	done := int64(0)
	for _, w := range found.parts {
		piece, err := r.replace(w)
		if err != nil {
			return err
		}
		if piece == nil {
			continue
		}
		pieces = append(pieces, r.whole.section(done, w.from), piece)
		done = w.to
	}
	r.out = io.MultiReader(append(pieces, r.whole.section(done, r.whole.size))...)
	return nil
}

func (r *reader) note(kind, text string) {
	r.notes = append(r.notes, mail.Note{Kind: kind, Text: text})
}

// replace makes what stands in the place of a part; nil where it stays.
func (r *reader) replace(w wrapped) (io.Reader, error) {
	name := w.name
	if name == "" {
		name = "winmail.dat"
	}
	s := &spool{}
	r.parts = append(r.parts, s)
	p, err := mime.NewReader(r.whole.section(w.from, w.to)).Next()
	if err == nil {
		_, err = io.Copy(s, p.Decoded())
	}
	if err != nil && failure.RuleOf(err) == "unwrap.spool" {
		return nil, err
	}
	var made *content
	if err == nil {
		made, err = open(r.ctx, s, r.where)
	}
	switch {
	case err == nil:
	case r.ctx.Err() != nil:
		return nil, failure.New(failure.Cancelled, "unwrap message", r.where, "cancelled", r.ctx.Err())
	case failure.ClassOf(err).Retryable():
		return nil, err
	default:
		r.note(NoteUnreadable, fmt.Sprintf("%q stays as it is, because it cannot be read: %v", name, err))
		return nil, nil
	}
	r.notes = append(r.notes, made.notes...)
	r.note(NoteUnwrapped, fmt.Sprintf("In the place of %q (Outlook's own format, TNEF) stands what is in it: %s.", name, made.summary))
	m := made.message
	m.Lead = r.lead(w) + mime.FormatField("X-Waybill-Unwrapped", mime.EncodeWords(strings.Join(strings.Fields(name), " ")))
	body := m.Open(r.ctx)
	r.opened = append(r.opened, body)
	return &replaced{body, r.where}, nil
}

// replaced gives the error of what stands for a part its place.
type replaced struct {
	io.Reader
	where string
}

func (r *replaced) Read(p []byte) (int, error) {
	n, err := r.Reader.Read(p)
	if err == nil || errors.Is(err, io.EOF) {
		return n, err
	}
	if _, classed := errors.AsType[*failure.Error](err); !classed {
		err = failure.New(failure.ClassOf(err), "unwrap message", r.where, "unwrap.read", err)
	}
	return n, err
}

// lead is the header of a message that is TNEF as a whole, without the fields that
// describe its structure; empty for a part.
func (r *reader) lead(w wrapped) string {
	if w.fields == nil {
		return ""
	}
	var lead strings.Builder
	for i, f := range w.fields {
		lower := strings.ToLower(f.Name)
		if strings.HasPrefix(lower, "content-") || lower == "mime-version" {
			continue
		}
		end := w.body - w.from // with the empty line, which is cut off below
		if i+1 < len(w.fields) {
			end = w.fields[i+1].Offset
		}
		field := make([]byte, end-f.Offset)
		n, _ := r.whole.ReadAt(field, w.from+f.Offset)
		lead.WriteString(strings.TrimRight(string(field[:n]), "\r\n") + "\r\n")
	}
	return lead.String()
}
