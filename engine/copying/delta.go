package copying

import (
	"context"
	"slices"

	"waybill/connector"
	"waybill/ledger"
	"waybill/mail"
)

// walk goes through what is in the folder, or through what changed in it.
func (p *pass) walk(ctx context.Context, census connector.Census) error {
	done, err := p.listChanges(ctx, census)
	if err != nil || done {
		return err
	}
	p.found, p.foundBytes = 0, 0
	if p.vanished, err = p.findVanished(ctx); err != nil {
		return err
	}
	return p.list(ctx)
}

// listChanges goes through what changed in the folder since its last complete
// pass, where the source can tell; done is false when the folder has to be
// listed in full. Changes that were dealt with before change nothing.
func (p *pass) listChanges(ctx context.Context, census connector.Census) (done bool, err error) {
	source, can := connector.Find[connector.ChangeLister](p.from)
	if !can || !p.folder.Complete || p.folder.Census == "" || census.State == "" || p.skip || p.Options.RetryExceptions {
		return false, nil
	}
	var changed []mail.Message
	var gone []string
	err = p.Try(ctx, p.box.User, "changes of "+string(p.folder.Path), func() (err error) {
		changed, gone, done, err = source.Changes(ctx, p.folder.Path, p.folder.Census)
		return err
	})
	if err != nil || !done {
		return false, err
	}
	p.Step(ctx, "changes", "user", p.box.User, "folder", p.folder.Path, "changed", len(changed), "gone", len(gone))
	changed, gone = Distinct(changed, gone)
	if p.vanished, err = p.goneRows(ctx, gone); err != nil {
		return true, err
	}
	for chunk := range slices.Chunk(changed, lookupChunk) {
		if err := p.decideChanged(ctx, chunk); err != nil {
			return true, err
		}
	}
	p.Progress.Advanced(p.box.User, max(p.folder.Found-int64(len(changed)), 0), 0)
	if err := p.flush(ctx, true); err != nil {
		return true, err
	}
	if err := p.collect(ctx); err != nil {
		return true, err
	}
	if err := p.leaveGone(ctx); err != nil {
		return true, err
	}
	p.vanished = nil
	// Counted, and not reckoned from the last pass: a run that was interrupted
	// since then may have dealt with some of the changes.
	if err := p.checkpoint(ctx, nil, nil); err != nil {
		return true, err
	}
	p.found, p.foundBytes, err = p.Ledger.Listed(ctx, p.folder.ID, []string{NoteLeft, NoteDoubtful, NoteGone}, []string{ruleLeft, ruleLost, RuleMirrored})
	if err == nil && census.Messages >= 0 && census.Messages != p.found {
		// Something came or went just now, or was not told: listing everything
		// tells for certain.
		p.Step(ctx, "changes do not add up", "user", p.box.User, "folder", p.folder.Path, "counted", p.found, "census", census.Messages)
		return false, nil
	}
	return true, err
}

// Distinct keeps one of each key. What a server calls changed and gone at the
// same time is there.
func Distinct(changed []mail.Message, gone []string) ([]mail.Message, []string) {
	seen := make(map[string]bool, len(changed))
	changed = slices.DeleteFunc(changed, func(m mail.Message) bool {
		twice := seen[m.Key]
		seen[m.Key] = true
		return twice
	})
	gone = slices.DeleteFunc(gone, func(key string) bool {
		known := seen[key]
		seen[key] = true
		return known
	})
	return changed, gone
}

// decideChanged deals with messages that are new or whose marks changed.
func (p *pass) decideChanged(ctx context.Context, changed []mail.Message) error {
	keys := make([]string, len(changed))
	for i := range changed {
		keys[i] = changed[i].Key
	}
	rows, err := p.Ledger.Lookup(ctx, p.folder.ID, keys)
	if err != nil {
		return err
	}
	for i, row := range rows {
		if ctx.Err() != nil {
			return ctx.Err()
		}
		if err := p.decide(ctx, changed[i], row); err != nil {
			return err
		}
	}
	return nil
}

// goneRows finds the rows of keys that are gone, and those that were gone
// before: a message that comes back under another key is one of them.
func (p *pass) goneRows(ctx context.Context, gone []string) (*vanished, error) {
	v := newVanished()
	var others []string
	left := 0
	for chunk := range slices.Chunk(gone, lookupChunk) {
		rows, err := p.Ledger.Lookup(ctx, p.folder.ID, chunk)
		if err != nil {
			return nil, err
		}
		for _, row := range rows {
			if !InListing(row) {
				continue
			}
			if row.State == ledger.Verified {
				v.add(row)
				left++
			} else {
				others = append(others, row.Key)
			}
		}
	}
	v.doubt = int64(left) >= p.folder.Found && left > fewMessages
	for f, err := range p.Ledger.Noted(ctx, p.box.ID, NoteLeft, NoteDoubtful) {
		if err != nil {
			return nil, err
		}
		if f.Folder == p.folder.ID && f.Row.State == ledger.Verified {
			v.add(f.Row)
		}
	}
	return v, p.markLeft(ctx, others, false)
}
