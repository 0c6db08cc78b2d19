package source

import (
	"context"
	"errors"
	"fmt"
	"io"
	"strconv"

	"waybill/failure"
	"waybill/imap"
	"waybill/mail"
)

var errNoBody = errors.New("the server has the message and shows no body of it")

// sessionSearcher is what missing needs of a session.
type sessionSearcher interface {
	Search(ctx context.Context, criteria string) (imap.UIDSet, error)
}

func endOfAnswer(err error) bool { return errors.Is(err, io.EOF) }

func imapNumber(uid uint32) string { return strconv.FormatUint(uint64(uid), 10) }

// renumbered is the error of a folder whose messages have other UIDs by now.
func renumbered(op, where string, was, is uint32) error {
	return failure.New(failure.Transient, op, where, "imap.uidvalidity",
		fmt.Errorf("the server has renumbered the folder: UIDVALIDITY was %d and is %d", was, is)).
		WithRemedy("run again: the folder is then listed anew and compared by content")
}

// Open reads from the line as the bytes come, and from the answer to Announce
// where it is the message's turn.
func (b *sourceBox) Open(ctx context.Context, path mail.Path, m mail.Message) (io.ReadCloser, error) {
	const op = "open message"
	where := b.user + " " + string(path) + " " + m.Key
	if err := b.link.lock(ctx, op, where); err != nil {
		return nil, err
	}
	defer b.link.unlock()
	f, err := b.find(op, path)
	if err != nil {
		return nil, err
	}
	validity, uid, ok := parseKey(m.Key)
	if !ok {
		return nil, failure.New(failure.Vanished, op, where, "imap.message", nil)
	}
	l := b.link
	body, ok, err := l.fromAhead(ctx, f, validity, uid)
	if err != nil {
		return nil, err
	}
	if !ok {
		if body, err = l.alone(ctx, f, validity, uid); err != nil {
			return nil, err
		}
	}
	body.where = where
	if m.Size >= 0 && body.size >= 0 && m.Size != body.size {
		b.source.sizesLie.Store(true)
	}
	return body, nil
}

// body makes a reader of an item that has just come.
func (l *sourceLink) body(ctx context.Context, a *answer, item *imap.FetchItem, stop func() bool) *sourceBody {
	r := &sourceBody{link: l, ctx: ctx, answer: a, from: item.Body, size: item.BodySize, stop: stop}
	l.current = r
	return r
}

// sourceBody is the body of one message: on the line, or put aside.
type sourceBody struct {
	link   *sourceLink
	ctx    context.Context
	where  string
	answer *answer
	from   io.Reader
	size   int64
	stop   func() bool // ends the watch over ctx
	aside  *spool      // set once the line was needed for something else
	err    error       // what the next Read returns
	closed bool
}

// Size is the length that the server states before the bytes.
func (r *sourceBody) Size() int64 { return r.size }

func (r *sourceBody) Read(p []byte) (int, error) {
	const op = "read message"
	if err := r.link.lock(r.ctx, op, r.where); err != nil {
		return 0, err
	}
	defer r.link.unlock()
	switch {
	case r.closed:
		return 0, failure.New(failure.Internal, op, r.where, "imap.closed", nil)
	case r.err != nil:
		return 0, r.err
	case r.aside != nil:
		n, err := r.aside.Read(p)
		if err != nil && !endOfAnswer(err) {
			err = failure.New(failure.Transient, op, r.where, "imap.spool", err)
		}
		return n, err
	}
	n, err := r.from.Read(p)
	switch {
	case err == nil:
	case endOfAnswer(err):
		r.done()
		r.err = io.EOF
	default:
		r.err = r.link.source.fail(r.ctx, op, r.where, err)
		r.leave()
	}
	return n, r.err
}

// done is called at the end of the bytes.
func (r *sourceBody) done() {
	r.answer.left--
	r.leave()
}

// leave gives the line back.
func (r *sourceBody) leave() {
	_ = r.stop()
	if r.link.current == r {
		r.link.current = nil
	}
}

// detach reads what is left of the body and keeps it aside, so that the line is
// free. An error is told by the next Read.
func (r *sourceBody) detach() {
	aside, err := newSpool(r.from)
	if err != nil {
		r.err = r.link.source.fail(r.ctx, "read message", r.where, err)
	} else {
		r.aside = aside
		r.answer.left--
	}
	r.leave()
}

// lost is called when the connection is gone.
func (r *sourceBody) lost() {
	if r.err == nil {
		r.err = failure.New(failure.Transient, "read message", r.where, "imap.connection", errors.New("the connection ended in the middle of the message"))
	}
	_ = r.stop()
}

// Close leaves what was not read on the line; whoever comes next reads over it.
func (r *sourceBody) Close() error {
	r.link.sem <- struct{}{}
	defer r.link.unlock()
	if r.closed {
		return nil
	}
	r.closed = true
	r.leave()
	if r.aside != nil {
		return r.aside.Close()
	}
	return nil
}
