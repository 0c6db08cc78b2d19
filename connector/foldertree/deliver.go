package foldertree

import (
	"context"
	"errors"
	"os"

	"waybill/connector"
	"waybill/connector/files"
	"waybill/failure"
	"waybill/mail"
)

// unfinished is what a message is called until its batch is delivered: a dot
// before its name, and this behind it.
const unfinished = ".tmp"

func tempName(name string) string { return "." + name + unfinished }

// Packer puts the messages of one batch into files, one after the other.
type Packer interface {
	// Open opens an item. Its errors are the item's alone.
	Open(ctx context.Context, item connector.Item) (Parcel, error)
	// Close lets go of what the batch needed.
	Close()
}

// Parcel is an open message that is to be written.
type Parcel interface {
	// Ending follows the moment in the name of the file.
	Ending() string
	// Write writes the file. An error of the message itself is a *ReadError; any
	// other is the batch's.
	Write(ctx context.Context, f *os.File) error
	// Notes are those that the message gets when it is written.
	Notes() []mail.Note
	// Close closes the message.
	Close() error
}

// ReadError is an error of an item's own reader.
type ReadError struct{ Err error }

func (e *ReadError) Error() string { return e.Err.Error() }

// Unwrap gives the reader's error.
func (e *ReadError) Unwrap() error { return e.Err }

// packed is a message that waits under its hidden name.
type packed struct {
	item int
	name string
}

// Append writes all messages under hidden names, makes them durable, lets the
// Keeper describe them, and at last renames them in order. Until the first rename
// nothing is delivered.
func (b *TargetBox[K]) Append(ctx context.Context, path mail.Path, at connector.Position, items []connector.Item) ([]connector.Receipt, error) {
	m, err := files.ParsePosition(b.format.System, at)
	if err != nil {
		return nil, err
	}
	s, err := b.Shelf(ctx, path)
	if err != nil {
		return nil, err
	}
	if err := s.order.Resume(m, s.walk(ctx)); err != nil {
		return nil, err
	}
	d, err := b.OpenDir(s)
	if err != nil {
		return nil, err
	}
	defer func() { _ = d.Close() }()

	receipts := make([]connector.Receipt, len(items))
	flusher := files.NewFlusher()
	batch, err := s.pack(ctx, d, items, receipts, flusher)
	if ferr := flusher.Wait(); err == nil {
		err = ferr
	}
	if err == nil {
		err = ctx.Err()
	}
	if err == nil && len(batch) > 0 {
		err = s.describe(ctx, d, batch, items)
	}
	if err != nil {
		for _, p := range batch {
			_ = d.Remove(tempName(p.name))
		}
		return nil, files.Fail("append messages", d.Path(), b.format.rule("append"), err)
	}
	for _, p := range batch {
		if err := d.Rename(tempName(p.name), p.name); err != nil {
			return nil, err // what has its name is found by Arrived
		}
		receipts[p.item].ID = p.name
	}
	return receipts, d.Sync()
}

func (s *Shelf[K]) describe(ctx context.Context, d *files.Dir, batch []packed, items []connector.Item) error {
	names, written := make([]string, len(batch)), make([]connector.Item, len(batch))
	for i, p := range batch {
		names[i], written[i] = p.name, items[p.item]
	}
	return s.Keeper.Describe(ctx, d, names, written)
}

// pack writes the messages under their hidden names. A message whose reader
// fails gets a receipt and is not in the batch; any other error is the batch's.
func (s *Shelf[K]) pack(ctx context.Context, d *files.Dir, items []connector.Item, receipts []connector.Receipt, flusher *files.Flusher) ([]packed, error) {
	packer := s.Keeper.Pack()
	defer packer.Close()
	batch := make([]packed, 0, len(items))
	for i, item := range items {
		p := packed{item: i, name: s.order.Name()}
		parcel, err := packer.Open(ctx, item)
		if err != nil {
			err = &ReadError{err}
		} else {
			p.name += parcel.Ending()
			if err = s.write(ctx, d, tempName(p.name), parcel, item, flusher); err == nil {
				receipts[i].Notes = parcel.Notes()
			}
		}
		var broken *ReadError
		switch {
		case err == nil:
			batch = append(batch, p)
			continue
		case ctx.Err() != nil:
			err = files.Fail("append messages", d.Path(), s.format.rule("append"), ctx.Err())
		case errors.As(err, &broken):
			receipts[i].Err = files.Fail("read message", item.Key, s.format.rule("read"), broken.Err)
			if rerr := d.Remove(tempName(p.name)); rerr != nil && failure.ClassOf(rerr) != failure.Vanished {
				return batch, rerr
			}
			continue
		}
		_ = d.Remove(tempName(p.name))
		return batch, err
	}
	return batch, nil
}

// write writes one file, and closes the parcel. The time of the file is for
// whoever looks at it.
func (s *Shelf[K]) write(ctx context.Context, d *files.Dir, temp string, parcel Parcel, item connector.Item, flusher *files.Flusher) error {
	f, err := d.Create(temp)
	if err != nil {
		_ = parcel.Close()
		return err
	}
	err = parcel.Write(ctx, f)
	_ = parcel.Close()
	if err == nil && !item.InternalDate.IsZero() {
		err = d.SetTime(temp, item.InternalDate)
	}
	if err == nil {
		flusher.Add(f, d.Join(temp))
		return nil
	}
	_ = f.Close()
	if _, ok := errors.AsType[*ReadError](err); ok {
		return err
	}
	return files.Fail("write message", d.Join(temp), s.format.rule("write"), err)
}
