package copying

import (
	"context"
	"slices"

	"waybill/failure"
	"waybill/ledger"
	"waybill/mail"
)

// Kinds of notes on rows whose message left its folder of the source after it
// was moved. The row stays verified: the message is in the target.
const (
	// NoteLeft marks a message that its folder of the source has no more.
	NoteLeft = "source-left"
	// NoteDoubtful stands in place of NoteLeft where nothing is left of the folder.
	NoteDoubtful = "source-left-doubtful"
	// NoteMoved marks, beside one of these, that another folder of the same
	// mailbox has the same content.
	NoteMoved = "source-moved"
	// NoteKept marks, beside one of these, a message that its owner changed in the
	// target, and that is therefore never removed.
	NoteKept = "mirror-kept"
	// NoteGone marks what left the source and is not in the target either.
	NoteGone = "source-gone"
)

// Rules of rows that are skipped because of what happened in the source.
const (
	ruleLeft = "source.left" // it left the source before it could be read
	// RuleMirrored is the rule of messages that --mirror-deletions removed.
	RuleMirrored = "mirror.deleted"
)

// fewMessages is how many messages may all leave a folder together without
// anybody wondering.
const fewMessages = 10

var leftNotes = []string{NoteLeft, NoteDoubtful, NoteMoved, NoteKept, NoteGone}

func hasNote(row ledger.Row, kinds ...string) bool {
	return slices.ContainsFunc(row.Notes, func(n mail.Note) bool { return slices.Contains(kinds, n.Kind) })
}

func isLeft(row ledger.Row) bool { return hasNote(row, NoteLeft, NoteDoubtful) }

func withoutNotes(row ledger.Row, kinds ...string) ledger.Row {
	row.Notes = slices.DeleteFunc(slices.Clone(row.Notes), func(n mail.Note) bool { return slices.Contains(kinds, n.Kind) })
	return row
}

// returned takes the marks off a row whose message the source lists again.
func (p *pass) returned(row ledger.Row) ledger.Row {
	if !hasNote(row, leftNotes...) {
		return row
	}
	row = withoutNotes(row, leftNotes...)
	p.settled = append(p.settled, row)
	return row
}

// markLeft marks rows whose message the source's folder has no more.
func (p *pass) markLeft(ctx context.Context, keys []string, doubt bool) error {
	note := mail.Note{Kind: NoteLeft, Text: "it is not in this folder of the source any more"}
	if doubt {
		note = mail.Note{Kind: NoteDoubtful, Text: "it is not in this folder of the source any more, and nor is anything else that was"}
	}
	for chunk := range slices.Chunk(keys, lookupChunk) {
		rows, err := p.Ledger.Lookup(ctx, p.folder.ID, chunk)
		if err != nil {
			return err
		}
		for _, row := range rows {
			add := note
			switch {
			case row.State == ledger.Planned, hasNote(row, leftNotes...):
				continue
			case row.State != ledger.Verified:
				add = mail.Note{Kind: NoteGone, Text: note.Text}
			default:
				p.newlyLeft++
			}
			row.Notes = append(row.Notes, add)
			p.settled = append(p.settled, row)
		}
		if err := p.checkpoint(ctx, nil, nil); err != nil {
			return err
		}
	}
	return nil
}

// leaveFolder marks everything of a folder that the source has no more.
func (p *pass) leaveFolder(ctx context.Context) error {
	if !p.folder.Complete || p.folder.Found == 0 {
		return nil
	}
	var keys []string
	for row, err := range p.Ledger.Rows(ctx, p.folder.ID, ledger.Verified) {
		if err != nil {
			return err
		}
		if !isLeft(row) {
			keys = append(keys, row.Key)
		}
	}
	if err := p.markLeft(ctx, keys, len(keys) > fewMessages); err != nil {
		return err
	}
	return p.checkpoint(ctx, nil, &ledger.Complete{})
}

// InListing reports whether the last complete listing of the folder had the
// row's message.
func InListing(row ledger.Row) bool {
	switch {
	case row.State == ledger.Planned, hasNote(row, NoteLeft, NoteDoubtful, NoteGone):
		return false
	case row.State == ledger.Skipped:
		return row.Rule != ruleLeft && row.Rule != RuleMirrored
	}
	return row.State != ledger.Quarantined || row.Class != failure.Vanished
}
