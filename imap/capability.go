package imap

import (
	"context"
	"slices"
	"strconv"
	"strings"
)

const maxCapabilities = 1000

func (c *Conn) setCapabilities(list string) {
	c.caps, c.capSet = nil, map[string]bool{}
	for word := range strings.FieldsSeq(list) {
		if len(c.caps) == maxCapabilities {
			break
		}
		if upper := strings.ToUpper(word); !c.capSet[upper] {
			c.caps = append(c.caps, word)
			c.capSet[upper] = true
		}
	}
	for _, cmd := range c.pending {
		cmd.toldCapabilities = true
	}
	c.chooseCharset()
}

// chooseCharset tells how names are spelled from now on (RFC 6855 3, RFC 9051 5.1).
func (c *Conn) chooseCharset() {
	c.r.UTF8 = c.enabled["UTF8=ACCEPT"] || c.capSet["IMAP4REV2"] && c.rev2()
}

// forget drops what was learned; it must be asked again (RFC 9051 6.2.1).
func (c *Conn) forget() { c.caps, c.capSet = nil, nil }

// Has reports whether the server offers a capability, "MULTIAPPEND", in any case.
// Capabilities with a value are found with and without it: "APPENDLIMIT=1000".
// IMAP4rev2 contains a number of them (RFC 9051 E).
func (c *Conn) Has(capability string) bool {
	name := strings.ToUpper(capability)
	if c.capSet[name] {
		return true
	}
	if c.capSet["IMAP4REV2"] && c.rev2() && slices.Contains(inRev2, name) {
		return true
	}
	if name == "APPENDLIMIT" || name == "RIGHTS" {
		for have := range c.capSet {
			if strings.HasPrefix(have, name+"=") {
				return true
			}
		}
	}
	return false
}

// inRev2 are the extensions that IMAP4rev2 contains (RFC 9051 E).
var inRev2 = []string{"NAMESPACE", "UNSELECT", "UIDPLUS", "ESEARCH", "SEARCHRES", "ENABLE", "IDLE", "SASL-IR", "LIST-EXTENDED", "LIST-STATUS", "MOVE", "LITERAL-", "BINARY", "SPECIAL-USE", "STATUS=SIZE"}

// rev2 reports whether IMAP4rev2 is what is spoken: a server that offers both
// speaks it when it was enabled (RFC 9051 6.3.1).
func (c *Conn) rev2() bool { return !c.capSet["IMAP4REV1"] || c.enabled["IMAP4REV2"] }

// Capabilities are what the server offers, as it spells them.
func (c *Conn) Capabilities() []string { return slices.Clone(c.caps) }

// AppendLimit is the largest message in bytes that the server takes anywhere
// (RFC 7889); false when it does not say.
func (c *Conn) AppendLimit() (int64, bool) {
	for have := range c.capSet {
		if value, ok := strings.CutPrefix(have, "APPENDLIMIT="); ok {
			if n, err := strconv.ParseInt(value, 10, 64); err == nil && n >= 0 {
				return n, true
			}
		}
	}
	return 0, false
}

// condStore tells whether mailboxes may have mod-sequences (RFC 7162).
func (c *Conn) condStore() bool { return c.Has("CONDSTORE") || c.Has("QRESYNC") }

// askCapabilities sends CAPABILITY (RFC 9051 6.1.1) inside of an operation.
func (c *Conn) askCapabilities() error {
	w, cmd := c.newCommand("CAPABILITY")
	return c.do(w, cmd)
}

// Enable turns extensions on (RFC 5161) and returns those that the server
// confirms, in capitals.
func (c *Conn) Enable(ctx context.Context, caps ...string) ([]string, error) {
	if !c.Has("ENABLE") {
		return nil, c.unsupported("ENABLE", "")
	}
	w, cmd := c.newCommand("ENABLE")
	for _, name := range caps {
		w.Raw(" ").Raw(name)
	}
	var on []string
	cmd.data = func(name []byte) (bool, error) {
		if !strings.EqualFold(string(name), "ENABLED") {
			return false, nil
		}
		for word := range strings.FieldsSeq(strings.ToUpper(string(c.r.Rest()))) {
			on = append(on, word)
		}
		return true, nil
	}
	if err := c.run(ctx, w, cmd); err != nil {
		return nil, err
	}
	for _, name := range on {
		c.enabled[name] = true
	}
	c.chooseCharset()
	return on, nil
}
