package event

import (
	"encoding/json"
	"io"
	"sync"
	"time"
)

// Lines is a Sink that writes each event as one line of JSON.
type Lines struct {
	mu  sync.Mutex
	w   io.Writer
	err error
}

// JSONL returns a Sink that writes filled events to w, one line of JSON each,
// as they happen. After a failed write it writes nothing more; Err tells why.
func JSONL(w io.Writer) *Lines { return &Lines{w: w} }

// Emit writes e.
func (l *Lines) Emit(e Event) {
	line, err := json.Marshal(Fill(stamp(e)))
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.err != nil {
		return
	}
	if err == nil {
		_, err = l.w.Write(append(line, '\n'))
	}
	l.err = err
}

// Err is the first error of writing, nil when every event was written.
func (l *Lines) Err() error {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.err
}

// stamp gives an event the present time if it has none.
func stamp(e Event) Event {
	if e.Time.IsZero() {
		e.Time = time.Now()
	}
	return e
}

// Fan returns a Sink that hands each event to all sinks, in order, with the
// same time stamp. Nil sinks are left out.
func Fan(sinks ...Sink) Sink {
	var f fan
	for _, s := range sinks {
		if s != nil {
			f = append(f, s)
		}
	}
	return f
}

type fan []Sink

func (f fan) Emit(e Event) {
	e = stamp(e)
	for _, s := range f {
		s.Emit(e)
	}
}

// Batch is a Sink that collects events and hands them on in slices, for
// keepers that are slow per call. Use NewBatch, and Close it last.
type Batch struct {
	size  int
	every time.Duration
	keep  func([]Event) error

	mu     sync.Mutex // guards what follows; never held while keep runs
	events []Event
	oldest time.Time // when the first of events came
	closed bool
	err    error

	handing sync.Mutex // held while keep runs, so that slices stay in order
}

// lagFactor times size events may wait for a slow keeper before Emit waits too.
const lagFactor = 4

// NewBatch returns a Batch that calls keep with filled events, oldest first and
// never twice at the same time: by the Emit that makes size events wait (at
// least 1), by the first Emit when an event has waited for longer than every (0:
// no such limit), and by Flush and Close. keep owns its slice. An error of keep
// is returned by the next Flush or Close; later events are still handed on.
func NewBatch(size int, every time.Duration, keep func([]Event) error) *Batch {
	return &Batch{size: max(size, 1), every: every, keep: keep}
}

// Emit takes an event. It blocks only when keep lags far behind. After Close it
// hands each event on at once, so that a late one is not lost.
func (b *Batch) Emit(e Event) {
	e = Fill(stamp(e))
	now := time.Now()
	b.mu.Lock()
	if len(b.events) == 0 {
		b.oldest = now
	}
	b.events = append(b.events, e)
	waiting, closed := len(b.events), b.closed
	due := waiting >= b.size || closed || b.every > 0 && now.Sub(b.oldest) >= b.every
	b.mu.Unlock()
	switch {
	case !due:
		return
	case closed || waiting >= lagFactor*b.size:
		b.handing.Lock()
	case !b.handing.TryLock():
		return // somebody else is handing on; the next Emit will see to ours
	}
	defer b.handing.Unlock()
	b.hand()
}

// hand gives what waits to keep. The caller holds handing.
func (b *Batch) hand() {
	b.mu.Lock()
	events := b.events
	b.events = nil
	b.mu.Unlock()
	if len(events) == 0 {
		return
	}
	if err := b.keep(events); err != nil {
		b.mu.Lock()
		if b.err == nil {
			b.err = err
		}
		b.mu.Unlock()
	}
}

// Flush hands on everything that waits and returns the first error of keep
// since the last Flush.
func (b *Batch) Flush() error {
	b.handing.Lock()
	defer b.handing.Unlock()
	b.hand()
	b.mu.Lock()
	defer b.mu.Unlock()
	err := b.err
	b.err = nil
	return err
}

// Close flushes. It may be called more than once.
func (b *Batch) Close() error {
	b.mu.Lock()
	b.closed = true
	b.mu.Unlock()
	return b.Flush()
}
