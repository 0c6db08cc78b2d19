package eml

import (
	"cmp"
	"context"
	"errors"
	"iter"
	"path/filepath"
	"slices"
	"strings"

	"waybill/connector"
	"waybill/connector/files"
	"waybill/failure"
	"waybill/mail"
)

// unfinished is what a message is called until its batch is delivered: a dot
// before its name, and this behind it.
const unfinished = ".tmp"

func tempName(name string) string { return "." + name + unfinished }

// parcel is a message on its way.
type parcel struct {
	item int
	name string
}

// Append writes all messages under hidden names, makes them durable, then writes
// what the sidecar has to say of them, and at last renames them in order. Until
// the first rename nothing is delivered.
func (b *targetBox) Append(ctx context.Context, path mail.Path, at connector.Position, items []connector.Item) ([]connector.Receipt, error) {
	m, err := files.ParsePosition(scheme, at)
	if err != nil {
		return nil, err
	}
	s, err := b.shelf(ctx, path)
	if err != nil {
		return nil, err
	}
	if err := s.order.Resume(m, s.walk(ctx)); err != nil {
		return nil, err
	}
	d, err := b.root.Descend(s.parts...)
	if err != nil {
		return nil, err
	}
	defer func() { _ = d.Close() }()

	receipts := make([]connector.Receipt, len(items))
	flusher := files.NewFlusher()
	parcels, err := s.pack(ctx, d, items, receipts, flusher)
	if ferr := flusher.Wait(); err == nil {
		err = ferr
	}
	if err == nil {
		err = ctx.Err()
	}
	if err == nil && len(parcels) > 0 {
		err = s.describe(ctx, d, parcels, items)
	}
	if err != nil {
		for _, p := range parcels {
			_ = d.Remove(tempName(p.name))
		}
		return nil, files.Fail("append messages", d.Path(), "eml.append", err)
	}
	for _, p := range parcels {
		if err := d.Rename(tempName(p.name), p.name); err != nil {
			return nil, err // what has its name is found by Arrived
		}
		receipts[p.item].ID = p.name
	}
	return receipts, d.Sync()
}

func (s *shelf) describe(ctx context.Context, d *files.Dir, parcels []parcel, items []connector.Item) error {
	lines := make([]line, len(parcels))
	for i, p := range parcels {
		lines[i] = newLine(p.name, items[p.item].InternalDate, items[p.item].Flags)
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if _, err := s.read(ctx); err != nil {
		return err
	}
	return s.write(d, lines)
}

// pack writes the messages under their hidden names. A message whose reader
// fails gets a receipt and no parcel; any other error is the batch's.
func (s *shelf) pack(ctx context.Context, d *files.Dir, items []connector.Item, receipts []connector.Receipt, flusher *files.Flusher) ([]parcel, error) {
	buf := make([]byte, 256<<10)
	parcels := make([]parcel, 0, len(items))
	for i, item := range items {
		p := parcel{item: i, name: s.order.Name()}
		body, err := openItem(ctx, item)
		if err == nil {
			p.name += body.ending
			err = write(ctx, d, tempName(p.name), body, item, buf, flusher)
		}
		var broken *readError
		switch {
		case err == nil:
			parcels = append(parcels, p)
			continue
		case ctx.Err() != nil:
			err = files.Fail("append messages", d.Path(), "eml.append", ctx.Err())
		case errors.As(err, &broken):
			receipts[i].Err = files.Fail("read message", item.Key, "eml.read", broken.err)
			if rerr := d.Remove(tempName(p.name)); rerr != nil && failure.ClassOf(rerr) != failure.Vanished {
				return parcels, rerr
			}
			continue
		}
		_ = d.Remove(tempName(p.name))
		return parcels, err
	}
	return parcels, nil
}

// readError is an error of an item's own reader.
type readError struct{ err error }

func (e *readError) Error() string { return e.err.Error() }
func (e *readError) Unwrap() error { return e.err }

func write(ctx context.Context, d *files.Dir, temp string, body *opened, item connector.Item, buf []byte, flusher *files.Flusher) error {
	f, err := d.Create(temp)
	if err != nil {
		_ = body.Close()
		return err
	}
	_, err = files.CopyBuffer(ctx, f, body, buf)
	_ = body.Close()
	var werr *files.WriteError
	if err != nil && !errors.As(err, &werr) {
		_ = f.Close()
		return &readError{err}
	}
	if err == nil && !item.InternalDate.IsZero() {
		// For whoever looks at the files; the sidecar has the exact date.
		err = d.SetTime(temp, item.InternalDate)
	}
	if err != nil {
		_ = f.Close()
		return files.Fail("write message", d.Join(temp), "eml.write", err)
	}
	flusher.Add(f, d.Join(temp))
	return nil
}

// delivery is a file that Append wrote.
type delivery struct {
	moment files.Moment
	n      int
	name   string
	torn   bool // it still has its hidden name
}

// deliveries lists the files of a folder that Append wrote, in no order.
func (s *shelf) deliveries(ctx context.Context, f func(delivery)) error {
	scan, err := files.OpenScan(s.dir)
	if err != nil {
		return err
	}
	defer func() { _ = scan.Close() }()
	return scan.Each(ctx, func(raw []byte) error {
		d := delivery{name: string(raw), torn: raw[0] == '.'}
		name := d.name
		if d.torn {
			name = name[1:]
		}
		m, n, rest, ok := files.ParseMomentName(name)
		if whole := strings.TrimSuffix(rest, unfinished); ok && delivered(whole) && d.torn == (whole != rest) {
			d.moment, d.n = m, n
			f(d)
		}
		return nil
	})
}

func (s *shelf) walk(ctx context.Context) files.Walk {
	return func(f func(files.Moment, int)) error {
		return s.deliveries(ctx, func(d delivery) { f(d.moment, d.n) })
	}
}

// Position marks the moment in names that later messages get.
func (b *targetBox) Position(ctx context.Context, path mail.Path) (connector.Position, error) {
	s, err := b.shelf(ctx, path)
	if err != nil {
		return "", err
	}
	return s.order.Position(b.now(), s.walk(ctx))
}

// Arrived yields what Append delivered since the position, by the names of the
// files. What is left of batches that were cut off is removed first.
func (b *targetBox) Arrived(ctx context.Context, path mail.Path, since connector.Position) iter.Seq2[connector.Stored, error] {
	return func(yield func(connector.Stored, error) bool) {
		s, list, err := b.arrivals(ctx, path, since)
		if err != nil {
			yield(connector.Stored{}, err)
			return
		}
		for _, a := range list {
			if err := ctx.Err(); err != nil {
				yield(connector.Stored{}, files.Fail("look for arrivals", s.dir, "eml.arrived", err))
				return
			}
			info, err := files.Stat(filepath.Join(s.dir, a.name))
			if err != nil && failure.ClassOf(err) == failure.Vanished {
				continue // its owner removed it
			}
			var stored connector.Stored
			if err == nil {
				s.mu.Lock()
				stored, err = s.stored(ctx, a.name, info.Size, info.ModTime)
				s.mu.Unlock()
			}
			if err != nil {
				yield(connector.Stored{}, err)
				return
			}
			if !yield(stored, nil) {
				return
			}
		}
	}
}

func (b *targetBox) arrivals(ctx context.Context, path mail.Path, since connector.Position) (*shelf, []delivery, error) {
	from, err := files.ParsePosition(scheme, since)
	if err != nil {
		return nil, nil, err
	}
	s, err := b.shelf(ctx, path)
	if err != nil {
		return nil, nil, err
	}
	var list, torn []delivery
	err = s.deliveries(ctx, func(d delivery) {
		switch {
		case d.moment.Compare(from) < 0:
		case d.torn:
			torn = append(torn, d)
		default:
			list = append(list, d)
		}
	})
	if err == nil && len(torn) > 0 {
		err = b.sweep(s, torn)
	}
	slices.SortFunc(list, func(a, b delivery) int { return cmp.Or(a.moment.Compare(b.moment), cmp.Compare(a.n, b.n)) })
	return s, list, err
}

// sweep removes what is left of batches that were cut off.
func (b *targetBox) sweep(s *shelf, torn []delivery) error {
	d, err := b.root.Descend(s.parts...)
	if err != nil {
		return err
	}
	defer func() { _ = d.Close() }()
	for _, t := range torn {
		if err := d.Remove(t.name); err != nil && failure.ClassOf(err) != failure.Vanished {
			return err
		}
	}
	return nil
}
