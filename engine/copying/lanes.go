package copying

import (
	"context"
	"errors"
	"fmt"
	"sync"

	"waybill/engine/setup"
	"waybill/event"
	"waybill/failure"
	"waybill/ledger"
	"waybill/mail"
)

// lanes is the work on the folders of one mailbox. Each lane has handles of its
// own on both mailboxes; a folder is worked on by one lane only.
type lanes struct {
	folders []mail.Folder

	mu     sync.Mutex // guards what follows, and is held while a folder is made
	next   int
	names  *setup.Naming
	there  map[mail.Path]mail.Folder
	broken []error // by folder, nil for what went well
	ended  error   // ends all lanes: none takes another folder

	// enough ends the wait of lanes that could not begin so far.
	enough context.CancelFunc
}

// copyFolders moves the messages of all folders. broken are folders that did not
// go through, in the order of the listing; err ends the mailbox.
func (w *mailboxRun) copyFolders(ctx context.Context, folders []mail.Folder, names *setup.Naming, there map[mail.Path]mail.Folder) (broken []error, err error) {
	beginning, enough := context.WithCancel(ctx)
	defer enough()
	l := &lanes{folders: folders, names: names, there: there, broken: make([]error, len(folders)), enough: enough}
	var wg sync.WaitGroup
	more := make([]*mailboxRun, w.laneCount(folders)-1)
	for i := range more {
		more[i] = &mailboxRun{run: w.run, box: w.box, lease: w.lease, plan: w.plan, known: w.known}
		wg.Go(func() { more[i].lane(beginning, ctx, l) })
	}
	l.drive(ctx, w)
	wg.Wait()
	for _, other := range more {
		w.messages += other.messages
		w.bytes += other.bytes
		w.newlyLeft += other.newlyLeft
	}
	for _, err := range l.broken {
		if err != nil {
			broken = append(broken, err)
		}
	}
	if failure.ClassOf(l.ended) == failure.Full && ctx.Err() == nil {
		return nil, errors.Join(broken...)
	}
	return broken, l.ended
}

// laneCount is how many lanes suit a mailbox: what its folders that are not
// complete can use, within what both systems allow and the other mailboxes of
// the run leave.
func (w *mailboxRun) laneCount(folders []mail.Folder) int {
	n := min(w.Source.Capabilities().Lanes, w.Target.Capabilities().Lanes, w.Workers()/max(1, len(w.run.plan)))
	open := 0
	for _, f := range folders {
		if !f.Container && !w.known[f.Path].Complete {
			open++
		}
	}
	return max(1, min(n, open))
}

// lane opens handles of its own and works with them. That they cannot be had is
// no failure: the first lane does the work then.
func (w *mailboxRun) lane(beginning, ctx context.Context, l *lanes) {
	if err := w.openAgain(beginning); err != nil {
		if beginning.Err() == nil {
			w.Step(ctx, "no further connections for this mailbox", "user", w.box.User, "why", err.Error())
		}
		return
	}
	l.drive(ctx, w)
	if err := w.close(); err != nil {
		l.mu.Lock()
		l.ended = errors.Join(l.ended, err)
		l.mu.Unlock()
	}
}

// openAgain opens both mailboxes once more and lists their folders, from which
// connectors learn how names are spelled.
func (w *mailboxRun) openAgain(ctx context.Context) (err error) {
	if w.from, err = w.Source.Mailbox(ctx, w.box.User); err != nil {
		return err
	}
	if w.to, err = w.Target.Mailbox(ctx, w.box.Account); err != nil {
		return errors.Join(err, w.from.Close())
	}
	_, err = w.from.Folders(ctx)
	if err == nil {
		_, err = w.to.Folders(ctx)
	}
	if err != nil {
		return errors.Join(err, w.close())
	}
	return nil
}

// drive works on one folder after the other until none is left.
func (l *lanes) drive(ctx context.Context, w *mailboxRun) {
	for {
		i, row, skip, ok := l.take(ctx, w)
		if !ok {
			return
		}
		if err := w.fill(ctx, l.folders[i], row, skip); err != nil {
			l.mu.Lock()
			l.fails(ctx, w, i, err)
			l.mu.Unlock()
		}
	}
}

// take makes the next folder in the target, in the order of the listing, in which
// parents come before their children.
func (l *lanes) take(ctx context.Context, w *mailboxRun) (i int, row ledger.Folder, skip, ok bool) {
	l.mu.Lock()
	defer l.mu.Unlock()
	for l.ended == nil && l.next < len(l.folders) {
		i := l.next
		l.next++
		row, skip, err := w.prepare(ctx, l.folders[i], l.names, l.there)
		if err == nil {
			return i, row, skip, true
		}
		l.fails(ctx, w, i, err)
	}
	l.enough()
	return 0, row, false, false
}

// fails keeps what went wrong with a folder, and ends the work where the next
// one would fare no better.
func (l *lanes) fails(ctx context.Context, w *mailboxRun, i int, err error) {
	var nap *setup.Snooze
	if ctx.Err() != nil || errors.Is(err, ledger.ErrFenced) || errors.As(err, &nap) {
		if l.ended == nil || failure.ClassOf(l.ended) == failure.Full {
			l.ended = err
		}
		return
	}
	l.broken[i] = fmt.Errorf("folder %s: %w", l.folders[i].Path, err)
	if failure.ClassOf(err) == failure.Full && l.ended == nil {
		w.Emit(event.Event{Code: event.TargetFull, User: w.box.User, Folder: string(l.folders[i].Path), Detail: err.Error()})
		l.ended = err
	}
}
