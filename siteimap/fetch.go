package siteimap

import (
	"context"
	"errors"
	"fmt"
	"io"
	"slices"
	"time"

	"github.com/emersion/go-imap/v2"
	"github.com/emersion/go-imap/v2/imapserver"

	"waybill/failure"
	"waybill/mail"
	"waybill/siteimap/parts"
	"waybill/sitestore"
)

// Fetch is FETCH (RFC 9051 6.4.5). A message that is damaged does not keep the
// others back.
func (x *session) Fetch(w *imapserver.FetchWriter, set imap.NumSet, options *imap.FetchOptions) error {
	x.mu.Lock()
	defer x.mu.Unlock()
	if len(options.BinarySection) > 0 || len(options.BinarySectionSize) > 0 {
		return bad("BINARY is not offered")
	}
	for _, s := range options.BodySection {
		if len(s.Part) > parts.MaxDepth || s.Partial != nil && s.Partial.Offset > 1<<32-1 {
			return bad("there is no such section")
		}
	}
	if len(options.BodySection) > maxItems {
		return bad("too many items")
	}
	all, err := x.named(set)
	if err != nil {
		return err
	}
	f := &fetching{session: x, view: x.view, options: options, w: w}
	for some := range slices.Chunk(all, readAtOnce) {
		if err := f.some(some); err != nil {
			return refusal(err)
		}
	}
	if f.damaged != nil {
		return refusal(f.damaged)
	}
	return vanished(set, f.missing)
}

// maxItems bounds what one FETCH asks for.
const maxItems = 200

// errBroken says that the connection cannot be used any further.
var errBroken = errors.New("the connection is broken")

// fetching is one FETCH under way.
type fetching struct {
	session *session
	view    *view
	options *imap.FetchOptions
	w       *imapserver.FetchWriter
	missing int
	damaged error
}

// reads reports whether the messages become \Seen.
func (f *fetching) reads() bool {
	return !f.view.readOnly && slices.ContainsFunc(f.options.BodySection, func(s *imap.FetchItemBodySection) bool { return !s.Peek })
}

func (f *fetching) some(some []message) error {
	x := f.session
	found, err := x.box.Messages(x.ctx, f.view.path, uidsOf(some))
	if err != nil {
		return err
	}
	fresh := map[uint32]mail.FlagSet{}
	if f.reads() {
		if fresh, err = f.read(found); err != nil {
			return err
		}
	}
	f.missing += len(some) - len(found)
	for _, m := range found {
		flags, read := fresh[m.UID]
		if read {
			m.Flags = flags
		}
		i, _ := slices.BinarySearch(f.view.uids, m.UID)
		err := f.one(uint32(i+1), m, read)
		switch {
		case err == nil:
		case errors.Is(err, errBroken), x.ctx.Err() != nil:
			return err
		case failure.ClassOf(err) == failure.Vanished:
			f.missing++
		default:
			x.server.opt.Log(fmt.Sprintf("message %d in %q of %q cannot be sent: %v", m.UID, f.view.path, x.account, err))
			f.damaged = err
		}
	}
	return nil
}

// read marks what was unread.
func (f *fetching) read(found []sitestore.Message) (map[uint32]mail.FlagSet, error) {
	var unread []uint32
	for _, m := range found {
		if m.Flags.System&mail.Seen == 0 {
			unread = append(unread, m.UID)
		}
	}
	marked, err := f.session.mark(unread, markAdd, mail.FlagSet{System: mail.Seen})
	fresh := map[uint32]mail.FlagSet{}
	for _, m := range marked {
		fresh[m.UID] = m.Flags
	}
	return fresh, err
}

// one sends one message. Whatever may fail is done before its first byte, but
// for reading long bodies.
func (f *fetching) one(seq uint32, m sitestore.Message, read bool) error {
	x, o := f.session, f.options
	c, root, err := f.look(m)
	if err != nil {
		return err
	}
	pieces := make([]piece, len(o.BodySection))
	for i, s := range o.BodySection {
		if pieces[i], err = c.piece(x.ctx, root, s); err != nil {
			return err
		}
	}
	described := o.Envelope || o.BodyStructure != nil
	if described {
		if err := f.describe(seq, m, root, read); err != nil || len(pieces) == 0 {
			return err
		}
	}
	w := f.w.CreateMessage(seq)
	if o.UID {
		w.WriteUID(imap.UID(m.UID))
	}
	if (o.Flags || read) && !described {
		w.WriteFlags(imapFlags(shownFlags(m.Flags)))
	}
	if o.InternalDate && !described {
		w.WriteInternalDate(dateOf(m))
	}
	if o.RFC822Size && !described {
		w.WriteRFC822Size(m.Size)
	}
	for i, s := range o.BodySection {
		to := w.WriteBodySection(s, pieces[i].size())
		// From here on the message must go out whole.
		if err := errors.Join(pieces[i].write(x.ctx, to, c), to.Close()); err != nil {
			x.gate.Abort()
			_ = w.Close()
			return errors.Join(errBroken, err)
		}
	}
	if err := w.Close(); err != nil {
		return errors.Join(errBroken, err)
	}
	return nil
}

// dateOf is when a message arrived.
func dateOf(m sitestore.Message) time.Time {
	if m.Date.IsZero() { // not known
		return time.Unix(0, 0).UTC()
	}
	return m.Date
}

// describe sends ENVELOPE, BODY and BODYSTRUCTURE, with everything that is asked
// for but sections, which follow in a response of their own. go-imap's writer
// makes dates new, sorts parameters and puts spaces between addresses, where RFC
// 9051 9 has none.
func (f *fetching) describe(seq uint32, m sitestore.Message, root *parts.Part, read bool) error {
	o, l := f.options, &parts.Line{}
	l.Add("* %d FETCH (UID %d", seq, m.UID)
	if o.Flags || read {
		l.Add(" FLAGS ").Words(shownFlags(m.Flags))
	}
	if o.InternalDate {
		l.Add(` INTERNALDATE "%s"`, dateOf(m).Format("_2-Jan-2006 15:04:05 -0700"))
	}
	if o.RFC822Size {
		l.Add(" RFC822.SIZE %d", m.Size)
	}
	if o.Envelope {
		l.Add(" ENVELOPE ")
		parts.WriteEnvelope(l, root.Raw)
	}
	if o.BodyStructure != nil {
		// When both are asked for, go-imap tells of the longer one.
		name := "BODY"
		if o.BodyStructure.Extended {
			name = "BODYSTRUCTURE"
		}
		l.Add(" %s ", name)
		parts.WriteStructure(l, root, o.BodyStructure.Extended)
	}
	if err := f.session.gate.Say("%s)", l); err != nil {
		return errors.Join(errBroken, err)
	}
	return nil
}

// look reads of a message what the items need.
func (f *fetching) look(m sitestore.Message) (c *content, root *parts.Part, err error) {
	o := f.options
	body, header, parts := len(o.BodySection) > 0, o.Envelope, o.BodyStructure != nil
	for _, s := range o.BodySection {
		header = header || !isWhole(s)
		parts = parts || len(s.Part) > 0
	}
	if !body && !header && !parts {
		return nil, nil, nil
	}
	x := f.session
	if c, err = x.content(f.view.path, m); err != nil {
		return nil, nil, err
	}
	switch {
	case parts:
		root, err = c.structure(x.ctx)
	case header:
		root, err = c.header(x.ctx)
	}
	return c, root, err
}

// piece is a section, ready to be sent: a text that was put together, or a
// stretch of the message.
type piece struct {
	text   []byte
	isText bool
	span   parts.Span
}

func (p piece) size() int64 {
	if p.isText {
		return int64(len(p.text))
	}
	return p.span.Size()
}

func (p piece) write(ctx context.Context, w io.Writer, c *content) error {
	if !p.isText {
		return c.write(ctx, w, p.span)
	}
	_, err := w.Write(p.text)
	return err
}
