package siteimap_test

import (
	"bufio"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"math/big"
	"net"
	"strings"
	"testing"
	"time"

	"waybill/mail"
	"waybill/secret"
	"waybill/siteimap"
)

// certificate makes a certificate for this machine, and who trusts it.
func certificate(t *testing.T) (server, client *tls.Config) {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	template := &x509.Certificate{SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: "localhost"}, DNSNames: []string{"localhost"},
		NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(time.Hour), IsCA: true, BasicConstraintsValid: true}
	raw, err := x509.CreateCertificate(rand.Reader, template, template, key.Public(), key)
	if err != nil {
		t.Fatal(err)
	}
	parsed, err := x509.ParseCertificate(raw)
	if err != nil {
		t.Fatal(err)
	}
	roots := x509.NewCertPool()
	roots.AddCert(parsed)
	return &tls.Config{Certificates: []tls.Certificate{{Certificate: [][]byte{raw}, PrivateKey: key}}, MinVersion: tls.VersionTLS12},
		&tls.Config{RootCAs: roots, ServerName: "localhost", MinVersion: tls.VersionTLS12}
}

func TestSTARTTLS(t *testing.T) {
	server, trusted := certificate(t)
	store := newSite(t, "anna")
	fill(t, store, "anna", mail.Inbox, "one\r\n")
	address := serve(t, siteimap.Options{Store: store, TLS: server}, false)
	c := dial(t, address)
	if got := c.line(); !strings.Contains(got, "STARTTLS LOGINDISABLED") || strings.Contains(got, "AUTH=") {
		t.Error(got)
	}
	c.refused("LOGIN anna x", "NO [PRIVACYREQUIRED]")
	c.refused("AUTHENTICATE PLAIN AGEAYg==", "NO [PRIVACYREQUIRED]")
	c.ok("STARTTLS")
	secure := tls.Client(c.conn, trusted)
	c.conn, c.in = secure, bufio.NewReader(secure)
	if got := c.ok("CAPABILITY"); strings.Contains(got[0], "STARTTLS") || !strings.Contains(got[0], "AUTH=PLAIN") {
		t.Error(got)
	}
	c.refused("STARTTLS", "BAD")
	c.ok(`LOGIN anna "` + password + `"`)
	c.ok("SELECT INBOX")
	if got := c.ok("FETCH 1 (RFC822.SIZE)"); got[0] != "* 1 FETCH (RFC822.SIZE 5)" {
		t.Error(got)
	}
}

// What somebody in between puts behind STARTTLS must not be read as if it had
// come through TLS.
func TestInjectionBehindSTARTTLS(t *testing.T) {
	server, trusted := certificate(t)
	address := serve(t, siteimap.Options{Store: newSite(t, "anna"), TLS: server}, false)
	c := dial(t, address)
	c.line()
	c.send("a STARTTLS\r\nb NOOP\r\n")
	if got := c.line(); !strings.HasPrefix(got, "a OK") {
		t.Fatal(got)
	}
	if err := tls.Client(c.conn, trusted).HandshakeContext(t.Context()); err == nil {
		t.Error("the connection went on")
	}
}

func TestImplicitTLS(t *testing.T) {
	server, trusted := certificate(t)
	address := serve(t, siteimap.Options{Store: newSite(t, "anna"), TLS: server}, true)
	c := dial(t, address)
	secure := tls.Client(c.conn, trusted)
	c.conn, c.in = secure, bufio.NewReader(secure)
	if got := c.line(); !strings.Contains(got, "AUTH=PLAIN") {
		t.Error(got)
	}
	c.ok(`LOGIN anna "` + password + `"`)
}

// Closing says BYE to everybody, whatever they are doing, and waits for them.
func TestClosing(t *testing.T) {
	store := newSite(t, "anna")
	s, err := siteimap.New(siteimap.Options{Store: store, Password: secret.Of(password)})
	if err != nil {
		t.Fatal(err)
	}
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	served := make(chan error, 1)
	go func() { served <- s.Serve(l, false) }()
	address := l.Addr().String()
	fresh, quiet, idle, half := dial(t, address), logon(t, address, "anna"), logon(t, address, "anna"), logon(t, address, "anna")
	fresh.line()
	quiet.ok("SELECT INBOX")
	idle.ok("SELECT INBOX")
	idle.send("i IDLE\r\n")
	idle.line()
	half.send("h APPEND INBOX {100}\r\n")
	half.line()
	half.send("only some of it")
	s.Close()
	if err := <-served; err != nil {
		t.Error(err)
	}
	for name, c := range map[string]*client{"fresh": fresh, "quiet": quiet, "idle": idle, "half": half} {
		if got := c.line(); got != "* BYE The server closes" {
			t.Errorf("%s: %s", name, got)
		}
		if got := c.line(); got != "EOF" {
			t.Errorf("%s: %s", name, got)
		}
	}
	if err := s.Serve(listener(t), false); err != nil {
		t.Errorf("a closed server: %v", err)
	}
	if _, err := siteimap.New(siteimap.Options{Store: store}); err == nil {
		t.Error("a server without a password")
	}
}

func listener(t *testing.T) net.Listener {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	return l
}
