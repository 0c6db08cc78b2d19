package imap

import (
	"context"
	"errors"
	"fmt"
	"io"
	"slices"
	"time"

	"waybill/failure"
	"waybill/imap/datetime"
	"waybill/imap/wire"
)

// AppendItem is one message to deliver.
type AppendItem struct {
	Flags []string  // atoms; others are refused, and \Recent too
	Date  time.Time // zero: none is sent
	Size  int64     // exactly the bytes that Body gives
	Body  io.Reader
}

// AppendResult is the known outcome for one message: stored when Err is nil. UID
// is 0 when the server did not tell it.
type AppendResult struct {
	UIDValidity, UID uint32
	Err              error
}

// AppendMode says how messages are put into commands.
type AppendMode int

const (
	// Multi is one command for all (MULTIAPPEND, RFC 3502): all or nothing. When it
	// is refused, every result has the same error. A server that does not offer
	// it gets Pipelined.
	Multi AppendMode = iota
	// Pipelined is one command for each, sent without waiting for the answers to
	// those before; each has an outcome of its own.
	Pipelined
	// Synchronising is Pipelined with a wait for the server's permission before
	// each message, whatever it offers.
	Synchronising
)

// finishRefused is how much of a message that was refused while it was sent is
// still sent for the sake of the connection.
const finishRefused = 1 << 20

// errBodySize is a Body that does not hold what Size promised.
var errBodySize = errors.New("the message does not have the size that was announced")

// Append delivers messages to a mailbox (RFC 9051 6.3.12).
//
// Without an error there is a result for every item (and the connection may have
// been cut all the same, when a large message was refused before it was sent in
// full: see Broken). With one the connection is
// of no more use, and the results are those of the first items whose outcome is
// known; whether one of the others was stored is not known, unless errors.As
// finds a *NotSent: then none of them was. A Body that gives more or fewer bytes
// than Size, or that fails, cuts the connection before the end of its command,
// so that nothing of it is stored.
//
// Items that cannot be sent (a flag that is no atom, a date without a four-digit
// year, a size above AppendLimit) are refused here with their own errors; the
// others are sent, in mode Multi none.
func (c *Conn) Append(ctx context.Context, mailbox string, items []AppendItem, mode AppendMode) ([]AppendResult, error) {
	end, err := c.begin(ctx)
	if err != nil {
		return nil, c.unsent(err)
	}
	defer end()
	if mode == Multi && !c.Has("MULTIAPPEND") {
		mode = Pipelined
	}
	a := &appender{c: c, mailbox: mailbox, items: items, mode: mode, results: make([]AppendResult, len(items))}
	a.changed.L = &a.mu
	a.nonSync = c.nonSync()
	if mode == Synchronising {
		a.nonSync = nil
	}
	if !a.check() {
		return a.results, nil
	}
	a.plan()
	go a.read()
	failed := a.write()
	return a.outcome(failed)
}

// unsent marks an error from before anything was sent.
func (c *Conn) unsent(err error) error {
	return failure.New(failure.ClassOf(err), "append messages", c.where(""), failure.RuleOf(err), &NotSent{Err: err})
}

// check refuses what cannot be sent; false when nothing is left to send.
func (a *appender) check() bool {
	limit, limited := a.c.AppendLimit()
	name := (&wire.Command{}).String(a.c.spell(a.mailbox))
	bad := 0
	for i, item := range a.items {
		var err error
		class, rule := failure.Unsupported, "imap.unsendable"
		switch {
		case name.Err() != nil:
			err = name.Err()
		case item.Size < 0:
			class, err = failure.Usage, fmt.Errorf("a size of %d", item.Size)
		case limited && item.Size > limit:
			class, rule, err = failure.TooLarge, "imap.append-limit", fmt.Errorf("%d bytes; the server takes %d", item.Size, limit)
		case !slices.ContainsFunc(item.Flags, func(f string) bool { return !wire.IsFlag(f) }):
			if !item.Date.IsZero() {
				_, err = datetime.Format(item.Date)
			}
		default:
			err = (&wire.Command{}).Flags(item.Flags).Err()
		}
		if err != nil {
			bad++
			a.results[i].Err = failure.New(class, "append a message", a.c.where(a.mailbox), rule, err)
		}
	}
	if bad > 0 && a.mode == Multi {
		for i := range a.results {
			if a.results[i].Err == nil {
				a.results[i].Err = failure.New(failure.Unsupported, "append messages", a.c.where(a.mailbox), "imap.unsendable",
					errors.New("another message of the same command cannot be sent"))
			}
		}
		return false
	}
	return bad < len(a.items)
}

// plan makes the commands: one for all or one for each.
func (a *appender) plan() {
	a.sending = make([]sending, len(a.items))
	for i := range a.items {
		if a.results[i].Err != nil {
			a.sending[i].refused = true
			continue
		}
		if a.mode == Multi && len(a.cmds) > 0 {
			a.sending[i].cmd = a.cmds[0]
			continue
		}
		a.c.tag++
		cmd := &command{name: "APPEND", where: a.mailbox, tag: a.c.tag}
		cmd.answered = func() { a.tell(func() { a.open-- }) }
		cmd.plus = func([]byte) { a.tell(nil) }
		a.sending[i].cmd = cmd
		a.cmds = append(a.cmds, cmd)
		a.c.pending = append(a.c.pending, cmd)
	}
	a.open = len(a.cmds)
}

// outcome waits for the reader and says what is known.
func (a *appender) outcome(failed error) ([]AppendResult, error) {
	c := a.c
	if failed != nil {
		a.giveUp(failed)
	}
	a.join()
	for _, s := range a.sending {
		if s.cmd != nil {
			a.judge(s.cmd)
		}
	}
	known := 0
	for known < len(a.items) && a.known(known) {
		known++
	}
	if known == len(a.items) {
		if failed != nil {
			_ = c.lose("append messages", failed)
		}
		return a.results, nil
	}
	if failed == nil {
		failed = errors.New("the connection ended before the answer")
	}
	err := c.lose("append messages", failed)
	for i := known; i < len(a.items); i++ {
		if s := a.sending[i]; !s.refused && (s.cmd.done || a.whole(s.cmd)) {
			return a.results[:known], err
		}
	}
	return a.results[:known], failure.New(failure.ClassOf(err), "append messages", c.where(a.mailbox), failure.RuleOf(err),
		&NotSent{Item: max(known, a.at), Err: err})
}

// judge fills in the results that an answer stands for.
func (a *appender) judge(cmd *command) {
	if !cmd.done || cmd.judged {
		return
	}
	cmd.judged = true
	var of []int
	for i, s := range a.sending {
		if s.cmd == cmd {
			of = append(of, i)
		}
	}
	err := a.c.verdict(cmd)
	validity, uids := cmd.answer.AppendUID(len(of))
	for n, i := range of {
		a.results[i].Err = err
		if err == nil {
			a.results[i].UIDValidity = validity
			if uids != nil {
				a.results[i].UID = uids[n]
			}
		}
	}
}

// known reports whether the outcome of an item is. An OK for a command that was
// not sent to its end means nothing.
func (a *appender) known(i int) bool {
	s := a.sending[i]
	return s.refused || s.cmd.done && (s.cmd.answer.Kind != "OK" || a.whole(s.cmd))
}

// whole reports whether the last byte of the command's last message may have
// reached the server. Servers need the line end behind it as well; we do not
// count on it.
func (a *appender) whole(cmd *command) bool { return cmd.end > 0 && cmd.end <= a.c.w.Sent() }
