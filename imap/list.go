package imap

import (
	"context"
	"strings"

	"waybill/imap/answer"
	"waybill/imap/boxname"
	"waybill/imap/wire"
)

// maxFolders bounds what one LIST may answer.
const maxFolders = 1 << 20

// List asks for folders (RFC 9051 6.3.9). An answer that is not understood is
// left out and counted: see Skipped.
func (c *Conn) List(ctx context.Context, reference, pattern string, o ListOptions) ([]ListItem, error) {
	w, cmd := c.newCommand("LIST")
	w.Raw(" ").String(c.spell(reference)).Raw(" ").String(c.spell(pattern))
	extended := c.Has("LIST-EXTENDED")
	var options []string
	if o.Subscribed && extended {
		options = append(options, "SUBSCRIBED")
	}
	if o.SpecialUse && c.Has("SPECIAL-USE") && extended {
		options = append(options, "SPECIAL-USE")
	}
	if items := c.statusItems(o.Status); len(o.Status) > 0 && c.Has("LIST-STATUS") && len(items) > 0 {
		options = append(options, "STATUS ("+strings.Join(items, " ")+")")
	}
	if len(options) > 0 {
		if extended {
			options = append(options, "CHILDREN")
		}
		w.Raw(" RETURN (").Raw(strings.Join(options, " ")).Raw(")")
	}
	return c.list(ctx, w, cmd, "LIST")
}

// Lsub asks for subscriptions (RFC 3501 6.3.9).
func (c *Conn) Lsub(ctx context.Context, reference, pattern string) ([]ListItem, error) {
	w, cmd := c.newCommand("LSUB")
	w.Raw(" ").String(c.spell(reference)).Raw(" ").String(c.spell(pattern))
	return c.list(ctx, w, cmd, "LSUB")
}

func (c *Conn) list(ctx context.Context, w *wire.Command, cmd *command, word string) ([]ListItem, error) {
	var items []ListItem
	var statuses []Status
	cmd.data = func(name []byte) (bool, error) {
		switch {
		case wire.Is(name, word):
			item, err := c.r.ListItem()
			if err == nil && len(items) < maxFolders {
				items = append(items, item)
			}
			return true, err
		case wire.Is(name, "STATUS"):
			status, err := c.r.Status(c.note)
			if err == nil && len(statuses) < maxFolders {
				statuses = append(statuses, status)
			}
			return true, err
		}
		return false, nil
	}
	if err := c.run(ctx, w, cmd); err != nil {
		return nil, err
	}
	if len(statuses) > 0 {
		byName := make(map[string]*Status, len(statuses))
		for i := range statuses {
			byName[boxname.Folded(statuses[i].Name)] = &statuses[i]
		}
		for i := range items {
			items[i].Status = byName[boxname.Folded(items[i].Name)]
		}
	}
	return items, nil
}

// statusNames are the items that Status knows, and what a server must offer for
// them.
var statusNames = map[string]string{
	"MESSAGES": "", "UIDNEXT": "", "UIDVALIDITY": "", "UNSEEN": "", "RECENT": "",
	"HIGHESTMODSEQ": "CONDSTORE", "SIZE": "STATUS=SIZE", "MAILBOXID": "OBJECTID",
	// Dovecot's own; whoever asks for it knows that it is Dovecot.
	"X-GUID": "",
}

// statusItems leaves out what the server does not offer.
func (c *Conn) statusItems(asked []string) []string {
	var items []string
	for _, item := range asked {
		item = strings.ToUpper(item)
		needs, known := statusNames[item]
		if !known || needs != "" && !c.Has(needs) && (needs != "CONDSTORE" || !c.condStore()) {
			continue
		}
		items = append(items, item)
	}
	return items
}

// statusAhead is how many STATUS commands are in flight.
const statusAhead = 32

// Status asks for the state of folders that need not be open (RFC 9051 6.3.11),
// several at a time. Items that the server does not offer are left out; without
// any, MESSAGES, UIDNEXT and UIDVALIDITY are asked for. The results stand in the
// order of names; the error is the connection's.
func (c *Conn) Status(ctx context.Context, names []string, items ...string) ([]StatusResult, error) {
	end, err := c.begin(ctx)
	if err != nil {
		return nil, err
	}
	defer end()
	items = c.statusItems(items)
	if len(items) == 0 {
		items = []string{"MESSAGES", "UIDNEXT", "UIDVALIDITY"}
	}
	list := " (" + strings.Join(items, " ") + ")"
	results := make([]StatusResult, len(names))
	sent := make([]*command, len(names))
	finish := func(i int) error {
		if sent[i] == nil {
			return nil // it could not be sent, and the result says so
		}
		err := c.wait(sent[i])
		results[i].Err = err
		return c.broken
	}
	for i, name := range names {
		if i >= statusAhead {
			if err := finish(i - statusAhead); err != nil {
				return nil, err
			}
		}
		w, cmd := c.newCommand("STATUS")
		cmd.where = name
		w.Raw(" ").String(c.spell(name)).Raw(list)
		result := &results[i]
		result.Status = answer.NoStatus(name)
		wireName, _ := c.r.Name([]byte(c.spell(name)))
		cmd.status, cmd.statusName = result, wireName
		cmd.data = c.statusFor
		if err := c.send(w, cmd); err != nil {
			if c.broken != nil {
				return nil, err
			}
			result.Err = err
			continue
		}
		sent[i] = cmd
	}
	for i := max(0, len(names)-statusAhead); i < len(names); i++ {
		if err := finish(i); err != nil {
			return nil, err
		}
	}
	return results, nil
}

// statusFor takes a STATUS answer: for the command that asked for that name, or,
// when the server spells it in a way of its own, for the oldest one in flight.
func (c *Conn) statusFor(word []byte) (bool, error) {
	if !wire.Is(word, "STATUS") {
		return false, nil
	}
	got, err := c.r.Status(c.note)
	if err != nil {
		return true, err
	}
	var target *StatusResult
	for _, cmd := range c.pending {
		if cmd.status == nil {
			continue
		}
		if boxname.Same(got.Name, cmd.statusName) {
			target = cmd.status
			break
		}
		if target == nil {
			target = cmd.status
		}
	}
	got.Name = target.Name
	target.Status = got
	return true, nil
}
