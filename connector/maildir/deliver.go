package maildir

import (
	"context"
	"errors"
	"fmt"
	"math"
	"os"
	"time"

	"waybill/connector"
	"waybill/connector/files"
	"waybill/failure"
	"waybill/mail"
)

// parcel is a message in tmp/ on its way to cur/.
type parcel struct {
	item  int
	base  string // its name in tmp
	name  string // its name in cur
	notes []mail.Note
}

// Append writes all messages to tmp/, makes them durable, and then renames them
// into cur/ in their order. Until the first rename nothing is delivered; what
// is cut off later leaves whole messages in cur/ and the others in tmp/.
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
	if err := makeMissingParts(d); err != nil {
		return nil, err
	}
	tmp, err := d.Open("tmp")
	if err != nil {
		return nil, err
	}
	defer func() { _ = tmp.Close() }()

	receipts := make([]connector.Receipt, len(items))
	flusher := files.NewFlusher()
	parcels, err := b.pack(ctx, s, tmp, items, receipts, flusher)
	if ferr := flusher.Wait(); err == nil {
		err = ferr
	}
	if err == nil {
		err = b.address(ctx, s, d, parcels, items)
	}
	if err == nil {
		err = ctx.Err()
	}
	if err != nil {
		for _, p := range parcels {
			_ = tmp.Remove(p.base)
		}
		return nil, files.Fail("append messages", d.Path(), "maildir.append", err)
	}
	for _, p := range parcels {
		if err := d.Rename("tmp/"+p.base, "cur/"+p.name); err != nil {
			return nil, err // what is in cur is found by Arrived
		}
		id, _, _ := splitName(p.name)
		s.remember(id, p.name)
		receipts[p.item].ID, receipts[p.item].Notes = id, p.notes
	}
	return receipts, syncPart(d, "cur")
}

func makeMissingParts(d *files.Dir) error {
	for _, part := range []string{"tmp", "cur"} {
		if _, err := d.Lstat(part); err != nil {
			return makeParts(d)
		}
	}
	return nil
}

func syncPart(d *files.Dir, part string) error {
	p, err := d.Open(part)
	if err != nil {
		return err
	}
	defer func() { _ = p.Close() }()
	return p.Sync()
}

// pack writes the messages to tmp. A message whose reader fails gets a receipt
// and no parcel; any other error is the batch's.
func (b *targetBox) pack(ctx context.Context, s *shelf, tmp *files.Dir, items []connector.Item, receipts []connector.Receipt, flusher *files.Flusher) ([]parcel, error) {
	buf := make([]byte, 256<<10)
	parcels := make([]parcel, 0, len(items))
	for i, item := range items {
		p := parcel{item: i, base: s.order.Name() + mark}
		size, err := b.write(ctx, tmp, &p, item, buf, flusher)
		var broken *readError
		switch {
		case err == nil:
			p.name = fmt.Sprintf("%s,S=%d", p.base, size)
			parcels = append(parcels, p)
			continue
		case ctx.Err() != nil:
			err = files.Fail("append messages", tmp.Path(), "maildir.append", ctx.Err())
		case errors.As(err, &broken):
			receipts[i].Err = files.Fail("read message", item.Key, "maildir.read", broken.err)
			if rerr := tmp.Remove(p.base); rerr != nil && failure.ClassOf(rerr) != failure.Vanished {
				return parcels, rerr
			}
			continue
		}
		_ = tmp.Remove(p.base)
		return parcels, err
	}
	return parcels, nil
}

// readError is an error of an item's own reader.
type readError struct{ err error }

func (e *readError) Error() string { return e.err.Error() }
func (e *readError) Unwrap() error { return e.err }

// write writes one message to tmp and sets its date.
func (b *targetBox) write(ctx context.Context, tmp *files.Dir, p *parcel, item connector.Item, buf []byte, flusher *files.Flusher) (int64, error) {
	body, err := item.Open(ctx)
	if err != nil {
		return 0, &readError{err}
	}
	f, err := tmp.Create(p.base)
	if err != nil {
		_ = body.Close()
		return 0, err
	}
	size, err := files.CopyBuffer(ctx, f, body, buf)
	_ = body.Close()
	var werr *files.WriteError
	if err != nil && !errors.As(err, &werr) {
		_ = f.Close()
		return 0, &readError{err}
	}
	if err == nil {
		err = b.date(tmp, p, item.InternalDate)
	}
	if err != nil {
		_ = f.Close()
		return size, files.Fail("write message", tmp.Join(p.base), "maildir.write", err)
	}
	flusher.Add(f, tmp.Join(p.base))
	return size, nil
}

// date makes the time of the file the internal date of the message.
func (b *targetBox) date(tmp *files.Dir, p *parcel, date time.Time) error {
	if date.IsZero() {
		p.notes = append(p.notes, mail.Note{Kind: "date-unknown", Text: "The message has no date of arrival; the time of its delivery stands for it."})
		return nil
	}
	if err := tmp.SetTime(p.base, date); err != nil {
		return err
	}
	if s := date.Unix(); s >= 0 && s <= math.MaxInt32 {
		return nil
	}
	// File systems cut times off that they cannot hold, and do not say so.
	fi, err := tmp.Lstat(p.base)
	if err == nil && fi.ModTime().Unix() != date.Unix() {
		p.notes = append(p.notes, mail.Note{Kind: "date-clamped", Text: fmt.Sprintf("The file system cannot hold the date %s; it holds %s.", date.UTC().Format(time.RFC3339), fi.ModTime().UTC().Format(time.RFC3339))})
	}
	return err
}

// address gives the parcels their flags, and writes dovecot-keywords before any
// name that needs it.
func (b *targetBox) address(ctx context.Context, s *shelf, d *files.Dir, parcels []parcel, items []connector.Item) error {
	needed := false
	for _, p := range parcels {
		set := items[p.item].Flags
		needed = needed || len(set.Keywords) > 0 || set.System&mail.Forwarded != 0
	}
	kw, added := &keywords{}, false
	if needed {
		have, err := readKeywords(ctx, s.dir)
		if err != nil {
			return err
		}
		*kw = *have
	}
	for i := range parcels {
		p := &parcels[i]
		text, fresh, notes := kw.encode(items[p.item].Flags)
		p.name += ":2," + text
		p.notes = append(p.notes, notes...)
		added = added || fresh
	}
	if !added {
		return nil
	}
	return s.writeKeywords(d, kw)
}

func (s *shelf) writeKeywords(d *files.Dir, kw *keywords) error {
	s.kwMu.Lock()
	defer s.kwMu.Unlock()
	s.kw = nil
	return d.WriteFile(keywordsFile, kw.write)
}

// deliveries calls f for the files in the folder that we delivered, in no order.
// The parts are read in the order in which a file goes through them, so that one
// on its way is seen at least once.
func (s *shelf) deliveries(ctx context.Context, f func(m files.Moment, n int, part, name string)) error {
	for _, part := range []string{"tmp", "new", "cur"} {
		scan, err := files.OpenScan(s.dir + string(os.PathSeparator) + part)
		if err != nil {
			if failure.ClassOf(err) == failure.Vanished {
				continue
			}
			return err
		}
		err = scan.Each(ctx, func(raw []byte) error {
			name := string(raw)
			if m, n, ok := parseName(name); ok {
				f(m, n, part, name)
			}
			return nil
		})
		_ = scan.Close()
		if err != nil {
			return err
		}
	}
	return nil
}

func (s *shelf) walk(ctx context.Context) files.Walk {
	return func(f func(files.Moment, int)) error {
		return s.deliveries(ctx, func(m files.Moment, n int, _, _ string) { f(m, n) })
	}
}

// Position marks the moment in names that later messages get.
func (b *targetBox) Position(ctx context.Context, path mail.Path) (connector.Position, error) {
	s, err := b.shelf(ctx, path)
	if err != nil {
		return "", err
	}
	return s.order.Position(b.opt.now(), s.walk(ctx))
}
