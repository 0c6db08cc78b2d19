// Package copying moves the messages of the mailboxes that a plan moves: it lists
// the source, sends what the ledger does not have, reads it back, and follows what
// changed or left since.
package copying

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"sync/atomic"
	"time"

	"waybill/directory"
	"waybill/engine/setup"
	"waybill/event"
	"waybill/failure"
	"waybill/ledger"
)

// Result is what a run did; the waybill is made from the ledger afterwards.
type Result struct {
	Run      int64 // the run's number in the ledger
	Messages int64 // that got their outcome in this run
	Bytes    int64
	Failed   int // mailboxes that are not complete
	Elapsed  time.Duration
	// LedgerShare is the part of the workers' time spent waiting for the ledger, 0..1.
	LedgerShare float64
}

// run is one Copy in progress.
type run struct {
	*setup.Setup
	id       int64
	plan     map[string]*setup.PlanUser // by source user
	edited   bool                       // the plan went through the operator's hands
	began    time.Time
	messages atomic.Int64
	bytes    atomic.Int64
	failed   atomic.Int64
	digests  *digests
	wake     chan struct{} // a worker finished: others look again
}

// Copy moves the mail of every user whom the plan moves, and reads each message
// back. It goes on where an earlier run stopped. Failures of single messages and
// mailboxes are in the ledger; the error is for cancellation and for a ledger
// that cannot be written.
func Copy(ctx context.Context, s *setup.Setup, plan *setup.Plan, runID int64) (Result, error) {
	r := &run{Setup: s, id: runID, plan: map[string]*setup.PlanUser{}, edited: plan.Edited, began: time.Now(), wake: make(chan struct{}, 1)}
	r.digests = newDigests(s.Target)
	blocked := s.Ledger.BlockedTime()
	mailboxes, err := r.enqueue(ctx, plan)
	if err != nil {
		return Result{Run: runID}, err
	}
	workers := max(1, min(s.Workers(), len(mailboxes)))
	r.Progress.Planned(len(mailboxes), plan.Totals.Messages, plan.Totals.Bytes)
	err = r.work(ctx, workers)
	elapsed := time.Since(r.began)
	result := Result{Run: runID, Messages: r.messages.Load(), Bytes: r.bytes.Load(), Failed: int(r.failed.Load()), Elapsed: elapsed}
	if elapsed > 0 {
		result.LedgerShare = (s.Ledger.BlockedTime() - blocked).Seconds() / (elapsed.Seconds() * float64(workers))
	}
	if err == nil {
		err = ctx.Err()
	}
	if err != nil && setup.Stops(err) {
		return result, failure.New(failure.Cancelled, "copy", "", "run.cancelled", context.Cause(ctx)).WithRemedy("run the same command again to go on")
	}
	return result, err
}

// enqueue writes the plan's mailboxes to the ledger and makes them ready.
func (r *run) enqueue(ctx context.Context, plan *setup.Plan) (ready []int64, err error) {
	boxes := make([]ledger.Mailbox, len(plan.Users))
	for i, u := range plan.Users {
		if u.Action == directory.Collide && u.Error == "" {
			u.Error = u.Reason
		}
		boxes[i] = ledger.Mailbox{User: u.User, Kind: directory.Kind(u.Kind), Name: u.Name, Account: u.Account, Action: string(u.Action), Error: u.Error}
	}
	if boxes, err = r.Ledger.PutMailboxes(ctx, boxes); err != nil {
		return nil, err
	}
	for i := range plan.Users {
		u := &plan.Users[i]
		switch {
		case u.Moves() && r.Leaves(u):
			r.leave(u)
		case u.Moves():
			r.plan[u.User] = u
			ready = append(ready, boxes[i].ID)
		case u.Action == directory.Skip:
			r.Emit(event.Event{Code: event.UserSkipped, User: u.User, Detail: u.Reason})
		}
	}
	return ready, r.Queue.Enqueue(ctx, ready)
}

// work runs the workers until no mailbox is left.
func (r *run) work(ctx context.Context, workers int) error {
	outer := ctx
	ctx, stop := context.WithCancelCause(ctx)
	defer stop(nil)
	var wg sync.WaitGroup
	var busy atomic.Int64
	errs := make([]error, workers)
	for i := range workers {
		wg.Go(func() {
			if err := r.worker(ctx, &busy); err != nil {
				errs[i] = err
				stop(err)
			}
		})
	}
	sampling, stopSampling := context.WithCancel(ctx)
	var sampler sync.WaitGroup
	sampler.Go(func() { r.sample(sampling) })
	wg.Wait()
	stopSampling()
	sampler.Wait()
	if cause := context.Cause(ctx); cause != nil && outer.Err() == nil {
		// What stopped the others comes first: that they were stopped is no reason.
		return errors.Join(append([]error{cause}, errs...)...)
	}
	return errors.Join(errs...)
}

// worker claims mailboxes until none is left. A snoozed mailbox is waited for.
func (r *run) worker(ctx context.Context, busy *atomic.Int64) error {
	defer r.nudge() // whoever idles now looks whether it is still needed
	for {
		if ctx.Err() != nil {
			return nil
		}
		box, lease, ok, err := r.Queue.Claim(ctx)
		if err != nil {
			return err
		}
		if !ok {
			again, err := r.idle(ctx, busy)
			if err != nil || !again {
				return err
			}
			continue
		}
		busy.Add(1)
		err = r.mailbox(ctx, box, lease)
		busy.Add(-1)
		r.nudge()
		if err != nil {
			return err
		}
	}
}

func (r *run) nudge() {
	select {
	case r.wake <- struct{}{}:
	default:
	}
}

// idle waits until a snoozed mailbox is ready. It returns false when nothing is
// snoozed and so nothing can become ready any more for this worker.
func (r *run) idle(ctx context.Context, busy *atomic.Int64) (again bool, err error) {
	at, snoozed, err := r.Queue.NextReady(ctx)
	if err != nil {
		return false, err
	}
	if !snoozed {
		if busy.Load() == 0 {
			return false, nil
		}
		// Somebody still works and may yet snooze a mailbox.
		select {
		case <-r.wake:
			return true, nil
		case <-ctx.Done():
			return false, nil
		}
	}
	wait := max(at.Sub(r.Clock.Time()), 10*time.Millisecond)
	return r.Clock.Wait(ctx, min(wait, time.Minute)) == nil, nil
}

// mailbox works on one claimed mailbox and ends its job. The error is for what
// stops the run.
func (r *run) mailbox(ctx context.Context, box ledger.Mailbox, lease ledger.Lease) error {
	u := r.plan[box.User]
	if u == nil { // left over from an earlier run with other users
		return r.Queue.Finish(ctx, lease, ledger.Cancelled, failure.Cancelled, "not part of this run")
	}
	r.Emit(event.Event{Code: event.MailboxStarted, User: box.User, Detail: box.Account})
	r.Progress.MailboxStarted(box.User, u.Messages, u.Bytes)
	w := &mailboxRun{run: r, box: box, lease: lease, plan: u}
	err := w.all(ctx)
	if err != nil && setup.Stops(err) && ctx.Err() != nil {
		r.Progress.MailboxFinished(box.User, err)
		return nil // the job stays running and is claimed again by the next run
	}
	if errors.Is(err, ledger.ErrFenced) {
		r.Progress.MailboxFinished(box.User, err)
		return nil
	}
	if nap, ok := errors.AsType[*setup.Snooze](err); ok {
		r.Emit(event.Event{Code: event.Throttled, User: box.User, Detail: nap.Error()})
		r.Progress.Waiting(box.User, nap.Error())
		return r.Queue.Snooze(ctx, lease, r.Clock.Time().Add(nap.Wait), nap.Error())
	}
	r.Progress.MailboxFinished(box.User, err)
	if err != nil {
		r.failed.Add(1)
		r.Emit(event.Event{Code: event.MailboxFailed, User: box.User, Detail: err.Error()})
		return r.Queue.Finish(ctx, lease, ledger.Failed, failure.ClassOf(err), err.Error())
	}
	r.Emit(event.Event{Code: event.MailboxFinished, User: box.User, Detail: fmt.Sprintf("%d messages, %d bytes", w.messages, w.bytes)})
	return r.Queue.Finish(ctx, lease, ledger.Done, 0, "")
}

// The throughput curve begins fine, so that a run of a second has one too; the
// interval doubles each time when this many more points are taken.
const (
	firstInterval = 100 * time.Millisecond
	maxSamples    = 300
)

// sample writes the throughput curve and watches the clock.
func (r *run) sample(ctx context.Context) {
	interval, taken := firstInterval, 0
	put := func() {
		_ = r.Ledger.AddSample(context.WithoutCancel(ctx), r.id, ledger.Sample{Time: r.began.Add(time.Since(r.began)), Messages: r.messages.Load(), Bytes: r.bytes.Load()})
	}
	put()
	defer put()
	wall, mono := r.Clock.Time().Round(0), time.Now()
	for {
		timer := time.NewTimer(interval)
		select {
		case <-ctx.Done():
			timer.Stop()
			return
		case <-timer.C:
		}
		put()
		if taken++; taken >= maxSamples {
			interval, taken = 2*interval, maxSamples/2
		}
		now := r.Clock.Time().Round(0)
		if jump := now.Sub(wall) - time.Since(mono); jump > time.Minute || jump < -time.Minute {
			r.Emit(event.Event{Code: event.ClockJumped, Detail: fmt.Sprintf("by %s", jump.Round(time.Second))})
		}
		wall, mono = now, time.Now()
	}
}

// settle counts messages that got their outcome.
func (r *run) settle(user string, messages, bytes int64) {
	r.messages.Add(messages)
	r.bytes.Add(bytes)
	r.Progress.Advanced(user, messages, bytes)
}

// leave passes over a mailbox that needs no visit.
func (r *run) leave(u *setup.PlanUser) {
	r.Emit(event.Event{Code: event.MailboxFinished, User: u.User, Detail: "nothing changed since the last run"})
	r.Progress.MailboxStarted(u.User, u.Messages, u.Bytes)
	r.Progress.Advanced(u.User, max(u.Messages, 0), max(u.Bytes, 0))
	r.Progress.MailboxFinished(u.User, nil)
}
