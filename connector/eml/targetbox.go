package eml

import (
	"context"
	"errors"
	"io"
	"path/filepath"

	"waybill/connector"
	"waybill/connector/files"
	"waybill/connector/foldertree"
	"waybill/failure"
	"waybill/mail"
)

// targetBox writes one account's tree.
type targetBox struct {
	*foldertree.TargetBox[*keeper]
}

func (b *targetBox) Open(ctx context.Context, path mail.Path, id string) (connector.Stored, io.ReadCloser, error) {
	s, err := b.Shelf(ctx, path)
	if err != nil {
		return connector.Stored{}, nil, err
	}
	r, err := openMessage(ctx, s.Dir, id)
	if err != nil {
		return connector.Stored{}, nil, err
	}
	stored, err := s.Keeper.Stored(ctx, id, files.Info{Size: r.Size(), ModTime: r.ModTime()})
	if err != nil {
		_ = r.Close()
		return connector.Stored{}, nil, err
	}
	return stored, r, nil
}

// SetFlags writes a new line about the message, provided that the last one says
// what was expected.
func (b *targetBox) SetFlags(ctx context.Context, path mail.Path, id string, was, want mail.FlagSet) error {
	s, err := b.Shelf(ctx, path)
	if err != nil {
		return err
	}
	r, err := openMessage(ctx, s.Dir, id)
	if err != nil {
		return err
	}
	if err := r.Close(); err != nil {
		return err
	}
	d, err := b.OpenDir(s)
	if err != nil {
		return err
	}
	defer func() { _ = d.Close() }()
	k := s.Keeper
	k.mu.Lock()
	defer k.mu.Unlock()
	have, err := k.stored(ctx, id, files.Info{Size: r.Size(), ModTime: r.ModTime()})
	if err != nil {
		return err
	}
	if !have.Flags.Equal(was) {
		return failure.New(failure.Conflict, "set flags", d.Join(id), "eml.flags-changed", errors.New("the flags are "+have.Flags.String()))
	}
	return k.write(d, []line{newLine(id, have.InternalDate, want)})
}

// openMessage opens a message file by a key that may have come from anywhere.
func openMessage(ctx context.Context, dir, key string) (*files.Reader, error) {
	if !isMessage(key) || !foldertree.Inside(key) {
		return nil, failure.New(failure.Vanished, "open message", dir+", message "+files.Printable(key), "eml.vanished", errors.New("there is no such file"))
	}
	return files.Open(ctx, filepath.Join(dir, key))
}
