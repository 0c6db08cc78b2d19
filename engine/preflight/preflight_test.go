package preflight

import (
	"errors"
	"slices"
	"strings"
	"testing"

	"waybill/connector/fake"
	"waybill/directory"
	"waybill/event"
	"waybill/failure"
	"waybill/rights"
)

// without gives the fake's capabilities less what change takes away.
func without(createAccounts, deleteAccounts bool) fake.Options {
	caps := fake.New(fake.Options{}).Target().Capabilities()
	caps.CreateAccounts, caps.DeleteAccounts = createAccounts, deleteAccounts
	return fake.Options{Capabilities: &caps}
}

func TestVerdict(t *testing.T) {
	denied := failure.New(failure.Denied, "x", "y", "test.denied", nil).WithRemedy("grant it")
	existing := []Account{{ID: "anna"}, {ID: "bert"}, {ID: "dora"}}
	create := []Account{{ID: "cora", Create: true}}
	for _, c := range []struct {
		name    string
		options fake.Options
		plan    []Account
		accept  bool
		faults  []fake.Fault
		class   failure.Class // Internal: it passes
		event   event.Code    // of the finding that refuses
		touched []string      // accounts of the plan whose mailboxes are opened
	}{
		{name: "existing accounts only", plan: existing, touched: []string{"anna", "bert", "dora"}},
		{name: "nobody to move"},
		{name: "new accounts only", plan: create},
		{name: "one of each", plan: append(create, existing[0]), touched: []string{"anna"}},
		{name: "accounts cannot be made", options: without(false, true), plan: create, class: failure.Denied, event: event.ProbeUnavailable},
		{name: "accounts cannot be made, and none is", options: without(false, false), plan: existing, touched: []string{"anna", "bert", "dora"}},
		{name: "accounts cannot be removed", options: without(true, false), plan: append(create, existing...), class: failure.Denied, event: event.ProbeUnavailable},
		{name: "accounts cannot be removed, and that is accepted", options: without(true, false), plan: append(create, existing...), accept: true, touched: []string{"anna", "bert", "dora"}},
		{name: "dates are lost", options: fake.Options{DropDates: true}, plan: existing, class: failure.Denied, event: event.CanaryDiffers, touched: []string{"anna", "bert"}},
		{name: "keywords are lost", options: fake.Options{DropKeywords: true}, plan: create, class: failure.Denied, event: event.CanaryDiffers},
		{name: "second mailbox does not open", options: fake.Options{Second: fake.SecondNotOpen}, plan: existing, class: failure.Denied, touched: []string{"anna", "bert"}},
		{name: "second mailbox takes nothing", options: fake.Options{Second: fake.SecondNoAppend}, plan: existing, class: failure.Denied, touched: []string{"anna", "bert"}},
		{name: "no right to make accounts", plan: create, faults: []fake.Fault{{Call: "CreateAccount", Err: denied}}, class: failure.Denied, event: event.RightMissing},
		{name: "no right to make folders", plan: existing, faults: []fake.Fault{{Call: "CreateFolder", Err: denied}}, class: failure.Denied, event: event.RightMissing, touched: []string{"anna", "bert"}},
		{name: "no right to look on paper", plan: existing, faults: []fake.Fault{{Call: "Probe", Err: denied}}, touched: []string{"anna", "bert", "dora"}},
		{name: "locked", plan: existing, faults: []fake.Fault{{Call: "Mailbox", Err: failure.New(failure.Conflict, "open", "anna", "test.locked", nil)}}, class: failure.Transient, touched: []string{"anna", "bert"}},
		{name: "full", plan: existing, faults: []fake.Fault{{Call: "Append", Err: failure.New(failure.Full, "append", "anna", "test.full", nil)}}, class: failure.Transient, touched: []string{"anna", "bert"}},
		{name: "asked to wait", plan: create, faults: []fake.Fault{{Call: "CreateAccount", Err: failure.New(failure.Throttled, "create", "", "test.wait", nil)}}, class: failure.Transient},
		{name: "locked, and a right is missing", plan: existing, faults: []fake.Fault{{Call: "Append", User: "anna", Err: denied},
			{Call: "Append", User: "bert", Err: failure.New(failure.Conflict, "append", "bert", "test.locked", nil)}}, class: failure.Denied, event: event.RightMissing, touched: []string{"anna", "bert"}},
	} {
		t.Run(c.name, func(t *testing.T) {
			s := fake.New(c.options)
			for _, a := range existing {
				s.AddUser(directory.User{ID: a.ID})
			}
			before := holds(t, s)
			s.Inject(c.faults...)
			events := &recorder{}
			findings, err := (&Check{Target: s.Target(), AcceptTrace: c.accept, Events: events}).Run(t.Context(), c.plan)
			if (err == nil) != (c.class == failure.Internal) || err != nil && failure.ClassOf(err) != c.class {
				t.Errorf("error %v, want class %s", err, c.class)
			}
			if refused := c.class == failure.Denied; errors.Is(err, ErrRefused) != refused || events.has(event.PreflightRefused) != refused || events.has(event.PreflightPassed) != (err == nil) {
				t.Errorf("error %v and events %q", err, events.codes)
			}
			if bad := slices.IndexFunc(findings, func(f rights.Finding) bool { return !f.OK }); (bad >= 0) != (err != nil) {
				t.Errorf("error %v and findings %+v", err, findings)
			}
			if c.event != "" && !slices.ContainsFunc(findings, func(f rights.Finding) bool { return !f.OK && f.Event == string(c.event) }) {
				t.Errorf("no finding is of %s: %+v", c.event, findings)
			}
			s.Heal()
			if after := holds(t, s); !slices.Equal(after, before) {
				t.Errorf("left behind\n%q, before\n%q", after, before)
			}
			var touched []string
			for _, call := range s.Calls("target.Mailbox") {
				if !strings.HasPrefix(call.User, "waybill-canary-") && !slices.Contains(touched, call.User) {
					touched = append(touched, call.User)
				}
			}
			slices.Sort(touched)
			if !slices.Equal(touched, c.touched) {
				t.Errorf("mailboxes of %q were opened, want %q", touched, c.touched)
			}
		})
	}
}

// Who may make accounts may not be allowed to make public folders, so that both
// are tried where both are planned.
func TestCanaryAccounts(t *testing.T) {
	anna, bert := Account{ID: "anna"}, Account{ID: "bert"}
	cora, club := Account{ID: "cora", Create: true}, Account{ID: "club", Create: true, Public: true}
	for _, c := range []struct {
		name            string
		plan            []Account
		persons, public int
	}{
		{"none is made", []Account{anna, bert, {ID: "forum", Public: true}}, 0, 0},
		{"new ones", []Account{cora}, 2, 0},
		{"beside one that exists", []Account{cora, anna}, 1, 0},
		{"beside two that exist", []Account{anna, bert, cora}, 1, 0},
		{"public folders", []Account{cora, club}, 2, 1},
	} {
		t.Run(c.name, func(t *testing.T) {
			s := fake.New(fake.Options{})
			for _, a := range c.plan {
				if !a.Create {
					s.AddUser(directory.User{ID: a.ID})
				}
			}
			seen := &life{}
			_, err := (&Check{Target: mortal{s.Target(), seen}}).Run(t.Context(), c.plan)
			must(t, err)
			persons, public := 0, 0
			for _, u := range seen.made {
				if u.Kind == directory.Public {
					public++
				} else {
					persons++
				}
			}
			if persons != c.persons || public != c.public {
				t.Errorf("%d persons and %d public trees were made, want %d and %d", persons, public, c.persons, c.public)
			}
		})
	}
}

// A right that is missing on paper only does not refuse a run.
func TestProbeIsAdvice(t *testing.T) {
	s := fake.New(fake.Options{Findings: []rights.Finding{{Action: "append", Where: "site", Needed: "Permissions Admin"}}})
	s.AddUser(directory.User{ID: "anna"})
	findings, err := (&Check{Target: s.Target()}).Run(t.Context(), []Account{{ID: "anna"}})
	must(t, err)
	if !findings[0].OK || !strings.Contains(findings[0].Detail, "on paper only") {
		t.Errorf("the probe's finding became %+v", findings[0])
	}
}
