package imap

import (
	"context"

	"waybill/failure"
	"waybill/imap/wire"
)

// simple runs a command that has names as arguments and no answer but OK.
func (c *Conn) simple(ctx context.Context, words string, names ...string) error {
	w, cmd := c.newCommand(words)
	for _, name := range names {
		w.Raw(" ").String(c.spell(name))
	}
	cmd.where = names[0]
	return c.run(ctx, w, cmd)
}

// Create makes a folder (RFC 9051 6.3.4), with a special use, \Sent, where
// CREATE-SPECIAL-USE is offered (RFC 6154 3); without, one is Unsupported.
func (c *Conn) Create(ctx context.Context, name, specialUse string) error {
	if specialUse == "" {
		return c.simple(ctx, "CREATE", name)
	}
	if !c.Has("CREATE-SPECIAL-USE") {
		return c.unsupported("CREATE-SPECIAL-USE", name)
	}
	w, cmd := c.newCommand("CREATE")
	cmd.where = name
	w.Raw(" ").String(c.spell(name)).Raw(" (USE ").Flags([]string{specialUse}).Raw(")")
	return c.run(ctx, w, cmd)
}

// Delete removes a folder (RFC 9051 6.3.5).
func (c *Conn) Delete(ctx context.Context, name string) error { return c.simple(ctx, "DELETE", name) }

// Rename renames a folder and those in it (RFC 9051 6.3.6).
func (c *Conn) Rename(ctx context.Context, from, to string) error {
	return c.simple(ctx, "RENAME", from, to)
}

// Subscribe adds a folder to the subscriptions (RFC 9051 6.3.7).
func (c *Conn) Subscribe(ctx context.Context, name string) error {
	return c.simple(ctx, "SUBSCRIBE", name)
}

// Unsubscribe takes a folder from the subscriptions (RFC 9051 6.3.8).
func (c *Conn) Unsubscribe(ctx context.Context, name string) error {
	return c.simple(ctx, "UNSUBSCRIBE", name)
}

// MyRights tells what the user may do with a folder (RFC 4314 3.5).
func (c *Conn) MyRights(ctx context.Context, name string) (string, error) {
	if !c.Has("ACL") {
		return "", c.unsupported("ACL", name)
	}
	w, cmd := c.newCommand("MYRIGHTS")
	cmd.where = name
	w.Raw(" ").String(c.spell(name))
	var rights string
	cmd.data = func(word []byte) (bool, error) {
		if !wire.Is(word, "MYRIGHTS") {
			return false, nil
		}
		var err error
		rights, err = c.r.MyRights()
		return true, err
	}
	err := c.run(ctx, w, cmd)
	return rights, err
}

// GetACL reads who may do what with a folder (RFC 4314 3.3).
func (c *Conn) GetACL(ctx context.Context, name string) ([]ACLEntry, error) {
	if !c.Has("ACL") {
		return nil, c.unsupported("ACL", name)
	}
	w, cmd := c.newCommand("GETACL")
	cmd.where = name
	w.Raw(" ").String(c.spell(name))
	var entries []ACLEntry
	cmd.data = func(word []byte) (bool, error) {
		if !wire.Is(word, "ACL") {
			return false, nil
		}
		return true, c.r.ACL(&entries)
	}
	err := c.run(ctx, w, cmd)
	return entries, err
}

// SetACL gives identifier exactly these rights, or more with "+" and fewer with
// "-" before them (RFC 4314 3.1).
func (c *Conn) SetACL(ctx context.Context, name, identifier, rights string) error {
	if !c.Has("ACL") {
		return c.unsupported("ACL", name)
	}
	w, cmd := c.newCommand("SETACL")
	cmd.where = name
	w.Raw(" ").String(c.spell(name)).Raw(" ").String(identifier).Raw(" ").String(rights)
	return c.run(ctx, w, cmd)
}

// DeleteACL takes all rights from identifier (RFC 4314 3.2).
func (c *Conn) DeleteACL(ctx context.Context, name, identifier string) error {
	if !c.Has("ACL") {
		return c.unsupported("ACL", name)
	}
	w, cmd := c.newCommand("DELETEACL")
	cmd.where = name
	w.Raw(" ").String(c.spell(name)).Raw(" ").String(identifier)
	return c.run(ctx, w, cmd)
}

// QuotaRoot reads the quota that a folder counts against (RFC 9208 4.2.2).
func (c *Conn) QuotaRoot(ctx context.Context, name string) ([]Quota, error) {
	if !c.Has("QUOTA") {
		return nil, c.unsupported("QUOTA", name)
	}
	w, cmd := c.newCommand("GETQUOTAROOT")
	cmd.where = name
	w.Raw(" ").String(c.spell(name))
	var quotas []Quota
	cmd.data = func(word []byte) (bool, error) {
		switch {
		case wire.Is(word, "QUOTAROOT"):
			return true, nil // the roots follow with their numbers
		case wire.Is(word, "QUOTA"):
			q, err := c.r.Quota()
			if err == nil && len(quotas) < maxCapabilities {
				quotas = append(quotas, q)
			}
			return true, err
		}
		return false, nil
	}
	err := c.run(ctx, w, cmd)
	return quotas, err
}

// SetQuota sets the limits of a quota root; resources that are not named have
// none afterwards (RFC 9208 4.1.3).
func (c *Conn) SetQuota(ctx context.Context, root string, limits map[string]int64) error {
	if !c.Has("QUOTA") {
		return c.unsupported("QUOTA", root)
	}
	w, cmd := c.newCommand("SETQUOTA")
	cmd.where = root
	w.Raw(" ").String(root).Raw(" (")
	first := true
	for name, limit := range limits {
		if !wire.IsAtom(name) || limit < 0 {
			return failure.New(failure.Usage, "do SETQUOTA", c.where(root), "imap.usage", nil)
		}
		if !first {
			w.Raw(" ")
		}
		first = false
		w.Raw(name).Raw(" ").Number(limit)
	}
	w.Raw(")")
	return c.run(ctx, w, cmd)
}

// GetMetadata reads annotations (RFC 5464 4.2) of a folder, or of the server when
// mailbox is empty. Entries that have no value are not in the map.
func (c *Conn) GetMetadata(ctx context.Context, mailbox string, entries ...string) (map[string]string, error) {
	if !c.Has("METADATA") && (mailbox != "" || !c.Has("METADATA-SERVER")) {
		return nil, c.unsupported("METADATA", mailbox)
	}
	w, cmd := c.newCommand("GETMETADATA")
	cmd.where = mailbox
	w.Raw(" ").String(c.spell(mailbox)).Raw(" (")
	for i, entry := range entries {
		if i > 0 {
			w.Raw(" ")
		}
		w.String(entry)
	}
	w.Raw(")")
	found := map[string]string{}
	cmd.data = func(word []byte) (bool, error) {
		if !wire.Is(word, "METADATA") {
			return false, nil
		}
		return true, c.r.Metadata(found)
	}
	if err := c.run(ctx, w, cmd); err != nil {
		return nil, err
	}
	return found, nil
}

// SetMetadata writes an annotation (RFC 5464 4.3); an empty value removes it.
func (c *Conn) SetMetadata(ctx context.Context, mailbox, entry, value string) error {
	if !c.Has("METADATA") && (mailbox != "" || !c.Has("METADATA-SERVER")) {
		return c.unsupported("METADATA", mailbox)
	}
	w, cmd := c.newCommand("SETMETADATA")
	cmd.where = mailbox
	w.Raw(" ").String(c.spell(mailbox)).Raw(" (").String(entry).Raw(" ")
	if value == "" {
		w.Raw("NIL")
	} else {
		w.String(value)
	}
	w.Raw(")")
	return c.run(ctx, w, cmd)
}
