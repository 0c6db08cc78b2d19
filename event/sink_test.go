package event

import (
	"bufio"
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"sync"
	"testing"
	"time"
)

type recorder struct {
	mu     sync.Mutex
	events []Event
}

func (r *recorder) Emit(e Event) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.events = append(r.events, e)
}

// storm emits count events from each of several goroutines.
func storm(s Sink, goroutines, count int) {
	var wait sync.WaitGroup
	for g := range goroutines {
		wait.Go(func() {
			for i := range count {
				s.Emit(Event{Code: MessageQuarantined, User: fmt.Sprint(g), Key: fmt.Sprint(i)})
			}
		})
	}
	wait.Wait()
}

func TestJSONLWritesWholeLines(t *testing.T) {
	var out bytes.Buffer
	sink := JSONL(&out)
	sink.Emit(Event{Code: RightMissing, Detail: "two\nlines", Time: time.Date(2026, 11, 22, 14, 0, 0, 0, time.UTC)})
	want := `{"id":"W2003","time":"2026-11-22T14:00:00Z","detail":"two\nlines","severity":"error",`
	if got := out.String(); len(got) < len(want) || got[:len(want)] != want {
		t.Errorf("line is %s", got)
	}
	storm(sink, 8, 100)
	lines := 0
	for scanner := bufio.NewScanner(&out); scanner.Scan(); lines++ {
		var e Event
		if err := json.Unmarshal(scanner.Bytes(), &e); err != nil {
			t.Fatalf("line %d: %v", lines+1, err)
		}
		if e.Time.IsZero() || e.Text == "" {
			t.Fatalf("line %d is not filled: %s", lines+1, scanner.Text())
		}
	}
	if lines != 801 || sink.Err() != nil {
		t.Errorf("%d lines, error %v", lines, sink.Err())
	}
}

type fullDisk struct{ calls int }

func (d *fullDisk) Write(p []byte) (int, error) {
	d.calls++
	return 0, errors.New("no space")
}

func TestJSONLStopsAfterAFailedWrite(t *testing.T) {
	disk := &fullDisk{}
	sink := JSONL(disk)
	sink.Emit(Event{Code: RunStarted})
	sink.Emit(Event{Code: RunFinished})
	if disk.calls != 1 || sink.Err() == nil {
		t.Errorf("%d writes, error %v; a gap in the middle would pass for a whole log", disk.calls, sink.Err())
	}
}

func TestFanHandsOnTheSameTime(t *testing.T) {
	a, b := &recorder{}, &recorder{}
	sink := Fan(a, nil, b)
	sink.Emit(Event{Code: RunStarted})
	storm(sink, 4, 10)
	if len(a.events) != 41 || len(b.events) != 41 {
		t.Fatalf("%d and %d events, want 41 each", len(a.events), len(b.events))
	}
	if a.events[0] != b.events[0] || a.events[0].Time.IsZero() {
		t.Errorf("different events: %+v and %+v", a.events[0], b.events[0])
	}
	Fan().Emit(Event{Code: RunStarted})
}

func TestBatchKeepsEverythingInOrder(t *testing.T) {
	var kept []Event
	var running sync.Mutex
	b := NewBatch(7, 0, func(events []Event) error {
		if !running.TryLock() {
			t.Error("keep runs twice at the same time")
			return nil
		}
		defer running.Unlock()
		if len(events) == 0 {
			t.Error("keep called with nothing")
		}
		kept = append(kept, events...)
		return nil
	})
	storm(b, 8, 250)
	if err := b.Close(); err != nil {
		t.Fatal(err)
	}
	if len(kept) != 2000 {
		t.Fatalf("%d events kept, want 2000", len(kept))
	}
	next := map[string]int{}
	for _, e := range kept {
		if e.Key != fmt.Sprint(next[e.User]) {
			t.Fatalf("user %s: event %s came when %d was due", e.User, e.Key, next[e.User])
		}
		next[e.User]++
		if e.Severity == "" {
			t.Fatal("an event was not filled")
		}
	}
	b.Emit(Event{Code: RunFinished})
	if len(kept) != 2001 {
		t.Error("an event after Close was lost")
	}
}

func TestBatchHandsOnAtItsSize(t *testing.T) {
	var sizes []int
	b := NewBatch(3, 0, func(events []Event) error { sizes = append(sizes, len(events)); return nil })
	for range 7 {
		b.Emit(Event{Code: RunStarted})
	}
	if err := b.Flush(); err != nil {
		t.Fatal(err)
	}
	if err := b.Flush(); err != nil {
		t.Fatal(err)
	}
	if fmt.Sprint(sizes) != "[3 3 1]" {
		t.Errorf("slices of %v, want 3, 3 and 1", sizes)
	}
}

func TestBatchHandsOnWhatWaitedLong(t *testing.T) {
	calls := 0
	b := NewBatch(1000, time.Nanosecond, func([]Event) error { calls++; return nil })
	for start := time.Now(); calls == 0 && time.Since(start) < time.Minute; {
		b.Emit(Event{Code: RunStarted})
	}
	if calls == 0 {
		t.Error("nothing was handed on although the events waited")
	}
}

func TestBatchReportsTheKeepersError(t *testing.T) {
	broken := errors.New("ledger is gone")
	calls := 0
	b := NewBatch(2, 0, func([]Event) error {
		if calls++; calls == 1 {
			return broken
		}
		return nil
	})
	for range 5 {
		b.Emit(Event{Code: RunStarted})
	}
	if err := b.Flush(); !errors.Is(err, broken) {
		t.Errorf("Flush returned %v", err)
	}
	if err := b.Close(); err != nil || calls != 3 {
		t.Errorf("Close returned %v after %d calls; the error was told already", err, calls)
	}
}
