package copying

import (
	"context"
	"errors"
	"fmt"
	"slices"

	"waybill/connector"
	"waybill/event"
	"waybill/failure"
	"waybill/ledger"
	"waybill/mail"
)

// defaultShare is how many percent of a mailbox may leave it at once without
// anybody wondering.
const defaultShare = 50

// departed are the messages of a mailbox that left their folder of the source.
type departed struct {
	rows   []ledger.FolderRow
	moved  int64
	held   int64 // messages of the mailbox that are proven in the target, in all
	folder map[int64]ledger.Folder
}

// reconcile follows what left its folder of the source: it finds out what was
// moved to another folder and, when the operator wishes, removes from the
// target what the source has no more. It comes last, when everything that the
// source has is in the target: a message that was moved is there twice rather
// than never. After a broken folder nothing is removed, because what is missing
// elsewhere may be there.
func (w *mailboxRun) reconcile(ctx context.Context, broken error) error {
	if ctx.Err() != nil {
		return nil
	}
	d, err := w.departures(ctx)
	if err != nil || len(d.rows) == 0 {
		return err
	}
	if w.newlyLeft > 0 {
		w.Emit(event.Event{Code: event.SourceLeft, User: w.box.User,
			Detail: fmt.Sprintf("%d since the last run; %d in all, of which another folder has %d", w.newlyLeft, len(d.rows), d.moved)})
	}
	switch {
	case !w.Options.MirrorDeletions || len(d.due(true)) == 0:
		return nil
	case broken != nil:
		w.refuse("", "a folder could not be gone through to its end")
		return nil
	}
	// Somebody may have moved a message into a folder that this run had been
	// through already. So everything is looked at once more before anything goes.
	if settled, err := w.lookAgain(ctx); err != nil || !settled {
		return err
	}
	if d, err = w.departures(ctx); err != nil {
		return err
	}
	return w.mirror(ctx, d)
}

// refuse tells why deletions are not repeated in the target.
func (w *mailboxRun) refuse(folder mail.Path, why string) {
	w.Emit(event.Event{Code: event.MirrorRefused, User: w.box.User, Folder: string(folder), Detail: why})
}

// departures finds the messages that left, and pairs each with one of the same
// content that another folder still has. It keeps in the ledger which have one.
func (w *mailboxRun) departures(ctx context.Context) (departed, error) {
	d := departed{folder: map[int64]ledger.Folder{}}
	type place struct {
		folder int64
		key    string
	}
	gone := map[place]bool{}
	elsewhere := map[mail.Digest][]int64{}
	for f, err := range w.Ledger.Noted(ctx, w.box.ID, NoteLeft, NoteDoubtful) {
		if err != nil {
			return d, err
		}
		if f.Row.State == ledger.Verified {
			d.rows = append(d.rows, f)
			gone[place{f.Folder, f.Row.Key}] = true
			elsewhere[f.Row.Digest] = nil
		}
	}
	if len(d.rows) == 0 {
		return d, nil
	}
	folders, err := w.Ledger.Folders(ctx, w.box.ID)
	if err != nil {
		return d, err
	}
	for _, f := range folders {
		d.folder[f.ID] = f
	}
	err = w.Ledger.Contents(ctx, w.box.ID, func(c ledger.Content) bool {
		d.held++
		if have, wanted := elsewhere[c.Digest]; wanted && !gone[place{c.Folder, c.Key}] {
			elsewhere[c.Digest] = append(have, c.Folder)
		}
		return true
	})
	if err != nil {
		return d, err
	}
	changed := map[int64][]ledger.Row{}
	for i := range d.rows {
		f := &d.rows[i]
		have := elsewhere[f.Row.Digest]
		at := slices.IndexFunc(have, func(folder int64) bool { return folder != f.Folder })
		if at >= 0 {
			d.moved++
			elsewhere[f.Row.Digest] = slices.Delete(slices.Clone(have), at, at+1)
		}
		if hasNote(f.Row, NoteMoved) == (at >= 0) {
			continue
		}
		f.Row = withoutNotes(f.Row, NoteMoved)
		if at >= 0 {
			f.Row.Notes = append(f.Row.Notes, mail.Note{Kind: NoteMoved, Text: "the source has it in " + string(d.folder[have[at]].Path)})
		}
		changed[f.Folder] = append(changed[f.Folder], f.Row)
	}
	return d, w.rewrite(ctx, changed)
}

// rewrite replaces rows, in the order of their folders.
func (w *mailboxRun) rewrite(ctx context.Context, rows map[int64][]ledger.Row) error {
	var changes []ledger.Change
	for folder, list := range rows {
		changes = append(changes, ledger.Change{Folder: folder, Settled: list})
	}
	if len(changes) == 0 {
		return nil
	}
	slices.SortFunc(changes, func(a, b ledger.Change) int { return int(a.Folder - b.Folder) })
	return w.Queue.Checkpoint(ctx, w.lease, changes...)
}

// due lists what may be removed, as far as the rows tell; with doubtful set also
// what needs the operator's word.
func (d departed) due(doubtful bool) (list []ledger.FolderRow) {
	for _, f := range d.rows {
		switch {
		case hasNote(f.Row, NoteKept):
		case hasNote(f.Row, NoteMoved), doubtful, hasNote(f.Row, NoteLeft):
			list = append(list, f)
		}
	}
	return list
}

// lookAgain goes over all folders once more. It reports false when the folders
// themselves changed meanwhile: then the next run decides.
func (w *mailboxRun) lookAgain(ctx context.Context) (settled bool, err error) {
	var folders []mail.Folder
	if err := w.Try(ctx, w.box.User, "list folders", func() (err error) { folders, err = w.from.Folders(ctx); return err }); err != nil {
		return false, err
	}
	known, err := w.Ledger.Folders(ctx, w.box.ID)
	if err != nil {
		return false, err
	}
	byPath := make(map[mail.Path]ledger.Folder, len(known))
	for _, f := range known {
		byPath[f.Path] = f
	}
	for _, f := range folders {
		have, ok := byPath[f.Path]
		if !ok {
			w.refuse(f.Path, "the folder was made while the mailbox was gone through; the next run decides")
			return false, nil
		}
		if f.Container {
			continue
		}
		line, _ := w.planned(f.Path)
		p := &pass{mailboxRun: w, folder: have, skip: line.Skip}
		if err := p.all(ctx); err != nil {
			return false, w.fail(ctx, have, err)
		}
	}
	return true, nil
}

// mirror removes from the target what may be removed.
func (w *mailboxRun) mirror(ctx context.Context, d departed) error {
	sure, share := w.Options.MirrorSure, int64(w.Options.MirrorShare)
	if share <= 0 {
		share = defaultShare
	}
	list := d.due(sure)
	var alone, doubtful int64
	for _, f := range d.due(true) {
		if !hasNote(f.Row, NoteMoved) {
			alone++
			if hasNote(f.Row, NoteDoubtful) {
				doubtful++
			}
		}
	}
	if !sure && alone*100 > share*d.held {
		w.refuse("", fmt.Sprintf("%d of %d messages are gone from the source, more than %d %%", alone, d.held, share))
		list = slices.DeleteFunc(list, func(f ledger.FolderRow) bool { return !hasNote(f.Row, NoteMoved) })
	} else if !sure && doubtful > 0 {
		w.refuse("", fmt.Sprintf("%d messages are gone together with everything else in their folder", doubtful))
	}
	var removed, kept int64
	for len(list) > 0 {
		n := 1
		for n < len(list) && n < removeChunk && list[n].Folder == list[0].Folder {
			n++
		}
		r, k, err := w.removeAll(ctx, d.folder[list[0].Folder], list[:n])
		removed, kept = removed+r, kept+k
		if err != nil {
			return err
		}
		list = list[n:]
	}
	for _, e := range []struct {
		code event.Code
		n    int64
	}{{event.MirrorRemoved, removed}, {event.MirrorKept, kept}} {
		if e.n > 0 {
			w.Emit(event.Event{Code: e.code, User: w.box.User, Detail: fmt.Sprintf("%d messages", e.n)})
		}
	}
	return nil
}

// removeChunk is after how many removals the ledger is told. What a crash leaves
// untold is gone from the target, which the next run sees.
const removeChunk = 100

// removeAll removes messages of one folder and keeps in the ledger what became
// of them.
func (w *mailboxRun) removeAll(ctx context.Context, folder ledger.Folder, list []ledger.FolderRow) (removed, kept int64, err error) {
	p := &pass{mailboxRun: w, folder: folder}
	if box, can := w.to.(connector.StoredAnnouncer); can {
		ids := make([]string, len(list))
		for i := range list {
			ids[i] = list[i].Row.Target
		}
		box.AnnounceStored(ctx, folder.Target, ids)
	}
	var settled []ledger.Row
	for _, f := range list {
		var row ledger.Row
		err = w.Try(ctx, w.box.User, "remove from "+string(folder.Target), func() (err error) {
			row, err = p.remove(ctx, f.Row)
			return err
		})
		if err != nil {
			break
		}
		if settled = append(settled, row); row.State == ledger.Skipped {
			removed++
		} else {
			kept++
		}
	}
	if len(settled) > 0 {
		// Told even when somebody stops the run just now.
		told := w.Queue.Checkpoint(context.WithoutCancel(ctx), w.lease, ledger.Change{Folder: folder.ID, Settled: settled})
		err = errors.Join(err, told)
	}
	return removed, kept, err
}

// remove takes one message out of the target, provided that it is what was
// delivered, and returns its row. One that is not there any more is done.
func (p *pass) remove(ctx context.Context, row ledger.Row) (ledger.Row, error) {
	stored, reader, err := p.to.Open(ctx, p.folder.Target, row.Target)
	there := failure.ClassOf(err) != failure.Vanished || err == nil
	if err != nil && there {
		return row, err
	}
	if there {
		got, err := p.fingerprintStored(ctx, reader)
		if err != nil {
			return row, err
		}
		want := row.Digest
		if !row.Fingerprint.IsZero() {
			want = row.Fingerprint
		}
		marks, _, _ := Holdable(mail.Message{Flags: row.Flags}, p.Target.Capabilities())
		if got != want || !stored.Flags.Equal(marks) {
			row.Notes = append(row.Notes, mail.Note{Kind: NoteKept, Text: "it was changed in the target"})
			return row, nil
		}
		if err := p.to.Remove(ctx, p.folder.Target, row.Target); err != nil && failure.ClassOf(err) != failure.Vanished {
			return row, err
		}
	}
	reason := "it was deleted in the source"
	if hasNote(row, NoteMoved) {
		reason = "it lies in another folder of the source"
	}
	if !there {
		reason += ", and was not in the target any more"
	}
	row = withoutNotes(row, leftNotes...)
	row.State, row.Rule, row.Reason, row.Class = ledger.Skipped, RuleMirrored, reason, failure.Vanished
	return row, nil
}
