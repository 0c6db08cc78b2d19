package server

import (
	"errors"
	"strings"
	"time"

	"waybill/failure"
	"waybill/imap"
)

// Fail adds what is known of the provider to an error from a session: words that
// ask to wait make it Throttled, with the wait. Class, rule, remedy and cause
// stay otherwise; where, when given, names the folder and message.
func (s *Server) Fail(op, where string, err error) error {
	if err == nil {
		return nil
	}
	if throttled := s.throttling(op, where, err, true); throttled != nil {
		return throttled
	}
	f, ok := err.(*failure.Error) //nolint:errorlint // a failure inside another error's text would say things twice
	if !ok {
		return failure.New(failure.ClassOf(err), op, where, failure.RuleOf(err), err)
	}
	e := *f
	e.Op = op
	switch {
	case where == "":
	case e.Where == "" || strings.Contains(where, e.Where):
		e.Where = where
	case !strings.Contains(e.Where, where):
		e.Where = where + " on " + e.Where
	}
	return &e
}

// throttling is the error when the server, or a limit of our own, asks to wait;
// nil when nobody does. working says that the session has worked before.
func (s *Server) throttling(op, where string, err error, working bool) error {
	var known *failure.Error
	for next := err; errors.As(next, &known); next = known.Err {
		if known.Class == failure.Throttled {
			e := failure.New(failure.Throttled, op, where, known.Rule, known.Err)
			if e.RetryAfter = known.RetryAfter; e.RetryAfter <= 0 {
				e.RetryAfter = time.Minute
			}
			e.Remedy = known.Remedy
			return e
		}
		if known.Err == nil {
			break
		}
	}
	var status *imap.StatusError
	if !errors.As(err, &status) {
		return nil
	}
	wait, fewer, ok := s.Facts().Throttled(status.Code, status.Text, working)
	if !ok {
		return nil
	}
	rule := "imap.throttled"
	if fewer {
		rule = ruleConnections
	}
	e := failure.New(failure.Throttled, op, where, rule, status)
	e.RetryAfter = wait
	return e
}

// ruleConnections means that the server has too many connections from us.
const ruleConnections = "imap.connections"
