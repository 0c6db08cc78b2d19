package line

import (
	"testing"
	"time"
)

// TestWrittenIsNotThrough gives what was written the time of a slow line.
func TestWrittenIsNotThrough(t *testing.T) {
	p := NewConn(nil, 60*time.Second, nil)
	for _, step := range []struct {
		now  time.Duration
		n    int
		want time.Duration
	}{
		{0, 10 * slowest, 10 * time.Second},
		{time.Second, 5 * slowest, 15 * time.Second},
		{40 * time.Second, slowest, 41 * time.Second},
		{41 * time.Second, 1 << 30, 161 * time.Second}, // no more than patience
	} {
		p.underWay(int64(step.now), step.n)
		if got := time.Duration(p.through.Load()); got != step.want {
			t.Errorf("%d bytes at %s are through at %s, want %s", step.n, step.now, got, step.want)
		}
	}
}
