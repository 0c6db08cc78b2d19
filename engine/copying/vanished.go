package copying

import (
	"context"
	"hash/maphash"
	"slices"

	"waybill/failure"
	"waybill/ledger"
	"waybill/mail"
)

// vanished knows the rows of a folder that the source lists no more, by content.
type vanished struct {
	keys map[mail.Digest][]goneKey
	// sizes and dates are those of these rows: a new message that shares neither
	// with any of them need not be read to know that it is none of them.
	sizes, dates map[int64]bool
	// doubt is set when nothing is left of what was listed before.
	doubt bool
	// gone are messages that could not be read any more and are not listed now:
	// whoever owns them took them out of the source.
	gone []ledger.Row
	// others are keys of messages that have another outcome and are not listed now.
	others []string
	// listed is the listing itself, when it is short enough to be kept.
	listed []listedMessage
}

type goneKey struct {
	key    string
	marked bool // an earlier pass said so already
}

type listedMessage struct {
	m   mail.Message
	err error
}

// maxListed bounds how much of a listing is kept in memory, in messages; a
// longer one is asked for twice.
const maxListed = 20_000

func newVanished() *vanished {
	return &vanished{keys: map[mail.Digest][]goneKey{}, sizes: map[int64]bool{}, dates: map[int64]bool{}}
}

func (v *vanished) add(row ledger.Row) {
	v.keys[row.Digest] = append(v.keys[row.Digest], goneKey{row.Key, isLeft(row)})
	v.sizes[row.Size], v.dates[row.Date.Unix()] = true, true
}

// maybe reports whether a message could be one of those that vanished. A server
// may state a wrong size, or give a copy another date, but hardly both.
func (v *vanished) maybe(m mail.Message) bool {
	return len(v.keys) > 0 && (m.Size < 0 || v.sizes[m.Size] || v.dates[m.InternalDate.Unix()])
}

// findVanished lists the folder once to see which rows have no message any more.
// They may be messages whose key changed: a new UIDVALIDITY, a renumbered file.
func (p *pass) findVanished(ctx context.Context) (*vanished, error) {
	if any, err := p.hasRows(ctx); err != nil || !any {
		return nil, err
	}
	v := newVanished()
	// Eight bytes for each message: a map would take several times as much. Among
	// a million keys two have the same hash once in some thirty million runs.
	seed := maphash.MakeSeed()
	seen := make([]uint64, 0, max(p.folder.Found, 0)+lookupChunk)
	whole := true
	for m, err := range p.from.Messages(ctx, p.folder.Path) {
		if err != nil && m.Key == "" {
			return nil, p.brokenOff(ctx, err)
		}
		seen = append(seen, maphash.String(seed, m.Key))
		if whole = whole && len(v.listed) < maxListed; whole {
			v.listed = append(v.listed, listedMessage{m, err})
		}
	}
	if ctx.Err() != nil {
		return nil, ctx.Err()
	}
	if !whole {
		v.listed = nil
	}
	slices.Sort(seen)
	stayed, left := 0, 0
	for row, err := range p.Ledger.Rows(ctx, p.folder.ID) {
		if err != nil {
			return nil, err
		}
		if _, there := slices.BinarySearch(seen, maphash.String(seed, row.Key)); there {
			stayed++
			continue
		}
		switch {
		case row.State == ledger.Verified:
			if !isLeft(row) {
				left++
			}
			v.add(row)
		case row.State == ledger.Quarantined && row.Class == failure.Vanished && row.Target == "" && row.Rule != ruleLost && row.Rule != ruleMissing:
			v.gone = append(v.gone, row)
		case InListing(row):
			v.others = append(v.others, row.Key)
		}
	}
	v.doubt = stayed == 0 && left > fewMessages
	return v, ctx.Err()
}

// listing yields the folder's messages: those that findVanished has seen, or
// from the source.
func (p *pass) listing(ctx context.Context) func(yield func(mail.Message, error) bool) {
	if p.vanished == nil || len(p.vanished.listed) == 0 {
		return p.from.Messages(ctx, p.folder.Path)
	}
	listed := p.vanished.listed
	p.vanished.listed = nil
	return func(yield func(mail.Message, error) bool) {
		for _, l := range listed {
			if !yield(l.m, l.err) {
				return
			}
		}
	}
}

func (p *pass) hasRows(ctx context.Context) (bool, error) {
	for _, err := range p.Ledger.Rows(ctx, p.folder.ID, ledger.Verified, ledger.Quarantined) {
		return err == nil, err
	}
	return false, nil
}

// leaveGone settles what the listing of this pass went to its end without:
// messages that vanished before they could be read are skipped, and those that
// were moved before get a mark.
func (p *pass) leaveGone(ctx context.Context) error {
	if p.vanished == nil {
		return nil
	}
	for _, row := range p.vanished.gone {
		row.State, row.Rule = ledger.Skipped, ruleLeft
		row.Reason = "it left the source before it could be read: " + row.Reason
		if err := p.conclude(ctx, row); err != nil {
			return err
		}
	}
	left := p.vanished.others
	for _, keys := range p.vanished.keys {
		for _, k := range keys {
			if !k.marked {
				left = append(left, k.key)
			}
		}
	}
	slices.Sort(left)
	return p.markLeft(ctx, left, p.vanished.doubt)
}

// followed recognises a message under a new key by its content, and gives the
// row that key instead of delivering the message again.
func (p *pass) followed(ctx context.Context, m mail.Message) (bool, error) {
	if p.vanished == nil || !p.vanished.maybe(m) {
		return false, nil
	}
	digest, _, err := p.digest(ctx, m)
	if err != nil {
		if ctx.Err() != nil {
			return false, err
		}
		return false, nil // sending it will tell what is wrong
	}
	old := p.vanished.keys[digest]
	if len(old) == 0 {
		return false, nil
	}
	if p.vanished.keys[digest] = old[1:]; len(old) == 1 {
		delete(p.vanished.keys, digest)
	}
	err = p.Queue.Checkpoint(ctx, p.lease, ledger.Change{Folder: p.folder.ID, Rekey: []ledger.Rekey{{Old: old[0].key, New: m.Key}}})
	if err != nil {
		return true, err
	}
	rows, err := p.Ledger.Lookup(ctx, p.folder.ID, []string{m.Key})
	if err != nil {
		return true, err
	}
	p.Progress.Advanced(p.box.User, 1, max(m.Size, 0))
	return true, p.mergeFlags(ctx, m, p.returned(rows[0]))
}
