// Package imap is a client for IMAP servers as they are (RFC 3501, RFC 9051 and
// the extensions that moving mail needs). It streams in both directions, keeps
// several commands in flight, and goes on after answers that it does not
// understand.
package imap

import (
	"context"
	"errors"
	"net"

	"waybill/failure"
	"waybill/imap/answer"
	"waybill/imap/boxname"
	"waybill/imap/fault"
	"waybill/imap/line"
	"waybill/imap/wire"
)

// Conn is one connection. It serves one goroutine at a time.
type Conn struct {
	o    Options
	host string
	pace *line.Conn
	sock net.Conn // what is spoken through: pace, or TLS over it
	r    answer.Reader
	w    *line.Writer

	tag       int
	caps      []string
	capSet    map[string]bool
	pending   []*command
	streams   []*FetchStream
	box       box
	enabled   map[string]bool
	loggedIn  bool
	loggedOut bool
	bye       *StatusError
	broken    error
	skipped   skips
	chunk     []byte // of a message on its way out
	one       [1]byte
	trace     line.Trace
}

// box is the open mailbox.
type box struct {
	name     string
	open     bool
	readOnly bool
	exists   int64
}

// command is one command that was sent, until its tagged answer is read.
type command struct {
	name  string // first words
	where string // the folder, for errors
	tag   int
	done  bool
	// answer is the tagged answer.
	answer answer.Line
	// data is offered untagged data with the reader behind its name; it reports
	// whether the data was this command's.
	data func(name []byte) (bool, error)
	// fetch is offered FETCH data with the reader behind the word FETCH.
	fetch func(seq uint32) error
	// code is told the response codes of untagged OK answers.
	code func(s answer.Line)
	// status is where the answer to STATUS goes, statusName the folder as the
	// server spells it.
	status     *StatusResult
	statusName string
	// plus is told the text of continuations; nil: they are only counted.
	plus      func(text []byte)
	continued int
	// What follows is of APPEND: how often permission was asked for, whether a
	// literal was begun whose line end is still to come, whether the answer was
	// made a result, and behind which byte the last message ends.
	permits        int
	inside, judged bool
	end            int64
	// answered is told when the tagged answer is there.
	answered func()
	// toldCapabilities is set when CAPABILITY came while the command ran.
	toldCapabilities bool
}

const maxSkips = 1000

// skips are answers that were not understood.
type skips struct {
	errs  []error
	count int
}

func (s *skips) add(err error) {
	s.count++
	if len(s.errs) < maxSkips {
		s.errs = append(s.errs, err)
	}
}

// Skipped returns, and forgets, the answers outside of FETCH that were not
// understood, at most 1,000 of them. A folder may have been missing from a list
// because of one.
func (c *Conn) Skipped() []error {
	errs := c.skipped.errs
	c.skipped = skips{}
	return errs
}

// Broken is why the connection cannot be used any more; nil: it can.
func (c *Conn) Broken() error {
	if c.broken == nil && c.pace.Cancelled() {
		return c.lose("use the connection", c.pace.Reason())
	}
	return c.broken
}

// lose keeps the first reason why the connection is of no more use. A BYE that
// came before says more than the end of the connection.
func (c *Conn) lose(op string, err error) error {
	if c.broken != nil {
		return c.broken
	}
	switch {
	case c.pace.Cancelled():
		c.broken = fault.Lost(op, c.where(""), c.pace.Reason())
	case c.bye != nil:
		c.broken = fault.Refused(c.bye)
	default:
		c.broken = fault.Lost(op, c.where(""), err)
	}
	_ = c.pace.Close()
	return c.broken
}

// where is the host, with a folder if there is one.
func (c *Conn) where(folder string) string {
	if folder == "" {
		return c.host
	}
	return c.host + ", " + boxname.Shown(folder)
}

// Close ends the connection without ceremony.
func (c *Conn) Close() error {
	if c.broken == nil {
		c.broken = failure.New(failure.Usage, "use the connection", c.host, "imap.closed", net.ErrClosed)
		_ = c.pace.Close()
	}
	for _, s := range c.streams {
		s.spool.Close()
		s.end()
	}
	return nil
}

// begin readies the connection for an operation that nothing may be in flight
// for: streams that were not read to their end are.
func (c *Conn) begin(ctx context.Context) (end func() bool, err error) {
	if err := c.usable(ctx); err != nil {
		return nil, err
	}
	end = c.pace.Begin(ctx)
	if err := c.supersede(nil); err != nil {
		end()
		return nil, err
	}
	return end, nil
}

// usable tells why no operation can begin. A context that is over already leaves
// the connection as it is.
func (c *Conn) usable(ctx context.Context) error {
	if err := c.Broken(); err != nil {
		return err
	}
	if err := ctx.Err(); err != nil {
		return fault.Lost("speak IMAP", c.host, context.Cause(ctx))
	}
	return nil
}

// spell is a folder's name as it goes over the wire.
func (c *Conn) spell(name string) string { return boxname.Encode(name, c.r.UTF8) }

// newCommand starts putting a command together.
func (c *Conn) newCommand(words string) (*wire.Command, *command) {
	c.tag++
	w := &wire.Command{NonSync: c.nonSync(), UTF8: c.r.UTF8}
	return w.Begin(c.tag, words), &command{name: words, tag: c.tag}
}

// nonSync tells which literals need no permission (RFC 7888).
func (c *Conn) nonSync() func(int64) bool {
	switch {
	case c.capSet["LITERAL+"]:
		return func(int64) bool { return true }
	case c.capSet["LITERAL-"], c.capSet["IMAP4REV2"]:
		return func(n int64) bool { return n <= 4096 }
	}
	return nil
}

// send puts a command on its way. Where a literal needs permission it waits for
// it, and stops when the server refuses: cmd is done then.
func (c *Conn) send(w *wire.Command, cmd *command) error {
	if err := w.End().Err(); err != nil {
		return failure.New(failure.Unsupported, "do "+cmd.name, c.where(cmd.where), "imap.unsendable", err)
	}
	if c.o.Trace != nil {
		c.trace.Sent(w.Shown())
	}
	c.pending = append(c.pending, cmd)
	for i, part := range w.Parts() {
		if i > 0 {
			if ok, err := c.awaitPlus(cmd, i); err != nil || !ok {
				return err
			}
		}
		if _, err := c.w.Write(part); err != nil {
			return c.writeFailed(err)
		}
		if err := c.w.Flush(); err != nil {
			return c.writeFailed(err)
		}
	}
	return nil
}

// awaitPlus waits until cmd was continued n times; false when it was answered
// instead.
func (c *Conn) awaitPlus(cmd *command, n int) (bool, error) {
	for cmd.continued < n && !cmd.done {
		if err := c.step(); err != nil {
			return false, err
		}
	}
	return !cmd.done, nil
}

// writeFailed reads what the server may have said before it stopped listening.
func (c *Conn) writeFailed(err error) error {
	if c.broken != nil {
		return c.broken
	}
	if errors.Is(err, line.ErrSilent) || c.pace.Cancelled() {
		return c.lose("send a command", err)
	}
	c.pace.Hurry()
	for range maxSkips {
		if c.bye != nil || c.r.Begin() != nil {
			break
		}
		_ = c.dispatch()
	}
	return c.lose("send a command", err)
}

// wait reads until cmd is answered, and makes an error of NO and BAD.
func (c *Conn) wait(cmd *command) error {
	for !cmd.done {
		if err := c.step(); err != nil {
			return err
		}
	}
	return c.verdict(cmd)
}

// verdict is the error that the tagged answer stands for.
func (c *Conn) verdict(cmd *command) error {
	if cmd.answer.Kind == "OK" {
		return nil
	}
	return fault.Refused(c.statusError(cmd.answer, cmd.name, cmd.where))
}

func (c *Conn) statusError(s answer.Line, name, folder string) *StatusError {
	return &StatusError{Kind: s.Kind, Code: s.Code, Argument: c.trace.Redact(s.Argument), Text: c.trace.Redact(s.Text), Command: name, Where: c.where(folder)}
}

// run sends one command and waits for its answer.
func (c *Conn) run(ctx context.Context, w *wire.Command, cmd *command) error {
	end, err := c.begin(ctx)
	if err != nil {
		return err
	}
	defer end()
	return c.do(w, cmd)
}

// do is run inside of an operation that has begun.
func (c *Conn) do(w *wire.Command, cmd *command) error {
	if err := c.send(w, cmd); err != nil {
		return err
	}
	return c.wait(cmd)
}
