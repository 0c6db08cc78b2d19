package account

import (
	"context"

	"waybill/engine/copying"
	"waybill/ledger"
	"waybill/report"
)

// since counts by folder what happened in the source to messages that were
// moved. The ledger keeps it as notes, which are no losses.
type since struct{ left, doubtful, moved, kept, mirrored map[int64]int64 }

func readSince(ctx context.Context, l *ledger.Ledger) (s since, err error) {
	for kind, into := range map[string]*map[int64]int64{copying.NoteLeft: &s.left, copying.NoteDoubtful: &s.doubtful, copying.NoteMoved: &s.moved, copying.NoteKept: &s.kept} {
		if *into, err = l.CountNoted(ctx, kind); err != nil {
			return s, err
		}
	}
	s.mirrored, err = l.CountRuled(ctx, copying.RuleMirrored)
	return s, err
}

// of is the arithmetic of a folder with what happened since.
func (s since) of(t ledger.Tally) report.Count {
	c := countOf(t)
	c.Left, c.Moved, c.Kept, c.Mirrored = s.left[t.ID]+s.doubtful[t.ID], s.moved[t.ID], s.kept[t.ID], s.mirrored[t.ID]
	return c
}

// leaveOut takes out of a count of losses what is none.
func (since) leaveOut(notes map[string]int64) {
	for _, kind := range []string{copying.NoteLeft, copying.NoteDoubtful, copying.NoteMoved, copying.NoteKept, copying.NoteGone} {
		delete(notes, kind)
	}
}
