package server

import (
	"context"
	"errors"
	"net"
	"time"

	"github.com/emersion/go-sasl"

	"waybill/failure"
	"waybill/imap"
	"waybill/secret"
)

// dialPatience is how long connecting may take; after that the client's own
// limit on silence counts.
const dialPatience = 30 * time.Second

// slowLine is the round trip from which compressing pays.
const slowLine = 15 * time.Millisecond

// dial connects. The meter counts for one account; nil: none.
func (s *Server) dial(ctx context.Context, m *meter) (*imap.Conn, error) {
	c := s.c
	if err := s.limits.room(); err != nil {
		return nil, err
	}
	patience := dialPatience
	if c.silence > 0 {
		patience = min(patience, c.silence)
	}
	var remote net.Addr
	conn, err := imap.Dial(ctx, imap.Options{Addr: c.addr, Mode: c.mode, TLS: c.tls, Silence: c.silence, Trace: c.o.Trace, Throttle: s.limits.throttle(m),
		Dial: func(ctx context.Context, addr string) (net.Conn, error) {
			dialer := net.Dialer{Timeout: patience}
			sock, err := dialer.DialContext(ctx, "tcp", addr)
			if err != nil {
				return nil, err
			}
			// The name may mean another address by now.
			if remote = sock.RemoteAddr(); c.mode == imap.Plain && !c.o.PlainForced && !isLocal(remote) {
				_ = sock.Close()
				return nil, c.mustNotBePlain()
			}
			return m.watch(sock), nil
		}})
	if err != nil {
		if throttled := s.throttling("connect", c.addr, err, false); throttled != nil {
			return nil, throttled
		}
		return nil, c.connectError(ctx, err)
	}
	s.mu.Lock()
	s.local = isLocal(remote)
	s.mu.Unlock()
	return conn, nil
}

func isLocal(a net.Addr) bool {
	tcp, ok := a.(*net.TCPAddr)
	return ok && tcp.IP.IsLoopback()
}

// logOn connects and authenticates.
func (s *Server) logOn(ctx context.Context, id identity) (*imap.Conn, error) {
	conn, err := s.dial(ctx, s.limits.account(id.key, s.Facts()))
	if err != nil {
		return nil, err
	}
	s.recognise(ctx, conn)
	if err := s.authenticate(ctx, conn, id); err != nil {
		hangUp(conn)
		return nil, err
	}
	if err := s.settle(ctx, conn, id); err != nil {
		hangUp(conn)
		return nil, err
	}
	return conn, nil
}

// authenticate logs on in the way that was chosen. A token that the server no
// longer takes is replaced once.
func (s *Server) authenticate(ctx context.Context, conn *imap.Conn, id identity) error {
	v, fresh, err := s.c.secretFor(ctx, id)
	if err != nil {
		return err
	}
	if s.c.auth != OAuth2 {
		return s.withPassword(ctx, conn, id, v)
	}
	err = s.withToken(ctx, conn, id, v)
	if err == nil || s.c.tokens == nil || failure.ClassOf(err) != failure.Denied {
		return err
	}
	s.c.tokens.Refused(ctx, id.login, v)
	if fresh || conn.Broken() != nil {
		return err
	}
	if v, _, err = s.c.secretFor(ctx, id); err != nil {
		return err
	}
	return s.withToken(ctx, conn, id, v)
}

func (s *Server) withToken(ctx context.Context, conn *imap.Conn, id identity, token secret.Value) error {
	mechanism := "XOAUTH2"
	if conn.Has("AUTH=OAUTHBEARER") {
		mechanism = "OAUTHBEARER"
	} else if !conn.Has("AUTH=XOAUTH2") {
		return s.refusal(id, "imap.login.mechanism", "the server takes no tokens: it offers neither OAUTHBEARER nor XOAUTH2", "")
	}
	mech := s.c.bearer(mechanism, id.login, token)
	err := conn.Authenticate(ctx, mech)
	return s.refused(ctx, conn, id, err, token, mech.refusal)
}

// withPassword logs on by the best mechanism that there is: SCRAM-SHA-256, then
// PLAIN, then LOGIN. All but the first send the password itself, which is why
// Configure permits a line without TLS only to this machine or when forced.
func (s *Server) withPassword(ctx context.Context, conn *imap.Conn, id identity, password secret.Value) error {
	plain := conn.Has("AUTH=PLAIN")
	s.mu.Lock()
	proven := conn.Has("AUTH=SCRAM-SHA-256") && !s.scramInVain
	s.mu.Unlock()
	// An administrator's right to act for others, and master users, are often
	// known to one password database only, which has no SCRAM.
	administrating := s.c.auth == Proxy || s.c.auth == DovecotMaster
	triedScram := false
	if proven && (!administrating || !plain) {
		mech := &scram{user: id.login, acting: id.acting, password: password}
		err := conn.Authenticate(ctx, mech)
		if err == nil && mech.verified {
			return nil
		}
		if err == nil || errors.Is(err, errServer) {
			return s.refusal(id, "imap.login.scram", "the server said yes and could not prove that it knows the password: somebody may stand in between", "")
		}
		// Servers that keep only a digest of the password offer SCRAM and fail.
		if conn.Broken() != nil || failure.ClassOf(err) != failure.Denied || s.throttling("log on", s.c.addr, err, false) != nil {
			return s.refused(ctx, conn, id, err, password, "")
		}
		if triedScram = true; !plain && !conn.Has("AUTH=LOGIN") && conn.Has("LOGINDISABLED") {
			return s.refused(ctx, conn, id, err, password, "")
		}
	}
	err := s.withCleartext(ctx, conn, id, password)
	if err == nil && triedScram {
		s.mu.Lock()
		s.scramInVain = true
		s.mu.Unlock()
	}
	return err
}

func (s *Server) withCleartext(ctx context.Context, conn *imap.Conn, id identity, password secret.Value) error {
	var err error
	switch {
	case conn.Has("AUTH=PLAIN"):
		err = conn.Authenticate(ctx, sasl.NewPlainClient(id.acting, id.login, password.Reveal()))
		var status *imap.StatusError
		// BAD is how servers speak of a mechanism that they do not know after all.
		if id.acting == "" && errors.As(err, &status) && status.Kind == "BAD" && conn.Broken() == nil && !conn.Has("LOGINDISABLED") && s.throttling("log on", s.c.addr, err, false) == nil {
			err = conn.Login(ctx, id.login, password.Reveal())
		}
	case id.acting != "":
		return s.refusal(id, "imap.login.mechanism", "the server does not offer PLAIN, without which nobody can act for others", "")
	case conn.Has("AUTH=LOGIN"):
		err = conn.Authenticate(ctx, &login{user: id.login, password: password})
	case conn.Has("LOGINDISABLED"):
		return s.refusal(id, "imap.login.plaintext", "the server takes no password on this connection (LOGINDISABLED)", "")
	default:
		err = conn.Login(ctx, id.login, password.Reveal())
	}
	return s.refused(ctx, conn, id, err, password, "")
}

// settle does what follows logging on.
func (s *Server) settle(ctx context.Context, conn *imap.Conn, id identity) error {
	s.recognise(ctx, conn) // some tell more now
	s.mu.Lock()
	first := !s.learned
	exchange := s.facts.Flavour == "exchange"
	s.mu.Unlock()
	if first || exchange {
		// Exchange says yes to a logon without the right to the mailbox, and no to
		// whatever comes next.
		if err := s.look(ctx, conn); err != nil {
			if err = s.refused(ctx, conn, id, err, secret.Value{}, ""); failure.ClassOf(err) == failure.Denied || conn.Broken() != nil {
				return err
			}
		}
	}
	if first {
		began := time.Now()
		if err := conn.Noop(ctx); err != nil {
			return s.Fail("log on", s.c.addr, err)
		}
		s.mu.Lock()
		s.roundTrip = time.Since(began)
		s.mu.Unlock()
	}
	s.remember(conn, true)
	return s.squeeze(ctx, conn)
}

// squeeze begins compression (RFC 4978) where it is wanted.
func (s *Server) squeeze(ctx context.Context, conn *imap.Conn) error {
	s.mu.Lock()
	wanted := compresses(s.c.compress, s.roundTrip, s.local)
	s.mu.Unlock()
	if !wanted {
		return nil
	}
	if !conn.Has("COMPRESS=DEFLATE") {
		if s.c.compress == "yes" {
			s.warnOnce("compress", s.c.host+" does not offer compression; going on without (compress=yes).")
		}
		return nil
	}
	if err := conn.Compress(ctx); err != nil && conn.Broken() != nil {
		return s.Fail("begin compression", s.c.addr, err)
	}
	return nil
}

func compresses(mode string, roundTrip time.Duration, local bool) bool {
	return mode == "yes" || mode == "auto" && !local && roundTrip > slowLine
}

// look learns how names are built on this server.
func (s *Server) look(ctx context.Context, conn *imap.Conn) error {
	var delimiter, others string
	if conn.Has("NAMESPACE") {
		names, err := conn.Namespace(ctx)
		if err != nil {
			return err
		}
		if len(names.Personal) > 0 {
			delimiter = names.Personal[0].Delimiter
		}
		if len(names.Others) > 0 {
			others = names.Others[0].Prefix
		}
	}
	if delimiter == "" {
		items, err := conn.List(ctx, "", "", imap.ListOptions{})
		if err != nil {
			return err
		}
		if len(items) > 0 {
			delimiter = items[0].Delimiter
		}
	}
	if others == "" {
		others = "user" + delimiter
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.delimiter, s.others = delimiter, others
	return nil
}

// hangUp ends a connection in good order if that goes quickly.
func hangUp(conn *imap.Conn) {
	if conn.Broken() == nil {
		ctx, cancel := context.WithTimeout(context.Background(), 2*time.Second)
		_ = conn.Logout(ctx)
		cancel()
	}
	_ = conn.Close()
}
