package engine_test

import (
	"context"
	"errors"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"waybill/connector/fake"
	"waybill/engine"
	"waybill/event"
)

// signal is an event sink that tells when an event of one kind came.
type signal struct {
	recorder
	code event.Code
	once sync.Once
	came chan struct{}
}

func (s *signal) Emit(e event.Event) {
	s.recorder.Emit(e)
	if e.Code == s.code {
		s.once.Do(func() { close(s.came) })
	}
}

// TestClockJumps turns the clock back by two hours in the middle of a run: the
// run says so, and moves everything all the same.
func TestClockJumps(t *testing.T) {
	b := newBench(t, fake.Options{})
	sink := &signal{code: event.ClockJumped, came: make(chan struct{})}
	var back atomic.Int64
	b.src = fake.New(fake.Options{Pause: func(ctx context.Context) error {
		back.Store(int64(2 * time.Hour))
		guard, stop := context.WithTimeout(ctx, time.Minute)
		defer stop()
		select {
		case <-sink.came:
			return nil
		case <-guard.Done():
			return errors.New("nobody noticed that the clock jumped")
		}
	}})
	b.fill(2, 8)
	b.clock = engine.Clock{Now: func() time.Time { return time.Now().Add(-time.Duration(back.Load())) }, Sleep: b.clock.Sleep}
	b.sink = sink
	if o := b.run(context.Background()); o.err != nil {
		t.Fatal(o.err)
	}
	if sink.count(event.ClockJumped) == 0 {
		t.Error("no event tells that the clock jumped")
	}
	b.same(2)
	if w := b.account(); w.Verified != 16 || w.Exit != 0 {
		t.Errorf("waybill %+v", w)
	}
}
