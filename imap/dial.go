package imap

import (
	"context"
	"crypto/tls"
	"errors"
	"net"

	"waybill/failure"
	"waybill/imap/answer"
	"waybill/imap/fault"
	"waybill/imap/line"
	"waybill/imap/wire"
)

// Dial connects, protects the connection as o.Mode says, reads the greeting
// (RFC 9051 7.1) and knows the capabilities when it returns. With StartTLS there
// is no way around TLS: a server that does not offer it, that greets with
// PREAUTH, or that sends bytes of its own before the handshake is refused.
func Dial(ctx context.Context, o Options) (*Conn, error) {
	dial := o.Dial
	if dial == nil {
		dial = func(ctx context.Context, addr string) (net.Conn, error) {
			dialer := net.Dialer{Timeout: o.silence()}
			return dialer.DialContext(ctx, "tcp", addr)
		}
	}
	sock, err := dial(ctx, o.Addr)
	if err != nil {
		if ctx.Err() != nil {
			err = context.Cause(ctx)
		}
		f := fault.Lost("connect", o.Addr, err)
		if f.Rule == "imap.lost" {
			f.Rule = "imap.unreachable"
		}
		return nil, f
	}
	c := assemble(sock, o)
	end := c.pace.Begin(ctx)
	defer end()
	if err := c.open(ctx); err != nil {
		_ = c.Close()
		return nil, err
	}
	return c, nil
}

// NewConn goes on over an existing connection that nothing was read from: it
// reads the greeting and asks for the capabilities. o.Mode is not looked at.
func NewConn(sock net.Conn, o Options) (*Conn, error) {
	o.Mode = Plain
	c := assemble(sock, o)
	if o.Addr == "" {
		if a := sock.RemoteAddr(); a != nil {
			c.host = a.String()
		}
	}
	ctx := context.Background() // the silence bounds it
	end := c.pace.Begin(ctx)
	defer end()
	if err := c.open(ctx); err != nil {
		_ = c.Close()
		return nil, err
	}
	return c, nil
}

func assemble(sock net.Conn, o Options) *Conn {
	c := &Conn{o: o, host: o.Addr, enabled: map[string]bool{}, trace: line.Trace{Show: o.Trace}}
	c.pace = line.NewConn(sock, o.silence(), o.Throttle)
	c.speakThrough(c.pace)
	return c
}

// speakThrough puts reader and writer on s.
func (c *Conn) speakThrough(s net.Conn) {
	c.sock = s
	c.r.Reader = wire.NewReader(s)
	if c.o.Trace != nil {
		c.r.Line = c.trace.Received
	}
	c.w = line.NewWriter(s)
}

func (c *Conn) open(ctx context.Context) error {
	if c.o.Mode == Implicit {
		if err := c.handshake(ctx); err != nil {
			return err
		}
	}
	if err := c.greeting(); err != nil {
		return err
	}
	if c.o.Mode == StartTLS {
		if err := c.startTLS(ctx); err != nil {
			return err
		}
	}
	if len(c.caps) == 0 {
		if err := c.askCapabilities(); err != nil {
			return err
		}
	}
	c.skipped = skips{}
	return nil
}

// greeting reads the first line. Lines of any other kind before it are let pass.
func (c *Conn) greeting() error {
	for range 100 {
		if err := c.r.Begin(); err != nil {
			return c.lose("read the greeting", err)
		}
		if !c.r.Take('*') {
			continue
		}
		c.r.Space()
		kind := answer.Kind(c.r.Atom())
		s := answer.ParseLine(kind, c.r.Rest())
		switch kind {
		case "OK", "PREAUTH":
			c.learn(s)
			c.loggedIn = kind == "PREAUTH"
			return nil
		case "BYE", "NO", "BAD":
			s.Kind = "BYE"
			return fault.Refused(c.statusError(s, "", ""))
		}
	}
	return failure.New(failure.Malformed, "read the greeting", c.host, "imap.protocol",
		errors.New("the server does not greet as IMAP servers do"))
}

func (c *Conn) handshake(ctx context.Context) error {
	config := &tls.Config{MinVersion: tls.VersionTLS12}
	if c.o.TLS != nil {
		config = c.o.TLS.Clone()
	}
	if config.ServerName == "" {
		host, _, err := net.SplitHostPort(c.o.Addr)
		if err != nil {
			host = c.o.Addr
		}
		config.ServerName = host
	}
	secure := tls.Client(c.pace, config)
	if err := secure.HandshakeContext(ctx); err != nil {
		if ctx.Err() != nil {
			err = context.Cause(ctx)
		}
		f := fault.Lost("agree on TLS", c.host, err)
		c.broken = f
		_ = c.pace.Close()
		return f
	}
	c.speakThrough(secure)
	return nil
}

// startTLS is RFC 9051 6.2.1.
func (c *Conn) startTLS(ctx context.Context) error {
	deny := func(rule, text string) error {
		return failure.New(failure.Denied, "start TLS", c.host, rule, errors.New(text)).
			WithRemedy("use the server's TLS port, or have STARTTLS set up; nothing is sent without TLS")
	}
	if c.loggedIn {
		return deny("imap.preauth", "the server takes the connection for logged in before TLS: somebody may stand in between")
	}
	if len(c.caps) == 0 {
		if err := c.askCapabilities(); err != nil {
			return err
		}
	}
	if !c.capSet["STARTTLS"] {
		return deny("imap.no-starttls", "the server does not offer STARTTLS")
	}
	w, cmd := c.newCommand("STARTTLS")
	if err := c.do(w, cmd); err != nil {
		if c.broken != nil {
			return err
		}
		return deny("imap.no-starttls", err.Error())
	}
	if c.r.Buffered() > 0 {
		return deny("imap.starttls-injection", "bytes came before the handshake: somebody may stand in between")
	}
	c.forget()
	c.skipped = skips{}
	return c.handshake(ctx)
}
