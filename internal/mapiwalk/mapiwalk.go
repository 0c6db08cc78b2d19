// Package mapiwalk reads all of a MAPI message, as tests of the formats that hold
// such messages do with files of every kind.
package mapiwalk

import (
	"context"
	"fmt"
	"io"

	"waybill/format/mapi"
)

// Counts are what a walk meets.
type Counts struct {
	Messages, Props, Recipients, Attachments, Embedded, Objects, Named int
	Bytes                                                              int64
}

// defective is a message that tells what it passed over when it was opened.
type defective interface{ Defects() []error }

// Message reads a message with all that is attached to it. Errors and defects are
// told to report, and the walk goes on.
func (c *Counts) Message(ctx context.Context, m mapi.Message, report func(error)) {
	c.Messages++
	c.props(m.Props(), report)
	if own, is := m.(defective); is {
		for _, err := range own.Defects() {
			report(err)
		}
	}
	recipients, err := m.Recipients(ctx)
	if err != nil {
		report(err)
	}
	for _, p := range recipients {
		c.Recipients++
		c.props(p, report)
	}
	attachments, err := m.Attachments(ctx)
	if err != nil {
		report(err)
	}
	for _, a := range attachments {
		c.attachment(ctx, a, report)
	}
}

func (c *Counts) attachment(ctx context.Context, a mapi.Attachment, report func(error)) {
	c.Attachments++
	c.props(a.Props(), report)
	embedded, err := a.Message(ctx)
	if err != nil {
		report(err)
	}
	if embedded != nil {
		c.Embedded++
		c.Message(ctx, embedded, report)
	}
	object, err := a.Storage(ctx)
	if err != nil {
		report(err)
	}
	if object != nil {
		c.Objects++
		c.Data(object, report)
	}
}

func (c *Counts) props(p *mapi.Props, report func(error)) {
	for _, v := range p.All() {
		c.Props++
		c.Data(v.Data, report)
		for _, one := range v.Many {
			c.Data(one.Data, report)
		}
	}
	for range p.Names() {
		c.Named++
	}
}

// Data reads a value to its end. One that is not as long as it states, where it
// states a length, is reported too.
func (c *Counts) Data(d mapi.Data, report func(error)) {
	if d == nil {
		return
	}
	r, err := d.Open()
	if err != nil {
		report(err)
		return
	}
	defer func() { _ = r.Close() }()
	n, err := io.Copy(io.Discard, r)
	c.Bytes += n
	if err != nil {
		report(err)
	} else if d.Size() >= 0 && n != d.Size() {
		report(fmt.Errorf("stated %d bytes, %d came", d.Size(), n))
	}
}
