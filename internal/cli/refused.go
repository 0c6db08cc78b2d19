package cli

import (
	"errors"
	"time"

	"waybill/engine"
	"waybill/event"
	"waybill/failure"
	"waybill/rights"
)

// refusedEarly makes a preflight's refusal of an error that names missing rights
// and came before preflight could begin, when the plan was made: an operator
// without any right on a target cannot even look at its accounts. Any other error
// stays as it is.
func refusedEarly(sink event.Sink, target string, err error) ([]rights.Finding, error) {
	findings := rights.From(err)
	if len(findings) == 0 || failure.ClassOf(err) != failure.Denied {
		return nil, err
	}
	for i := range findings {
		findings[i].OK = false
		if findings[i].Event == "" {
			findings[i].Event = string(event.RightMissing)
		}
		sink.Emit(event.Event{Code: event.Code(findings[i].Event), Time: time.Now(), Detail: findings[i].String()})
	}
	sink.Emit(event.Event{Code: event.PreflightRefused, Time: time.Now(), Detail: target})
	return findings, failure.New(failure.Denied, "preflight", target, "preflight.refused", errors.Join(engine.ErrRefused, err))
}
