package imap

import (
	"context"

	"waybill/imap/line"
)

// Noop asks for news (RFC 9051 6.1.2).
func (c *Conn) Noop(ctx context.Context) error {
	w, cmd := c.newCommand("NOOP")
	return c.run(ctx, w, cmd)
}

// Logout says goodbye (RFC 9051 6.1.3) and closes the connection in any case.
func (c *Conn) Logout(ctx context.Context) error {
	if c.broken != nil {
		return nil
	}
	c.loggedOut = true
	w, cmd := c.newCommand("LOGOUT")
	err := c.run(ctx, w, cmd)
	_ = c.Close()
	return err
}

// Compress compresses both directions from here on (RFC 4978).
func (c *Conn) Compress(ctx context.Context) error {
	if !c.Has("COMPRESS=DEFLATE") {
		return c.unsupported("COMPRESS=DEFLATE", "")
	}
	w, cmd := c.newCommand("COMPRESS")
	w.Raw(" DEFLATE")
	if err := c.run(ctx, w, cmd); err != nil {
		return err
	}
	if err := c.w.Compress(c.sock); err != nil {
		return c.lose("compress", err)
	}
	c.r.Rebase(line.Decompress)
	return nil
}
