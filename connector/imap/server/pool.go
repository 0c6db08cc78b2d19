package server

import (
	"context"
	"errors"
	"slices"
	"sync"
	"time"

	"waybill/imap"
)

// shrunk is how long a limit that a server made us learn is kept.
const shrunk = 5 * time.Minute

var errClosed = errors.New("the server was closed")

// pool counts connections and keeps idle ones. It does no input or output: who
// gets a grant connects, or goes on with the connection in it, and hangs up the
// one that had to make room. Waiters are served in the order in which they came,
// past those whose own user has too many connections already.
type pool struct {
	now func() time.Time

	mu      sync.Mutex
	limit   int            // of all
	perUser int            // 0: no other than limit
	learned map[string]cap // what the server made us learn; "" is about all
	open    map[string]int // connections by key, idle ones included
	total   int
	idle    []idle // oldest first
	waiters []*waiter
	closed  bool
}

// cap is a limit for some time.
type cap struct {
	limit int
	until time.Time
}

type idle struct {
	key   string
	conn  *imap.Conn
	since time.Time
}

type waiter struct {
	key   string
	ready chan grant // buffered: the grant is never refused
}

// grant is the right to one connection under a key.
type grant struct {
	conn  *imap.Conn // an idle one; nil: make one
	since time.Time  // since when it was idle
	evict *imap.Conn // hang this up first; it has made room
	given bool       // false: no grant
}

func newPool(limit, perUser int, now func() time.Time) *pool {
	return &pool{now: now, limit: limit, perUser: perUser, learned: map[string]cap{}, open: map[string]int{}}
}

// resize sets other limits; connections beyond them end as they are released.
func (p *pool) resize(limit, perUser int) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.limit, p.perUser = limit, perUser
	p.serve()
}

func (p *pool) size() int {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.allowed("", p.limit)
}

// allowed is a limit, or the smaller one that was learned.
func (p *pool) allowed(about string, limit int) int {
	if c, ok := p.learned[about]; ok {
		if p.now().Before(c.until) {
			return min(limit, c.limit)
		}
		delete(p.learned, about)
	}
	return limit
}

// about is the key under which a limit of one user's is learned.
func about(key string) string { return "user " + key }

// take finds a connection or room for one, without waiting. The lock is held.
func (p *pool) take(key string) (grant, bool) {
	for i, free := range slices.Backward(p.idle) {
		if free.key == key {
			g := grant{conn: free.conn, since: free.since, given: true}
			p.idle = slices.Delete(p.idle, i, i+1)
			return g, true
		}
	}
	limit := p.allowed("", p.limit)
	own := limit
	if p.perUser > 0 && key != "" {
		own = min(own, p.perUser)
	}
	if p.open[key] >= p.allowed(about(key), own) {
		return grant{}, false
	}
	g := grant{given: true}
	if p.total >= limit {
		if len(p.idle) == 0 || p.total > limit {
			return grant{}, false
		}
		g.evict = p.idle[0].conn
		p.drop(p.idle[0].key)
		p.idle = slices.Delete(p.idle, 0, 1)
	}
	p.open[key]++
	p.total++
	return g, true
}

func (p *pool) drop(key string) {
	p.total--
	if p.open[key]--; p.open[key] <= 0 {
		delete(p.open, key)
	}
}

// acquire waits for a grant, or fails at once with ErrBusy when it may not wait.
func (p *pool) acquire(ctx context.Context, key string, wait bool) (grant, error) {
	p.mu.Lock()
	if p.closed {
		p.mu.Unlock()
		return grant{}, errClosed
	}
	if g, ok := p.take(key); ok {
		p.mu.Unlock()
		return g, nil
	}
	if !wait {
		p.mu.Unlock()
		return grant{}, ErrBusy
	}
	w := &waiter{key: key, ready: make(chan grant, 1)}
	p.waiters = append(p.waiters, w)
	p.mu.Unlock()
	select {
	case g, ok := <-w.ready:
		if !ok {
			return grant{}, errClosed
		}
		return g, nil
	case <-ctx.Done():
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	if i := slices.Index(p.waiters, w); i >= 0 {
		p.waiters = slices.Delete(p.waiters, i, i+1)
		return grant{}, ctx.Err()
	}
	// It was granted in the same moment; the caller gives it back.
	if g, ok := <-w.ready; ok {
		return g, ctx.Err()
	}
	return grant{}, ctx.Err()
}

// release gives back a connection, or with nil the right to one. It returns the
// connection when it must be hung up.
func (p *pool) release(key string, conn *imap.Conn) (hangUp *imap.Conn) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if conn != nil && !p.closed && p.total <= p.allowed("", p.limit) {
		p.idle = append(p.idle, idle{key: key, conn: conn, since: p.now()})
		conn = nil
	} else {
		p.drop(key)
	}
	p.serve()
	return conn
}

// serve gives what there is to those who wait. The lock is held.
func (p *pool) serve() {
	p.waiters = slices.DeleteFunc(p.waiters, func(w *waiter) bool {
		g, ok := p.take(w.key)
		if ok {
			w.ready <- g
		}
		return ok
	})
}

// shrink learns from a server that refused a connection under key because there
// are too many: there may be one less than now, of this user or of all. The
// refused one is still counted. It returns false when there are no others to
// wait for.
func (p *pool) shrink(key string) bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	until := p.now().Add(shrunk)
	if others := p.open[key] - 1; others > 0 {
		p.learned[about(key)] = cap{others, until}
		return true
	}
	if others := p.total - 1; others > 0 {
		p.learned[""] = cap{others, until}
		return true
	}
	return false
}

// close lets nobody in any more and gives the idle connections to hang up.
func (p *pool) close() (conns []*imap.Conn) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.closed = true
	for _, i := range p.idle {
		conns = append(conns, i.conn)
		p.drop(i.key)
	}
	p.idle = nil
	for _, w := range p.waiters {
		close(w.ready)
	}
	p.waiters = nil
	return conns
}
