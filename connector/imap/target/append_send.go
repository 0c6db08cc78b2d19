package target

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"waybill/connector"
	"waybill/connector/imap/server"
	"waybill/failure"
	"waybill/imap"
)

// send delivers a portion. Its error says that the outcome of what has no
// receipt is unknown, or that the folder takes nothing; else every item of the
// portion has its receipt.
func (d *delivery) send(ctx context.Context, p *portion) error {
	if len(p.index) == 0 {
		return nil
	}
	l := d.box.writer
	l.mu.Lock()
	defer l.mu.Unlock()
	if d.whole != nil {
		d.refuse(p.index, d.whole)
		return nil
	}
	x, err := l.enter(ctx, d.folder, false)
	if err != nil {
		return err
	}
	if err := l.sameEpoch(d.at, d.where); err != nil {
		return err
	}
	if err := d.box.shareSeen(ctx, x, l.name, d.where); err != nil {
		return err
	}
	if err := d.box.t.mayMark(ctx, x, l, d.where); err != nil {
		return err
	}
	c := &consignment{delivery: d, line: l, session: x, portion: p}
	c.mark()
	if d.box.t.multi(x) && len(p.index) > 1 {
		_, err = c.multi(ctx, 0, len(p.index), false)
	} else {
		err = c.apart(ctx, 0, len(p.index))
	}
	if err != nil {
		l.next = 0
	}
	return err
}

// multi reports whether several messages go in one command (RFC 3502).
func (t *target) multi(x *server.Session) bool { return x.Has("MULTIAPPEND") && !t.single.Load() }

// refuse gives items the same error.
func (d *delivery) refuse(index []int, err error) {
	for _, i := range index {
		d.receipts[i] = connector.Receipt{Err: err}
	}
}

// consignment is a portion while it is sent over one connection.
type consignment struct {
	*delivery
	line    *line
	session *server.Session
	portion *portion
	flags   [][]string
	dates   []time.Time
}

// mark decides with which flags and date each message goes, and notes what cannot be
// kept.
func (c *consignment) mark() {
	c.flags, c.dates = make([][]string, len(c.portion.index)), make([]time.Time, len(c.portion.index))
	earliest, latest := dateBounds(c.box.t.server.Flavour(), time.Now())
	for n, i := range c.portion.index {
		flags, notes := c.line.allow.flags(c.items[i].Flags)
		at, more := date(c.items[i].InternalDate, earliest, latest)
		c.flags[n], c.dates[n] = flags, at
		c.receipts[i].Notes = slices.Concat(c.receipts[i].Notes, notes, more)
	}
}

func (c *consignment) load(from, to int) []imap.AppendItem {
	load := make([]imap.AppendItem, 0, to-from)
	for n := from; n < to; n++ {
		load = append(load, imap.AppendItem{Flags: c.flags[n], Date: c.dates[n],
			Size: c.portion.parcel.slots[n].size, Body: c.portion.parcel.reader(n)})
	}
	return load
}

// multi sends messages in one command, which takes all or none. Where it takes
// none, both halves are tried, down to each single one that is refused: k of n
// cost about k*log n commands. With suspect set, one of the messages is known to
// be refused, and asking for all together is spared.
func (c *consignment) multi(ctx context.Context, from, to int, suspect bool) (clean bool, err error) {
	if c.whole != nil {
		c.refuse(c.portion.index[from:to], c.whole)
		return false, nil
	}
	if to-from == 1 {
		err = c.apart(ctx, from, to)
		return err == nil && c.receipts[c.portion.index[from]].Err == nil, err
	}
	if !suspect {
		results, err := c.session.Append(ctx, c.line.name, c.load(from, to), imap.Multi)
		if err != nil {
			return false, c.lost(err)
		}
		refusal := results[0].Err
		if refusal == nil {
			return true, c.delivered(ctx, from, results)
		}
		if isBad(refusal) {
			// A server that offers the command and does not know it may have stored the
			// first message already: nobody knows, and whoever asks looks.
			c.box.t.single.Store(true)
			return false, failure.New(failure.Transient, "append", c.where, "imap.multiappend", refusal)
		}
		wide := c.box.t.folderWide(ctx, c.session, c.line.name, c.where, refusal)
		if wide != nil && !tellable(wide) {
			return false, wide
		}
		if wide != nil {
			c.whole = wide
			c.refuse(c.portion.index[from:to], wide)
			return false, nil
		}
	}
	middle := (from + to) / 2
	left, err := c.multi(ctx, from, middle, false)
	if err != nil {
		return false, err
	}
	// With the left half taken the fault lies in the right one.
	_, err = c.multi(ctx, middle, to, left)
	return false, err
}

// apart sends messages in commands of their own, without waiting for each answer
// where the server permits (RFC 7888).
func (c *consignment) apart(ctx context.Context, from, to int) error {
	mode := imap.Synchronising
	if c.session.Has("LITERAL+") {
		mode = imap.Pipelined
	}
	results, err := c.session.Append(ctx, c.line.name, c.load(from, to), mode)
	if err != nil {
		return c.lost(err)
	}
	return c.delivered(ctx, from, results)
}

// delivered turns the server's answers into receipts.
func (c *consignment) delivered(ctx context.Context, from int, results []imap.AppendResult) error {
	for n, r := range results {
		i := c.portion.index[from+n]
		if r.Err != nil {
			if err := c.refused(ctx, i, r.Err); err != nil {
				return err
			}
			continue
		}
		switch {
		case r.UID == 0:
			c.line.next = 0
		case r.UIDValidity != c.at.validity:
			return failure.New(failure.Conflict, "append", c.where, "imap.uidvalidity",
				fmt.Errorf("the folder's UIDVALIDITY was %d and became %d: the server has made it anew", c.at.validity, r.UIDValidity))
		default:
			c.receipts[i].ID = uidText(r.UID)
			if c.line.next != 0 && r.UID < 1<<32-1 {
				c.line.next = max(c.line.next, r.UID+1)
			}
		}
	}
	return nil
}

// lost is the error of a command whose outcome is not known.
func (c *consignment) lost(err error) error {
	c.line.next = 0
	return c.box.t.fail("append", c.where, err)
}

// refused records what the server said of one message.
func (c *consignment) refused(ctx context.Context, i int, refusal error) error {
	wide := c.whole
	if wide == nil {
		wide = c.box.t.folderWide(ctx, c.session, c.line.name, c.where, refusal)
	}
	switch {
	case wide == nil:
		c.receipts[i] = connector.Receipt{Err: itemRefused(c.where+", from "+c.items[i].Key, refusal)}
	case !tellable(wide):
		return wide
	default:
		c.whole = wide
		c.receipts[i] = connector.Receipt{Err: wide}
	}
	return nil
}

// isBad reports whether the server did not understand the command.
func isBad(err error) bool {
	said, ok := errors.AsType[*imap.StatusError](err)
	return ok && said.Kind == "BAD"
}

// itemRefused is the refusal of one message, in the server's words. Its class is
// none that would speak of the folder.
func itemRefused(where string, refusal error) error {
	class, rule := failure.Malformed, "imap.refused"
	if failure.ClassOf(refusal) == failure.TooLarge {
		class, rule = failure.TooLarge, "imap.too-large"
	}
	return failure.New(class, "append message", where, rule, refusal)
}

// tellable says that a class of error in a receipt concerns the folder, for the
// engine, and that nothing was stored. Others end the batch.
func tellable(err error) bool {
	switch failure.ClassOf(err) {
	case failure.Full, failure.Denied, failure.Transient, failure.Throttled:
		return true
	default:
		return false
	}
}

// missingWords are how servers say that a mailbox is not there, or may not be
// seen, without a code.
var missingWords = []string{"does not exist", "doesn't exist", "no such mailbox", "unknown mailbox", "nonexistent mailbox", "permission denied", "access denied", "read-only", "read only"}

// speaksOfFolder reports whether a refusal without a code is about the folder.
func speaksOfFolder(text string) bool {
	text = strings.ToLower(text)
	for _, w := range missingWords {
		if strings.Contains(text, w) {
			return true
		}
	}
	return false
}
