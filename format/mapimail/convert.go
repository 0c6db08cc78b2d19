package mapimail

import (
	"context"
	"io"
	"strconv"
	"strings"
	"time"

	"waybill/failure"
	"waybill/format/mapi"
	"waybill/format/mime"
	"waybill/mail"
)

// Limits that hold where Options say nothing.
const (
	defaultDepth = 20
	defaultParts = 10000
	// maxNotes bounds the notes of one message. What is missing is told in the
	// message itself too.
	maxNotes = 1000
)

// converter makes one message; those embedded in it have converters of their own.
type converter struct {
	Options
	props *mapi.Props
	class string // in capitals
	depth int    // how many messages are around this one
	seed  string // tells this message from those around it
	left  *int   // parts that may still be made, of all messages together
	notes []mail.Note
	head  *header
	// recipients are read once.
	recipients []*mapi.Props
	// storedType is the Content-Type that the message arrived with.
	storedType string
}

// Convert makes a mail of m. It fails only when something could not be read that
// may be readable later (class Transient and the like) or when ctx ends: damage
// gives a message that tells of it. Mail reads from m as long as it is used.
func Convert(ctx context.Context, m mapi.Message, o Options) (*Mail, error) {
	if o.MaxDepth <= 0 {
		o.MaxDepth = defaultDepth
	}
	if o.MaxParts <= 0 {
		o.MaxParts = defaultParts
	}
	left := o.MaxParts
	return convert(ctx, m, o, 0, "", &left)
}

func convert(ctx context.Context, m mapi.Message, o Options, depth int, seed string, left *int) (*Mail, error) {
	if err := ctx.Err(); err != nil {
		return nil, cancelled(err)
	}
	p := m.Props()
	c := &converter{Options: o, props: p, depth: depth, seed: seed, left: left}
	out := &Mail{Class: p.Text(mapi.MessageClass)}
	c.class = strings.ToUpper(out.Class)

	var err error
	if c.recipients, err = m.Recipients(ctx); err != nil {
		if !damaged(err) {
			return nil, err
		}
		c.note("recipients-unreadable", "Some recipients of the message could not be read: "+err.Error())
	}
	attachments, listErr := m.Attachments(ctx)
	if listErr != nil && !damaged(listErr) {
		return nil, listErr
	}

	if c.head, err = c.transportHeader(ctx); err != nil {
		return nil, err
	}
	c.buildHeader(ctx)
	out.Flags = c.flags()
	out.InternalDate = c.internalDate()

	if out.message, out.raw, err = c.signed(ctx, attachments); err != nil {
		return nil, err
	}
	if out.raw == nil && out.message == nil {
		root, err := c.content(ctx, m, attachments, listErr)
		if err != nil {
			return nil, err
		}
		out.message = &mime.Message{Lead: c.head.String(), Seed: seed, Root: root}
	}
	out.Notes = c.notes
	return out, nil
}

// content makes everything behind the header.
func (c *converter) content(ctx context.Context, m mapi.Message, attachments []mapi.Attachment, listErr error) (*mime.Entity, error) {
	b, err := c.body(ctx)
	if err != nil {
		return nil, err
	}
	var inline, attached []*mime.Entity
	for i, a := range attachments {
		parts, related, err := c.attachment(ctx, a, i+1, b)
		if err != nil {
			return nil, err
		}
		if related {
			inline = append(inline, parts...)
		} else {
			attached = append(attached, parts...)
		}
	}
	if listErr != nil {
		attached = append(attached, c.gap("attachments-unreadable", "The list of this message's attachments",
			"could not be read to its end: "+failure.RuleOf(listErr), listErr))
	}
	calendar, err := c.calendar(ctx, m)
	if err != nil {
		return nil, err
	}
	report := strings.HasPrefix(c.class, "REPORT.")
	if text := c.reportText(); report && b.text == nil && text != "" {
		b.text = textEntity(text)
	}
	main := b.entity(inline, calendar)
	attached = append(b.extra, attached...)
	if report {
		return c.report(ctx, main, attached), nil
	}
	switch {
	case len(attached) == 0 && main == nil:
		return textEntity(""), nil
	case len(attached) == 0:
		return main, nil
	case main != nil:
		attached = append([]*mime.Entity{main}, attached...)
	}
	return &mime.Entity{Type: "multipart/mixed", Parts: attached}, nil
}

// calendar asks for the iCalendar form of a meeting request or its answers, which
// stands beside the body ([MS-OXCICAL] 2.1.3.1.1).
func (c *converter) calendar(ctx context.Context, m mapi.Message) (*mime.Entity, error) {
	if c.Calendar == nil || !strings.HasPrefix(c.class, "IPM.SCHEDULE.MEETING.") {
		return nil, nil
	}
	e, notes, err := c.Calendar(ctx, m)
	c.notes = append(c.notes, notes...)
	if err != nil && damaged(err) {
		c.note("calendar-unreadable", "The message has no calendar part, because it could not be made: "+err.Error())
		return nil, nil
	}
	return e, err
}

// note records what was not carried as it was.
func (c *converter) note(kind, text string) {
	if c.Where != "" {
		text = c.Where + ": " + text
	}
	c.keep(mail.Note{Kind: kind, Text: clip(oneLine(text), 2000)})
}

// keep takes over a note of an embedded message.
func (c *converter) keep(n mail.Note) {
	if len(c.notes) < maxNotes {
		c.notes = append(c.notes, n)
	}
}

// gap stands where something is missing, and notes it. The text of the part names
// no file or place of the source, so that it is the same wherever the message is
// converted.
func (c *converter) gap(kind, what, happened string, err error) *mime.Entity {
	detail := what + " " + happened
	if err != nil {
		detail += " (" + err.Error() + ")"
	}
	c.note(kind, detail)
	return textEntity("[" + what + " " + happened + ".]\n")
}

// textEntity is a part with a text that is in memory.
func textEntity(text string) *mime.Entity {
	return &mime.Entity{Type: "text/plain", Text: true, Size: int64(len(text)), Open: open(text)}
}

func open(text string) func(context.Context) (io.ReadCloser, error) {
	return func(context.Context) (io.ReadCloser, error) { return io.NopCloser(strings.NewReader(text)), nil }
}

// take counts one part and reports whether it may be made.
func (c *converter) take() bool {
	*c.left--
	return *c.left >= 0
}

// inner is the seed of the n-th embedded message.
func (c *converter) inner(n int) string { return c.seed + "/" + strconv.Itoa(n) }

// moment is the first of the properties that is set, in years that a header can
// hold (RFC 5322 3.3).
func (c *converter) moment(ids ...mapi.ID) time.Time {
	for _, id := range ids {
		if t, ok := c.props.Time(id); ok && t.Year() >= 1900 {
			return t.Truncate(time.Second)
		}
	}
	return time.Time{}
}
