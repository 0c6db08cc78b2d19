package engine

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"sync/atomic"
	"time"

	"waybill/directory"
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
	*Migration
	id       int64
	queue    ledger.Queue
	plan     map[string]*PlanUser // by source user
	began    time.Time
	messages atomic.Int64
	bytes    atomic.Int64
	failed   atomic.Int64
	pace     *pace
	wake     chan struct{} // a worker finished: others look again
}

// Copy moves the mail of every user whom the plan moves, and reads each message
// back. It goes on where an earlier run stopped. Failures of single messages and
// mailboxes are in the ledger; the error is for cancellation and for a ledger
// that cannot be written.
func (m *Migration) Copy(ctx context.Context, plan *Plan, runID int64) (Result, error) {
	r := &run{Migration: m, id: runID, queue: m.queue(), plan: map[string]*PlanUser{}, began: time.Now(), wake: make(chan struct{}, 1)}
	r.pace = newPace(m.Clock)
	blocked := m.Ledger.BlockedTime()
	mailboxes, err := r.enqueue(ctx, plan)
	if err != nil {
		return Result{Run: runID}, err
	}
	workers := max(1, min(m.workers(), len(mailboxes)))
	r.progress().Planned(len(mailboxes), plan.Totals.Messages, plan.Totals.Bytes)
	err = r.work(ctx, workers)
	elapsed := time.Since(r.began)
	result := Result{Run: runID, Messages: r.messages.Load(), Bytes: r.bytes.Load(), Failed: int(r.failed.Load()), Elapsed: elapsed}
	if elapsed > 0 {
		result.LedgerShare = (m.Ledger.BlockedTime() - blocked).Seconds() / (elapsed.Seconds() * float64(workers))
	}
	if err == nil {
		err = ctx.Err()
	}
	if err != nil && stops(err) {
		return result, failure.New(failure.Cancelled, "copy", "", "run.cancelled", context.Cause(ctx)).WithRemedy("run the same command again to go on")
	}
	return result, err
}

// enqueue writes the plan's mailboxes to the ledger and makes them ready.
func (r *run) enqueue(ctx context.Context, plan *Plan) (ready []int64, err error) {
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
		if u.Moves() {
			r.plan[u.User] = u
			ready = append(ready, boxes[i].ID)
		} else if u.Action == directory.Skip {
			r.emit(event.Event{Code: event.UserSkipped, User: u.User, Detail: u.Reason})
		}
	}
	return ready, r.queue.Enqueue(ctx, ready)
}

// work runs the workers until no mailbox is left.
func (r *run) work(ctx context.Context, workers int) error {
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
	return errors.Join(errs...)
}

// worker claims mailboxes until none is left. A snoozed mailbox is waited for.
func (r *run) worker(ctx context.Context, busy *atomic.Int64) error {
	defer r.nudge() // whoever idles now looks whether it is still needed
	for {
		if ctx.Err() != nil {
			return nil
		}
		box, lease, ok, err := r.queue.Claim(ctx)
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
	at, snoozed, err := r.queue.NextReady(ctx)
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
	wait := max(at.Sub(r.Clock.now()), 10*time.Millisecond)
	return r.Clock.sleep(ctx, min(wait, time.Minute)) == nil, nil
}

// mailbox works on one claimed mailbox and ends its job. The error is for what
// stops the run.
func (r *run) mailbox(ctx context.Context, box ledger.Mailbox, lease ledger.Lease) error {
	u := r.plan[box.User]
	if u == nil { // left over from an earlier run with other users
		return r.queue.Finish(ctx, lease, ledger.Cancelled, failure.Cancelled, "not part of this run")
	}
	r.emit(event.Event{Code: event.MailboxStarted, User: box.User, Detail: box.Account})
	r.progress().MailboxStarted(box.User, u.Messages, u.Bytes)
	w := &mailboxRun{run: r, box: box, lease: lease, plan: u}
	err := w.all(ctx)
	if err != nil && stops(err) && ctx.Err() != nil {
		r.progress().MailboxFinished(box.User, err)
		return nil // the job stays running and is claimed again by the next run
	}
	if errors.Is(err, ledger.ErrFenced) {
		r.progress().MailboxFinished(box.User, err)
		return nil
	}
	if nap, ok := errors.AsType[*snooze](err); ok {
		r.emit(event.Event{Code: event.Throttled, User: box.User, Detail: nap.Error()})
		r.progress().Waiting(box.User, nap.Error())
		return r.queue.Snooze(ctx, lease, r.Clock.now().Add(nap.wait), nap.Error())
	}
	r.progress().MailboxFinished(box.User, err)
	if err != nil {
		r.failed.Add(1)
		r.emit(event.Event{Code: event.MailboxFailed, User: box.User, Detail: err.Error()})
		return r.queue.Finish(ctx, lease, ledger.Failed, failure.ClassOf(err), err.Error())
	}
	r.emit(event.Event{Code: event.MailboxFinished, User: box.User, Detail: fmt.Sprintf("%d messages, %d bytes", w.messages, w.bytes)})
	return r.queue.Finish(ctx, lease, ledger.Done, 0, "")
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
	wall, mono := r.Clock.now().Round(0), time.Now()
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
		now := r.Clock.now().Round(0)
		if jump := now.Sub(wall) - time.Since(mono); jump > time.Minute || jump < -time.Minute {
			r.emit(event.Event{Code: event.ClockJumped, Detail: fmt.Sprintf("by %s", jump.Round(time.Second))})
		}
		wall, mono = now, time.Now()
	}
}

// settle counts messages that got their outcome.
func (r *run) settle(user string, messages, bytes int64) {
	r.messages.Add(messages)
	r.bytes.Add(bytes)
	r.progress().Advanced(user, messages, bytes)
}
