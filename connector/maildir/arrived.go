package maildir

import (
	"cmp"
	"context"
	"errors"
	"iter"
	"slices"

	"waybill/connector"
	"waybill/connector/files"
	"waybill/failure"
	"waybill/mail"
)

// arrival is a file that was delivered after a position.
type arrival struct {
	moment files.Moment
	n      int
	file   fileName
}

// Arrived yields what Append delivered since the position, by the names of the
// files. Mail that others delivered meanwhile is not ours to count. What is left
// of batches that were cut off is removed from tmp first.
func (b *targetBox) Arrived(ctx context.Context, path mail.Path, since connector.Position) iter.Seq2[connector.Stored, error] {
	return func(yield func(connector.Stored, error) bool) {
		s, list, err := b.arrivals(ctx, path, since)
		if err != nil {
			yield(connector.Stored{}, err)
			return
		}
		for _, a := range list {
			if err := ctx.Err(); err != nil {
				yield(connector.Stored{}, files.Fail("look for arrivals", s.dir, "maildir.arrived", err))
				return
			}
			id, _, _ := splitName(a.file.name)
			info, err := files.Stat(a.file.path(s.dir))
			name := a.file.name
			if failure.ClassOf(err) == failure.Vanished && err != nil {
				err = s.locate(ctx, id, nil, func(at fileName) error {
					name = at.name
					info, err = files.Stat(at.path(s.dir))
					return err
				})
				if failure.ClassOf(err) == failure.Vanished && err != nil {
					continue // its owner removed it
				}
			}
			var stored connector.Stored
			if err == nil {
				stored, err = s.stored(ctx, id, name, info.Size, info.ModTime)
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

func (b *targetBox) arrivals(ctx context.Context, path mail.Path, since connector.Position) (*shelf, []arrival, error) {
	from, err := files.ParsePosition(scheme, since)
	if err != nil {
		return nil, nil, err
	}
	s, err := b.shelf(ctx, path)
	if err != nil {
		return nil, nil, err
	}
	var list []arrival
	var torn []string
	err = s.deliveries(ctx, func(m files.Moment, n int, part, name string) {
		switch {
		case m.Compare(from) < 0:
		case part == "tmp":
			torn = append(torn, name)
		default:
			list = append(list, arrival{moment: m, n: n, file: fileName{name: name, inNew: part == "new"}})
		}
	})
	if err != nil {
		return nil, nil, err
	}
	if len(torn) > 0 {
		if err := b.sweep(s, torn); err != nil {
			return nil, nil, err
		}
	}
	slices.SortFunc(list, func(a, b arrival) int {
		return cmp.Or(a.moment.Compare(b.moment), cmp.Compare(a.n, b.n), cmp.Compare(a.file.name, b.file.name))
	})
	// A listing that runs while a mail program renames a file may show it twice.
	list = slices.CompactFunc(list, func(a, b arrival) bool { return a.moment == b.moment && a.n == b.n })
	return s, list, nil
}

// sweep removes what is left of batches that were cut off.
func (b *targetBox) sweep(s *shelf, names []string) error {
	d, err := b.root.Descend(s.parts...)
	if err != nil {
		return err
	}
	defer func() { _ = d.Close() }()
	tmp, err := d.Open("tmp")
	if err != nil {
		return err
	}
	defer func() { _ = tmp.Close() }()
	for _, name := range names {
		if err := tmp.Remove(name); err != nil && failure.ClassOf(err) != failure.Vanished {
			return err
		}
	}
	return nil
}

// SetFlags renames the message's file, provided that its name still says what
// was expected.
func (b *targetBox) SetFlags(ctx context.Context, path mail.Path, id string, was, want mail.FlagSet) error {
	s, err := b.shelf(ctx, path)
	if err != nil {
		return err
	}
	d, err := b.root.Descend(s.parts...)
	if err != nil {
		return err
	}
	defer func() { _ = d.Close() }()
	part := "cur"
	err = s.locate(ctx, id, nil, func(at fileName) error {
		// Whether it is there is seen before its flags are judged.
		if _, err := files.Stat(at.path(s.dir)); err != nil {
			return err
		}
		kw, err := s.keywords(ctx)
		if err != nil {
			return err
		}
		base, text, _ := splitName(at.name)
		if have, _ := kw.flagSet(text); !have.Equal(was) {
			return failure.New(failure.Conflict, "set flags", at.path(s.dir), "maildir.flags-changed",
				errors.New("the flags are "+have.String()))
		}
		next := *kw
		letters, added, notes := next.encode(want)
		if len(notes) > 0 {
			return failure.New(failure.Unsupported, "set flags", at.path(s.dir), "maildir.keywords", errors.New(notes[0].Text))
		}
		if added {
			if err := s.writeKeywords(d, &next); err != nil {
				return err
			}
		}
		from := "cur/"
		if at.inNew {
			from, part = "new/", "new"
		}
		name := base + ":2," + letters
		if err := d.Rename(from+at.name, "cur/"+name); err != nil {
			return err
		}
		s.remember(id, name)
		return nil
	})
	if err != nil {
		return err
	}
	if part != "cur" {
		if err := syncPart(d, part); err != nil {
			return err
		}
	}
	return syncPart(d, "cur")
}

func (b *targetBox) Remove(ctx context.Context, path mail.Path, id string) error {
	s, err := b.shelf(ctx, path)
	if err != nil {
		return err
	}
	d, err := b.root.Descend(s.parts...)
	if err != nil {
		return err
	}
	defer func() { _ = d.Close() }()
	part := "cur"
	err = s.locate(ctx, id, nil, func(at fileName) error {
		if part = "cur"; at.inNew {
			part = "new"
		}
		return d.Remove(part + "/" + at.name)
	})
	if err != nil {
		return err
	}
	s.forget(id)
	return syncPart(d, part)
}
