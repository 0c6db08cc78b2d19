package fake

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"iter"
	"slices"
	"strconv"
	"strings"
	"time"

	"waybill/connector"
	"waybill/failure"
	"waybill/mail"
)

// targetMailbox is one session's access to a mailbox.
type targetMailbox struct {
	s    *System
	user string
}

func (b *targetMailbox) Folders(ctx context.Context) ([]mail.Folder, error) {
	return b.s.folders(ctx, "target.Folders", b.user)
}

func (b *targetMailbox) CreateFolder(ctx context.Context, f mail.Folder) error {
	return b.s.call(ctx, "target.CreateFolder", b.user, f.Path, func(*Fault) error {
		if slices.Contains(f.Path.Names(), "") || f.Path == "" {
			return failure.New(failure.Usage, "create folder", b.user+" "+string(f.Path), "fake.empty-name", nil)
		}
		b.s.mu.Lock()
		defer b.s.mu.Unlock()
		b.s.ensure(b.s.needAccount(b.user), f)
		return nil
	})
}

func (b *targetMailbox) DeleteFolder(ctx context.Context, path mail.Path) error {
	return b.s.call(ctx, "target.DeleteFolder", b.user, path, func(*Fault) error {
		b.s.mu.Lock()
		defer b.s.mu.Unlock()
		f, err := b.s.find("delete folder", b.user, path)
		if err != nil {
			return err
		}
		a := b.s.accounts[b.user]
		hasChild := slices.ContainsFunc(a.folders, func(c *folder) bool { return c.Path.Parent() == f.Path })
		if len(f.messages) > 0 || hasChild {
			return failure.New(failure.Conflict, "delete folder", b.user+" "+string(path), "fake.folder-in-use", nil)
		}
		a.folders = slices.DeleteFunc(a.folders, func(c *folder) bool { return c == f })
		return nil
	})
}

func (b *targetMailbox) Position(ctx context.Context, path mail.Path) (at connector.Position, err error) {
	err = b.s.call(ctx, "target.Position", b.user, path, func(*Fault) error {
		b.s.mu.Lock()
		defer b.s.mu.Unlock()
		f, err := b.s.find("take position", b.user, path)
		if err != nil {
			return err
		}
		at = connector.Position(fmt.Sprintf("%d/%d", f.validity, f.next))
		return nil
	})
	if err != nil {
		return "", err
	}
	return at, nil
}

func (b *targetMailbox) Append(ctx context.Context, path mail.Path, at connector.Position, items []connector.Item) (receipts []connector.Receipt, err error) {
	err = b.s.call(ctx, "target.Append", b.user, path, func(f *Fault) error {
		if err := b.mayAppend(); err != nil {
			return err
		}
		n := len(items)
		if f != nil && f.Mode == Partial {
			n = min(f.K, n)
		}
		for _, item := range items[:n] {
			receipt, err := b.deliver(ctx, path, item)
			if err != nil {
				return err
			}
			receipts = append(receipts, receipt)
		}
		return nil
	})
	if err != nil {
		return nil, err
	}
	return receipts, nil
}

func (b *targetMailbox) mayAppend() error {
	b.s.mu.Lock()
	defer b.s.mu.Unlock()
	if b.s.options.NeedsGrant && b.s.acl[object(b.user)] != granted {
		return failure.New(failure.Denied, "append", b.user, "fake.no-right", nil)
	}
	if b.s.options.Second != SecondNoAppend || len(b.s.writing) == 0 || b.s.writing[0] == b {
		return nil
	}
	return denySecond("append", b.user)
}

// deliver stores one item, whole or not at all. The error is for the batch.
func (b *targetMailbox) deliver(ctx context.Context, path mail.Path, item connector.Item) (connector.Receipt, error) {
	where := b.user + " " + string(path) + " " + item.Key
	body, err := read(ctx, item, b.s.caps.MaxMessage)
	if ctx.Err() != nil {
		return connector.Receipt{}, cancelled(ctx, "append message", where)
	}
	if err != nil {
		return connector.Receipt{Err: err}, nil
	}
	if limit := b.s.caps.MaxMessage; limit > 0 && int64(len(body)) > limit {
		return connector.Receipt{Err: failure.New(failure.TooLarge, "append message", where, "fake.too-large", nil)}, nil
	}
	b.s.mu.Lock()
	defer b.s.mu.Unlock()
	f, err := b.s.find("append message", b.user, path)
	if err != nil {
		return connector.Receipt{}, err
	}
	m, notes := b.keep(f, item, body)
	id := f.add(m).key()
	if b.s.options.Silent {
		id = ""
	}
	return connector.Receipt{ID: id, Notes: notes}, nil
}

// read takes one byte more than the limit at most, so that the excess is seen.
func read(ctx context.Context, item connector.Item, limit int64) ([]byte, error) {
	r, err := item.Open(ctx)
	if err != nil {
		return nil, err
	}
	defer func() { _ = r.Close() }()
	var body bytes.Buffer
	var from io.Reader = r
	if limit > 0 {
		from = io.LimitReader(r, limit+1)
	}
	_, err = body.ReadFrom(from)
	return body.Bytes(), err
}

// keep is what the system makes of an item: what its capabilities say, less
// what it silently loses.
func (b *targetMailbox) keep(f *folder, item connector.Item, body []byte) (m Message, notes []mail.Note) {
	caps := b.s.caps
	m = Message{Body: body, Flags: mail.FlagSet{System: item.Flags.System & caps.Flags}}
	if caps.Keywords && !b.s.options.DropKeywords {
		kept := f.keywords(caps.MaxKeywords, item.Flags.Keywords)
		m.Flags = mail.NewFlagSet(m.Flags.System, kept...)
		if len(kept) < len(item.Flags.Keywords) {
			notes = append(notes, mail.Note{Kind: "keyword-dropped", Text: "the folder has as many keywords as it can hold"})
		}
	}
	if caps.DatePrecision > 0 && !b.s.options.DropDates {
		m.Date = item.InternalDate.Truncate(caps.DatePrecision)
		early := !caps.EarliestDate.IsZero() && m.Date.Before(caps.EarliestDate)
		late := !caps.LatestDate.IsZero() && m.Date.After(caps.LatestDate)
		if early || late {
			m.Date = time.Time{}
			notes = append(notes, mail.Note{Kind: "date-unknown", Text: "the date is outside of what this system can hold"})
		}
	}
	return m, notes
}

// keywords picks those of wanted that the folder has already, and new ones until
// it has limit of them.
func (f *folder) keywords(limit int, wanted []string) []string {
	if limit == 0 {
		return wanted
	}
	known := map[string]bool{}
	for _, m := range f.messages {
		for _, k := range m.Flags.Keywords {
			known[strings.ToLower(k)] = true
		}
	}
	var kept []string
	for _, k := range wanted {
		if known[strings.ToLower(k)] || len(known) < limit {
			known[strings.ToLower(k)] = true
			kept = append(kept, k)
		}
	}
	return kept
}

func (b *targetMailbox) Arrived(ctx context.Context, path mail.Path, since connector.Position) iter.Seq2[connector.Stored, error] {
	return func(yield func(connector.Stored, error) bool) {
		var list []*message
		err := b.s.call(ctx, "target.Arrived", b.user, path, func(*Fault) (err error) {
			list, err = b.after(path, since)
			return err
		})
		if err != nil {
			yield(connector.Stored{}, err)
			return
		}
		for _, m := range list {
			if err := cancelled(ctx, "look for arrivals", b.user+" "+string(path)); err != nil {
				yield(connector.Stored{}, err)
				return
			}
			if !yield(m.stored(), nil) {
				return
			}
		}
	}
}

func (b *targetMailbox) after(path mail.Path, since connector.Position) ([]*message, error) {
	validity, next, ok := strings.Cut(string(since), "/")
	first, err := strconv.ParseUint(next, 10, 32)
	if !ok || err != nil {
		return nil, failure.New(failure.Usage, "look for arrivals", b.user+" "+string(path), "fake.position", err)
	}
	b.s.mu.Lock()
	defer b.s.mu.Unlock()
	f, err := b.s.find("look for arrivals", b.user, path)
	if err != nil {
		return nil, err
	}
	if validity != fmt.Sprint(f.validity) {
		return nil, failure.New(failure.Conflict, "look for arrivals", b.user+" "+string(path), "fake.uidvalidity", nil)
	}
	var list []*message
	for _, m := range f.messages {
		if uint64(m.uid) >= first {
			list = append(list, m)
		}
	}
	return list, nil
}

func (b *targetMailbox) Open(ctx context.Context, path mail.Path, id string) (stored connector.Stored, r io.ReadCloser, err error) {
	err = b.s.call(ctx, "target.Open", b.user, path, func(*Fault) error {
		m, err := b.s.get("read back", b.user, path, id)
		if err != nil {
			return err
		}
		stored, r = m.stored(), b.s.open(ctx, "target", b.user, path, m)
		return nil
	})
	if err != nil {
		return connector.Stored{}, nil, err
	}
	return stored, r, nil
}

func (b *targetMailbox) SetFlags(ctx context.Context, path mail.Path, id string, was, want mail.FlagSet) error {
	return b.change(ctx, "target.SetFlags", path, id, func(f *folder, i int) error {
		if !f.messages[i].Flags.Equal(was) {
			return failure.New(failure.Conflict, "set flags", b.user+" "+string(path)+" "+id, "fake.flags-changed", nil)
		}
		changed := *f.messages[i]
		changed.Flags = mail.FlagSet{System: want.System & b.s.caps.Flags}
		if b.s.caps.Keywords {
			changed.Flags = mail.NewFlagSet(changed.Flags.System, want.Keywords...)
		}
		f.messages[i] = &changed
		return nil
	})
}

func (b *targetMailbox) Remove(ctx context.Context, path mail.Path, id string) error {
	return b.change(ctx, "target.Remove", path, id, func(f *folder, i int) error {
		f.messages = slices.Delete(f.messages, i, i+1)
		return nil
	})
}

func (b *targetMailbox) change(ctx context.Context, name string, path mail.Path, id string, change func(f *folder, i int) error) error {
	return b.s.call(ctx, name, b.user, path, func(*Fault) error {
		b.s.mu.Lock()
		defer b.s.mu.Unlock()
		f, err := b.s.find(name, b.user, path)
		if err != nil {
			return err
		}
		i := f.index(id)
		if i < 0 {
			return failure.New(failure.Vanished, name, b.user+" "+string(path)+" "+id, "fake.no-message", nil)
		}
		f.modseq++
		return change(f, i)
	})
}

func (b *targetMailbox) Close() error {
	b.s.mu.Lock()
	defer b.s.mu.Unlock()
	b.s.writing = slices.DeleteFunc(b.s.writing, func(w *targetMailbox) bool { return w == b })
	return nil
}

func (m *message) stored() connector.Stored {
	return connector.Stored{ID: m.key(), Size: m.size(), InternalDate: m.Date, Flags: m.Flags}
}
