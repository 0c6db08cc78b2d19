package preflight

import (
	"errors"
	"fmt"
	"sync"

	"waybill/event"
	"waybill/failure"
	"waybill/rights"
)

// maxFindings bounds what a preflight of many accounts keeps in memory. Whatever
// is found beyond it is an event like the others, and counted.
const maxFindings = 300

// tally collects findings from several goroutines.
type tally struct {
	check *Check

	mu      sync.Mutex
	seen    map[rights.Finding]bool
	list    []rights.Finding
	count   int // all findings
	dropped int // those that are not OK and not in list
	refused bool
	trouble error
}

// add takes findings, each once: every mailbox that was tried tells of the same
// missing right. What is not OK becomes an event.
func (t *tally) add(findings ...rights.Finding) {
	t.mu.Lock()
	defer t.mu.Unlock()
	for _, f := range findings {
		if t.seen[f] {
			continue
		}
		t.count++
		before := f
		switch code := event.Code(f.Event); {
		case f.OK:
		case isTrouble(f):
			if len(t.list) < maxFindings {
				t.trouble = errors.Join(t.trouble, failure.New(failure.Transient, "preflight: "+f.Action, f.Where, "preflight.trouble", errors.New(f.Detail)))
			}
		case code == event.SourceDenied, code == event.NoRoom:
			t.check.emit(event.Event{Code: code, User: f.Where, Detail: f.Detail})
			if t.check.AcceptTrace {
				f.OK, f.Detail = true, "gone on all the same, as was asked for: "+f.Detail
			}
			t.refused = t.refused || !f.OK
		default:
			t.refused = true
			if code != event.SameMailbox {
				code = event.RightMissing
			}
			t.check.emit(event.Event{Code: code, Detail: f.String()})
		}
		if len(t.list) < maxFindings {
			t.seen[before] = true
			t.list = append(t.list, f)
		} else if !f.OK {
			t.dropped++
		}
	}
}

// all returns what was found.
func (t *tally) all() []rights.Finding {
	t.mu.Lock()
	defer t.mu.Unlock()
	list := t.list
	if t.dropped > 0 {
		list = append(list, rights.Finding{Action: "try further mailboxes", Where: t.check.Target.Capabilities().Location, Event: string(event.RightMissing),
			Detail: fmt.Sprintf("%d more findings; each is an event in the ledger", t.dropped)})
	}
	return list
}
