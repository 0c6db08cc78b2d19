package cli

import (
	"errors"
	"strings"

	"waybill/event"
	"waybill/failure"
)

// codeOf finds the event that an error is, so that "waybill explain" has a page
// for whatever ends the program. Empty: the error speaks for itself.
func codeOf(err error) event.Code {
	if _, ok := errors.AsType[*failure.Error](err); !ok {
		return ""
	}
	rule := failure.RuleOf(err)
	for _, known := range []struct {
		prefix string
		code   event.Code
	}{
		{"map.unknown-user", event.MapUserUnknown},
		{"map.duplicate", event.MapDuplicate},
		{"map.", event.MapUnreadable},
		{"plan.no-users", event.UserListEmpty},
		{"plan.conflicts", event.MatchConflict},
		{"plan.stale", event.PlanStale},
		{"plan.", event.PlanUnreadable},
		{"preflight.refused", event.PreflightRefused},
		{"run.cancelled", event.RunCancelled},
		{"ledger.held", event.LedgerHeld},
		{"ledger.pair", event.LedgerOtherPair},
		{"ledger.missing", ""},
		{"ledger.full", event.DiskFull},
		{"ledger.", event.LedgerBroken},
		{"system.unknown", event.SystemUnknown},
		{"site.locked", event.SystemLocked},
		{"mbox.locked", event.SystemLocked},
		{"usage.", ""},
	} {
		if strings.HasPrefix(rule, known.prefix) {
			return known.code
		}
	}
	switch failure.ClassOf(err) {
	case failure.Full:
		return event.DiskFull
	case failure.Vanished:
		return event.SourceMissing
	case failure.Malformed:
		return event.SourceDamaged
	}
	return ""
}
