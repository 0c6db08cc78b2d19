package copying

import (
	"context"
	"errors"
	"fmt"
	"slices"

	"waybill/connector"
	"waybill/engine/setup"
	"waybill/event"
	"waybill/failure"
	"waybill/ledger"
	"waybill/mail"
)

// mailboxRun is the work on one mailbox under one lease.
type mailboxRun struct {
	*run
	box   ledger.Mailbox
	lease ledger.Lease
	plan  *setup.PlanUser
	known map[mail.Path]ledger.Folder // as the ledger had them when the attempt began

	from connector.SourceMailbox
	to   connector.TargetMailbox

	messages, bytes int64
	newlyLeft       int64 // messages that left the source since the last run
}

// all moves what is left of the mailbox. One broken folder does not keep the
// others from being moved; it makes the mailbox incomplete.
func (w *mailboxRun) all(ctx context.Context) (err error) {
	if err := w.open(ctx); err != nil {
		return err
	}
	defer func() { err = errors.Join(err, w.close()) }()
	var folders []mail.Folder
	if err := w.Try(ctx, w.box.User, "list folders", func() (err error) { folders, err = w.from.Folders(ctx); return err }); err != nil {
		return err
	}
	there, err := w.targetFolders(ctx)
	if err != nil {
		return err
	}
	names := setup.NewNaming(w.Target, folders)
	for _, f := range there {
		names.There = append(names.There, f)
	}
	slices.SortFunc(names.There, func(a, b mail.Folder) int { return a.Path.Compare(b.Path) })
	known, err := w.Ledger.Folders(ctx, w.box.ID)
	if err != nil {
		return err
	}
	w.known = make(map[mail.Path]ledger.Folder, len(known))
	for _, f := range known {
		names.Fix(f.Path, f.Target)
		w.known[f.Path] = f
	}
	seen := map[mail.Path]bool{}
	for _, f := range folders {
		seen[f.Path] = true
	}
	broken, err := w.copyFolders(ctx, folders, names, there)
	if err != nil {
		return err
	}
	if err := w.vanishedFolders(ctx, known, seen); err != nil {
		broken = append(broken, err)
	}
	broken = append(broken, w.reconcile(ctx, errors.Join(broken...)), w.hollow(ctx))
	return errors.Join(broken...)
}

func (w *mailboxRun) open(ctx context.Context) error {
	err := w.Try(ctx, w.box.User, "open mailbox in the source", func() (err error) {
		w.from, err = w.Source.Mailbox(ctx, w.box.User)
		return err
	})
	if err != nil {
		w.Emit(event.Event{Code: event.MailboxUnreadable, User: w.box.User, Detail: err.Error()})
		return err
	}
	err = w.Try(ctx, w.box.User, "open mailbox in the target", func() (err error) {
		w.to, err = w.Target.Mailbox(ctx, w.box.Account)
		return err
	})
	if err != nil {
		w.Emit(event.Event{Code: event.LogonFailed, User: w.box.User, Detail: err.Error()})
		return errors.Join(err, w.from.Close())
	}
	return nil
}

func (w *mailboxRun) close() error { return errors.Join(w.to.Close(), w.from.Close()) }

func (w *mailboxRun) targetFolders(ctx context.Context) (map[mail.Path]mail.Folder, error) {
	there := map[mail.Path]mail.Folder{}
	err := w.Try(ctx, w.box.User, "list folders of the target", func() error {
		folders, err := w.to.Folders(ctx)
		for _, f := range folders {
			there[f.Path] = f
		}
		return err
	})
	return there, err
}

// planned finds what the plan says of a folder; a folder that came after the
// plan has nothing.
func (w *mailboxRun) planned(path mail.Path) (setup.PlanFolder, bool) {
	for _, f := range w.plan.Folders {
		if f.Path == path {
			return f, true
		}
	}
	return setup.PlanFolder{}, false
}

// prepare names and makes one folder in the target. skip says that the plan
// leaves its messages out.
func (w *mailboxRun) prepare(ctx context.Context, f mail.Folder, names *setup.Naming, there map[mail.Path]mail.Folder) (row ledger.Folder, skip bool, err error) {
	line, planned := w.planned(f.Path)
	var notes []mail.Note
	stored, shown, notes := names.Name(f)
	if planned && w.edited && line.Target != "" && line.Target != stored {
		stored, shown, notes = line.Target, string(line.Target), nil // the operator's word
		names.Fix(f.Path, stored)
	}
	row, err = w.put(ctx, ledger.Folder{Mailbox: w.box.ID, Path: f.Path, Target: stored, Use: f.Use})
	if err != nil {
		return row, line.Skip, err
	}
	for _, n := range notes {
		w.Emit(event.Event{Code: event.FolderRenamed, User: w.box.User, Folder: string(f.Path), Detail: n.Text})
	}
	if err := w.makeFolder(ctx, f, row, line.Skip, shown, there); err != nil {
		return row, line.Skip, w.fail(ctx, row, err)
	}
	return row, line.Skip, nil
}

// fill moves the messages of a folder that is there.
func (w *mailboxRun) fill(ctx context.Context, f mail.Folder, row ledger.Folder, skip bool) error {
	if f.Container {
		if row.Complete {
			return nil
		}
		return w.Queue.Checkpoint(ctx, w.lease, ledger.Change{Folder: row.ID, Complete: &ledger.Complete{}})
	}
	if err := w.through(ctx, row, skip); err != nil {
		return w.fail(ctx, row, err)
	}
	return nil
}

// makeFolder sees to it that the folder is in the target, and that its owner is
// subscribed to it as before.
func (w *mailboxRun) makeFolder(ctx context.Context, f mail.Folder, row ledger.Folder, skip bool, shown string, there map[mail.Path]mail.Folder) error {
	caps := w.Target.Capabilities()
	have, exists := there[row.Target]
	switch {
	case skip, f.Container && (exists || !caps.EmptyFolders):
		return nil
	case exists && !have.Container:
		box, can := w.to.(connector.Subscriber)
		if !can || !f.Subscribed || have.Subscribed || row.Complete {
			return nil
		}
		return w.Try(ctx, w.box.User, "subscribe to folder", func() error { return box.Subscribe(ctx, row.Target) })
	}
	w.Step(ctx, "create folder", "account", w.box.Account, "folder", shown)
	made := mail.Folder{Path: row.Target, Use: f.Use, Subscribed: f.Subscribed}
	if err := w.Try(ctx, w.box.User, "create folder", func() error { return w.to.CreateFolder(ctx, made) }); err != nil {
		return err
	}
	there[row.Target] = made
	return nil
}

// put makes sure that the ledger has a folder. One that it has already in that
// shape is not written again: a run that finds nothing new would else spend most
// of its time on making durable what is.
func (w *mailboxRun) put(ctx context.Context, f ledger.Folder) (ledger.Folder, error) {
	if have, ok := w.known[f.Path]; ok && have.Target == f.Target && have.Use == f.Use {
		return have, nil
	}
	return w.Ledger.PutFolder(ctx, w.lease, f)
}

// fail records why a folder did not go through and returns err.
func (w *mailboxRun) fail(ctx context.Context, row ledger.Folder, err error) error {
	if ctx.Err() != nil || errors.Is(err, ledger.ErrFenced) {
		return err
	}
	if _, ok := errors.AsType[*setup.Snooze](err); ok {
		return err
	}
	w.Emit(event.Event{Code: event.FolderFailed, User: w.box.User, Folder: string(row.Path), Detail: err.Error()})
	return errors.Join(err, w.Ledger.FailFolder(ctx, w.lease, row.ID, failure.ClassOf(err), err.Error()))
}

// vanishedFolders looks for folders that the ledger knows and the source has no
// more, with batches whose outcome is still unknown: what arrived of them can no
// longer be told from what did not.
func (w *mailboxRun) vanishedFolders(ctx context.Context, known []ledger.Folder, seen map[mail.Path]bool) error {
	for _, f := range known {
		if seen[f.Path] {
			continue
		}
		p := &pass{mailboxRun: w, folder: f}
		if err := p.abandon(ctx); err != nil {
			return err
		}
		if err := p.leaveFolder(ctx); err != nil {
			return err
		}
	}
	return nil
}

// hollow catches the oldest failure of all: mail in the source, none in the
// target, and every step says that it went well.
func (w *mailboxRun) hollow(ctx context.Context) error {
	if arrived, err := w.Ledger.AnyArrived(ctx, w.box.ID); err != nil || arrived {
		return err // the usual case, for which nothing has to be counted
	}
	tallies, err := w.Ledger.Tallies(ctx, w.box.ID)
	if err != nil {
		return err
	}
	var found, left int64
	for _, t := range tallies {
		for s, n := range t.Messages {
			found += n
			if ledger.State(s) == ledger.Skipped {
				left += n
			}
		}
	}
	if found > left {
		w.Emit(event.Event{Code: event.MailboxHollow, User: w.box.User, Detail: fmt.Sprintf("%d messages in the source", found)})
		return failure.New(failure.Internal, "account for mailbox", w.box.User, "mailbox.hollow",
			fmt.Errorf("%d messages in the source and none in the target", found)).WithRemedy("look at the messages' reasons in the waybill")
	}
	return nil
}
