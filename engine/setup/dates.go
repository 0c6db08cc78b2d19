package setup

import (
	"strings"
	"time"
)

// RuleDates is the rule of messages that the operator's range of dates leaves
// out. They are counted as found and skipped, so that the sum stays right.
const RuleDates = "dates.outside"

// DateRange bounds the internal dates of the messages that are moved.
type DateRange struct {
	// Since is the first moment that is moved, Before the first that is not any
	// more; the zero time is no bound.
	Since, Before time.Time
}

// Excludes reports whether a message of that date is left out. One without a
// date never is, as it was with the Migration Wizard (KB Q198957).
func (d DateRange) Excludes(date time.Time) bool {
	if date.IsZero() {
		return false
	}
	return !d.Since.IsZero() && date.Before(d.Since) || !d.Before.IsZero() && !date.Before(d.Before)
}

// Reason tells in a sentence why a message is left out.
func (d DateRange) Reason() string {
	var bounds []string
	if !d.Since.IsZero() {
		bounds = append(bounds, "since "+d.Since.Format(time.RFC3339))
	}
	if !d.Before.IsZero() {
		bounds = append(bounds, "before "+d.Before.Format(time.RFC3339))
	}
	return "only messages " + strings.Join(bounds, " and ") + " are moved"
}
