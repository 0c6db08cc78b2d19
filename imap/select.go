package imap

import (
	"context"
	"errors"
	"math"
	"strconv"
	"strings"

	"waybill/failure"
	"waybill/imap/answer"
	"waybill/imap/uidset"
	"waybill/imap/wire"
)

// Select opens a mailbox (RFC 9051 6.3.2, 6.3.3). When it fails, no mailbox is
// open.
func (c *Conn) Select(ctx context.Context, name string, o SelectOptions) (Selected, error) {
	if o.QResync != nil && !c.enabled["QRESYNC"] {
		if !c.Has("QRESYNC") {
			return Selected{}, c.unsupported("QRESYNC", name)
		}
		if _, err := c.Enable(ctx, "QRESYNC"); err != nil {
			return Selected{}, err
		}
	}
	words := "SELECT"
	if o.ReadOnly {
		words = "EXAMINE"
	}
	w, cmd := c.newCommand(words)
	cmd.where = name
	w.Raw(" ").String(c.spell(name))
	switch {
	case o.QResync != nil:
		w.Raw(" (QRESYNC (").Number(int64(o.QResync.UIDValidity)).Raw(" ").Number(int64(o.QResync.ModSeq)).Raw("))")
	case o.CondStore && c.condStore():
		w.Raw(" (CONDSTORE)")
	}
	end, err := c.begin(ctx)
	if err != nil {
		return Selected{}, err
	}
	defer end()
	s := Selected{}
	cmd.data = func(name []byte) (bool, error) { return c.selectData(&s, name) }
	cmd.code = func(status answer.Line) { c.selectCode(&s, status) }
	cmd.fetch = c.collect(&s.Changed)
	if err := c.send(w, cmd); err != nil {
		return Selected{}, err
	}
	c.box = box{}
	if err := c.wait(cmd); err != nil {
		return Selected{}, err
	}
	c.selectCode(&s, cmd.answer)
	s.ReadOnly = o.ReadOnly || cmd.answer.Code == "READ-ONLY"
	c.box = box{name: name, open: true, readOnly: s.ReadOnly, exists: s.Exists}
	return s, nil
}

// selectData takes FLAGS, EXISTS, RECENT and VANISHED. The numbered ones come as
// "12EXISTS".
func (c *Conn) selectData(s *Selected, name []byte) (bool, error) {
	switch {
	case wire.Is(name, "FLAGS"):
		flags, err := c.r.Flags()
		s.Flags = flags
		return true, err
	case wire.Is(name, "VANISHED"):
		set, _, err := c.r.Vanished()
		if err == nil && len(s.Vanished)+len(set) <= uidset.MaxRanges {
			s.Vanished = append(s.Vanished, set...)
		}
		return true, err
	}
	word := strings.TrimLeft(string(name), "0123456789")
	n, err := strconv.ParseInt(string(name[:len(name)-len(word)]), 10, 64)
	if err != nil {
		return false, nil
	}
	switch strings.ToUpper(word) {
	case "EXISTS":
		s.Exists = n
	case "RECENT":
		s.Recent = n
	case "EXPUNGE":
		s.Exists = max(s.Exists-1, 0)
	default:
		return false, nil
	}
	return true, nil
}

// selectCode takes the response codes of RFC 9051 7.1 and its extensions.
func (c *Conn) selectCode(s *Selected, status answer.Line) {
	switch status.Code {
	case "CLOSED": // RFC 7162 3.2.11: what came so far was of the mailbox before
		*s = Selected{}
	case "UIDVALIDITY":
		s.UIDValidity, _ = uidset.ParseUID(status.Argument)
	case "UIDNEXT":
		s.UIDNext, _ = uidset.ParseUID(status.Argument)
	case "HIGHESTMODSEQ":
		if n, err := strconv.ParseUint(status.Argument, 10, 64); err == nil && n <= math.MaxInt64 {
			s.HighestModSeq = n
		}
	case "NOMODSEQ":
		s.HighestModSeq = 0
	case "MAILBOXID":
		s.MailboxID = strings.Trim(status.Argument, "() ")
	case "PERMANENTFLAGS":
		s.PermanentFlags = []string{}
		for flag := range strings.FieldsSeq(strings.Trim(status.Argument, "() ")) {
			s.PermanentFlags = append(s.PermanentFlags, flag)
		}
	}
}

// Selected tells which mailbox is open.
func (c *Conn) Selected() (name string, readOnly, ok bool) {
	return c.box.name, c.box.readOnly, c.box.open
}

// Exists is the number of messages in the open mailbox as the server last told.
func (c *Conn) Exists() int64 { return c.box.exists }

// nowhere is a folder that exists on no server.
const nowhere = "waybill.no-such-folder.7d2a"

// Unselect closes the mailbox and removes nothing: with UNSELECT (RFC 3691), with
// CLOSE when it is open for reading only, or else by opening a folder that does
// not exist, which leaves none open (RFC 9051 6.3.2).
func (c *Conn) Unselect(ctx context.Context) error {
	if !c.box.open {
		return c.Broken()
	}
	words, expectNo := "UNSELECT", false
	switch {
	case c.Has("UNSELECT"):
	case c.box.readOnly:
		words = "CLOSE"
	default:
		words, expectNo = "EXAMINE", true
	}
	w, cmd := c.newCommand(words)
	cmd.where = c.box.name
	if expectNo {
		w.Raw(" ").String(nowhere)
	}
	err := c.run(ctx, w, cmd)
	if c.broken != nil {
		return err
	}
	var status *StatusError
	if expectNo && errors.As(err, &status) && status.Kind == "NO" {
		err = nil
	}
	if err == nil {
		c.box = box{}
	}
	return err
}

// opened is the error for commands that need an open mailbox.
func (c *Conn) opened(words string) error {
	if c.box.open {
		return nil
	}
	return failure.New(failure.Usage, "do "+words, c.host, "imap.no-mailbox", errors.New("no mailbox is open"))
}
