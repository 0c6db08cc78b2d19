package ldapdir

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"net"
	"os"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/go-ldap/ldap/v3"

	"waybill/failure"
	"waybill/secret"
)

// patience bounds one request and one attempt to connect.
const patience = 60 * time.Second

// session is one connection that logs on again after it broke. Its requests run
// one after another.
type session struct {
	o  Options
	mu sync.Mutex
	c  *ldap.Conn
}

// do runs a request on a connection that is logged on. The context ends the
// connection; the next request opens another.
func (s *session) do(ctx context.Context, op, where string, request func(*ldap.Conn) error) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if err := ctx.Err(); err != nil {
		return failure.New(failure.Cancelled, op, where, "ldap.cancelled", err)
	}
	if s.c == nil || s.c.IsClosing() {
		c, err := connect(ctx, s.o)
		if err != nil {
			return err
		}
		s.c = c
	}
	c := s.c
	stop := context.AfterFunc(ctx, func() { _ = c.Close() })
	err := request(c)
	stop()
	if ctx.Err() != nil && err != nil {
		s.c = nil
		return failure.New(failure.Cancelled, op, where, "ldap.cancelled", ctx.Err())
	}
	if err != nil && broken(err) {
		_ = c.Close()
		s.c = nil
	}
	return classify(op, where, err)
}

// Close ends the connection.
func (s *session) Close() error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.c == nil {
		return nil
	}
	err := s.c.Close()
	s.c = nil
	return err
}

// broken reports whether nobody knows what became of a request.
func broken(err error) bool {
	return ldap.IsErrorAnyOf(err, ldap.ErrorNetwork, ldap.LDAPResultServerDown, ldap.LDAPResultTimeout, ldap.LDAPResultConnectError,
		ldap.ErrorUnexpectedMessage, ldap.ErrorUnexpectedResponse, ldap.LDAPResultDecodingError) || !isLDAP(err)
}

func isLDAP(err error) bool {
	_, ok := errors.AsType[*ldap.Error](err)
	return ok
}

// connect opens a connection and logs on as the options say.
func connect(ctx context.Context, o Options) (*ldap.Conn, error) {
	c, err := open(ctx, o)
	if err != nil {
		return nil, err
	}
	if err := logOn(ctx, c, o); err != nil {
		_ = c.Close()
		return nil, err
	}
	return c, nil
}

// open opens a connection with the protection that the options ask for.
func open(ctx context.Context, o Options) (*ldap.Conn, error) {
	const op = "connect to the directory"
	where := o.String()
	if o.TLS == PlainText && !Loopback(o.Host) && !o.PlainForced {
		return nil, failure.New(failure.Usage, op, where, "ldap.plain", errors.New("without TLS everybody on the way can read the passwords of new accounts")).
			WithRemedy("leave out tls=none, or force it with --plain-forced")
	}
	config, err := tlsConfig(o)
	if err != nil {
		return nil, err
	}
	limited, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	raw, err := (&net.Dialer{}).DialContext(limited, "tcp", net.JoinHostPort(o.Host, strconv.Itoa(o.Port)))
	if err != nil {
		return nil, connectError(ctx, op, where, err)
	}
	if o.TLS == ImplicitTLS {
		secured := tls.Client(raw, config)
		if err := secured.HandshakeContext(limited); err != nil {
			_ = raw.Close()
			return nil, connectError(ctx, op, where, err)
		}
		raw = secured
	}
	c := ldap.NewConn(raw, o.TLS == ImplicitTLS)
	c.SetTimeout(patience)
	c.Start()
	if o.TLS == StartTLS {
		stop := context.AfterFunc(limited, func() { _ = raw.Close() })
		err := c.StartTLS(config)
		stop()
		if err != nil {
			_ = c.Close()
			return nil, connectError(ctx, op, where, err)
		}
	}
	return c, nil
}

func connectError(ctx context.Context, op, where string, err error) error {
	if ctx.Err() != nil {
		return failure.New(failure.Cancelled, op, where, "ldap.cancelled", ctx.Err())
	}
	if certificate, ok := errors.AsType[*tls.CertificateVerificationError](err); ok || strings.Contains(err.Error(), "x509:") {
		if ok {
			err = certificate
		}
		return failure.New(failure.Denied, op, where, "ldap.certificate", err).WithRemedy("name the authority that signed the server's certificate with --tls-ca")
	}
	if ldap.IsErrorAnyOf(err, ldap.LDAPResultProtocolError, ldap.LDAPResultUnavailable, ldap.LDAPResultUnwillingToPerform, ldap.LDAPResultOperationsError) {
		return failure.New(failure.Unsupported, op, where, "ldap.starttls", err).WithRemedy("use ldaps://, or give the server a certificate")
	}
	return failure.New(failure.Transient, op, where, "ldap.connect", err)
}

func tlsConfig(o Options) (*tls.Config, error) {
	config := &tls.Config{ServerName: o.Host, MinVersion: tls.VersionTLS12, InsecureSkipVerify: o.TLSInsecure} //nolint:gosec // only when the operator says so
	if o.TLSCA != "" {
		pem, err := os.ReadFile(o.TLSCA)
		if err != nil {
			return nil, failure.New(failure.Usage, "read authorities", o.TLSCA, "ldap.authority", err)
		}
		config.RootCAs = x509.NewCertPool()
		if !config.RootCAs.AppendCertsFromPEM(pem) {
			return nil, failure.New(failure.Usage, "read authorities", o.TLSCA, "ldap.authority", errors.New("it holds no certificate in PEM"))
		}
	}
	if o.TLSCert != "" {
		pair, err := tls.LoadX509KeyPair(o.TLSCert, o.TLSCert)
		if err != nil {
			return nil, failure.New(failure.Usage, "read our certificate", o.TLSCert, "ldap.certificate", err)
		}
		config.Certificates = []tls.Certificate{pair}
	}
	return config, nil
}

// logOn binds. What the server says of a refusal names no password.
func logOn(ctx context.Context, c *ldap.Conn, o Options) error {
	const op = "log on to the directory"
	var password secret.Value
	if o.Auth != "anonymous" && o.Auth != "external" {
		var err error
		if password, err = o.Password.Resolve(ctx); err != nil {
			return err
		}
	}
	stop := context.AfterFunc(ctx, func() { _ = c.Close() })
	defer stop()
	var err error
	switch o.Auth {
	case "anonymous":
		err = c.UnauthenticatedBind("")
	case "external":
		err = c.ExternalBind()
	case "digest-md5":
		err = c.MD5Bind(o.Host, o.Bind, password.Reveal())
	case "ntlm":
		domain, name, ok := strings.Cut(o.Bind, `\`)
		if !ok {
			domain, name = "", o.Bind
		}
		err = c.NTLMBind(domain, name, password.Reveal())
	default:
		err = c.Bind(o.Bind, password.Reveal())
	}
	if err == nil {
		return nil
	}
	if ctx.Err() != nil {
		return failure.New(failure.Cancelled, op, o.String(), "ldap.cancelled", ctx.Err())
	}
	return classify(op, fmt.Sprintf("%s as %s", o.String(), o.Bind), err)
}
