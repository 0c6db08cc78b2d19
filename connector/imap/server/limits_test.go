package server

import (
	"net"
	"testing"
	"testing/synctest"
	"time"

	"pgregory.net/rapid"

	"waybill/connector/imap/provider"
	"waybill/failure"
)

func TestBytesPerDay(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l := newLimits(0, 1000, time.Now)
		th := l.throttle(nil)
		for range 10 {
			if err := th.WaitN(t.Context(), 100); err != nil {
				t.Fatal(err)
			}
		}
		err := th.WaitN(t.Context(), 1)
		f, _ := err.(*failure.Error)
		if f == nil || f.Class != failure.Throttled || f.Rule != "imap.bytes-per-day" || f.RetryAfter < 24*time.Hour || f.RetryAfter > 24*time.Hour+slice24 {
			t.Fatalf("%v, wait %v", err, f.RetryAfter)
		}
		time.Sleep(f.RetryAfter - time.Second) //nolint:forbidigo // the clock is the bubble's
		if err := l.room(); err == nil {
			t.Error("there is room before the time that was said")
		}
		time.Sleep(time.Second) //nolint:forbidigo // the clock is the bubble's
		if err := l.room(); err != nil {
			t.Error("there is no room at the time that was said:", err)
		}
	})
}

// TestDayAgainstList compares the slices with a plain list of what was moved.
func TestDayAgainstList(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		now := time.Unix(0, 0)
		d := newDay(1000, func() time.Time { return now })
		type move struct {
			at time.Time
			n  int64
		}
		var moves []move
		for range rapid.IntRange(1, 60).Draw(t, "steps") {
			now = now.Add(time.Duration(rapid.Int64Range(0, int64(7*time.Hour)).Draw(t, "pause")))
			if err := d.room("x"); err == nil {
				n := rapid.Int64Range(0, 600).Draw(t, "n")
				d.add(n)
				moves = append(moves, move{now, n})
			} else if f := err.(*failure.Error); f.RetryAfter <= 0 || f.RetryAfter > 24*time.Hour+slice24 {
				t.Fatalf("wait %v", f.RetryAfter)
			}
			var least, most int64 // within 24 hours, and within 24 hours and a slice
			for _, m := range moves {
				if age := now.Sub(m.at); age < 24*time.Hour {
					least += m.n
				}
				if age := now.Sub(m.at); age <= 24*time.Hour+slice24 {
					most += m.n
				}
			}
			d.turn()
			if d.sum < least || d.sum > most {
				t.Fatalf("%d counted, %d to %d moved", d.sum, least, most)
			}
		}
	})
}

func TestBytesPerSecond(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l := newLimits(100_000, 0, time.Now)
		th := l.throttle(nil)
		began := time.Now()
		for range 20 {
			if err := th.WaitN(t.Context(), 50_000); err != nil {
				t.Fatal(err)
			}
		}
		// A million bytes, of which the first second's worth goes at once.
		if took := time.Since(began); took < 9*time.Second || took > 10*time.Second {
			t.Errorf("a million bytes take %v", took)
		}
		if newLimits(1, 0, time.Now).second.Burst() < 64<<10 {
			t.Error("what the client asks for at once would never pass")
		}
	})
}

func TestNoLimitNoThrottle(t *testing.T) {
	l := newLimits(0, 0, time.Now)
	if l.throttle(l.account("anna", provider.Facts{})) != nil || l.room() != nil {
		t.Error("there is a throttle without a limit")
	}
}

func TestProviderLimit(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l := newLimits(0, 0, time.Now)
		f := provider.Facts{DownloadPerDay: 10, UploadPerDay: 5}
		anna, bert := l.account("anna", f), l.account("bert", f)
		if anna == bert || anna != l.account("anna", f) {
			t.Fatal("accounts are not told apart")
		}
		a, b := net.Pipe()
		defer func() { _ = a.Close(); _ = b.Close() }()
		c := anna.watch(a)
		go func() { _, _ = b.Write(make([]byte, 10)) }()
		if n, err := c.Read(make([]byte, 10)); n != 10 || err != nil {
			t.Fatal(n, err)
		}
		if err := l.throttle(anna).WaitN(t.Context(), 1); failure.ClassOf(err) != failure.Throttled {
			t.Errorf("anna goes on: %v", err)
		}
		if err := l.throttle(bert).WaitN(t.Context(), 1); err != nil {
			t.Errorf("bert is stopped: %v", err)
		}
		go func() { _, _ = b.Read(make([]byte, 10)) }()
		if n, err := bert.watch(a).Write(make([]byte, 5)); n != 5 || err != nil {
			t.Fatal(n, err)
		}
		if err := l.throttle(bert).WaitN(t.Context(), 1); failure.ClassOf(err) != failure.Throttled {
			t.Errorf("bert goes on: %v", err)
		}
	})
}
