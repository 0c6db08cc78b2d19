// Package line is what IMAP is spoken through: a network connection that is given
// up when nothing moves and not when time passes, writing that knows how much may
// have reached the other side, and a trace that shows no secrets. It knows nothing
// of the protocol's words.
package line

import (
	"context"
	"errors"
	"net"
	"os"
	"sync/atomic"
	"time"
)

// longAgo is a deadline that has passed.
var longAgo = time.Unix(1, 0)

// ErrSilent says that nothing moved for longer than the silence that was agreed.
var ErrSilent = errors.New("the other side was silent for too long")

// Reading takes at most readPiece at a time and writing writePiece, so that
// progress shows on slow lines too.
const (
	readPiece  = 64 << 10
	writePiece = 16 << 10
)

// slowest is the line, in bytes a second, on which what was written may still be
// under way after it has left our hands: systems on the way keep megabytes, and
// nothing tells of their progress. It is waited for as long as patience times the
// silence.
const (
	slowest  = 64 << 10
	patience = 2
)

// afterBye is how long to wait for what a server still sends behind its BYE.
const afterBye = 5 * time.Second

// Throttle bounds traffic. WaitN returns when n more bytes may pass; n is never
// above 64 KiB.
type Throttle interface {
	WaitN(ctx context.Context, n int) error
}

// Conn is a connection whose deadline follows what moves in either
// direction, that a context can interrupt, and that asks a throttle. It lies
// under TLS, which would not survive an interrupted read.
type Conn struct {
	net.Conn
	throttle  Throttle
	silence   atomic.Int64 // nanoseconds
	moved     atomic.Int64 // when a byte moved last, nanoseconds since start
	through   atomic.Int64 // when all that was written is through the slowest line
	waiting   atomic.Int32 // how many callers wait for the throttle
	cancelled atomic.Bool
	ctx       atomic.Pointer[context.Context] // of the present operation
	start     time.Time
}

// NewConn watches over c. Silence is the longest time without a byte in either
// direction while something is asked of it; throttle may be nil.
func NewConn(c net.Conn, silence time.Duration, throttle Throttle) *Conn {
	p := &Conn{Conn: c, throttle: throttle, start: time.Now()}
	p.silence.Store(int64(silence))
	return p
}

func (p *Conn) now() int64 { return int64(time.Since(p.start)) }

// Begin arms the deadline for one operation under ctx; the returned function
// ends it. When ctx ends before, whatever is being read or written ends at
// once, and the connection is of no more use.
func (p *Conn) Begin(ctx context.Context) (end func() bool) {
	p.Use(ctx)
	p.moved.Store(p.now())
	p.through.Store(0) // whatever came before has been answered
	_ = p.goesOn(p.now())
	return context.AfterFunc(ctx, func() {
		p.cancelled.Store(true)
		_ = p.SetDeadline(longAgo)
	})
}

// Use names the context that waits for the throttle end with.
func (p *Conn) Use(ctx context.Context) { p.ctx.Store(&ctx) }

// goesOn sets the deadline anew and reports whether there is any time left for a
// call that began at since.
func (p *Conn) goesOn(since int64) bool {
	now, silence := p.now(), p.silence.Load()
	left := max(p.moved.Load(), since, p.through.Load()) + silence - now
	if p.waiting.Load() > 0 {
		left = silence
	}
	if left <= 0 || p.cancelled.Load() {
		return false
	}
	_ = p.SetDeadline(time.Now().Add(time.Duration(left)))
	if p.cancelled.Load() { // in between: the deadline of the past must win
		_ = p.SetDeadline(longAgo)
		return false
	}
	return true
}

func (p *Conn) wait(n int) error {
	if p.throttle == nil {
		return nil
	}
	p.waiting.Add(1)
	defer p.waiting.Add(-1)
	ctx := context.Background()
	if have := p.ctx.Load(); have != nil {
		ctx = *have
	}
	err := p.throttle.WaitN(ctx, n)
	p.moved.Store(p.now())
	return err
}

// Read is net.Conn's, at most 64 KiB at a time.
func (p *Conn) Read(b []byte) (int, error) {
	b = b[:min(len(b), readPiece)]
	since := p.now()
	for {
		n, err := p.Conn.Read(b)
		if n > 0 {
			p.moved.Store(p.now())
			return n, p.wait(n)
		}
		if err == nil {
			continue
		}
		if !errors.Is(err, os.ErrDeadlineExceeded) {
			return 0, err
		}
		if !p.goesOn(since) {
			return 0, p.Reason()
		}
	}
}

// Write is net.Conn's. The throttle is asked before each piece of 16 KiB.
func (p *Conn) Write(b []byte) (int, error) {
	written := 0
	for written < len(b) {
		piece := b[written:min(len(b), written+writePiece)]
		if err := p.wait(len(piece)); err != nil {
			return written, err
		}
		since := p.now()
		for len(piece) > 0 {
			n, err := p.Conn.Write(piece)
			written += n
			piece = piece[n:]
			if n > 0 {
				since = p.now()
				p.moved.Store(since)
				p.underWay(since, n)
			}
			if err == nil {
				continue
			}
			if !errors.Is(err, os.ErrDeadlineExceeded) {
				return written, err
			}
			if !p.goesOn(since) {
				return written, p.Reason()
			}
		}
	}
	return written, nil
}

// underWay adds bytes that were written to those that may be on their way. What
// goes beyond patience at that moment is not waited for.
func (p *Conn) underWay(now int64, n int) {
	most := now + p.silence.Load()*patience
	p.through.Store(min(max(p.through.Load(), now)+int64(n)*int64(time.Second)/slowest, most))
}

// Pause says that we are the ones who are waited for, until Resume: silence does
// not count meanwhile.
func (p *Conn) Pause() { p.waiting.Add(1) }

// Resume ends what Pause began.
func (p *Conn) Resume() {
	p.moved.Store(p.now())
	p.waiting.Add(-1)
}

// Cancelled reports whether the context of an operation ended before it: then the
// connection is of no more use.
func (p *Conn) Cancelled() bool { return p.cancelled.Load() }

// Reason is why a deadline was not moved on.
func (p *Conn) Reason() error {
	if !p.cancelled.Load() {
		return ErrSilent
	}
	if ctx := p.ctx.Load(); ctx != nil && (*ctx).Err() != nil {
		return context.Cause(*ctx)
	}
	return context.Canceled
}

// Hurry shortens the wait for a server that has said goodbye or does not listen.
func (p *Conn) Hurry() {
	p.silence.Store(min(p.silence.Load(), int64(afterBye)))
	p.moved.Store(p.now())
	_ = p.goesOn(p.now())
}
