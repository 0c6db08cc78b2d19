package server

import (
	"context"
	"errors"
	"sync"
	"testing"
	"time"

	"waybill/directory"
	"waybill/failure"
	"waybill/internal/counterpart"
)

func TestDovecotConnectionLimit(t *testing.T) {
	d := counterpart.NewDovecot(t, counterpart.DovecotOptions{MaxUserIPConnections: 2})
	s := open(t, d.Location("anna"), Options{Password: place(t, "secret")})
	first, second := session(t, s, "anna"), session(t, s, "anna")
	_, err := s.Session(Optional(t.Context()), "anna")
	if !errors.Is(err, ErrBusy) {
		t.Fatalf("a third connection: %v", err)
	}
	// One that waits gets what is given back, though the server permits no third.
	got := make(chan *Session)
	go func() {
		x, err := s.Session(t.Context(), "anna")
		if err != nil {
			t.Error(err)
		}
		got <- x
	}()
	first.Release()
	x := <-got
	if x == nil || x.Conn != first.Conn {
		t.Error("the connection that was given back is not used")
	} else if err := x.Noop(t.Context()); err != nil {
		t.Error(err)
	}
	x.Release()
	second.Release()
	// Somebody else's connections are beyond what we can wait for.
	other := open(t, d.Location("bert"), Options{Password: place(t, "secret")})
	session(t, other, "bert")
	session(t, other, "bert")
	_, err = try(t, d.Location("bert"), Options{Password: place(t, "secret")}, SourceSide)
	wantFailure(t, err, failure.Throttled, ruleConnections, "mail_max_userip_connections")
	if f, _ := errors.AsType[*failure.Error](err); f.RetryAfter <= 0 {
		t.Error("no wait is named")
	}
}

func TestGlobalLimit(t *testing.T) {
	d := counterpart.NewDovecot(t, counterpart.DovecotOptions{MasterUser: "boss", MasterPassword: "pw"})
	users := &directory.UserMap{Rows: []directory.MapRow{{User: "anna"}, {User: "bert"}}}
	s := open(t, d.MasterLocation(), Options{Users: users, Password: place(t, "pw"), Connections: 2})
	var all sync.WaitGroup
	for range 4 {
		for _, user := range []string{"anna", "bert"} {
			all.Go(func() {
				for range 5 {
					x, err := s.Session(t.Context(), user)
					if err != nil {
						t.Error(err)
						return
					}
					y, err := s.Session(Optional(t.Context()), user)
					if err != nil && !errors.Is(err, ErrBusy) {
						t.Error(err)
					}
					if err := x.Noop(t.Context()); err != nil {
						t.Error(err)
					}
					y.Release()
					x.Release()
				}
			})
		}
	}
	all.Wait()
	if s.pool.total > 2 {
		t.Errorf("%d connections", s.pool.total)
	}
}

func TestBrokenSessionIsNotUsedAgain(t *testing.T) {
	t.Parallel()
	d := counterpart.NewDovecot(t, counterpart.DovecotOptions{})
	s := open(t, d.Location("anna"), Options{Password: place(t, "secret")})
	x := session(t, s, "anna")
	_ = x.Close()
	x.Release()
	if y := session(t, s, "anna"); y.Conn == x.Conn || y.Noop(t.Context()) != nil {
		t.Error("a connection that was closed is used again")
	} else {
		y.Release()
	}
	// The server goes away and comes back while connections are idle.
	if err := d.Restart(t.Context()); err != nil {
		t.Fatal(err)
	}
	s.pool.idle[0].since = time.Now().Add(-stale)
	if z := session(t, s, "anna"); z.Noop(t.Context()) != nil {
		t.Error("a connection that the server closed is used again")
	}
	d.Stop()
	_, err := try(t, d.Location("anna"), Options{Password: place(t, "secret")}, SourceSide)
	wantFailure(t, err, failure.Transient, "imap.refused", "port")
}

func TestCancelledWhileWaiting(t *testing.T) {
	d := counterpart.NewDovecot(t, counterpart.DovecotOptions{})
	s := open(t, d.Location("anna"), Options{Password: place(t, "secret"), Connections: 1})
	x := session(t, s, "anna")
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan error)
	go func() {
		_, err := s.Session(ctx, "anna")
		done <- err
	}()
	cancel()
	wantFailure(t, <-done, failure.Cancelled, "imap.cancelled")
	x.Release()
	session(t, s, "anna")
}
