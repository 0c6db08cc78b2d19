package foldertree

import (
	"cmp"
	"context"
	"iter"
	"path/filepath"
	"slices"
	"strings"

	"waybill/connector"
	"waybill/connector/files"
	"waybill/failure"
	"waybill/mail"
)

// delivery is a file that Append wrote.
type delivery struct {
	moment files.Moment
	n      int
	name   string
	torn   bool // it still has its hidden name
}

// deliveries lists the files of a folder that Append wrote, in no order.
func (s *Shelf[K]) deliveries(ctx context.Context, f func(delivery)) error {
	scan, err := files.OpenScan(s.Dir)
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
		if whole := strings.TrimSuffix(rest, unfinished); ok && s.format.Delivered(whole) && d.torn == (whole != rest) {
			d.moment, d.n = m, n
			f(d)
		}
		return nil
	})
}

func (s *Shelf[K]) walk(ctx context.Context) files.Walk {
	return func(f func(files.Moment, int)) error {
		return s.deliveries(ctx, func(d delivery) { f(d.moment, d.n) })
	}
}

// Position marks the moment in names that later messages get.
func (b *TargetBox[K]) Position(ctx context.Context, path mail.Path) (connector.Position, error) {
	s, err := b.Shelf(ctx, path)
	if err != nil {
		return "", err
	}
	return s.order.Position(b.now(), s.walk(ctx))
}

// Arrived yields what Append delivered since the position, by the names of the
// files. What is left of batches that were cut off is removed first.
func (b *TargetBox[K]) Arrived(ctx context.Context, path mail.Path, since connector.Position) iter.Seq2[connector.Stored, error] {
	return func(yield func(connector.Stored, error) bool) {
		s, list, err := b.arrivals(ctx, path, since)
		if err != nil {
			yield(connector.Stored{}, err)
			return
		}
		for _, a := range list {
			if err := ctx.Err(); err != nil {
				yield(connector.Stored{}, files.Fail("look for arrivals", s.Dir, b.format.rule("arrived"), err))
				return
			}
			info, err := files.Stat(filepath.Join(s.Dir, a.name))
			if err != nil && failure.ClassOf(err) == failure.Vanished {
				continue // its owner removed it
			}
			var stored connector.Stored
			if err == nil {
				stored, err = s.Keeper.Stored(ctx, a.name, info)
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

func (b *TargetBox[K]) arrivals(ctx context.Context, path mail.Path, since connector.Position) (*Shelf[K], []delivery, error) {
	from, err := files.ParsePosition(b.format.System, since)
	if err != nil {
		return nil, nil, err
	}
	s, err := b.Shelf(ctx, path)
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
func (b *TargetBox[K]) sweep(s *Shelf[K], torn []delivery) error {
	d, err := b.OpenDir(s)
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
