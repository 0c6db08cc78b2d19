package fault_test

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"io"
	"strings"
	"testing"

	"waybill/failure"
	"waybill/imap/fault"
	"waybill/imap/line"
)

func TestWhatARefusalMeans(t *testing.T) {
	for _, c := range []struct {
		kind, code, argument string
		class                failure.Class
		rule                 string
	}{
		{"NO", "", "", failure.Denied, "imap.no"},
		{"NO", "X-NEW", "", failure.Denied, "imap.no"},
		{"NO", "OVERQUOTA", "", failure.Full, "imap.over-quota"},
		{"NO", "NOPERM", "", failure.Denied, "imap.no-permission"},
		{"NO", "TRYCREATE", "", failure.Vanished, "imap.not-found"},
		{"NO", "UNAVAILABLE", "", failure.Transient, "imap.unavailable"},
		{"NO", "THROTTLED", "", failure.Throttled, "imap.throttled"},
		{"NO", "TOOBIG", "", failure.TooLarge, "imap.too-big"},
		{"NO", "METADATA", "MAXSIZE 1000", failure.TooLarge, "imap.metadata"},
		{"NO", "METADATA", "noprivate", failure.Unsupported, "imap.metadata"},
		{"BAD", "", "", failure.Malformed, "imap.bad"},
		{"BAD", "OVERQUOTA", "", failure.Full, "imap.over-quota"},
		{"BAD", "SERVERBUG", "", failure.Malformed, "imap.bad"},
		{"BYE", "", "", failure.Transient, "imap.bye"},
		{"BYE", "NOPERM", "", failure.Transient, "imap.bye"},
	} {
		said := &fault.StatusError{Kind: c.kind, Code: c.code, Argument: c.argument, Text: "its words", Command: "APPEND", Where: "host, a"}
		err := fault.Refused(said)
		if err.Class != c.class || err.Rule != c.rule || !errors.Is(err, said) {
			t.Errorf("%s [%s %s]: %s, %s", c.kind, c.code, c.argument, err.Class, err.Rule)
		}
		if text := err.Error(); !strings.Contains(text, "its words") || !strings.Contains(text, c.code) {
			t.Errorf("%s [%s %s]: %s", c.kind, c.code, c.argument, text)
		}
	}
}

func TestWhatALossMeans(t *testing.T) {
	known := failure.New(failure.Full, "write", "disk", "spool.full", io.ErrShortWrite)
	for rule, err := range map[string]error{
		"imap.cancelled":   context.Canceled,
		"imap.silent":      line.ErrSilent,
		"imap.lost":        io.ErrUnexpectedEOF,
		"imap.certificate": x509.UnknownAuthorityError{},
		"imap.no-tls":      tls.RecordHeaderError{Msg: "first record does not look like a TLS handshake"},
		"spool.full":       known,
	} {
		if got := fault.Lost("read", "host", err); got.Rule != rule || !errors.Is(got, err) {
			t.Errorf("%v: %s", err, got.Rule)
		}
	}
}
