package ledger

import (
	"context"
	"errors"
	"fmt"
	"time"

	"waybill/failure"
)

// Enqueue makes mailboxes ready to be claimed, whatever state they were in
// except Running. One that waits already keeps its place. An ID that is not in
// the ledger is failure.Vanished, and then none is enqueued.
func (l *Ledger) Enqueue(ctx context.Context, mailboxes []int64) error {
	return l.writeLater(ctx, "enqueue mailboxes", func(w *writer) error {
		for _, id := range mailboxes {
			var state int64
			found, err := w.row(`SELECT state FROM mailbox WHERE id = ?`, []any{id}, &state)
			if err != nil {
				return err
			}
			if !found {
				return failure.New(failure.Vanished, "enqueue mailbox", fmt.Sprintf("mailbox %d", id), "ledger.mailbox", errors.New("the ledger has no such mailbox"))
			}
			if s := JobState(state); s == Running || s == Queued {
				continue
			}
			turn, err := w.nextTurn()
			if err != nil {
				return err
			}
			if _, err := w.exec(`UPDATE mailbox SET state = ?, until = 0, since = 0, turn = ? WHERE id = ?`,
				int64(Queued), turn, id); err != nil {
				return err
			}
		}
		return nil
	})
}

// nextTurn gives a place at the end of the queue.
func (w *writer) nextTurn() (int64, error) {
	if w.known.turn == 0 {
		if _, err := w.row(`SELECT coalesce(max(turn), 0) FROM mailbox`, nil, &w.known.turn); err != nil {
			return 0, err
		}
	}
	w.known.turn++
	return w.known.turn, nil
}

// A snooze is over when its moment has come, and also when the clock shows a
// time before the snooze began: then it was turned back, and nobody knows how
// long is left.
const snoozeOver = `(until <= ? OR since > ?)`

// Claim hands out one ready mailbox, the one that has been in the queue longest,
// with a new attempt number, and false when none is ready now.
func (l *Ledger) Claim(ctx context.Context) (Mailbox, Lease, bool, error) {
	var out mailboxFields
	var claimed bool
	now := l.now().UnixNano()
	err := l.writeLater(ctx, "claim mailbox", func(w *writer) error {
		claimed = false
		var queued, snoozed, queuedTurn, snoozedTurn int64
		hasQueued, err := w.row(`SELECT id, turn FROM mailbox WHERE state = ? ORDER BY turn LIMIT 1`,
			[]any{int64(Queued)}, &queued, &queuedTurn)
		if err != nil {
			return err
		}
		hasSnoozed, err := w.row(`SELECT id, turn FROM mailbox WHERE state = ? AND `+snoozeOver+` ORDER BY turn LIMIT 1`,
			[]any{int64(Snoozed), now, now}, &snoozed, &snoozedTurn)
		if err != nil {
			return err
		}
		id := queued
		switch {
		case !hasQueued && !hasSnoozed:
			return nil
		case !hasQueued || hasSnoozed && snoozedTurn < queuedTurn:
			id = snoozed
		}
		out = mailboxFields{}
		claimed, err = w.row(`UPDATE mailbox SET state = ?, attempt = attempt + 1, until = 0, since = 0
			WHERE id = ? RETURNING `+mailboxColumns, []any{int64(Running), id}, out.into()...)
		return err
	})
	if err != nil || !claimed {
		return Mailbox{}, Lease{}, false, err
	}
	m := out.mailbox()
	return m, Lease{Mailbox: m.ID, Attempt: m.Attempt}, true, nil
}

// NextReady tells when the earliest snoozed job becomes ready, which may be in
// the past; false when nothing is snoozed.
func (l *Ledger) NextReady(ctx context.Context) (time.Time, bool, error) {
	s, err := l.statement(ctx, `SELECT count(*), coalesce(min(CASE WHEN since > ? THEN ? ELSE until END), 0) FROM mailbox WHERE state = ?`)
	if err != nil {
		return time.Time{}, false, explain("look for snoozed mailboxes", l.path, err)
	}
	now := l.now().UnixNano()
	var count, until int64
	if err := s.QueryRowContext(ctx, now, now, int64(Snoozed)).Scan(&count, &until); err != nil {
		return time.Time{}, false, explain("look for snoozed mailboxes", l.path, err)
	}
	if count == 0 {
		return time.Time{}, false, nil
	}
	return moment(until), true, nil
}

// Finish ends a job: Done, or Failed (or Cancelled) with a reason. Saying the
// same again is no error.
func (l *Ledger) Finish(ctx context.Context, lease Lease, state JobState, class failure.Class, reason string) error {
	switch state {
	case Done:
		class, reason = failure.Internal, ""
	case Failed, Cancelled:
	default:
		return failure.New(failure.Usage, "finish mailbox", l.where(lease), "ledger.finish", fmt.Errorf("a job does not end %v", state))
	}
	return l.settle(ctx, "finish mailbox", lease, state, time.Time{}, class, reason)
}

// Snooze puts a job back until a moment. It does not count as a failure. Saying
// the same again is no error.
func (l *Ledger) Snooze(ctx context.Context, lease Lease, until time.Time, reason string) error {
	return l.settle(ctx, "snooze mailbox", lease, Snoozed, until, failure.Transient, reason)
}

// settle ends an attempt.
func (l *Ledger) settle(ctx context.Context, op string, lease Lease, state JobState, until time.Time, class failure.Class, reason string) error {
	var since, end int64
	if state == Snoozed {
		since, end = l.now().UnixNano(), until.UnixNano()
	}
	return l.writeLater(ctx, op, func(w *writer) error {
		now, attempt, err := w.job(lease.Mailbox)
		if err != nil {
			return err
		}
		if attempt == lease.Attempt && now == state {
			return nil
		}
		if attempt != lease.Attempt || now != Running {
			return fenced(op, lease)
		}
		_, err = w.exec(`UPDATE mailbox SET state = ?, since = ?, until = ?, error = ?, class = ? WHERE id = ?`,
			int64(state), since, end, clean(reason), class.String(), lease.Mailbox)
		return err
	})
}

// Cancel takes a mailbox away from whoever works on it, or from the queue. A
// job that has ended, or was never asked for, stays as it is.
func (l *Ledger) Cancel(ctx context.Context, mailbox int64) error {
	return l.write(ctx, "cancel mailbox", func(w *writer) error {
		_, err := w.exec(`UPDATE mailbox SET state = ?, until = 0, since = 0 WHERE id = ? AND state IN (?, ?, ?)`,
			int64(Cancelled), mailbox, int64(Queued), int64(Running), int64(Snoozed))
		return err
	})
}

// job reads the state of a job inside a transaction.
func (w *writer) job(mailbox int64) (JobState, int64, error) {
	var state, attempt int64
	found, err := w.row(`SELECT state, attempt FROM mailbox WHERE id = ?`, []any{mailbox}, &state, &attempt)
	if err == nil && !found {
		err = failure.New(failure.Vanished, "look for mailbox", fmt.Sprintf("mailbox %d", mailbox), "ledger.mailbox", errors.New("the ledger has no such mailbox"))
	}
	return JobState(state), attempt, err
}

// guard lets a transaction go on only under the newest lease.
func (w *writer) guard(op string, lease Lease) error {
	state, attempt, err := w.job(lease.Mailbox)
	if err == nil && (state != Running || attempt != lease.Attempt) {
		err = fenced(op, lease)
	}
	return err
}

func fenced(op string, lease Lease) error {
	return failure.New(failure.Cancelled, op, fmt.Sprintf("mailbox %d, attempt %d", lease.Mailbox, lease.Attempt), "ledger.fenced", ErrFenced)
}

func (l *Ledger) where(lease Lease) string {
	return fmt.Sprintf("%s, mailbox %d", l.path, lease.Mailbox)
}
