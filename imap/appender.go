package imap

import (
	"errors"
	"fmt"
	"io"
	"sync"

	"waybill/failure"
	"waybill/imap/datetime"
	"waybill/imap/line"
	"waybill/imap/wire"
)

// appender delivers the items of one Append. The caller's goroutine writes; one
// more reads the answers meanwhile, so that neither side ever waits for the
// other with full buffers, and a refusal is heard while we still write.
type appender struct {
	c       *Conn
	mailbox string
	items   []AppendItem
	mode    AppendMode
	nonSync func(int64) bool
	cmds    []*command
	sending []sending
	results []AppendResult
	at      int // the item that is being written

	// What follows belongs to both goroutines, and so do the commands.
	mu      sync.Mutex
	changed sync.Cond
	open    int  // commands without an answer
	bye     bool // the server takes no more
	over    bool // the reader has ended
}

// sending is how far an item got.
type sending struct {
	cmd     *command
	refused bool // by ourselves
}

// errBye ends writing when the server has said goodbye.
var errBye = errors.New("the server ends the connection")

// tell changes what both goroutines look at.
func (a *appender) tell(change func()) {
	if change != nil {
		change()
	}
	a.changed.Broadcast()
}

// read takes answers until there is one for each command. The lock is not held
// while the connection is waited for, and is while the answer is handled.
func (a *appender) read() {
	var err error
	for err == nil {
		a.mu.Lock()
		done := a.open == 0
		a.mu.Unlock()
		if done {
			break
		}
		err = a.c.r.Begin()
		a.mu.Lock()
		if err != nil {
			err = a.c.lose("append messages", err)
		} else if odd := a.c.dispatch(); odd != nil {
			err = a.c.odd(&a.c.skipped, odd)
		}
		if a.c.bye != nil {
			a.bye = true
		}
		a.changed.Broadcast()
		a.mu.Unlock()
	}
	a.mu.Lock()
	a.over = true
	a.changed.Broadcast()
	a.mu.Unlock()
}

// join waits for the reader.
func (a *appender) join() {
	a.await(func() bool { return false })
}

// await waits until enough holds, or the reader has ended.
func (a *appender) await(enough func() bool) {
	a.mu.Lock()
	defer a.mu.Unlock()
	for !enough() && !a.over {
		a.changed.Wait()
	}
}

// write sends everything. Its error is why it had to stop.
func (a *appender) write() error {
	w := &wire.Command{NonSync: a.nonSync, UTF8: a.c.r.UTF8}
	var before *command
	for i := range a.items {
		s := &a.sending[i]
		if s.refused {
			continue
		}
		a.at = i
		first := s.cmd != before
		if first && before != nil {
			if err := a.finish(before); err != nil {
				return err
			}
		}
		before = s.cmd
		if gone, err := a.gone(s.cmd); err != nil {
			return err
		} else if gone {
			continue
		}
		if err := a.one(w, s.cmd, i, first); err != nil {
			return err
		}
	}
	if before == nil {
		return nil
	}
	if err := a.finish(before); err != nil {
		return err
	}
	return a.c.w.Flush()
}

// gone reports whether the command was answered already: then no more of it is
// sent. The error ends all writing.
func (a *appender) gone(cmd *command) (bool, error) {
	a.mu.Lock()
	defer a.mu.Unlock()
	switch {
	case cmd.done && cmd.answer.Kind == "OK" && !a.whole(cmd):
		return true, failure.New(failure.Malformed, "append messages", a.c.where(a.mailbox), "imap.protocol",
			errors.New("the server confirms what it has not got yet"))
	case cmd.done:
		return true, nil
	case a.bye:
		return true, errBye
	case a.over:
		return true, errors.New("the connection ended")
	}
	return false, nil
}

// one sends one message: the command's beginning, or what announces the next
// message, and the message.
func (a *appender) one(w *wire.Command, cmd *command, i int, first bool) error {
	item := &a.items[i]
	if first {
		w.Begin(cmd.tag, "APPEND ").String(a.c.spell(a.mailbox))
	} else {
		w.Continue()
	}
	if len(item.Flags) > 0 {
		w.Raw(" ").Flags(item.Flags)
	}
	if !item.Date.IsZero() {
		date, err := datetime.Format(item.Date)
		if err != nil {
			return err
		}
		w.Raw(` "`).Raw(date).Raw(`"`)
	}
	w.Raw(" ").LiteralHeader(item.Size)
	if err := w.Err(); err != nil {
		return err
	}
	if a.c.o.Trace != nil {
		a.c.trace.Sent(fmt.Sprintf("%s <%d bytes>", w.Shown(), item.Size))
	}
	for n, part := range w.Parts() {
		if n > 0 {
			refused, err := a.permission(cmd)
			if err != nil || refused {
				return err
			}
		}
		if _, err := a.c.w.Write(part); err != nil {
			return err
		}
	}
	cmd.inside = true
	if last := i == len(a.items)-1 || a.sending[i+1].cmd != cmd; last {
		return a.body(cmd, item, i, true)
	}
	return a.body(cmd, item, i, false)
}

// permission waits for "+"; refused is true when the command was answered instead.
func (a *appender) permission(cmd *command) (refused bool, err error) {
	if err := a.c.w.Flush(); err != nil {
		return false, err
	}
	cmd.permits++
	a.await(func() bool { return cmd.done || cmd.continued >= cmd.permits || a.bye })
	cmd.inside = false
	return a.gone(cmd)
}

// body sends the message itself. The piece that completes it is sent when the
// Body has shown that it ends there, and not before.
func (a *appender) body(cmd *command, item *AppendItem, i int, last bool) error {
	c := a.c
	if c.chunk == nil {
		c.chunk = make([]byte, 32<<10)
	}
	body := item.Body
	if body == nil {
		body = eof{}
	}
	left, idle := item.Size, 0
	for ended := false; !ended; {
		n, err := a.pull(body, c.chunk[:min(int64(len(c.chunk)), left+1)])
		if int64(n) > left {
			return a.badBody(i, fmt.Errorf("%w: more than %d bytes", errBodySize, item.Size))
		}
		left -= int64(n)
		for left == 0 && err == nil { // the piece completes the message: is there more?
			var more int
			if more, err = a.pull(body, c.one[:]); more > 0 {
				return a.badBody(i, fmt.Errorf("%w: more than %d bytes", errBodySize, item.Size))
			}
			if idle++; idle > 100 {
				err = io.ErrNoProgress
			}
		}
		switch {
		case errors.Is(err, io.EOF):
			ended = true
		case err != nil:
			return a.badBody(i, err)
		case n == 0:
			if idle++; idle > 100 {
				return a.badBody(i, io.ErrNoProgress)
			}
		}
		if ended && left > 0 {
			return a.badBody(i, fmt.Errorf("%w: %d of %d bytes", errBodySize, item.Size-left, item.Size))
		}
		if ended && last {
			cmd.end = c.w.Sent() + int64(c.w.Buffered()+n)
		}
		if _, err := c.w.Write(c.chunk[:n]); err != nil {
			return err
		}
		if gone, err := a.gone(cmd); err != nil {
			return err
		} else if gone && left > finishRefused {
			return errRefused
		}
	}
	return nil
}

// errRefused cuts the connection rather than send all of a large message that
// was refused already.
var errRefused = errors.New("the rest of a refused message is not sent")

// pull reads from a Body. Silence does not count while we wait for it.
func (a *appender) pull(body io.Reader, p []byte) (int, error) {
	a.c.pace.Pause()
	defer a.c.pace.Resume()
	return body.Read(p)
}

type eof struct{}

func (eof) Read([]byte) (int, error) { return 0, io.EOF }

// badBody is the error for a message that the caller could not give.
func (a *appender) badBody(i int, err error) error {
	where := fmt.Sprintf("%s, item %d", a.c.where(a.mailbox), i)
	if errors.Is(err, errBodySize) {
		return &bodyFailed{failure.New(failure.Malformed, "append a message", where, "imap.body-size", err)}
	}
	return &bodyFailed{failure.New(failure.ClassOf(err), "append a message", where, failure.RuleOf(err), err)}
}

// bodyFailed tells a Body's errors from the connection's.
type bodyFailed struct{ error }

func (b *bodyFailed) Unwrap() error { return b.error }

// finish ends a command. What was answered at a "+" needs no end.
func (a *appender) finish(cmd *command) error {
	if !cmd.inside {
		return nil
	}
	cmd.inside = false
	_, err := a.c.w.WriteString("\r\n")
	return err
}

// giveUp ends the connection when writing had to stop: after the answers that
// can still be had.
func (a *appender) giveUp(why error) {
	c := a.c
	var body *bodyFailed
	switch {
	case errors.As(why, &body), errors.Is(why, errRefused):
		// The commands before this one are whole; their answers are on the way.
		if c.w.Flush() == nil {
			a.await(func() bool { return a.open == 0 || a.allBefore() })
		}
		_ = c.pace.Close()
	case c.pace.Cancelled(), errors.Is(why, line.ErrSilent):
		_ = c.pace.Close()
	case errors.As(why, new(*failure.Error)):
		_ = c.pace.Close()
	default:
		c.pace.Hurry()
	}
}

// allBefore reports whether every command before the present one is answered.
func (a *appender) allBefore() bool {
	present := a.sending[a.at].cmd
	for _, cmd := range a.cmds {
		if cmd == present {
			return true
		}
		if !cmd.done {
			return false
		}
	}
	return true
}
