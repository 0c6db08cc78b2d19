// Package fault says what a server's refusal, and the end of a connection to it,
// mean: each becomes a *failure.Error with a class, a rule and, where there is
// one, a remedy.
package fault

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"strings"

	"waybill/failure"
	"waybill/imap/line"
)

// StatusError is a tagged NO or BAD, or a BYE (RFC 9051 7.1).
type StatusError struct {
	Kind     string // NO, BAD or BYE
	Code     string // response code in capitals, "OVERQUOTA"; may be empty
	Argument string // what follows the code inside the brackets
	Text     string // the server's words
	Command  string // first words of the command, no secrets: "UID FETCH"
	Where    string // host, and folder where there is one
}

func (e *StatusError) Error() string {
	code := e.Code
	if e.Argument != "" {
		code += " " + e.Argument
	}
	if code != "" {
		code = "[" + code + "] "
	}
	if e.Command == "" {
		return fmt.Sprintf("the server says %s %s%s", e.Kind, code, e.Text)
	}
	return fmt.Sprintf("the server answers %s with %s %s%s", e.Command, e.Kind, code, e.Text)
}

// refusals say what response codes mean (RFC 5530 3 unless named otherwise).
var refusals = map[string]struct {
	class  failure.Class
	rule   string
	remedy string
}{
	"OVERQUOTA":            {failure.Full, "imap.over-quota", "raise the quota of the target mailbox"}, // RFC 9208 4.3
	"NOPERM":               {failure.Denied, "imap.no-permission", "grant the right that is missing"},
	"AUTHENTICATIONFAILED": {failure.Denied, "imap.authentication", "check the user's name and password"},
	"AUTHORIZATIONFAILED":  {failure.Denied, "imap.authorization", "let the administrator act for this user"},
	"EXPIRED":              {failure.Denied, "imap.password-expired", "set a new password"},
	"PRIVACYREQUIRED":      {failure.Denied, "imap.privacy-required", "connect with TLS"},
	"CONTACTADMIN":         {failure.Denied, "imap.contact-admin", "ask the server's administrator"},
	"NONEXISTENT":          {failure.Vanished, "imap.not-found", ""},
	"TRYCREATE":            {failure.Vanished, "imap.not-found", ""},      // RFC 9051 7.1
	"NOTFOUND":             {failure.Vanished, "imap.not-found", ""},      // seen
	"ALREADYEXISTS":        {failure.Conflict, "imap.already-exists", ""}, // RFC 5530
	"HASCHILDREN":          {failure.Conflict, "imap.has-children", ""},   // RFC 9051 7.1
	"COMPRESSIONACTIVE":    {failure.Conflict, "imap.compressed", ""},     // RFC 4978 3
	"TOOBIG":               {failure.TooLarge, "imap.too-big", ""},        // RFC 4469 4.2, 7889
	"LIMIT":                {failure.TooLarge, "imap.limit", ""},
	"UNAVAILABLE":          {failure.Transient, "imap.unavailable", ""},
	"INUSE":                {failure.Transient, "imap.in-use", ""},
	"SERVERBUG":            {failure.Transient, "imap.server-bug", ""},
	"EXPUNGEISSUED":        {failure.Transient, "imap.expunge-issued", ""},
	"THROTTLED":            {failure.Throttled, "imap.throttled", ""}, // seen at large providers
	"CANNOT":               {failure.Unsupported, "imap.cannot", ""},
	"USEATTR":              {failure.Unsupported, "imap.special-use", ""}, // RFC 6154 3
	"BADCHARSET":           {failure.Unsupported, "imap.charset", ""},     // RFC 9051 7.1
	"UNKNOWN-CTE":          {failure.Unsupported, "imap.encoding", ""},    // RFC 3516 4.3
	"CORRUPTION":           {failure.Malformed, "imap.corruption", "have the mailbox repaired on its server"},
}

// Refused makes the error for a tagged NO or BAD, or a BYE.
func Refused(e *StatusError) *failure.Error {
	op := "speak IMAP"
	if e.Command != "" {
		op = "do " + e.Command
	}
	switch e.Kind {
	case "BYE":
		return failure.New(failure.Transient, op, e.Where, "imap.bye", e)
	case "BAD":
		if r, ok := refusals[e.Code]; ok && e.Code != "SERVERBUG" {
			return failure.New(r.class, op, e.Where, r.rule, e).WithRemedy(r.remedy)
		}
		return failure.New(failure.Malformed, op, e.Where, "imap.bad", e)
	}
	if e.Code == "METADATA" { // RFC 5464 5
		class := failure.TooLarge
		if strings.HasPrefix(strings.ToUpper(e.Argument), "NOPRIVATE") {
			class = failure.Unsupported
		}
		return failure.New(class, op, e.Where, "imap.metadata", e)
	}
	if r, ok := refusals[e.Code]; ok {
		return failure.New(r.class, op, e.Where, r.rule, e).WithRemedy(r.remedy)
	}
	return failure.New(failure.Denied, op, e.Where, "imap.no", e)
}

// Lost makes the error for a connection that failed with err during op. One that
// is a *failure.Error already stays what it is.
func Lost(op, where string, err error) *failure.Error {
	var known *failure.Error
	var header tls.RecordHeaderError
	var verify *tls.CertificateVerificationError
	var authority x509.UnknownAuthorityError
	var hostname x509.HostnameError
	var invalid x509.CertificateInvalidError
	switch {
	case errors.As(err, &known):
		return known
	case errors.Is(err, context.Canceled), errors.Is(err, context.DeadlineExceeded):
		return failure.New(failure.Cancelled, op, where, "imap.cancelled", err)
	case errors.Is(err, line.ErrSilent):
		return failure.New(failure.Transient, op, where, "imap.silent", err)
	case errors.As(err, &verify), errors.As(err, &authority), errors.As(err, &hostname), errors.As(err, &invalid):
		return failure.New(failure.Denied, op, where, "imap.certificate", err).
			WithRemedy("name the authority that signed the server's certificate, or the host it was made for")
	case errors.As(err, &header):
		return failure.New(failure.Denied, op, where, "imap.no-tls", err).
			WithRemedy("the port does not speak TLS from the first byte: use STARTTLS, or another port")
	}
	return failure.New(failure.Transient, op, where, "imap.lost", err)
}
