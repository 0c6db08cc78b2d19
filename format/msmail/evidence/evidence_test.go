package evidence

import (
	"strings"
	"testing"

	"pgregory.net/rapid"
)

func TestProven(t *testing.T) {
	for _, c := range []struct {
		f    Finding
		want bool
	}{
		{Finding{Choice: "x", For: 10, Total: 10}, true},
		{Finding{Choice: "x", For: 8, Total: 10, RunnerUp: 3}, true},
		{Finding{Choice: "x", For: 7, Total: 10}, false},                // too few agree
		{Finding{Choice: "x", For: 2, Total: 2}, false},                 // too few at all
		{Finding{Choice: "x", For: 10, Total: 10, RunnerUp: 10}, false}, // another explains as much
		{Finding{For: 10, Total: 10}, false},
		{Finding{}, false},
	} {
		if got := c.f.Proven(); got != c.want {
			t.Errorf("%s: %v", c.f, got)
		}
	}
	if s := (Finding{Of: "a"}).String(); !strings.Contains(s, "not found") {
		t.Error(s)
	}
}

func TestConfidence(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		f := Finding{Choice: "x", Total: rapid.IntRange(-1, 50).Draw(t, "total"), RunnerUp: rapid.IntRange(0, 60).Draw(t, "next")}
		f.For = rapid.IntRange(0, max(f.Total, 0)).Draw(t, "for")
		c := f.Confidence()
		if c < 0 || c >= 1 {
			t.Fatalf("%s", f)
		}
		more := f
		more.RunnerUp++
		if more.Confidence() > c {
			t.Fatalf("a rival makes %s surer", f)
		}
	})
	for c, want := range map[Certainty]string{Documented: "documented", Derived: "derived", Hypothesis: "hypothesis"} {
		if c.String() != want {
			t.Error(c)
		}
	}
}
