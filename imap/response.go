package imap

import (
	"bytes"
	"errors"
	"math"
	"strconv"

	"waybill/failure"
	"waybill/imap/answer"
	"waybill/imap/uidset"
	"waybill/imap/wire"
)

// step reads one response and hands it to whoever waits for it. Its errors are
// the connection's end; an answer that is not understood is counted.
func (c *Conn) step() error {
	if c.broken != nil {
		return c.broken
	}
	if err := c.r.Begin(); err != nil {
		return c.lose("read an answer", err)
	}
	if err := c.dispatch(); err != nil {
		return c.odd(&c.skipped, err)
	}
	return nil
}

// odd counts an answer that was not understood. Errors of the connection end it.
func (c *Conn) odd(s *skips, err error) error {
	if ioErr := c.r.Err(); ioErr != nil {
		return c.lose("read an answer", ioErr)
	}
	var known *failure.Error
	if !errors.As(err, &known) {
		known = c.notUnderstood(err)
	}
	s.add(known)
	return nil
}

// notUnderstood is the error for an answer, or a value of one, in the open mailbox.
func (c *Conn) notUnderstood(cause error) *failure.Error {
	return failure.New(failure.Malformed, "read an answer", c.where(c.box.name), "imap.protocol", cause)
}

// note counts a value that could not be read; the rest of its answer goes on.
func (c *Conn) note(cause error) { c.skipped.add(c.notUnderstood(cause)) }

// dispatch handles the response that the reader has begun.
func (c *Conn) dispatch() error {
	line := c.r.Rest()
	if len(line) == 0 {
		return nil
	}
	switch line[0] {
	case '+':
		c.continuation(bytes.TrimLeft(line[1:], " "))
		return nil
	case '*':
		c.r.Take('*')
		c.r.Space()
		return c.untagged()
	}
	return c.tagged()
}

func (c *Conn) continuation(text []byte) {
	for _, cmd := range c.pending {
		if !cmd.done {
			cmd.continued++
			if cmd.plus != nil {
				cmd.plus(text)
			}
			return
		}
	}
}

// tagged ends the command with that tag, whatever its place in line.
func (c *Conn) tagged() error {
	word := c.r.Atom()
	n := -1
	if len(word) > 1 && (word[0] == wire.TagPrefix || word[0] == wire.TagPrefix|0x20) {
		if v, err := strconv.Atoi(string(word[1:])); err == nil {
			n = v
		}
	}
	for i, cmd := range c.pending {
		if cmd.tag != n {
			continue
		}
		c.r.Space()
		kind := answer.Kind(c.r.Atom())
		if kind == "" || kind == "BYE" || kind == "PREAUTH" {
			return &wire.SyntaxError{Want: "OK, NO or BAD", Have: string(word)}
		}
		cmd.answer = answer.ParseLine(kind, c.r.Rest())
		cmd.done = true
		c.learn(cmd.answer)
		c.pending = append(c.pending[:i], c.pending[i+1:]...)
		if cmd.answered != nil {
			cmd.answered()
		}
		return nil
	}
	return &wire.SyntaxError{Want: "an answer to a command of ours", Have: string(word[:min(len(word), 80)])}
}

// untagged handles what follows "* ".
func (c *Conn) untagged() error {
	if b := c.r.Peek(); b >= '0' && b <= '9' {
		n, err := c.r.Number()
		if err != nil {
			return err
		}
		c.r.Space()
		return c.numbered(n)
	}
	word := c.r.Atom()
	if kind := answer.Kind(word); kind != "" {
		c.spoken(answer.ParseLine(kind, c.r.Rest()))
		return nil
	}
	if err := c.r.TooLong(); err != nil {
		return err
	}
	if wire.Is(word, "CAPABILITY") {
		c.setCapabilities(string(c.r.Rest()))
		return nil
	}
	for _, cmd := range c.pending {
		if cmd.data == nil || cmd.done {
			continue
		}
		if used, err := cmd.data(word); used || err != nil {
			return err
		}
	}
	for _, known := range [...]string{"FLAGS", "SEARCH", "ESEARCH", "LIST", "LSUB", "STATUS", "ENABLED", "NAMESPACE", "VANISHED", "ID", "ACL", "MYRIGHTS", "QUOTA", "QUOTAROOT", "METADATA"} {
		if wire.Is(word, known) { // nobody asked, or the answer came late
			if known == "VANISHED" {
				c.vanishedUnasked()
			}
			return nil
		}
	}
	return &wire.SyntaxError{Want: "a known answer", Have: string(word[:min(len(word), 80)])}
}

// numbered handles "* n word".
func (c *Conn) numbered(n uint64) error {
	word := c.r.Atom()
	switch {
	case wire.Is(word, "EXISTS"):
		c.box.exists = int64(n)
	case wire.Is(word, "EXPUNGE"):
		c.box.exists = max(c.box.exists-1, 0)
	case wire.Is(word, "RECENT"):
	case wire.Is(word, "FETCH"):
		if n == 0 || n > math.MaxUint32 {
			return &wire.SyntaxError{Want: "a message number", Have: strconv.FormatUint(n, 10)}
		}
		for _, cmd := range c.pending {
			if cmd.fetch != nil && !cmd.done {
				return cmd.fetch(uint32(n))
			}
		}
		return nil
	default:
		return &wire.SyntaxError{Want: "EXISTS, EXPUNGE, RECENT or FETCH", Have: string(word[:min(len(word), 80)])}
	}
	for _, cmd := range c.pending {
		if cmd.data != nil && !cmd.done {
			_, _ = cmd.data(append(strconv.AppendUint(nil, n, 10), word...))
			break
		}
	}
	return nil
}

// spoken handles untagged OK, NO, BAD, BYE and PREAUTH. NO and BAD out of turn
// are warnings (RFC 9051 7.1.2): none is an answer to a command.
func (c *Conn) spoken(s answer.Line) {
	c.learn(s)
	if s.Kind == "BYE" && !c.loggedOut {
		name := ""
		if len(c.pending) > 0 {
			name = c.pending[0].name
		}
		c.bye = c.statusError(s, name, "")
		c.pace.Hurry()
		return
	}
	for _, cmd := range c.pending {
		if cmd.code != nil && !cmd.done {
			cmd.code(s)
			return
		}
	}
}

// learn keeps what response codes say about the connection.
func (c *Conn) learn(s answer.Line) {
	if s.Code == "CAPABILITY" {
		c.setCapabilities(s.Argument)
	}
}

// vanishedUnasked counts down the messages of the open mailbox (RFC 7162 3.2.10).
func (c *Conn) vanishedUnasked() {
	c.r.Space()
	if c.r.Peek() == '(' {
		return // EARLIER: they were not counted
	}
	if set, ok := uidset.Parse(string(c.r.Atom())); ok {
		c.box.exists = max(c.box.exists-set.Count(), 0)
	}
}
