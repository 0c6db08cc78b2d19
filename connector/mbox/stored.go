package mbox

import (
	"context"
	"errors"
	"io"
	"iter"

	"waybill/connector"
	"waybill/connector/files"
	"waybill/failure"
	format "waybill/format/mbox"
	"waybill/mail"
)

// Arrived reads the file from the position to its end.
func (m *targetMailbox) Arrived(ctx context.Context, folder mail.Path, since connector.Position) iter.Seq2[connector.Stored, error] {
	return func(yield func(connector.Stored, error) bool) {
		b, err := m.open(ctx, folder, false)
		if err != nil {
			yield(connector.Stored{}, err)
			return
		}
		defer b.close()
		off, err := b.at(since)
		if err != nil {
			yield(connector.Stored{}, err)
			return
		}
		r := format.NewReader(b.file, b.size, format.Options{Name: b.path, From: off})
		for {
			e, err := r.Next(ctx)
			if errors.Is(err, io.EOF) {
				return
			}
			if err == nil && e.Kind == format.Damaged {
				err = e.Err
			}
			if err != nil {
				yield(connector.Stored{}, err)
				return
			}
			if !yield(describeStored(e), nil) {
				return
			}
		}
	}
}

func describeStored(e format.Entry) connector.Stored {
	s := connector.Stored{ID: formatID(e.From, e.Size(false)), Size: e.Size(false), InternalDate: e.Date}
	if e.Marker != nil {
		s.InternalDate = e.Marker.Date
	}
	s.Flags, _ = e.State().Flags()
	return s
}

// entry finds a message by its ID.
func (b *box) entry(ctx context.Context, id string) (format.Entry, error) {
	off, size, ok := parseID(id)
	if !ok || off >= b.size {
		return format.Entry{}, gone(b.path + ", " + id)
	}
	// At the head of the file only the reader itself can tell what is there.
	r := format.NewReader(b.file, b.size, format.Options{Name: b.path, From: off, Buffer: 32 << 10})
	e, err := r.Next(ctx)
	if failure.ClassOf(err) == failure.Cancelled && err != nil {
		return e, err
	}
	if err != nil || e.Kind == format.Damaged || e.From != off || e.Size(false) != size {
		return e, gone(b.path + ", " + id)
	}
	return e, nil
}

func (m *targetMailbox) Open(ctx context.Context, folder mail.Path, id string) (connector.Stored, io.ReadCloser, error) {
	b, err := m.open(ctx, folder, false)
	if err != nil {
		return connector.Stored{}, nil, err
	}
	e, err := b.entry(ctx, id)
	if err != nil {
		b.close()
		return connector.Stored{}, nil, err
	}
	return describeStored(e), &storedBody{guarded: guarded{ctx: ctx, r: format.Content(b.file, e, false), where: b.path + ", " + id}, b: b}, nil
}

type storedBody struct {
	guarded
	b *box
}

func (s *storedBody) Close() error {
	s.b.close()
	return nil
}

// SetFlags writes over the fields that hold the flags; nothing else moves.
func (m *targetMailbox) SetFlags(ctx context.Context, folder mail.Path, id string, was, want mail.FlagSet) error {
	b, err := m.open(ctx, folder, true)
	if err != nil {
		return err
	}
	defer b.close()
	e, err := b.entry(ctx, id)
	if err != nil {
		return err
	}
	if have, _ := e.State().Flags(); !have.Equal(was) {
		return failure.New(failure.Conflict, "set flags", b.path+", "+id, "mbox.flags", errors.New("the message has the flags "+have.String()))
	}
	off, text, err := e.Rewrite(want)
	if err != nil {
		return err
	}
	if _, err = b.file.WriteAt(text, off); err == nil {
		err = b.file.Sync()
	}
	return files.Fail("set flags", b.path+", "+id, "mbox.write", err)
}

// Remove takes away the last message of the file. Others cannot be removed
// without moving what is behind them.
func (m *targetMailbox) Remove(ctx context.Context, folder mail.Path, id string) error {
	b, err := m.open(ctx, folder, true)
	if err != nil {
		return err
	}
	defer b.close()
	e, err := b.entry(ctx, id)
	if err != nil {
		return err
	}
	if e.End != b.size {
		return failure.New(failure.Unsupported, "remove message", b.path+", "+id, "mbox.not-last",
			errors.New("only the last message of an mbox file can be removed")).WithRemedy("remove it with a mail program")
	}
	if err = b.file.Truncate(e.From); err == nil {
		err = b.file.Sync()
	}
	return files.Fail("remove message", b.path+", "+id, "mbox.write", err)
}
