package server

import (
	"context"
	"errors"
	"slices"
	"strings"
	"sync"
	"time"

	"waybill/connector/imap/provider"
	"waybill/failure"
	"waybill/imap"
)

// ErrBusy is the cause when a session asked for with Optional would have to wait.
var ErrBusy = errors.New("all connections are in use")

type optionalKey struct{}

// Optional marks a call of Session as one that the caller can do without: when
// all connections are in use it fails at once with ErrBusy instead of waiting.
// Whoever holds a session and wants a second one asks so, or two callers may
// wait for each other for ever.
func Optional(ctx context.Context) context.Context {
	return context.WithValue(ctx, optionalKey{}, true)
}

// defaultConnections is the number of connections to a server of which nothing
// is known, over all mailboxes.
const defaultConnections = 10

// openTries is how many users of a map are tried before Open gives up: one with
// a wrong password must not keep the others from being moved.
const openTries = 3

// Server is an IMAP server that can be logged on to. It may be used from several
// goroutines.
type Server struct {
	c      *Config
	pool   *pool
	limits *limits

	mu          sync.Mutex
	facts       provider.Facts
	id          map[string]string
	caps        map[string]bool // in capitals; after logging on once that was done
	learned     bool
	delimiter   string
	others      string // prefix of other users' mailboxes, with its delimiter
	roundTrip   time.Duration
	local       bool // the server is on this machine
	scramInVain bool
	warned      map[string]bool
}

// Open connects once to learn what the server can do: as the administrator, or
// as a user who is known. Name, certificate and password are found wrong here.
func Open(ctx context.Context, c *Config) (*Server, error) {
	s := &Server{c: c, caps: map[string]bool{}, warned: map[string]bool{}}
	facts, err := provider.Recognise(c.host, nil, nil)
	if err != nil {
		return nil, err
	}
	s.setFacts(facts)
	s.limits = newLimits(c.o.BytesPerSecond, c.o.BytesPerDay, time.Now)
	if c.o.TLSInsecure && c.mode != imap.Plain {
		s.warnOnce("tls", "The certificate of "+c.host+" is not verified (--tls-insecure): whoever sits in between can read and change everything, passwords included.")
	}
	if c.mode == imap.Plain {
		if err := c.mustBeLocal(ctx); err != nil {
			return nil, err
		}
		if c.o.PlainForced {
			s.warnOnce("plain", "Passwords and mail go to "+c.host+" in the clear (--plain-forced).")
		}
	}
	if err := s.introduce(ctx); err != nil {
		_ = s.Close()
		return nil, err
	}
	return s, nil
}

// setFacts takes over what is known of the provider, and its limits.
func (s *Server) setFacts(f provider.Facts) {
	s.facts = f
	limit := s.c.o.Connections
	if limit <= 0 {
		limit = f.Connections
	}
	if limit <= 0 {
		limit = defaultConnections
	}
	if s.pool == nil {
		s.pool = newPool(limit, f.ConnectionsPerUser, time.Now)
		return
	}
	s.pool.resize(limit, f.ConnectionsPerUser)
}

// introduce logs on once, in the first way that works.
func (s *Server) introduce(ctx context.Context) error {
	candidates, must := s.c.candidates()
	var first error
	for _, id := range candidates {
		x, err := s.session(ctx, id)
		if err == nil {
			x.Release()
			return nil
		}
		if !concernsOne(err) {
			return err
		}
		if first == nil {
			first = err
		}
	}
	if first != nil && must {
		return first
	}
	// Nobody could log on yet, which may be because the accounts are still to be
	// made; what the server tells everybody is all that can be known.
	return s.greet(ctx)
}

// concernsOne tells whether a logon failed for a reason of that user's, and not
// for one that everybody meets.
func concernsOne(err error) bool {
	rule := failure.RuleOf(err)
	return !failure.ClassOf(err).Retryable() && (strings.HasPrefix(rule, "imap.login.") || strings.HasPrefix(rule, "oauth.") || strings.HasPrefix(rule, "secret."))
}

// greet connects without logging on.
func (s *Server) greet(ctx context.Context) error {
	conn, err := s.dial(ctx, nil)
	if err != nil {
		return err
	}
	s.recognise(ctx, conn)
	s.remember(conn, false)
	return conn.Close()
}

// Close ends idle connections and those that are kept to the token service; connections in use end
// when they are released.
func (s *Server) Close() error {
	for _, conn := range s.pool.close() {
		hangUp(conn)
	}
	if s.c.tokens != nil {
		s.c.tokens.Close()
	}
	return nil
}

// Auth is the way of logging on.
func (s *Server) Auth() Auth { return s.c.auth }

// Has reports whether the server offers a capability after logging on.
func (s *Server) Has(capability string) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.caps[strings.ToUpper(capability)]
}

// Flavour is the kind of server: "cyrus", "dovecot", "gmail", "exchange",
// "courier" or "other".
func (s *Server) Flavour() string { return s.Facts().Flavour }

// Facts are what is known of the provider.
func (s *Server) Facts() provider.Facts {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.facts
}

// Location is the server as it may be shown.
func (s *Server) Location() string { return s.c.shown }

// Connections is how many sessions there may be at the same time.
func (s *Server) Connections() int { return s.pool.size() }

// remember keeps what a connection offers; a second time only when it is more.
func (s *Server) remember(conn *imap.Conn, loggedOn bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.learned || !loggedOn && len(s.caps) > 0 {
		return
	}
	s.learned = loggedOn
	clear(s.caps)
	for _, name := range conn.Capabilities() {
		s.caps[strings.ToUpper(name)] = true
	}
}

// recognise asks the server what it is, once, and takes over the facts that are
// known of it.
func (s *Server) recognise(ctx context.Context, conn *imap.Conn) {
	s.mu.Lock()
	known := s.id["name"] != ""
	id := s.id
	s.mu.Unlock()
	if known {
		return
	}
	if conn.Has("ID") {
		// A server that does not answer this is not worth failing for.
		if told, err := conn.ServerID(ctx); err == nil && told != nil {
			id = told
		}
	}
	facts, err := provider.Recognise(s.c.host, id, conn.Has)
	if err != nil {
		return
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.id = id
	if facts.Name != s.facts.Name && facts.Name != "generic" {
		s.setFacts(facts)
	}
}

func (s *Server) warnOnce(key, text string) {
	s.mu.Lock()
	said := s.warned[key]
	s.warned[key] = true
	s.mu.Unlock()
	if !said && s.c.o.Warn != nil {
		s.c.o.Warn(text)
	}
}

// candidates are those as whom Open may log on, and whether one of them must
// succeed.
func (c *Config) candidates() (list []identity, must bool) {
	if c.auth == ACLAdmin || c.auth == Proxy {
		list = append(list, c.administrator())
	}
	if c.auth != ACLAdmin {
		names := c.names
		if c.auth == Plain || c.auth == OAuth2 {
			names = slices.Concat(names, c.own())
		}
		for _, name := range names {
			if id, err := c.identify(name); err == nil && len(list) < openTries {
				list = append(list, id)
			}
		}
	}
	// Accounts of a target may be still to be made.
	return list, c.auth == ACLAdmin || c.side == SourceSide || len(c.names) == 0 && c.auth != Proxy
}
