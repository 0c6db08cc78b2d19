package imap

import (
	"context"
	"crypto/tls"
	"net"
	"time"

	"waybill/imap/line"
)

// TLSMode says how a connection is protected.
type TLSMode int

// The modes (RFC 8314 3).
const (
	Implicit TLSMode = iota // TLS from the first byte, port 993
	StartTLS                // STARTTLS before anything else, port 143; never without
	Plain                   // no protection: loopback and tests
)

// DefaultSilence is the longest time without progress when Options say nothing.
const DefaultSilence = 60 * time.Second

// Throttle bounds traffic. WaitN returns when n more bytes may pass; n is never
// above 64 KiB.
type Throttle = line.Throttle

// Options say how to reach a server and how long to wait for it.
type Options struct {
	// Addr is host:port.
	Addr string
	Mode TLSMode
	// TLS is used for Implicit and StartTLS; nil: the system's roots. A missing
	// ServerName is taken from Addr.
	TLS *tls.Config
	// Dial makes the connection; nil: a net.Dialer.
	Dial func(ctx context.Context, addr string) (net.Conn, error)
	// Silence is the longest time without a byte of progress in either
	// direction; 0: DefaultSilence. There is no limit on total time, and what was
	// written gets the time that it needs on a line of 64 KiB a second, up to
	// twice the silence, before the silence counts.
	Silence time.Duration
	// Throttle is asked before bytes are written, and after bytes were read
	// before more are; nil: no limit.
	Throttle Throttle
	// Trace gets every line that is sent ("C") and received ("S"), without
	// secrets and without the contents of literals; nil: no trace. It is called
	// from the goroutine that uses the connection and, during Append, from one
	// more.
	Trace func(direction, line string)
}

func (o *Options) silence() time.Duration {
	if o.Silence > 0 {
		return o.Silence
	}
	return DefaultSilence
}
