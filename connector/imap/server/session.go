package server

import (
	"context"
	"errors"
	"strings"
	"sync/atomic"
	"time"

	"waybill/failure"
	"waybill/imap"
)

// stale is how long a connection may be idle before it is asked whether it is
// still there.
const stale = 30 * time.Second

// Session is a connection that works on one user's mailbox.
type Session struct {
	*imap.Conn

	User string
	// Prefix is the name of the user's mailbox as this session sees it: empty, or
	// "user/anna" where an administrator works on it.
	Prefix    string
	Delimiter string

	server   *Server
	key      string
	released atomic.Bool
}

// Release gives the session back; one that is broken is closed. Releasing twice
// does nothing. The session must not be used any more.
func (x *Session) Release() {
	if x == nil || x.released.Swap(true) {
		return
	}
	conn := x.Conn
	if conn.Broken() != nil {
		_ = conn.Close()
		conn = nil
	}
	if conn = x.server.pool.release(x.key, conn); conn != nil {
		hangUp(conn)
	}
}

// Session logs on so that the user's mailbox can be worked on, or takes a
// connection that is logged on already. It waits while all connections are in
// use, unless ctx is of Optional.
func (s *Server) Session(ctx context.Context, user string) (*Session, error) {
	id, err := s.c.identify(user)
	if err != nil {
		return nil, err
	}
	return s.session(ctx, id)
}

// Admin is the administrator's own session; class Unsupported where everybody
// logs on as himself.
func (s *Server) Admin(ctx context.Context) (*Session, error) {
	if s.c.auth != ACLAdmin && s.c.auth != Proxy {
		return nil, failure.New(failure.Unsupported, "log on as administrator", s.c.addr, "imap.login.no-administrator", nil).
			WithRemedy("auth=acl-admin and auth=proxy have an administrator with a mailbox list of its own")
	}
	return s.session(ctx, s.c.administrator())
}

func (s *Server) session(ctx context.Context, id identity) (*Session, error) {
	optional, _ := ctx.Value(optionalKey{}).(bool)
	for {
		g, err := s.pool.acquire(ctx, id.key, !optional)
		if g.evict != nil {
			hangUp(g.evict)
		}
		if err != nil {
			if g.given {
				s.giveBack(id.key, g.conn)
			}
			return nil, s.waitError(ctx, id, err)
		}
		conn, err := s.use(ctx, id, g)
		if err == nil {
			return s.sessionOn(conn, id), nil
		}
		// Too many connections: the server knows of those that it has, and a
		// session that is given back will do as well as a new one.
		learned := failure.RuleOf(err) == ruleConnections && s.pool.shrink(id.key)
		s.giveBack(id.key, nil)
		if !learned {
			return nil, err
		}
		if optional {
			return nil, s.waitError(ctx, id, ErrBusy)
		}
	}
}

func (s *Server) giveBack(key string, conn *imap.Conn) {
	if conn = s.pool.release(key, conn); conn != nil {
		hangUp(conn)
	}
}

func (s *Server) waitError(ctx context.Context, id identity, err error) error {
	class, rule := failure.Cancelled, "imap.cancelled"
	switch {
	case errors.Is(err, ErrBusy):
		class, rule = failure.Transient, "imap.busy"
	case errors.Is(err, errClosed):
		class, rule = failure.Internal, "imap.closed"
	case ctx.Err() != nil:
		err = ctx.Err()
	}
	return failure.New(class, "wait for a connection for "+id.user, s.c.addr, rule, err)
}

// use makes the connection of a grant, or sees whether an idle one still works.
func (s *Server) use(ctx context.Context, id identity, g grant) (*imap.Conn, error) {
	if g.conn != nil {
		if g.conn.Broken() == nil && (time.Since(g.since) < stale || g.conn.Noop(ctx) == nil) {
			return g.conn, nil
		}
		_ = g.conn.Close()
		if ctx.Err() != nil {
			return nil, s.waitError(ctx, id, ctx.Err())
		}
	}
	return s.logOn(ctx, id)
}

func (s *Server) sessionOn(conn *imap.Conn, id identity) *Session {
	s.mu.Lock()
	defer s.mu.Unlock()
	x := &Session{Conn: conn, User: id.user, Delimiter: s.delimiter, server: s, key: id.key}
	if s.c.auth == ACLAdmin && id.user != s.c.user {
		x.Prefix = s.others + dotted(id.mailbox, s.delimiter)
	}
	return x
}

// dotted writes a user's name as part of a folder's name: where "." separates
// levels Cyrus writes those of a name as "^".
func dotted(user, delimiter string) string {
	if delimiter == "." {
		return strings.ReplaceAll(user, ".", "^")
	}
	return user
}

func undotted(name, delimiter string) string {
	if delimiter == "." {
		return strings.ReplaceAll(name, "^", ".")
	}
	return name
}
