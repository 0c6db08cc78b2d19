// Package rights describes what a migration may and may not do on a system:
// which right is needed, whether it is held, and the command that grants it.
package rights

import (
	"errors"
	"fmt"
	"strings"
)

// Finding is the outcome of trying one thing.
type Finding struct {
	// Action is what was tried: "append to two mailboxes at the same time".
	Action string `json:"action"`
	// Identity is who tried: the operator's name on that system.
	Identity string `json:"identity"`
	// Where is the object concerned: a mailbox, a site, a configuration level.
	Where string `json:"where"`
	// Needed names the right in that system's own words.
	Needed string `json:"needed,omitempty"`
	// Held says what the identity has instead.
	Held string `json:"held,omitempty"`
	OK   bool   `json:"ok"`
	// Detail is the system's own answer, or what differed on reading back.
	Detail string `json:"detail,omitempty"`
	// Grant is the command, or the words for whoever may, that grants it.
	Grant string `json:"grant,omitempty"`
	// Event is the id of the event this finding is reported as: "W2001".
	Event string `json:"event,omitempty"`
}

func (f Finding) String() string {
	var b strings.Builder
	verdict := "refused"
	if f.OK {
		verdict = "ok"
	}
	fmt.Fprintf(&b, "%s: %s on %s", verdict, f.Action, f.Where)
	if f.Identity != "" {
		fmt.Fprintf(&b, " as %s", f.Identity)
	}
	if f.OK {
		return b.String()
	}
	if f.Needed != "" {
		fmt.Fprintf(&b, "; needs %s", f.Needed)
	}
	if f.Held != "" {
		fmt.Fprintf(&b, ", holds %s", f.Held)
	}
	if f.Detail != "" {
		fmt.Fprintf(&b, " (%s)", f.Detail)
	}
	if f.Grant != "" {
		fmt.Fprintf(&b, "; grant it with: %s", f.Grant)
	}
	return b.String()
}

// Refusal is an error that carries findings, so that a connector can tell from
// deep inside a call which right is missing.
type Refusal struct {
	Findings []Finding
}

func (r *Refusal) Error() string {
	lines := make([]string, len(r.Findings))
	for i, f := range r.Findings {
		lines[i] = f.String()
	}
	return strings.Join(lines, "; ")
}

// From takes the findings out of err, nil when it carries none.
func From(err error) []Finding {
	if r, ok := errors.AsType[*Refusal](err); ok {
		return r.Findings
	}
	return nil
}
