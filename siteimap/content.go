package siteimap

import (
	"bytes"
	"context"
	"errors"
	"io"

	"waybill/failure"
	"waybill/mail"
	"waybill/siteimap/parts"
	"waybill/sitestore"
)

// maxHeld is how many bytes of a message are held in memory; longer ones are
// read from the site piece by piece.
const maxHeld = 1 << 20

// content is a message's bytes.
type content struct {
	box    *sitestore.Mailbox
	folder mail.Path
	msg    sitestore.Message
	held   []byte // nil for a long one
	parsed *parts.Part
	top    *parts.Part // only the header is known
}

// content gives a message's bytes. The message that was looked at last is kept:
// mail programs ask for one section after the other.
func (x *session) content(folder mail.Path, msg sitestore.Message) (*content, error) {
	if c := x.last; c != nil && c.msg.Digest == msg.Digest && c.msg.UID == msg.UID && c.folder == folder {
		return c, nil
	}
	c := &content{box: x.box, folder: folder, msg: msg}
	if msg.Size <= maxHeld {
		r, err := c.open(x.ctx)
		if err != nil {
			return nil, err
		}
		c.held, err = io.ReadAll(io.LimitReader(r, maxHeld+1))
		if err := errors.Join(err, r.Close()); err != nil {
			return nil, err
		}
		if int64(len(c.held)) != msg.Size {
			return nil, failure.New(failure.Malformed, "read message", string(folder), "serve.size", errors.New("the body is not as long as the index says"))
		}
	}
	x.last = c
	return c, nil
}

// open reads from the start.
func (c *content) open(ctx context.Context) (io.ReadCloser, error) {
	if c.held != nil {
		return io.NopCloser(bytes.NewReader(c.held)), nil
	}
	_, r, err := c.box.Open(ctx, c.folder, c.msg.UID)
	return r, err
}

// structure finds the message's parts.
func (c *content) structure(ctx context.Context) (*parts.Part, error) {
	return c.read(ctx, &c.parsed, parts.Parse)
}

// header finds the message's header and reads nothing else.
func (c *content) header(ctx context.Context) (*parts.Part, error) {
	if c.parsed != nil {
		return c.parsed, nil
	}
	return c.read(ctx, &c.top, parts.ParseTop)
}

func (c *content) read(ctx context.Context, into **parts.Part, parse func(io.Reader, int64) (*parts.Part, error)) (*parts.Part, error) {
	if *into != nil {
		return *into, nil
	}
	r, err := c.open(ctx)
	if err != nil {
		return nil, err
	}
	root, err := parse(r, c.msg.Size)
	if err := errors.Join(err, r.Close()); err != nil {
		return nil, err
	}
	*into = root
	return root, nil
}

// bytes reads a stretch into memory, at most limit bytes of it.
func (c *content) bytes(ctx context.Context, s parts.Span, limit int64) ([]byte, error) {
	s.End = min(s.End, s.Start+limit)
	if c.held != nil {
		return c.held[s.Start:s.End], nil
	}
	var b bytes.Buffer
	err := c.write(ctx, &b, s)
	return b.Bytes(), err
}

// write writes a stretch.
func (c *content) write(ctx context.Context, w io.Writer, s parts.Span) error {
	if c.held != nil {
		_, err := w.Write(c.held[s.Start:s.End])
		return err
	}
	r, err := c.open(ctx)
	if err != nil {
		return err
	}
	if _, err = io.CopyN(io.Discard, r, s.Start); err == nil {
		_, err = io.CopyN(w, r, s.End-s.Start)
	}
	return errors.Join(err, r.Close())
}
