package source

import (
	"context"
	"fmt"
	"slices"

	"waybill/connector"
	"waybill/connector/imap/server"
	"waybill/failure"
	"waybill/imap"
	"waybill/mail"
)

// censusItems are what STATUS is asked for (RFC 9051 6.3.11, RFC 7162 3.1.2.2,
// RFC 8438).
func censusItems(x *server.Session) []string {
	items := []string{"MESSAGES", "UIDNEXT", "UIDVALIDITY"}
	if x.Has("CONDSTORE") || x.Has("QRESYNC") {
		items = append(items, "HIGHESTMODSEQ")
	}
	if x.Has("STATUS=SIZE") {
		items = append(items, "SIZE")
	}
	return items
}

func (b *sourceBox) Census(ctx context.Context, path mail.Path, exact bool) (connector.Census, error) {
	const op = "count messages"
	none := connector.Census{Messages: -1, Bytes: -1}
	if err := b.link.lock(ctx, op, b.user+" "+string(path)); err != nil {
		return none, err
	}
	locked := true
	defer func() {
		if locked {
			b.link.unlock()
		}
	}()
	f, err := b.find(op, path)
	if err != nil {
		return none, err
	}
	status := f.status
	f.status = nil
	if status == nil || exact {
		if status, err = b.status(ctx, f); err != nil {
			return none, err
		}
	}
	c := connector.Census{Messages: status.Messages, Bytes: status.Size, State: state(status)}
	if c.Messages == 0 {
		c.Bytes = 0
	}
	if b.source.labels.filters(f) {
		// How many of them belong here shows in their labels only, and so does
		// whether anything changed.
		c = none
	}
	if !exact || c.Messages >= 0 && c.Bytes >= 0 {
		return c, nil
	}
	b.link.unlock()
	locked = false
	return b.counted(ctx, path, c)
}

// counted lists the folder to know its size.
func (b *sourceBox) counted(ctx context.Context, path mail.Path, c connector.Census) (connector.Census, error) {
	var messages, bytes int64
	for m, err := range b.Messages(ctx, path) {
		if err != nil && m.Key == "" {
			return connector.Census{Messages: -1, Bytes: -1}, err
		}
		messages++
		if m.Size < 0 || bytes < 0 {
			bytes = -1
		} else {
			bytes += m.Size
		}
	}
	if c.Messages < 0 {
		c.Messages = messages
	}
	c.Bytes = bytes
	return c, nil
}

// status asks for one folder. A refusal is an error and never stands for nothing.
func (b *sourceBox) status(ctx context.Context, f *sourceFolder) (*imap.Status, error) {
	const op = "count messages"
	x, err := b.link.connected(ctx)
	if err != nil {
		return nil, err
	}
	if err := b.link.leave(ctx, x); err != nil {
		return nil, err
	}
	results, err := x.Status(ctx, []string{f.name}, censusItems(x)...)
	if err != nil {
		return nil, b.source.fail(ctx, op, b.link.where(f), err)
	}
	if len(results) == 1 && results[0].Err == nil && results[0].Messages >= 0 {
		return &results[0].Status, nil
	}
	if len(results) == 1 && results[0].Err != nil {
		if server.Refused(results[0].Err) {
			return nil, b.link.unreadable(ctx, x, f, results[0].Err)
		}
		return nil, b.source.fail(ctx, op, b.link.where(f), results[0].Err)
	}
	return nil, failure.New(failure.Malformed, op, b.link.where(f), "imap.protocol", fmt.Errorf("the server does not tell how many messages there are"))
}

// state is a word for all that a listing shows. Without a modification sequence
// (RFC 7162) a change of flags would not be seen in it, so there is none.
func state(s *imap.Status) string {
	if s.HighestModSeq == 0 || s.UIDValidity <= 0 || s.UIDNext <= 0 || s.Messages < 0 {
		return ""
	}
	return fmt.Sprintf("%d %d %d %d", s.UIDValidity, s.UIDNext, s.Messages, s.HighestModSeq)
}

// parseState reads what state wrote.
func parseState(word string) (validity, next uint32, messages int64, modseq uint64, ok bool) {
	n, err := fmt.Sscanf(word, "%d %d %d %d", &validity, &next, &messages, &modseq)
	ok = err == nil && n == 4 && fmt.Sprintf("%d %d %d %d", validity, next, messages, modseq) == word
	return validity, next, messages, modseq, ok && validity > 0 && modseq > 0
}

// Larger counts with SEARCH (RFC 9051 6.4.4).
func (b *sourceBox) Larger(ctx context.Context, path mail.Path, than int64) (int64, error) {
	const op = "search folder"
	if err := b.link.lock(ctx, op, b.user+" "+string(path)); err != nil {
		return 0, err
	}
	defer b.link.unlock()
	f, err := b.find(op, path)
	if err != nil {
		return 0, err
	}
	x, err := b.link.examine(ctx, f, false)
	if err != nil {
		return 0, err
	}
	b.link.quiet()
	if b.link.state.Exists == 0 {
		return 0, nil
	}
	// RFC 9051 9 bounds the number.
	set, err := x.Search(ctx, fmt.Sprintf("LARGER %d", min(max(than, 0), 1<<32-1)))
	if err != nil {
		return 0, b.source.fail(ctx, op, b.link.where(f), err)
	}
	return count(set), nil
}

// maxGone bounds how many UIDs are told as gone; a folder with more holes is
// listed in full.
const maxGone = 200_000

// Changes asks for what has a higher modification sequence (RFC 7162 3.1.4), and
// for what is gone with QRESYNC (3.2.6), or else with a search for what is left.
// Gone may name messages that were never listed.
func (b *sourceBox) Changes(ctx context.Context, path mail.Path, since string) (changed []mail.Message, gone []string, ok bool, err error) {
	const op = "list changes"
	validity, next, before, modseq, told := parseState(since)
	if !told {
		return nil, nil, false, nil
	}
	if err := b.link.lock(ctx, op, b.user+" "+string(path)); err != nil {
		return nil, nil, false, err
	}
	defer b.link.unlock()
	f, err := b.find(op, path)
	if err != nil {
		return nil, nil, false, err
	}
	x, err := b.link.connected(ctx)
	if err != nil {
		return nil, nil, false, err
	}
	if b.source.labels.filters(f) || !x.Has("CONDSTORE") && !x.Has("QRESYNC") {
		return nil, nil, false, nil
	}
	if x, err = b.link.examine(ctx, f, true); err != nil {
		return nil, nil, false, err
	}
	now := b.link.state
	if now.UIDValidity != validity || now.HighestModSeq == 0 || now.HighestModSeq < modseq {
		return nil, nil, false, nil
	}
	l := &lister{box: b, folder: f, validity: validity, bound: now.UIDNext}
	rows, added, err := l.changedSince(ctx, x, modseq, next)
	if err != nil || rows == nil {
		return nil, nil, false, err
	}
	for _, r := range rows {
		if m, listed := b.message(f, validity, r); listed {
			changed = append(changed, m)
		}
	}
	if before+added == now.Exists {
		return changed, nil, true, nil
	}
	there, err := l.search(ctx, x)
	if err != nil {
		return nil, nil, false, err
	}
	// What came after since and is gone again was never listed.
	holes := complement(there, next-1)
	if count(holes) > maxGone {
		return nil, nil, false, nil
	}
	for _, r := range holes {
		for uid := uint64(r.First); uid <= uint64(r.Last); uid++ {
			gone = append(gone, keyOf(validity, uint32(uid)))
		}
	}
	return changed, gone, true, nil
}

// changedSince fetches what changed; added are those that came after next was
// the next UID. Rows is nil when some answer was not complete.
func (l *lister) changedSince(ctx context.Context, x *server.Session, modseq uint64, next uint32) (rows []row, added int64, err error) {
	found := map[uint32]row{}
	if l.box.link.state.Exists == 0 {
		return []row{}, 0, nil
	}
	stream := x.Fetch(ctx, imap.FetchRequest{UIDs: imap.UIDSet{{First: 1}}, Flags: true, InternalDate: true, Size: true, ModSeq: true, ChangedSince: modseq})
	defer func() { _ = stream.Close() }()
	for {
		item, err := stream.Next()
		if endOfAnswer(err) {
			break
		}
		if err != nil {
			return nil, 0, l.box.source.fail(ctx, "list changes", l.box.link.where(l.folder), err)
		}
		if item.UID == 0 || l.bound > 0 && item.UID >= l.bound {
			continue
		}
		found[item.UID] = merged(found[item.UID], item)
		if int64(len(found)) > l.box.link.state.Exists {
			return nil, 0, nil
		}
	}
	if len(stream.Skipped()) > 0 || l.odd(found) {
		return nil, 0, nil
	}
	rows = make([]row, 0, len(found))
	for _, r := range found {
		rows = append(rows, r)
		if r.uid >= next {
			added++
		}
	}
	slices.SortFunc(rows, func(a, c row) int { return int(int64(a.uid) - int64(c.uid)) })
	return rows, added, nil
}

// complement is what of 1 to last is not in a sorted set.
func complement(set imap.UIDSet, last uint32) imap.UIDSet {
	var holes imap.UIDSet
	at := uint64(1)
	for _, r := range set {
		if uint64(r.First) > at && at <= uint64(last) {
			holes = append(holes, imap.UIDRange{First: uint32(at), Last: uint32(min(uint64(r.First)-1, uint64(last)))})
		}
		at = max(at, uint64(r.Last)+1)
	}
	if at <= uint64(last) {
		holes = append(holes, imap.UIDRange{First: uint32(at), Last: last})
	}
	return holes
}
