package engine

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
	keys map[mail.Digest][]string
	// gone are messages that could not be read any more and are not listed now:
	// whoever owns them took them out of the source.
	gone []ledger.Row
}

// findVanished lists the folder once to see which rows have no message any more.
// They may be messages whose key changed: a new UIDVALIDITY, a renumbered file.
func (p *pass) findVanished(ctx context.Context) (*vanished, error) {
	if any, err := p.hasRows(ctx); err != nil || !any {
		return nil, err
	}
	// Eight bytes for each message: a map would take several times as much. Among
	// a million keys two have the same hash once in some thirty million runs.
	seed := maphash.MakeSeed()
	seen := make([]uint64, 0, max(p.folder.Found, 0)+lookupChunk)
	for m, err := range p.from.Messages(ctx, p.folder.Path) {
		if err != nil && m.Key == "" {
			return nil, err
		}
		seen = append(seen, maphash.String(seed, m.Key))
	}
	slices.Sort(seen)
	v := &vanished{keys: map[mail.Digest][]string{}}
	for row, err := range p.Ledger.Rows(ctx, p.folder.ID, ledger.Verified, ledger.Quarantined) {
		if err != nil {
			return nil, err
		}
		if _, there := slices.BinarySearch(seen, maphash.String(seed, row.Key)); there {
			continue
		}
		switch {
		case row.State == ledger.Verified:
			v.keys[row.Digest] = append(v.keys[row.Digest], row.Key)
		case row.Class == failure.Vanished && row.Target == "" && row.Rule != ruleLost && row.Rule != ruleMissing:
			v.gone = append(v.gone, row)
		}
	}
	if len(v.keys)+len(v.gone) == 0 {
		return nil, ctx.Err()
	}
	return v, ctx.Err()
}

func (p *pass) hasRows(ctx context.Context) (bool, error) {
	for _, err := range p.Ledger.Rows(ctx, p.folder.ID, ledger.Verified, ledger.Quarantined) {
		return err == nil, err
	}
	return false, nil
}

// leaveGone settles messages that vanished before they could be read and stay
// away: the listing of this pass went to its end without them.
func (p *pass) leaveGone(ctx context.Context) error {
	if p.vanished == nil {
		return nil
	}
	for _, row := range p.vanished.gone {
		row.State, row.Rule = ledger.Skipped, "source.left"
		row.Reason = "it left the source before it could be read: " + row.Reason
		if err := p.conclude(ctx, row); err != nil {
			return err
		}
	}
	return nil
}

// followed recognises a message under a new key by its content, and gives the
// row that key instead of delivering the message again.
func (p *pass) followed(ctx context.Context, m mail.Message) (bool, error) {
	if p.vanished == nil {
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
	p.vanished.keys[digest] = old[1:]
	err = p.queue.Checkpoint(ctx, p.lease, ledger.Change{Folder: p.folder.ID, Rekey: []ledger.Rekey{{Old: old[0], New: m.Key}}})
	if err == nil {
		p.progress().Advanced(p.box.User, 1, max(m.Size, 0))
	}
	return true, err
}
