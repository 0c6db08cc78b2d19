package preflight

import (
	"context"

	"waybill/connector"
	"waybill/event"
	"waybill/failure"
	"waybill/rights"
)

// compareSources opens mailboxes of the source, as canaries would be sent to
// those of the target, and compares which mailbox each of them is. A source that
// cannot tell is opened once and left alone.
func (m *Check) compareSources(ctx context.Context, planned []Account, proof *tally) {
	if m.Source == nil {
		return
	}
	var known []Account
	for _, a := range planned {
		if a.User != "" && !a.Unreadable {
			known = append(known, a)
		}
	}
	chosen := m.choose(known, sampled+2)
	if len(chosen) < 2 || !m.tellsSources(ctx, chosen[0]) {
		return
	}
	words := &maps{words: map[string]string{}}
	m.each(ctx, chosen, m.workers(m.Source.Capabilities().Parallel), func(a Account) {
		box, err := m.Source.Mailbox(ctx, a.User)
		if err != nil {
			if failure.ClassOf(err) == failure.Denied {
				proof.add(denied("open the mailbox in the source", a.User, err)...)
			}
			return
		}
		defer box.Close()
		if word := m.identity(ctx, box, a.User); word != "" {
			if other, same := words.meets(word, a.User); same {
				proof.add(sameMailbox("user of the source", a.User, other, "the server gives both the same identity"))
			}
		}
	})
}

func (m *Check) tellsSources(ctx context.Context, a Account) bool {
	box, err := m.Source.Mailbox(ctx, a.User)
	if err != nil {
		return true // whether it can tell is not known
	}
	defer box.Close()
	_, ok := connector.Find[connector.Identified](box)
	return ok
}

// denied turns a denial by the source into findings.
func denied(action, where string, err error) []rights.Finding {
	findings := findingOf(action, where, err)
	for i := range findings {
		findings[i].Event = string(event.SourceDenied)
	}
	return findings
}
