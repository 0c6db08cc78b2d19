package server

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"net"
	"strings"
	"syscall"

	"github.com/emersion/go-sasl"

	"waybill/failure"
	"waybill/imap"
	"waybill/rights"
	"waybill/secret"
)

// Rules of refused logons. Providers' facts have more of them.
const (
	ruleWrong   = "imap.login.wrong-password"
	ruleUnknown = "imap.login.unknown-user"
	ruleProxy   = "imap.login.proxy"
)

// connectError says why there is no connection, and what helps.
func (c *Config) connectError(ctx context.Context, err error) error {
	fail := func(class failure.Class, rule string) *failure.Error {
		return failure.New(class, "connect", c.addr, rule, bare(err))
	}
	var known *failure.Error
	var header tls.RecordHeaderError
	var verify *tls.CertificateVerificationError
	var authority x509.UnknownAuthorityError
	var name x509.HostnameError
	var invalid x509.CertificateInvalidError
	var dns *net.DNSError
	var status *imap.StatusError
	switch {
	case ctx.Err() != nil:
		return failure.New(failure.Cancelled, "connect", c.addr, "imap.cancelled", ctx.Err())
	case errors.As(err, &known) && (known.Class == failure.Usage || known.Class == failure.Throttled):
		return known
	case errors.As(err, &name):
		return fail(failure.Denied, "imap.tls.name").WithRemedy("the certificate is for another name: write the host as the certificate has it")
	case errors.As(err, &authority):
		return fail(failure.Denied, "imap.tls.authority").WithRemedy("name the file with the authority that signed the certificate: --tls-ca FILE.pem")
	case errors.As(err, &invalid) && invalid.Reason == x509.Expired:
		return fail(failure.Denied, "imap.tls.expired").WithRemedy("the server needs a new certificate; look at this machine's clock, too")
	case errors.As(err, &verify), errors.As(err, &invalid):
		return fail(failure.Denied, "imap.tls.certificate").WithRemedy("name the file with the authority that signed the certificate: --tls-ca FILE.pem")
	case errors.As(err, &header):
		return fail(failure.Denied, "imap.tls.none").WithRemedy("this port does not begin with TLS: write imap:// for STARTTLS, or another port")
	case errors.As(err, &dns) && dns.IsNotFound:
		return fail(failure.Transient, "imap.dns").WithRemedy("look at the host's name")
	case errors.As(err, &dns):
		return fail(failure.Transient, "imap.dns")
	case errors.Is(err, syscall.ECONNREFUSED):
		return fail(failure.Transient, "imap.refused").WithRemedy("nobody listens there: look at the port, and whether the server runs")
	case errors.As(err, &status) && status.Kind == "BYE":
		return fail(failure.Transient, "imap.bye")
	}
	if known != nil {
		return known
	}
	return fail(failure.Transient, "imap.unreachable")
}

// bare takes a failure's cause, so that its text does not stand twice.
func bare(err error) error {
	if f, ok := errors.AsType[*failure.Error](err); ok && f.Err != nil {
		return f.Err
	}
	return err
}

// refused says in plain words why logging on failed. told is what the server
// said in the course of it. The secret is kept out of everything.
func (s *Server) refused(ctx context.Context, conn *imap.Conn, id identity, err error, used secret.Value, told string) error {
	if err == nil {
		return nil
	}
	if throttled := s.throttling("log on as "+id.login, s.c.addr, err, false); throttled != nil {
		return throttled
	}
	var status *imap.StatusError
	if !errors.As(err, &status) || status.Kind == "BYE" || failure.ClassOf(err) == failure.Cancelled {
		return s.Fail("log on as "+id.login, s.c.addr, err)
	}
	detail := printable(status.Text)
	if status.Code != "" {
		detail = "[" + status.Code + "] " + detail
	}
	if told != "" {
		detail += "; " + told
	}
	if text := used.Reveal(); len(text) > 3 {
		detail = strings.ReplaceAll(detail, text, "[secret]")
	}
	if r, ok := s.Facts().Refused(status.Code, status.Text+" "+told, s.c.auth.String()); ok {
		return s.finding(id, r.Rule, rights.Finding{Held: r.Meaning, Needed: r.Needed, Grant: r.Grant, Detail: detail})
	}
	switch {
	case failure.ClassOf(err) != failure.Denied && failure.ClassOf(err) != failure.Malformed:
		return s.Fail("log on as "+id.login, s.c.addr, err)
	case s.c.auth == Proxy && id.acting != "":
		return s.whyNoProxy(ctx, conn, id, used, detail)
	}
	return s.refusal(id, "", "", detail)
}

// whyNoProxy finds out what the server does not say: whether the
// administrator's password is wrong, or its right to act for others is missing.
func (s *Server) whyNoProxy(ctx context.Context, conn *imap.Conn, id identity, password secret.Value, detail string) error {
	alone := false
	if conn.Broken() == nil {
		alone = conn.Authenticate(ctx, sasl.NewPlainClient("", id.login, password.Reveal())) == nil
	}
	if !alone {
		return s.refusal(id, ruleWrong, "the password of {admin} is wrong, or there is no such administrator", detail)
	}
	return s.finding(id, ruleProxy, rights.Finding{
		Held:   "the password of {admin} is right, and the server does not let it act for {user}, because it may act for nobody or there is no account {user}",
		Needed: "the right to act for others (SASL authorisation identity) and an account {user}",
		Grant:  "Cyrus: in imapd.conf \"proxyservers: {admin}\"; Dovecot: a passdb with master = yes that knows {admin} (docs/logon.md)",
		Detail: detail,
	})
}

// refusal makes the error for a logon that failed when nothing closer is known
// than what it says here.
func (s *Server) refusal(id identity, rule, meaning, detail string) error {
	f := rights.Finding{Needed: "the right password of {login}", Held: meaning, Detail: detail, Grant: "try it by hand, correct it where it is kept, and look whether the name is written as the server wants it (with or without @domain)"}
	switch rule {
	case "imap.login.mechanism":
		f.Needed, f.Grant = "a way of logging on that both sides know", "have it switched on at the server, or choose another auth= (docs/logon.md)"
	case "imap.login.plaintext":
		f.Needed, f.Grant = "TLS", "write imaps://, or imap:// without tls=none"
	case "imap.login.scram":
		f.Needed, f.Grant = "the server that was meant", "look at the server's name and certificate"
	case "":
		rule = ruleWrong
		if f.Held = "the name or the password is wrong; the server does not say which"; s.c.auth == OAuth2 {
			rule, f.Needed = "imap.login.token", "a token that the server takes for {login}"
			f.Held = "the server does not take the token; it may be for another user, scope or audience, or the server is not set up for it"
			f.Grant = "docs/oauth2.md has the rights that each provider wants"
		}
	}
	return s.finding(id, rule, f)
}

// finding fills in the names and makes the error.
func (s *Server) finding(id identity, rule string, f rights.Finding) error {
	names := strings.NewReplacer("{user}", id.user, "{admin}", s.c.user, "{login}", id.login, "{host}", s.c.host, "{side}", s.c.side.String(), "{separator}", s.c.separator)
	f.Action, f.Identity, f.Where = "log on", id.login, "the mailbox of "+id.user
	if id.key == "" {
		f.Where = s.c.host
	}
	f.Needed, f.Held, f.Grant = names.Replace(f.Needed), names.Replace(f.Held), names.Replace(f.Grant)
	// Held is what the identity has; here that is the cause in plain words.
	f.Detail = strings.Join(nonEmpty(f.Held, f.Detail), "; the server says: ")
	f.Held = ""
	return failure.New(failure.Denied, fmt.Sprintf("log on as %s", id.login), s.c.addr, rule, &rights.Refusal{Findings: []rights.Finding{f}})
}

func nonEmpty(texts ...string) (list []string) {
	for _, text := range texts {
		if text != "" {
			list = append(list, text)
		}
	}
	return list
}
