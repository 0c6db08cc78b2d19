package check

import (
	"context"
	"slices"
	"testing"
	"time"

	"go.uber.org/goleak"
)

// patience bounds one case, so that a call that hangs fails the test instead of
// stopping it.
const patience = 10 * time.Minute

// Skips are the deviations of one run.
type Skips struct {
	reasons map[string]string
	used    map[string]bool
}

// NewSkips prints the deviations and fails the test at its end when one of them
// names no case.
func NewSkips(t *testing.T, reasons map[string]string) *Skips {
	t.Helper()
	s := &Skips{reasons: reasons, used: map[string]bool{}}
	names := make([]string, 0, len(reasons))
	for name := range reasons {
		names = append(names, name)
	}
	slices.Sort(names)
	for _, name := range names {
		t.Logf("known deviation in %s: %s", name, reasons[name])
	}
	t.Cleanup(func() {
		for _, name := range names {
			if !s.used[name] {
				t.Errorf("Skip names %q, and there is no such case", name)
			}
		}
	})
	return s
}

// Run runs one case, or leaves it out. Every case has its own context, which
// ends before it would hang the test.
func (s *Skips) Run(t *testing.T, name string, f func(c *Case)) {
	t.Helper()
	reason, skip := s.reasons[name]
	s.used[name] = true
	t.Run(name, func(t *testing.T) {
		if skip {
			t.Skip("known deviation: " + reason)
		}
		ctx, cancel := context.WithTimeout(context.Background(), patience)
		defer cancel()
		f(NewCase(ctx, t))
	})
}

// FindLeaks fails the test when it leaves goroutines behind.
func FindLeaks(t *testing.T) {
	t.Helper()
	before := goleak.IgnoreCurrent()
	t.Cleanup(func() {
		if err := goleak.Find(before); err != nil {
			t.Errorf("goroutines are left over: %v", err)
		}
	})
}
