package source

import (
	"context"
	"errors"
	"fmt"
	"iter"
	"slices"
	"strings"
	"time"

	"waybill/connector/imap/server"
	"waybill/failure"
	"waybill/imap"
	"waybill/mail"
)

// listWindow is how many messages are listed with one command. They are read to the
// end before any is yielded, so that the line is free for bodies.
const listWindow = 4000

// errUntold is the error of a message that the server has and does not describe.
var errUntold = errors.New("the server has this UID and tells nothing of the message, though it was asked twice")

// row is what FETCH told of one message.
type row struct {
	uid   uint32
	told  bool // size or date came, not just a change of flags
	flags []string
	date  time.Time
	raw   string // the date, where it cannot be read
	size  int64
	gmail []string
}

func (b *sourceBox) Messages(ctx context.Context, path mail.Path) iter.Seq2[mail.Message, error] {
	return func(yield func(mail.Message, error) bool) {
		f, err := b.findLocked(ctx, "list messages", path)
		if err == nil {
			err = b.windows(ctx, f, yield)
		}
		if err != nil && !errors.Is(err, errStopped) {
			yield(mail.Message{}, err)
		}
	}
}

// errStopped ends a listing that nobody wants any more of.
var errStopped = errors.New("stopped")

func (b *sourceBox) findLocked(ctx context.Context, op string, path mail.Path) (*sourceFolder, error) {
	if err := b.link.lock(ctx, op, b.user+" "+string(path)); err != nil {
		return nil, err
	}
	defer b.link.unlock()
	return b.find(op, path)
}

// windows lists a folder piece by piece.
func (b *sourceBox) windows(ctx context.Context, f *sourceFolder, yield func(mail.Message, error) bool) error {
	l := &lister{box: b, folder: f}
	if err := l.start(ctx); err != nil {
		return err
	}
	for len(l.left) > 0 {
		rows, silent, err := l.next(ctx)
		if err != nil {
			return err
		}
		for _, r := range rows {
			if err := server.Ended(ctx, "list messages", b.link.where(f)); err != nil {
				return err
			}
			m, listed := b.message(f, l.validity, r)
			if !listed {
				continue
			}
			if !yield(m, nil) {
				return errStopped
			}
		}
		for _, uid := range silent {
			m := mail.Message{Key: keyOf(l.validity, uid), Size: -1}
			where := b.link.where(f) + " " + m.Key
			if !yield(m, failure.New(failure.Malformed, "list messages", where, "imap.untold", errUntold)) {
				return errStopped
			}
		}
	}
	return nil
}

// lister goes through the UIDs of a folder as they were at the start.
type lister struct {
	box      *sourceBox
	folder   *sourceFolder
	validity uint32
	bound    uint32 // UIDs from here on are new mail, left to the next run; 0: not known
	left     imap.UIDSet
	// whole says that left is everything up to the bound, holes included, and
	// exists that many of it should come.
	whole  bool
	exists int64
}

// start opens the folder and finds out which UIDs there are. A small folder is
// asked for as a whole, and the number of answers compared with EXISTS.
func (l *lister) start(ctx context.Context) error {
	link := l.box.link
	const op = "list messages"
	if err := link.lock(ctx, op, link.where(l.folder)); err != nil {
		return err
	}
	defer link.unlock()
	x, err := link.examine(ctx, l.folder, true)
	if err != nil {
		return err
	}
	l.validity, l.bound, l.exists = link.state.UIDValidity, link.state.UIDNext, link.state.Exists
	switch {
	case l.exists == 0:
		return nil
	case l.exists <= listWindow:
		l.whole, l.left = true, imap.UIDSet{{First: 1}}
		return nil
	}
	l.left, err = l.search(ctx, x)
	return err
}

// search finds the UIDs below the bound, in pieces of at most a window.
func (l *lister) search(ctx context.Context, x sessionSearcher) (imap.UIDSet, error) {
	found, err := x.Search(ctx, "ALL")
	if err != nil {
		return nil, l.box.source.fail(ctx, "search folder", l.box.link.where(l.folder), err)
	}
	var set imap.UIDSet
	for _, r := range found {
		if r.First == 0 || r.Last < r.First || l.bound > 0 && r.First >= l.bound {
			continue
		}
		if l.bound > 0 {
			r.Last = min(r.Last, l.bound-1)
		}
		set = append(set, r)
	}
	slices.SortFunc(set, func(a, c imap.UIDRange) int { return int(int64(a.First) - int64(c.First)) })
	return set, nil
}

// next lists one window. Silent are UIDs that are there and were not told of.
func (l *lister) next(ctx context.Context) (rows []row, silent []uint32, err error) {
	link := l.box.link
	if err := link.lock(ctx, "list messages", link.where(l.folder)); err != nil {
		return nil, nil, err
	}
	defer link.unlock()
	x, err := link.examine(ctx, l.folder, false)
	if err != nil {
		return nil, nil, err
	}
	if link.state.UIDValidity != l.validity {
		return nil, nil, renumbered("list messages", link.where(l.folder), l.validity, link.state.UIDValidity)
	}
	link.quiet()
	piece := l.left
	if l.whole {
		l.left = nil
	} else {
		piece, l.left = cutSet(l.left, listWindow)
	}
	found := map[uint32]row{}
	if err := l.fetch(ctx, x, piece, found); err != nil {
		return nil, nil, err
	}
	expected := count(piece)
	if l.whole {
		expected = l.exists
	}
	if int64(len(found)) < expected || l.odd(found) {
		if silent, err = l.again(ctx, x, piece, found); err != nil {
			return nil, nil, err
		}
	}
	rows = make([]row, 0, len(found))
	for _, r := range found {
		if r.told {
			rows = append(rows, r)
		}
	}
	slices.SortFunc(rows, func(a, c row) int { return int(int64(a.uid) - int64(c.uid)) })
	return rows, silent, nil
}

func (l *lister) odd(found map[uint32]row) bool {
	for _, r := range found {
		if !r.told {
			return true
		}
	}
	return false
}

// again finds out what is missing, asks for it once more, and gives those that
// are there and still not told of.
func (l *lister) again(ctx context.Context, x *server.Session, piece imap.UIDSet, found map[uint32]row) ([]uint32, error) {
	there, err := l.search(ctx, x)
	if err != nil {
		return nil, err
	}
	missing := func() (uids []uint32) {
		for _, r := range there {
			for uid := uint64(r.First); uid <= uint64(r.Last) && len(uids) <= 2*listWindow; uid++ {
				if (l.whole || holds(piece, uint32(uid))) && !found[uint32(uid)].told {
					uids = append(uids, uint32(uid))
				}
			}
		}
		return uids
	}
	absent := missing()
	if len(absent) == 0 {
		return nil, nil // gone meanwhile
	}
	if err := l.fetch(ctx, x, imap.UIDs(absent...), found); err != nil {
		return nil, err
	}
	return missing(), nil
}

// fetch reads the answers to one command into found.
func (l *lister) fetch(ctx context.Context, x *server.Session, set imap.UIDSet, found map[uint32]row) error {
	stream := x.Fetch(ctx, imap.FetchRequest{UIDs: set, Flags: true, InternalDate: true, Size: true, Gmail: l.box.source.labels.on})
	defer func() { _ = stream.Close() }()
	for {
		item, err := stream.Next()
		if endOfAnswer(err) {
			return nil
		}
		if err != nil {
			return l.box.source.fail(ctx, "list messages", l.box.link.where(l.folder), err)
		}
		if item.UID == 0 || l.bound > 0 && item.UID >= l.bound {
			continue // a change of flags told in passing, or new mail
		}
		if len(found) >= 4*listWindow && !found[item.UID].told {
			return failure.New(failure.Malformed, "list messages", l.box.link.where(l.folder), "imap.protocol", errors.New("the server tells of more messages than there are"))
		}
		found[item.UID] = merged(found[item.UID], item)
	}
}

// merged adds what an answer tells to what was known: a server may tell of a
// message twice, for instance when its flags change meanwhile.
func merged(r row, item *imap.FetchItem) row {
	r.uid = item.UID
	if item.Flags != nil || !r.told {
		r.flags = slices.Clone(item.Flags)
	}
	if !item.InternalDate.IsZero() {
		r.date, r.told = item.InternalDate, true
	} else if item.DateRaw != "" {
		r.raw, r.told = item.DateRaw, true
	}
	if item.Size >= 0 && (item.Size > 0 || !r.told) {
		r.size = item.Size
	}
	if item.GmailLabels != nil {
		r.gmail = slices.Clone(item.GmailLabels)
	}
	return r
}

// cutSet splits a set behind its first n UIDs.
func cutSet(set imap.UIDSet, n int64) (head, tail imap.UIDSet) {
	for i, r := range set {
		size := int64(r.Last) - int64(r.First) + 1
		if size < n {
			n -= size
			continue
		}
		head = append(slices.Clone(set[:i]), imap.UIDRange{First: r.First, Last: r.First + uint32(n) - 1})
		if size > n {
			tail = append(tail, imap.UIDRange{First: r.First + uint32(n), Last: r.Last})
		}
		return head, append(tail, set[i+1:]...)
	}
	return set, nil
}

// message makes a Message of a row; false leaves it to another folder.
func (b *sourceBox) message(f *sourceFolder, validity uint32, r row) (mail.Message, bool) {
	m := mail.Message{Key: keyOf(validity, r.uid), Size: r.size, InternalDate: r.date}
	if b.source.sizesLie.Load() {
		m.Size = -1
	}
	var keywords []string
	if b.source.labels.on {
		var listed bool
		keywords, m.Notes, listed = b.source.labels.assign(f, r.gmail)
		if !listed {
			return m, false
		}
	}
	for _, flag := range r.flags {
		switch {
		case strings.EqualFold(flag, `\Recent`):
		case !strings.HasPrefix(flag, `\`):
			keywords = append(keywords, flag)
		case isSystemFlag(flag):
			keywords = append(keywords, flag)
		default:
			m.Notes = append(m.Notes, mail.Note{Kind: "flag-unknown", Text: fmt.Sprintf("The server's own flag %q has no meaning elsewhere and was left out.", flag)})
		}
	}
	m.Flags = mail.NewFlagSet(0, keywords...)
	if b.source.seenIsOurs() {
		m.Flags.System &^= mail.Seen
	}
	if r.raw != "" && r.date.IsZero() {
		m.Notes = append(m.Notes, mail.Note{Kind: "date-unreadable", Text: fmt.Sprintf("The server's INTERNALDATE %q cannot be read.", r.raw)})
	}
	return m, true
}

func isSystemFlag(flag string) bool {
	return mail.NewFlagSet(0, flag).System != 0
}
