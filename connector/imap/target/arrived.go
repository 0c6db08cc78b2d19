package target

import (
	"context"
	"errors"
	"fmt"
	"io"
	"iter"
	"slices"
	"strconv"
	"strings"

	"waybill/connector"
	"waybill/connector/imap/server"
	"waybill/failure"
	"waybill/imap"
	"waybill/mail"
)

// position is a moment in a folder: messages that come later have a UID that is
// not below next, as long as the folder's UIDVALIDITY stays.
type position struct{ validity, next uint32 }

func (p position) String() string { return fmt.Sprintf("%d/%d", p.validity, p.next) }

func parsePosition(at connector.Position, where string) (position, error) {
	a, b, ok := strings.Cut(string(at), "/")
	validity, err1 := strconv.ParseUint(a, 10, 32)
	next, err2 := strconv.ParseUint(b, 10, 32)
	p := position{uint32(validity), uint32(next)}
	if !ok || err1 != nil || err2 != nil || p.validity == 0 || p.next == 0 || p.String() != string(at) {
		return p, failure.New(failure.Usage, "look at folder", where, "imap.position", fmt.Errorf("%q is no position in a folder of an IMAP server", at))
	}
	return p, nil
}

// Position tells UIDVALIDITY and UIDNEXT of a folder, which stays open. After an
// Append whose UIDs the server told it need not be asked again: what others
// deliver meanwhile is behind the position, too.
func (b *targetBox) Position(ctx context.Context, folder mail.Path) (connector.Position, error) {
	if err := server.Ended(ctx, "take position", b.where(folder)); err != nil {
		return "", err
	}
	l := b.writer
	l.mu.Lock()
	defer l.mu.Unlock()
	x, err := l.enter(ctx, folder, false)
	if err != nil {
		return "", err
	}
	if l.next == 0 && l.folder == folder {
		if x, err = l.enter(ctx, folder, true); err != nil {
			return "", err
		}
	}
	if l.next == 0 {
		if err := l.countNext(ctx, x, b.where(folder)); err != nil {
			return "", err
		}
	}
	return connector.Position(position{l.open.UIDValidity, l.next}.String()), nil
}

// countNext finds the next UID of a server that does not tell it: one above the
// last message's.
func (l *line) countNext(ctx context.Context, x *server.Session, where string) error {
	if x.Exists() <= 0 {
		l.next = 1
		return nil
	}
	last := uint32(0)
	s := x.Fetch(ctx, imap.FetchRequest{UIDs: imap.UIDSet{{First: 0, Last: 0}}, Flags: true})
	for {
		it, err := s.Next()
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			return l.box.t.fail("take position", where, errors.Join(err, s.Close()))
		}
		last = max(last, it.UID)
	}
	if last == 0 || last == 1<<32-1 {
		return failure.New(failure.Malformed, "take position", where, "imap.no-uidnext", errors.New("the server tells neither UIDNEXT nor the last message's UID"))
	}
	l.next = last + 1
	return nil
}

// window is how many UIDs are asked for at once, so that what is held of a long
// listing is bounded.
const window = 4096

// Arrived lists what has a UID from the position on. What it yields was read
// before, so that messages may be opened in between.
func (b *targetBox) Arrived(ctx context.Context, folder mail.Path, since connector.Position) iter.Seq2[connector.Stored, error] {
	return func(yield func(connector.Stored, error) bool) {
		where := b.where(folder)
		p, err := parsePosition(since, where)
		if err != nil {
			yield(connector.Stored{}, err)
			return
		}
		from, width, fresh := uint64(p.next), uint64(window), true
		for {
			if err := server.Ended(ctx, "look for arrivals", where); err != nil {
				yield(connector.Stored{}, err)
				return
			}
			list, end, err := b.arrivedFrom(ctx, folder, p, from, width, fresh)
			for _, s := range list {
				if err := server.Ended(ctx, "look for arrivals", where); err != nil {
					yield(connector.Stored{}, err)
					return
				}
				if !yield(s, nil) {
					return
				}
			}
			if err != nil {
				yield(connector.Stored{}, err)
				return
			}
			if from += width; end <= from {
				return
			}
			fresh = false
			// UIDs may be thinly spread: windows without much in them grow.
			if len(list) < window/16 {
				width *= 4
			} else if len(list) > 2*window {
				width /= 2
			}
		}
	}
}

// arrivedFrom lists one window of UIDs and tells where the folder ends.
func (b *targetBox) arrivedFrom(ctx context.Context, folder mail.Path, p position, from, width uint64, fresh bool) ([]connector.Stored, uint64, error) {
	l, _, err := b.back(ctx)
	if err != nil {
		return nil, 0, err
	}
	defer l.mu.Unlock()
	x, err := l.enter(ctx, folder, fresh)
	if err != nil {
		return nil, 0, err
	}
	where := b.where(folder)
	if err := l.sameEpoch(p, where); err != nil {
		return nil, 0, err
	}
	end := uint64(l.open.UIDNext)
	if end > 0 && from >= end {
		return nil, end, nil
	}
	set := imap.UIDSet{{First: uint32(from), Last: uint32(min(from+width-1, 1<<32-1))}}
	if end == 0 { // not told: everything at once
		set[0].Last = 0
	}
	s := x.Fetch(ctx, imap.FetchRequest{UIDs: set, Flags: true, InternalDate: true, Size: true})
	var list []connector.Stored
	for {
		it, err := s.Next()
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			return nil, 0, b.t.fail("look for arrivals", where, errors.Join(err, s.Close()))
		}
		// "n:*" holds the last message even where its UID is below n.
		if uint64(it.UID) >= from && (end == 0 || uint64(it.UID) < from+width) {
			list = append(list, b.t.stored(it))
		}
	}
	if broken := s.Skipped(); len(broken) > 0 {
		return nil, 0, b.t.fail("look for arrivals", where, broken[0])
	}
	return sortStored(list), end, nil
}

// sortStored puts messages in the order of arrival, each once: servers may tell
// of one twice, when its flags change meanwhile.
func sortStored(list []connector.Stored) []connector.Stored {
	slices.SortStableFunc(list, func(a, b connector.Stored) int {
		x, _ := parseUID(a.ID)
		y, _ := parseUID(b.ID)
		return int(int64(x) - int64(y))
	})
	return slices.CompactFunc(list, func(a, b connector.Stored) bool { return a.ID == b.ID })
}
