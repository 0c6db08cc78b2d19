package queuetest

import (
	"fmt"
	"sync"
	"time"

	"waybill/failure"
	"waybill/ledger"
)

func (s *suite) claimOrder() {
	c, a, b := s.mailbox("carl"), s.mailbox("anna"), s.mailbox("berta")
	s.must(s.Enqueue(s.ctx, []int64{b, c}))
	s.clock.Turn(-time.Hour) // the order is not the clock's
	s.must(s.Enqueue(s.ctx, []int64{a}))
	for _, want := range []string{"berta", "carl", "anna"} {
		m, lease := s.claim()
		if m.User != want {
			s.Fatalf("claimed %s, want %s", m.User, want)
		}
		if m.State != ledger.Running || lease.Mailbox != m.ID || lease.Attempt != m.Attempt || m.Account != want+"@new" {
			s.Fatalf("claimed %+v with lease %+v", m, lease)
		}
	}
	s.noClaim()
}

func (s *suite) enqueueTwice() {
	a, b := s.mailbox("anna"), s.mailbox("berta")
	s.must(s.Enqueue(s.ctx, []int64{a, b}))
	s.must(s.Enqueue(s.ctx, []int64{b, a, a}))
	if m, _ := s.claim(); m.ID != a {
		s.Fatal("enqueuing again changed the order")
	}
	s.must(s.Enqueue(s.ctx, []int64{a}))
	if got := s.job(a).State; got != ledger.Running {
		s.Fatalf("enqueuing a running job made it %v", got)
	}
	if m, _ := s.claim(); m.ID != b {
		s.Fatal("the other job is gone")
	}
	s.noClaim()
}

func (s *suite) enqueueUnknown() {
	a := s.mailbox("anna")
	s.wantClass(s.Enqueue(s.ctx, []int64{a, 4711}), failure.Vanished)
	s.noClaim()
}

func (s *suite) claimConcurrently() {
	const jobs, workers = 40, 8
	var ids []int64
	for i := range jobs {
		ids = append(ids, s.mailbox(fmt.Sprintf("user%02d", i)))
	}
	s.must(s.Enqueue(s.ctx, ids))
	var mu sync.Mutex
	times := map[int64]int{}
	var wg sync.WaitGroup
	for range workers {
		wg.Go(func() {
			for {
				m, lease, ok, err := s.Claim(s.ctx)
				if err != nil {
					s.Error(err)
					return
				}
				if !ok {
					return
				}
				mu.Lock()
				times[m.ID]++
				mu.Unlock()
				if err := s.Finish(s.ctx, lease, ledger.Done, failure.Internal, ""); err != nil {
					s.Error(err)
				}
			}
		})
	}
	wg.Wait()
	for _, id := range ids {
		if times[id] != 1 {
			s.Errorf("mailbox %d was claimed %d times", id, times[id])
		}
	}
}

func (s *suite) attempts() {
	a := s.mailbox("anna")
	var last int64
	for range 3 {
		s.must(s.Enqueue(s.ctx, []int64{a}))
		_, lease := s.claim()
		if lease.Attempt <= last {
			s.Fatalf("attempt %d after %d", lease.Attempt, last)
		}
		last = lease.Attempt
		s.must(s.Finish(s.ctx, lease, ledger.Failed, failure.Denied, "no"))
	}
}

func (s *suite) finish() {
	a, b := s.mailbox("anna"), s.mailbox("berta")
	s.must(s.Enqueue(s.ctx, []int64{a, b}))
	_, la := s.claim()
	_, lb := s.claim()
	s.wantClass(s.Finish(s.ctx, la, ledger.Queued, failure.Internal, ""), failure.Usage)
	for range 2 {
		s.must(s.Finish(s.ctx, la, ledger.Done, failure.Internal, ""))
		s.must(s.Finish(s.ctx, lb, ledger.Failed, failure.Denied, "may not append"))
	}
	if m := s.job(a); m.State != ledger.Done || m.Error != "" {
		s.Errorf("finished: %+v", m)
	}
	if m := s.job(b); m.State != ledger.Failed || m.Error != "may not append" || m.Class != failure.Denied {
		s.Errorf("failed: %+v", m)
	}
	s.wantFenced(s.Finish(s.ctx, la, ledger.Failed, failure.Denied, "late"))
	s.noClaim()

	s.must(s.Enqueue(s.ctx, []int64{b}))
	_, lb2 := s.claim()
	s.wantFenced(s.Finish(s.ctx, lb, ledger.Failed, failure.Denied, "may not append"))
	s.must(s.Finish(s.ctx, lb2, ledger.Done, failure.Internal, ""))
	if m := s.job(b); m.Error != "" {
		s.Errorf("the old error stayed: %+v", m)
	}
}

func (s *suite) snooze() {
	if _, ok, err := s.NextReady(s.ctx); err != nil || ok {
		s.Fatalf("something is snoozed: %v, %v", ok, err)
	}
	a, b := s.mailbox("anna"), s.mailbox("berta")
	s.must(s.Enqueue(s.ctx, []int64{a, b}))
	_, la := s.claim()
	_, lb := s.claim()
	until := s.clock.Now().Add(time.Minute)
	s.must(s.Snooze(s.ctx, la, until, "asked to wait"))
	s.must(s.Snooze(s.ctx, la, until, "asked to wait"))
	s.must(s.Snooze(s.ctx, lb, until.Add(time.Minute), "asked to wait longer"))
	s.wantFenced(s.Checkpoint(s.ctx, la))
	if m := s.job(a); m.State != ledger.Snoozed || !m.Until.Equal(until) || m.Error != "asked to wait" {
		s.Errorf("snoozed: %+v", m)
	}
	if at, ok, err := s.NextReady(s.ctx); err != nil || !ok || !at.Equal(until) {
		s.Errorf("next ready %v, %v, %v; want %v", at, ok, err, until)
	}
	s.noClaim()
	s.clock.Turn(time.Minute)
	m, lease := s.claim()
	if m.ID != a || lease.Attempt != la.Attempt+1 || !m.Until.IsZero() {
		s.Errorf("claimed %+v", m)
	}
	s.noClaim()
	// Who is asked for now need not wait any longer.
	s.must(s.Enqueue(s.ctx, []int64{b}))
	if m, _ := s.claim(); m.ID != b {
		s.Errorf("claimed %+v", m)
	}
	if _, ok, err := s.NextReady(s.ctx); err != nil || ok {
		s.Errorf("something is snoozed still: %v, %v", ok, err)
	}
}

func (s *suite) clockBack() {
	a := s.mailbox("anna")
	s.must(s.Enqueue(s.ctx, []int64{a}))
	_, lease := s.claim()
	s.must(s.Snooze(s.ctx, lease, s.clock.Now().Add(time.Minute), "wait"))
	s.clock.Turn(-24 * time.Hour)
	at, ok, err := s.NextReady(s.ctx)
	if err != nil || !ok || at.After(s.clock.Now()) {
		s.Fatalf("next ready %v, %v, %v; want now, %v", at, ok, err, s.clock.Now())
	}
	s.claim()
}

func (s *suite) cancel() {
	lease, f := s.working("anna")
	s.must(s.Cancel(s.ctx, lease.Mailbox))
	s.must(s.Cancel(s.ctx, lease.Mailbox))
	if m := s.job(lease.Mailbox); m.State != ledger.Cancelled {
		s.Errorf("cancelled: %+v", m)
	}
	s.wantFenced(s.Checkpoint(s.ctx, lease, ledger.Change{Folder: f.ID, Settled: rows(ledger.Verified, "a")}))
	s.noClaim()

	b, c := s.mailbox("berta"), s.mailbox("carl")
	s.must(s.Enqueue(s.ctx, []int64{b, c}))
	s.must(s.Cancel(s.ctx, b))
	m, lc := s.claim()
	if m.ID != c {
		s.Fatal("a cancelled job was claimed")
	}
	s.must(s.Finish(s.ctx, lc, ledger.Done, failure.Internal, ""))
	s.must(s.Cancel(s.ctx, c))
	if m := s.job(c); m.State != ledger.Done {
		s.Errorf("cancelling a job that is done made it %v", m.State)
	}
}

func (s *suite) list() {
	for _, u := range []string{"berta", "Zoe", "anna"} {
		s.mailbox(u)
	}
	list, err := s.List(s.ctx)
	s.must(err)
	var users []string
	for _, m := range list {
		users = append(users, m.User)
		if m.State != ledger.Idle || m.Name != "Name of "+m.User || m.Action != "create" {
			s.Errorf("listed %+v", m)
		}
	}
	s.wantKeys(users, "Zoe", "anna", "berta") // by bytes, not by a language
}
