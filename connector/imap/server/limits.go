package server

import (
	"context"
	"errors"
	"fmt"
	"net"
	"sync"
	"time"

	"golang.org/x/time/rate"

	"waybill/connector/imap/provider"
	"waybill/failure"
	"waybill/imap"
)

// leastBurst is what the rate limiter must let through at once: as much as the
// client asks for at a time.
const leastBurst = 64 << 10

// limits bound the traffic with one server: the operator's bytes per second and
// per day over everything, and the provider's bytes per day for each account.
// What earlier runs moved is not known.
type limits struct {
	now    func() time.Time
	second *rate.Limiter // nil: none
	all    *day

	mu       sync.Mutex
	accounts map[string]*meter
}

func newLimits(perSecond, perDay int64, now func() time.Time) *limits {
	l := &limits{now: now, all: newDay(perDay, now), accounts: map[string]*meter{}}
	if perSecond > 0 {
		l.second = rate.NewLimiter(rate.Limit(perSecond), int(min(max(perSecond, leastBurst), 1<<30)))
	}
	return l
}

// account is the meter of one account; nil when the provider has no limit that
// we know of.
func (l *limits) account(key string, f provider.Facts) *meter {
	if f.DownloadPerDay == 0 && f.UploadPerDay == 0 {
		return nil
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	m, ok := l.accounts[key]
	if !ok {
		m = &meter{down: newDay(f.DownloadPerDay, l.now), up: newDay(f.UploadPerDay, l.now)}
		l.accounts[key] = m
	}
	return m
}

// room fails when the day's bytes are used up.
func (l *limits) room() error { return l.all.room("--bytes-per-day") }

// throttle is what a connection of the account asks; nil when nothing is limited.
func (l *limits) throttle(m *meter) imap.Throttle {
	if m == nil && l.second == nil && l.all.limit == 0 {
		return nil
	}
	return &throttle{l, m}
}

type throttle struct {
	limits *limits
	meter  *meter
}

// WaitN waits until n more bytes may pass. A day's limit is not waited for: it
// may be a day.
func (t *throttle) WaitN(ctx context.Context, n int) error {
	if err := t.limits.room(); err != nil {
		return err
	}
	if err := t.meter.room(); err != nil {
		return err
	}
	t.limits.all.add(int64(n))
	if t.limits.second == nil {
		return nil
	}
	for n > 0 {
		piece := min(n, t.limits.second.Burst())
		if err := t.limits.second.WaitN(ctx, piece); err != nil {
			if ctx.Err() != nil {
				return ctx.Err()
			}
			return failure.New(failure.Cancelled, "wait for --bytes-per-second", "", "imap.cancelled", err)
		}
		n -= piece
	}
	return nil
}

// meter counts one account's bytes in both directions. A nil meter counts
// nothing.
type meter struct{ down, up *day }

func (m *meter) room() error {
	if m == nil {
		return nil
	}
	if err := m.down.room("the provider's limit of downloads"); err != nil {
		return err
	}
	return m.up.room("the provider's limit of uploads")
}

// watch counts what goes through a connection.
func (m *meter) watch(c net.Conn) net.Conn {
	if m == nil {
		return c
	}
	return &metered{c, m}
}

type metered struct {
	net.Conn

	meter *meter
}

func (c *metered) Read(p []byte) (int, error) {
	n, err := c.Conn.Read(p)
	c.meter.down.add(int64(n))
	return n, err
}

func (c *metered) Write(p []byte) (int, error) {
	n, err := c.Conn.Write(p)
	c.meter.up.add(int64(n))
	return n, err
}

// slices of a day: what was moved counts until 24 hours after its slice ended.
const (
	slices24 = 96
	slice24  = 24 * time.Hour / slices24
)

// day counts the bytes of the last 24 hours.
type day struct {
	limit int64 // 0: none
	now   func() time.Time

	mu    sync.Mutex
	start time.Time
	moved [slices24 + 1]int64
	at    int64 // number of the slice that was counted in last
	sum   int64
}

func newDay(limit int64, now func() time.Time) *day {
	return &day{limit: limit, now: now, start: now()}
}

// turn forgets what is older than a day. The lock is held.
func (d *day) turn() {
	at := int64(d.now().Sub(d.start) / slice24)
	for ; d.at < at; d.at++ {
		if at-d.at > slices24+1 {
			d.at = at - slices24 - 1 // a long pause: everything is forgotten anyway
			d.moved, d.sum = [slices24 + 1]int64{}, 0
			continue
		}
		i := (d.at + 1) % (slices24 + 1)
		d.sum -= d.moved[i]
		d.moved[i] = 0
	}
}

func (d *day) add(n int64) {
	if d.limit == 0 {
		return
	}
	d.mu.Lock()
	defer d.mu.Unlock()
	d.turn()
	d.moved[d.at%(slices24+1)] += n
	d.sum += n
}

// room fails when the limit is reached, with the time until there is room again.
func (d *day) room(what string) error {
	if d.limit == 0 {
		return nil
	}
	d.mu.Lock()
	defer d.mu.Unlock()
	d.turn()
	if d.sum < d.limit {
		return nil
	}
	left, wait := d.sum, time.Duration(0)
	for age := int64(slices24); age >= 0 && left >= d.limit; age-- {
		if n := d.at - age; n >= 0 {
			left -= d.moved[n%(slices24+1)]
			wait = d.start.Add(time.Duration(n+slices24+1) * slice24).Sub(d.now())
		}
	}
	e := failure.New(failure.Throttled, "move more bytes", "", "imap.bytes-per-day", fmt.Errorf("%w: %d bytes in 24 hours (%s)", errDay, d.limit, what))
	e.RetryAfter = max(wait, time.Second)
	return e
}

var errDay = errors.New("the day's bytes are used up")
