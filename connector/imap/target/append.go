package target

import (
	"context"
	"errors"
	"fmt"
	"io"

	"waybill/connector"
	"waybill/connector/imap/canon"
	"waybill/connector/imap/server"
	"waybill/failure"
	"waybill/mail"
)

// A batch goes in portions, one command each: while the server is at work on one
// the next is read from the source. Servers that keep messages in one file with an
// index gain by up to about fifty messages in a command; more gain little, and
// cost more when one of them is refused.
const (
	portionMessages = 50
	portionBytes    = 1 << 20
)

// portion is a part of a batch, ready to be sent.
type portion struct {
	parcel *parcel
	index  []int // of the items, in the batch
}

// Append reads each message to its end before anything of it is sent, so that
// its length is known, and a source that fails harms that message alone. The
// portions are sent one after the other, so that the order is kept.
func (b *targetBox) Append(ctx context.Context, folder mail.Path, at connector.Position, items []connector.Item) ([]connector.Receipt, error) {
	where := b.where(folder)
	if err := server.Ended(ctx, "append", where); err != nil {
		return nil, err
	}
	if len(items) == 0 {
		return nil, nil
	}
	p, err := parsePosition(at, where)
	if err != nil {
		return nil, err
	}
	d := &delivery{box: b, folder: folder, where: where, at: p, items: items, receipts: make([]connector.Receipt, len(items))}
	if err := d.run(ctx); err != nil {
		return nil, err
	}
	return d.receipts, nil
}

// delivery is one Append under way.
type delivery struct {
	box      *targetBox
	folder   mail.Path
	where    string
	at       position
	items    []connector.Item
	receipts []connector.Receipt

	sender *canon.Sender
	// whole ends the rest of the batch: why no further message would be taken.
	whole error
}

// run prepares portions and has them sent in a goroutine of their own when there
// is more than one.
func (d *delivery) run(ctx context.Context) error {
	pool := d.box.t.parcels
	d.sender = canon.NewSender(d.box.t.rules)
	first, next := d.prepare(ctx, 0)
	if err := server.Ended(ctx, "append", d.where); err != nil || next >= len(d.items) {
		if err == nil {
			err = d.send(ctx, first)
		}
		return errors.Join(err, pool.put(first.parcel))
	}
	portions := make(chan *portion)
	sent := make(chan error, 1)
	go func() {
		var failed error
		for p := range portions {
			if failed == nil {
				failed = d.send(ctx, p)
			}
			failed = errors.Join(failed, pool.put(p.parcel))
			if failed != nil {
				break
			}
		}
		sent <- failed
	}()
	hand := func(p *portion) error {
		select {
		case portions <- p:
			return nil
		case err := <-sent:
			sent <- err
			return errors.Join(err, pool.put(p.parcel))
		}
	}
	err := hand(first)
	for next < len(d.items) && err == nil {
		var p *portion
		p, next = d.prepare(ctx, next)
		if err = server.Ended(ctx, "append", d.where); err != nil {
			err = errors.Join(err, pool.put(p.parcel))
			break
		}
		err = hand(p)
	}
	close(portions)
	if failed := <-sent; failed != nil {
		return failed
	}
	return err
}

// prepare reads messages into a portion, from number i on. It returns the number
// of the first that did not go in.
func (d *delivery) prepare(ctx context.Context, i int) (*portion, int) {
	p := &portion{parcel: d.box.t.parcels.get()}
	for ; i < len(d.items) && len(p.index) < portionMessages; i++ {
		if len(p.index) > 0 && (len(p.parcel.memory) > portionBytes || d.items[i].Size > portionBytes) {
			break
		}
		err := d.read(ctx, i, p.parcel)
		if ctx.Err() != nil {
			return p, len(d.items)
		}
		if err != nil {
			p.parcel.forget()
			d.receipts[i] = connector.Receipt{Err: err}
			continue
		}
		p.parcel.keep()
		p.index = append(p.index, i)
	}
	return p, i
}

// read reads one message, in the form in which it will be sent.
func (d *delivery) read(ctx context.Context, i int, to *parcel) error {
	t := d.box.t
	to.begin()
	where := d.where + ", from " + d.items[i].Key
	r, err := d.items[i].Open(ctx)
	if err != nil {
		return err
	}
	d.sender.Reset(to)
	buf := t.parcels.buffer()
	err = pour(ctx, d.sender, r, *buf)
	t.parcels.giveBack(buf)
	if closed := r.Close(); err == nil {
		err = closed
	}
	if err != nil {
		return err
	}
	found, err := d.sender.Close()
	if err != nil {
		return err
	}
	if err := t.rules.Refusal(found, where); err != nil {
		return err
	}
	if limit := t.limit(); limit > 0 && to.open.size > limit {
		return failure.New(failure.TooLarge, "append message", where, "imap.append-limit",
			fmt.Errorf("the message has %d bytes, and the server takes %d", to.open.size, limit))
	}
	d.receipts[i].Notes = t.rules.Notes(found)
	return nil
}

// pour copies to the end of r.
func pour(ctx context.Context, to io.Writer, r io.Reader, buf []byte) error {
	for empty := 0; ; {
		if err := server.Ended(ctx, "read message", ""); err != nil {
			return err
		}
		n, err := r.Read(buf)
		if n > 0 {
			empty = 0
			if _, err := to.Write(buf[:n]); err != nil {
				return err
			}
		} else if empty++; err == nil && empty > 100 {
			return failure.New(failure.Internal, "read message", "", "imap.no-progress", io.ErrNoProgress)
		}
		switch {
		case errors.Is(err, io.EOF):
			return nil
		case err != nil:
			return err
		}
	}
}
