package mail

import (
	"testing"
	"time"
)

func TestSameMoment(t *testing.T) {
	at := time.Date(1999, 12, 31, 21, 30, 15, 0, time.UTC)
	for _, c := range []struct {
		b         time.Time
		precision time.Duration
		want      bool
	}{
		{at, 0, true},
		{at.In(time.FixedZone("", 3600)), time.Second, true},
		{at.Add(999 * time.Millisecond), time.Second, true},
		{at.Add(time.Second), time.Second, false},
		{at.Add(-time.Second), time.Second, false},
		{at.Add(59 * time.Second), time.Minute, true},
		{time.Time{}, time.Second, false}, // further away than a time.Duration reaches
		{time.Date(9999, 1, 1, 0, 0, 0, 0, time.UTC), time.Second, false},
	} {
		if got := SameMoment(at, c.b, c.precision); got != c.want {
			t.Errorf("%v and %v, precision %v: %v", at, c.b, c.precision, got)
		}
	}
}
