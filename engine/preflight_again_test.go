package engine_test

import (
	"errors"
	"testing"

	"waybill/connector/fake"
	"waybill/engine"
	"waybill/event"
	"waybill/failure"
)

// TestPreflightAgain breaks connections while rights are being proven: a single
// break is no reason to give up, and says nothing about rights; a server that
// is never there ends the run, and a right that is missing ends it at once.
func TestPreflightAgain(t *testing.T) {
	denied := failure.New(failure.Denied, "append", "user0", "fake.denied", errors.New("no"))
	for _, c := range []struct {
		name    string
		fault   fake.Fault
		want    failure.Class // Internal: no error
		refused bool
		again   int
	}{
		{"one break", fake.Fault{Call: "target.Append", N: 1}, failure.Internal, false, 1},
		{"a break while cleaning up", fake.Fault{Call: "target.DeleteFolder", N: 1}, failure.Internal, false, 1},
		{"never there", fake.Fault{Call: "target.Append"}, failure.Transient, false, 2},
		{"denied", fake.Fault{Call: "target.Append", N: 1, Err: denied}, failure.Denied, true, 0},
	} {
		t.Run(c.name, func(t *testing.T) {
			b := newBench(t, fake.Options{})
			b.fill(2, 3)
			b.dst.Inject(c.fault)
			m, l := b.open()
			defer func() { _ = l.Close() }()
			plan, err := m.MakePlan(t.Context(), false)
			if err != nil {
				t.Fatal(err)
			}
			_, err = m.Preflight(t.Context(), plan)
			if c.want == failure.Internal && err != nil || c.want != failure.Internal && failure.ClassOf(err) != c.want || errors.Is(err, engine.ErrRefused) != c.refused {
				t.Errorf("error %v, want class %v", err, c.want)
			}
			if n := b.events.count(event.Retrying); n != c.again {
				t.Errorf("tried again %d times, want %d", n, c.again)
			}
			b.dst.Heal()
			if _, err := m.Preflight(t.Context(), plan); err != nil {
				t.Error(err)
			}
			for u, err := range b.dst.Source().Users(t.Context()) {
				t.Errorf("left behind: %s %v", u.ID, err)
			}
		})
	}
}
