package server

import (
	"context"
	"errors"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"pgregory.net/rapid"

	"waybill/imap"
)

func take(t *testing.T, p *pool, key string) grant {
	t.Helper()
	g, err := p.acquire(t.Context(), key, false)
	if err != nil || !g.given {
		t.Fatalf("%s: %+v, %v", key, g, err)
	}
	return g
}

func busy(t *testing.T, p *pool, key string) {
	t.Helper()
	if g, err := p.acquire(t.Context(), key, false); !errors.Is(err, ErrBusy) || g.given {
		t.Fatalf("%s: %+v, %v; want busy", key, g, err)
	}
}

func TestPoolReusesAndEvicts(t *testing.T) {
	p := newPool(2, 0, time.Now)
	anna, bert := new(imap.Conn), new(imap.Conn)
	take(t, p, "anna")
	take(t, p, "bert")
	busy(t, p, "carl")
	p.release("anna", anna)
	p.release("bert", bert)
	if g := take(t, p, "anna"); g.conn != anna || g.evict != nil {
		t.Errorf("anna's connection is not used again: %+v", g)
	}
	if g := take(t, p, "carl"); g.conn != nil || g.evict != bert {
		t.Errorf("bert's idle connection does not make room: %+v", g)
	}
	busy(t, p, "bert")
	if back := p.release("carl", nil); back != nil {
		t.Error("nothing was given back")
	}
	if g := take(t, p, "bert"); g.conn != nil || g.evict != nil {
		t.Errorf("%+v", g)
	}
}

func TestPoolServesInOrder(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := newPool(3, 2, time.Now)
		take(t, p, "anna")
		take(t, p, "anna")
		take(t, p, "bert")
		var mu sync.Mutex
		var order []string
		wait := func(key, name string) {
			go func() {
				if g, err := p.acquire(t.Context(), key, true); err == nil && g.given {
					mu.Lock()
					order = append(order, name)
					mu.Unlock()
				}
			}()
			synctest.Wait()
		}
		wait("anna", "anna 3") // has her two connections, and may not block others
		wait("carl", "carl")
		wait("dora", "dora")
		p.release("bert", nil)
		synctest.Wait()
		p.release("anna", nil)
		synctest.Wait()
		p.release("anna", nil)
		synctest.Wait()
		if len(order) != 3 || order[0] != "carl" || order[1] != "anna 3" || order[2] != "dora" {
			t.Errorf("served in the order %q", order)
		}
	})
}

func TestPoolCancelledWaiter(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := newPool(1, 0, time.Now)
		take(t, p, "anna")
		ctx, cancel := context.WithCancel(t.Context())
		done := make(chan error)
		go func() {
			_, err := p.acquire(ctx, "bert", true)
			done <- err
		}()
		synctest.Wait()
		cancel()
		if err := <-done; !errors.Is(err, context.Canceled) {
			t.Error(err)
		}
		p.release("anna", nil)
		take(t, p, "carl")
	})
}

func TestPoolLearns(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := newPool(5, 0, time.Now)
		take(t, p, "anna")
		if p.shrink("anna") {
			t.Error("there are no others to wait for")
		}
		take(t, p, "anna")
		take(t, p, "anna")
		if !p.shrink("anna") {
			t.Error("two others could be waited for")
		}
		p.release("anna", nil)
		busy(t, p, "anna")
		take(t, p, "bert")
		// A user without another connection: the limit is of all.
		if !p.shrink("bert") || p.size() != 2 {
			t.Errorf("%d at a time", p.size())
		}
		p.release("bert", nil)
		busy(t, p, "carl")
		time.Sleep(shrunk) //nolint:forbidigo // the clock is the bubble's
		take(t, p, "carl")
		take(t, p, "anna")
	})
}

func TestPoolResizeDropsConnections(t *testing.T) {
	p := newPool(2, 0, time.Now)
	take(t, p, "anna")
	take(t, p, "bert")
	p.resize(1, 0)
	conn := new(imap.Conn)
	if p.release("anna", conn) != conn {
		t.Error("one connection more than the limit is kept")
	}
	if p.release("bert", conn) != nil {
		t.Error("the last connection is not kept")
	}
}

func TestPoolClose(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := newPool(2, 0, time.Now)
		take(t, p, "anna")
		take(t, p, "bert")
		p.release("bert", new(imap.Conn))
		take(t, p, "carl")
		done := make(chan error)
		go func() {
			_, err := p.acquire(t.Context(), "dora", true)
			done <- err
		}()
		synctest.Wait()
		p.release("carl", new(imap.Conn))
		if err := <-done; err != nil {
			t.Error(err)
		}
		go func() {
			_, err := p.acquire(t.Context(), "emil", true)
			done <- err
		}()
		synctest.Wait()
		p.close()
		if err := <-done; !errors.Is(err, errClosed) {
			t.Error(err)
		}
		conn := new(imap.Conn)
		if p.release("anna", conn) != conn {
			t.Error("a closed pool keeps connections")
		}
		if _, err := p.acquire(t.Context(), "anna", false); !errors.Is(err, errClosed) {
			t.Error(err)
		}
	})
}

// TestPoolSecondConnections has more mailboxes than connections, and each wants
// two: whoever holds one asks for the second as optional, so everybody ends.
func TestPoolSecondConnections(t *testing.T) {
	p := newPool(3, 2, time.Now)
	var all sync.WaitGroup
	for range 20 {
		for _, key := range []string{"anna", "bert", "carl", "dora", "emil"} {
			all.Go(func() {
				g, err := p.acquire(t.Context(), key, true)
				if err != nil {
					t.Error(err)
					return
				}
				if g2, err := p.acquire(t.Context(), key, false); err == nil {
					p.release(key, g2.conn)
				}
				if g.conn == nil {
					g.conn = new(imap.Conn)
				}
				p.release(key, g.conn)
			})
		}
	}
	all.Wait()
	if p.total > 3 || len(p.idle) != p.total || len(p.waiters) != 0 {
		t.Errorf("%d connections, %d idle, %d waiting", p.total, len(p.idle), len(p.waiters))
	}
}

func TestPoolCounts(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		limit, perUser := rapid.IntRange(1, 5).Draw(t, "limit"), rapid.IntRange(0, 3).Draw(t, "perUser")
		p := newPool(limit, perUser, time.Now)
		held := map[string]int{}
		t.Repeat(map[string]func(*rapid.T){
			"take": func(t *rapid.T) {
				key := rapid.SampledFrom([]string{"", "a", "b", "c"}).Draw(t, "key")
				if g, err := p.acquire(context.Background(), key, false); err == nil && g.given {
					held[key]++
				}
			},
			"give": func(t *rapid.T) {
				key := rapid.SampledFrom([]string{"", "a", "b", "c"}).Draw(t, "key")
				if held[key] == 0 {
					t.Skip()
				}
				held[key]--
				var conn *imap.Conn
				if rapid.Bool().Draw(t, "whole") {
					conn = new(imap.Conn)
				}
				p.release(key, conn)
			},
			"": func(t *rapid.T) {
				open, idle := 0, map[string]int{}
				for _, n := range p.open {
					open += n
				}
				for _, i := range p.idle {
					idle[i.key]++
				}
				if open != p.total || p.total > limit {
					t.Fatalf("%d open, %d counted, %d permitted", open, p.total, limit)
				}
				for key, n := range held {
					if p.open[key] != n+idle[key] || perUser > 0 && key != "" && p.open[key] > perUser {
						t.Fatalf("%q: %d open, %d held, %d idle", key, p.open[key], n, idle[key])
					}
				}
			},
		})
	})
}
