package imap

import (
	"context"
	"errors"

	"waybill/failure"
	"waybill/imap/answer"
	"waybill/imap/uidset"
	"waybill/imap/wire"
)

// Search finds messages by criteria of RFC 9051 6.4.4, which are sent as they
// stand. With ESEARCH (RFC 4731) the answer is a set and short.
func (c *Conn) Search(ctx context.Context, criteria string) (UIDSet, error) {
	if err := c.opened("UID SEARCH"); err != nil {
		return nil, err
	}
	w, cmd := c.newCommand("UID SEARCH")
	cmd.where = c.box.name
	if c.Has("ESEARCH") {
		w.Raw(" RETURN (ALL)")
	}
	w.Raw(" ").Raw(criteria)
	var found UIDSet
	cmd.data = func(name []byte) (bool, error) {
		switch {
		case wire.Is(name, "SEARCH"):
			return true, c.r.Search(&found)
		case wire.Is(name, "ESEARCH"):
			return true, c.r.ESearch(&found)
		}
		return false, nil
	}
	if err := c.run(ctx, w, cmd); err != nil {
		return nil, err
	}
	return found.Sorted(), nil
}

// Store changes flags (RFC 9051 6.4.6): op is FLAGS, +FLAGS or -FLAGS. With
// unchangedSince above 0 messages that changed since then are left alone and
// returned as modified (RFC 7162 3.1.3).
func (c *Conn) Store(ctx context.Context, set UIDSet, op string, flags []string, unchangedSince uint64) (changed []FetchItem, modified UIDSet, err error) {
	if err := c.opened("UID STORE"); err != nil {
		return nil, nil, err
	}
	switch op {
	case "FLAGS", "+FLAGS", "-FLAGS":
	default:
		return nil, nil, failure.New(failure.Usage, "do UID STORE", c.where(c.box.name), "imap.usage", errors.New("op is FLAGS, +FLAGS or -FLAGS"))
	}
	if unchangedSince > 0 && !c.condStore() {
		return nil, nil, c.unsupported("CONDSTORE", c.box.name)
	}
	for _, text := range set.Pieces() {
		w, cmd := c.newCommand("UID STORE")
		cmd.where = c.box.name
		w.Raw(" ").Raw(text)
		if unchangedSince > 0 {
			w.Raw(" (UNCHANGEDSINCE ").Number(int64(unchangedSince)).Raw(")")
		}
		w.Raw(" ").Raw(op).Raw(" ").Flags(flags)
		cmd.fetch = c.collect(&changed)
		err := c.run(ctx, w, cmd)
		if cmd.answer.Code == "MODIFIED" {
			if some, ok := uidset.Parse(cmd.answer.Argument); ok {
				modified = append(modified, some...)
			}
		}
		if err != nil {
			return changed, modified.Sorted(), err
		}
	}
	return changed, modified.Sorted(), nil
}

// Expunge removes those of the messages that are marked \Deleted, and no others
// (RFC 4315 2.1).
func (c *Conn) Expunge(ctx context.Context, set UIDSet) error {
	if !c.Has("UIDPLUS") {
		return c.unsupported("UIDPLUS", c.box.name)
	}
	if err := c.opened("UID EXPUNGE"); err != nil {
		return err
	}
	for _, text := range set.Pieces() {
		w, cmd := c.newCommand("UID EXPUNGE")
		cmd.where = c.box.name
		w.Raw(" ").Raw(text)
		if err := c.run(ctx, w, cmd); err != nil {
			return err
		}
	}
	return nil
}

// Copy copies messages to another folder (RFC 9051 6.4.7).
func (c *Conn) Copy(ctx context.Context, set UIDSet, to string) (CopyResult, error) {
	return c.transfer(ctx, "UID COPY", set, to)
}

// Move moves messages to another folder (RFC 6851).
func (c *Conn) Move(ctx context.Context, set UIDSet, to string) (CopyResult, error) {
	if !c.Has("MOVE") {
		return CopyResult{}, c.unsupported("MOVE", to)
	}
	return c.transfer(ctx, "UID MOVE", set, to)
}

// transfer copies or moves, in as many commands as the set's length asks for.
// When one fails, the result tells what those before it did.
func (c *Conn) transfer(ctx context.Context, words string, set UIDSet, to string) (CopyResult, error) {
	if err := c.opened(words); err != nil {
		return CopyResult{}, err
	}
	var result CopyResult
	told := true
	for _, text := range set.Pieces() {
		w, cmd := c.newCommand(words)
		cmd.where = to
		w.Raw(" ").Raw(text).Raw(" ").String(c.spell(to))
		var one CopyResult
		cmd.code = func(s answer.Line) {
			if r, ok := s.CopyUID(); ok {
				one = r
			}
		}
		err := c.run(ctx, w, cmd)
		if r, ok := cmd.answer.CopyUID(); ok && err == nil {
			one = r
		}
		switch {
		case one.UIDValidity == 0, result.UIDValidity != 0 && result.UIDValidity != one.UIDValidity:
			told = err != nil && told
		default:
			result.UIDValidity = one.UIDValidity
			result.Source = append(result.Source, one.Source...)
			result.Dest = append(result.Dest, one.Dest...)
		}
		if err != nil {
			if !told {
				result = CopyResult{}
			}
			return result, err
		}
	}
	if !told {
		return CopyResult{}, nil
	}
	return result, nil
}
