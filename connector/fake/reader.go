package fake

import (
	"bytes"
	"context"
	"io"

	"waybill/failure"
	"waybill/mail"
)

// reader gives the bytes of one message with the trouble that belongs to it.
type reader struct {
	ctx    context.Context
	system *System
	side   string
	user   string
	folder mail.Path
	from   io.Reader
	left   int64 // bytes until the trouble strikes
	broken error
}

func (s *System) open(ctx context.Context, side, user string, folder mail.Path, m *message) io.ReadCloser {
	r := &reader{ctx: ctx, system: s, side: side, user: user, folder: folder, from: bytes.NewReader(m.Body)}
	if m.Stream != nil {
		r.from = m.Stream()
	}
	if side == "source" && m.Trouble != NoTrouble {
		where := user + " " + string(folder) + " " + m.key()
		switch m.Trouble {
		case Changes:
			r.broken = failure.New(failure.Transient, "read message", where, "fake.changed", nil)
		case Unreadable:
			r.broken = failure.New(failure.Malformed, "read message", where, "fake.unreadable", nil)
		}
		r.left = m.size() / 2
	}
	return r
}

func (r *reader) Read(p []byte) (n int, err error) {
	if r.system.options.Pause != nil {
		if err := r.system.options.Pause(r.ctx); err != nil {
			return 0, err
		}
		p = p[:min(len(p), 4096)]
	}
	err = r.system.call(r.ctx, r.side+".Read", r.user, r.folder, func(*Fault) error { return nil })
	if err != nil {
		return 0, err
	}
	if r.broken == nil {
		return r.from.Read(p)
	}
	if r.left == 0 {
		return 0, r.broken
	}
	n, err = r.from.Read(p[:min(int64(len(p)), r.left)])
	r.left -= int64(n)
	return n, err
}

func (r *reader) Close() error { return nil }
