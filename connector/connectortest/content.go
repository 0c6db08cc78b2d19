package connectortest

import (
	"context"
	"io"
	"runtime"
	"slices"
	"sync/atomic"
	"testing"

	"waybill/connector/connectortest/internal/post"
	"waybill/failure"
)

func contentCases() []testCase {
	var cases []testCase
	for _, l := range post.Odd() {
		cases = append(cases, testCase{"content/" + l.Name, func(tr *trial) { tr.oddContent(l) }})
	}
	return append(cases, testCase{"content/huge", huge})
}

// oddContent delivers the letter between two ordinary ones.
func (tr *trial) oddContent(l post.Letter) {
	d := tr.desk()
	start := d.position()
	letters := []post.Letter{post.Compose(1), l, post.Compose(2), l}
	if reason, ok := tr.cfg.Refuses[tr.name]; ok {
		tr.Logf("may be refused: %s", reason)
		letters = d.refused(letters)
	} else {
		d.deliver(letters...)
	}
	d.wantContents(start, letters)
	d.reopen()
	d.wantContents(start, letters)
}

// refused delivers letters and returns those that were taken.
func (d *desk) refused(letters []post.Letter) []post.Letter {
	var taken []post.Letter
	for i, r := range d.append(letters...) {
		if r.Err == nil {
			taken = append(taken, letters[i])
			continue
		}
		refusals := []failure.Class{failure.Denied, failure.TooLarge, failure.Full, failure.Malformed, failure.Unsupported}
		if !slices.Contains(refusals, failure.ClassOf(r.Err)) {
			d.Errorf("refusal has class %s, want one of %v: %v", failure.ClassOf(r.Err), refusals, r.Err)
		}
		if failure.RuleOf(r.Err) == failure.ClassOf(r.Err).String() {
			d.Errorf("refusal names no rule: %v", r.Err)
		}
	}
	return taken
}

// hugeSize is the length of the message that nobody may hold in memory, and
// hugeGrowth how much live memory may grow while it passes.
const (
	hugeSize   = 40 << 20
	hugeGrowth = 24 << 20
)

// huge streams a large message through the target and back.
func huge(tr *trial) {
	if testing.Short() {
		tr.Skip("a message of 40 MB is not for -short")
	}
	d := tr.desk()
	if limit := d.caps.MaxMessage; limit > 0 && limit < hugeSize {
		tr.Skip("the target does not take a message of that size")
	}
	start := d.position()
	peak := &watermark{}
	peak.begin()
	l := post.Parcel(1, hugeSize)
	plain := l.Open
	l.Open = func(ctx context.Context) (io.ReadCloser, error) {
		r, err := plain(ctx)
		return &sampled{ReadCloser: r, mark: peak}, err
	}
	d.deliver(l, post.Compose(2))
	list := d.arrived(start)
	if len(list) != 2 {
		tr.Fatalf("%d messages arrived, want 2", len(list))
	}
	_, body, err := d.mailbox.Open(d.Ctx, d.path, list[0].ID)
	tr.Must("read back", err)
	got, err := d.target.Fingerprint(d.Ctx, &sampled{ReadCloser: body, mark: peak})
	tr.Must("digest", err)
	tr.Check("close", body.Close())
	sent, err := plain(d.Ctx)
	tr.Must("open the letter", err)
	want, err := d.target.Fingerprint(d.Ctx, sent)
	tr.Must("digest the letter", err)
	if got != want {
		tr.Errorf("the large message differs after reading back")
	}
	if grown := peak.growth(); grown > hugeGrowth {
		tr.Errorf("live memory grew by %d MB while a message of %d MB passed; at most %d MB are allowed", grown>>20, hugeSize>>20, hugeGrowth>>20)
	}
}

// watermark measures live memory, which is what remains after collection.
type watermark struct {
	base uint64
	peak atomic.Uint64
}

func live() uint64 {
	runtime.GC()
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	return m.HeapAlloc
}

func (w *watermark) begin()         { w.base = live() }
func (w *watermark) sample()        { w.peak.Store(max(w.peak.Load(), live())) }
func (w *watermark) growth() uint64 { return max(w.peak.Load(), w.base) - w.base }

// sampled measures live memory at every eighth megabyte that passes.
type sampled struct {
	io.ReadCloser
	mark *watermark
	n    int64
}

func (s *sampled) Read(p []byte) (int, error) {
	n, err := s.ReadCloser.Read(p)
	if before := s.n >> 23; (s.n+int64(n))>>23 != before {
		s.mark.sample()
	}
	s.n += int64(n)
	return n, err
}
