package siteimap

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"net"
	"strings"
	"sync"
	"time"

	"github.com/emersion/go-imap/v2"
	"github.com/emersion/go-imap/v2/imapserver"

	"waybill/failure"
	"waybill/secret"
	"waybill/siteimap/gate"
	"waybill/sitestore"
)

// Defaults of Options.
const (
	DefaultMaxMessage     = 1 << 30
	DefaultMaxConnections = 100
	defaultWatch          = time.Second
)

// farewell is how long a connection may take to hear BYE.
const farewell = 2 * time.Second

// Options say what is offered and to whom.
type Options struct {
	// Store is the site, open for writing. It stays the caller's.
	Store *sitestore.Store
	// Password is everybody's.
	Password secret.Value
	// TLS is the certificate for STARTTLS and for listeners with TLS from the
	// start; with it nobody logs on in the clear. nil: passwords and mail go in
	// the clear.
	TLS *tls.Config
	// MaxMessage is the largest message in bytes that is taken;
	// 0: DefaultMaxMessage. At most 4 GiB - 1 (RFC 7889 2).
	MaxMessage int64
	// MaxConnections is how many are served at the same time;
	// 0: DefaultMaxConnections. The next one is told so and closed.
	MaxConnections int
	// Watch is how often an idle session looks for changes of other processes;
	// 0: once a second. Changes of this server's sessions are told at once.
	Watch time.Duration
	// Log is told what no mail program hears: logons, refusals, faults. It may
	// be called from several goroutines; nil: nobody is told.
	Log func(text string)
}

// Server offers one site. Serve may be called for several listeners.
type Server struct {
	opt  Options
	ctx  context.Context
	stop context.CancelFunc
	hub  hub

	imap    *imapserver.Server
	feed    *feed
	serving sync.WaitGroup // go-imap's own loop

	mu       sync.Mutex
	begun    bool
	open     int
	sessions sync.WaitGroup
}

// feed is where go-imap takes connections from.
type feed struct {
	conns chan net.Conn
	done  chan struct{}
	once  sync.Once
}

// Accept gives a connection whose turn it is.
func (f *feed) Accept() (net.Conn, error) {
	select {
	case c := <-f.conns:
		return c, nil
	case <-f.done:
		return nil, net.ErrClosed
	}
}

// Close ends Accept.
func (f *feed) Close() error {
	f.once.Do(func() { close(f.done) })
	return nil
}

// Addr is of no meaning.
func (f *feed) Addr() net.Addr { return &net.TCPAddr{} }

// faults takes what go-imap complains of.
type faults struct{ log func(string) }

// Printf logs one complaint.
func (f faults) Printf(format string, args ...any) {
	text := fmt.Sprintf(format, args...)
	if rest, ok := strings.CutPrefix(text, "panic "); ok {
		text = "a fault ended what a session did: " + rest
	}
	f.log(text)
}

// New makes a server. Errors have class Usage.
func New(o Options) (*Server, error) {
	if o.Store == nil || o.Password.Reveal() == "" {
		return nil, failure.New(failure.Usage, "serve site", "", "serve.password", errors.New("a site without a password cannot be served"))
	}
	if o.MaxMessage <= 0 {
		o.MaxMessage = DefaultMaxMessage
	}
	o.MaxMessage = min(o.MaxMessage, 1<<32-1)
	if o.MaxConnections <= 0 {
		o.MaxConnections = DefaultMaxConnections
	}
	if o.Watch <= 0 {
		o.Watch = defaultWatch
	}
	if o.Log == nil {
		o.Log = func(string) {}
	}
	s := &Server{opt: o}
	s.ctx, s.stop = context.WithCancel(context.Background())
	s.feed = &feed{conns: make(chan net.Conn), done: make(chan struct{})}
	caps := imap.CapSet{}
	for _, c := range []imap.Cap{imap.CapIMAP4rev1, imap.CapLiteralPlus, imap.CapNamespace, imap.CapChildren, imap.CapListExtended, imap.CapListStatus, imap.CapStatusSize,
		imap.CapSpecialUse, imap.CapCreateSpecialUse, imap.CapUIDPlus, imap.CapMove, imap.CapESearch, imap.CapSearchRes} {
		caps[c] = struct{}{}
	}
	// Who may log on in the clear is decided before go-imap has the connection.
	s.imap = imapserver.New(&imapserver.Options{NewSession: s.newSession, Caps: caps, Logger: faults{o.Log}, InsecureAuth: true})
	return s, nil
}

// Serve takes connections until Close, or until the listener fails, and closes
// the listener. With implicitTLS, which needs Options.TLS, a connection begins
// with TLS at once.
func (s *Server) Serve(listener net.Listener, implicitTLS bool) error {
	s.begin()
	defer context.AfterFunc(s.ctx, func() { _ = listener.Close() })()
	defer func() { _ = listener.Close() }()
	pause := time.NewTimer(time.Hour)
	defer pause.Stop()
	for {
		conn, err := listener.Accept()
		switch {
		case err == nil:
			s.take(conn, implicitTLS)
			continue
		case s.ctx.Err() != nil:
			return nil
		case failure.ClassOf(err) != failure.Transient:
			return failure.New(failure.ClassOf(err), "serve site", listener.Addr().String(), "serve.accept", err)
		}
		// Too many open files: others will be closed.
		pause.Reset(100 * time.Millisecond)
		select {
		case <-pause.C:
		case <-s.ctx.Done():
		}
	}
}

// begin has go-imap take connections, unless it does already.
func (s *Server) begin() {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.ctx.Err() != nil || s.begun {
		return
	}
	s.begun = true
	s.serving.Go(func() { _ = s.imap.Serve(s.feed) }) // ends with the feed, without an error
}

// take serves a connection, unless there are too many.
func (s *Server) take(conn net.Conn, implicitTLS bool) {
	s.mu.Lock()
	full := s.open >= s.opt.MaxConnections || s.ctx.Err() != nil
	if !full {
		s.open++
		s.sessions.Add(1)
	}
	s.mu.Unlock()
	if full {
		_ = conn.SetWriteDeadline(time.Now().Add(farewell))
		if !implicitTLS {
			_, _ = conn.Write([]byte("* BYE [UNAVAILABLE] Too many connections\r\n"))
		}
		_ = conn.Close()
		return
	}
	go s.handOver(conn, implicitTLS)
}

// guarded is a connection that is given back at the end of its session.
type guarded struct {
	*gate.Conn
	end func()
}

// handOver gives a connection to go-imap, when it may log on.
func (s *Server) handOver(conn net.Conn, implicitTLS bool) {
	// When the server closes, reading ends at once, and writing soon.
	release := context.AfterFunc(s.ctx, func() {
		_ = conn.SetReadDeadline(time.Now())
		time.AfterFunc(farewell, func() { _ = conn.Close() })
	})
	g := &guarded{Conn: gate.New(s.ctx, conn, s.opt.TLS)}
	g.end = func() {
		release()
		_ = conn.Close()
		s.mu.Lock()
		s.open--
		s.mu.Unlock()
		s.sessions.Done()
	}
	var err error
	switch {
	case implicitTLS:
		err = g.BeginTLS()
	case s.opt.TLS != nil:
		err = g.Preface()
	}
	if err != nil {
		s.opt.Log(fmt.Sprintf("%s: %v", conn.RemoteAddr(), err))
		g.end()
		return
	}
	s.feed.conns <- g
}

// Close says BYE to everybody and waits until all sessions have ended. The site
// stays open.
func (s *Server) Close() {
	s.mu.Lock() // nobody begins from here on
	s.stop()
	s.mu.Unlock()
	s.sessions.Wait()
	_ = s.feed.Close()
	s.serving.Wait()
}
