package preflight

import (
	"context"
	"fmt"

	"waybill/connector"
	"waybill/directory"
	"waybill/event"
	"waybill/failure"
	"waybill/rights"
)

func (m *Check) maker() Maker {
	if m.Accounts != nil {
		return m.Accounts
	}
	return targetMaker{m.Target}
}

// canaryAccounts makes n canary accounts, and a tree of public folders, where
// they can be made and removed.
func (m *Check) canaryAccounts(ctx context.Context, n int, public bool) (made []string, findings []rights.Finding) {
	location := m.Target.Capabilities().Location
	switch canCreate, canRemove := m.maker().Can(); {
	case !canCreate:
		return nil, []rights.Finding{{Action: "create accounts", Where: location, Detail: "this target cannot make accounts", Event: string(event.ProbeUnavailable)}}
	case !canRemove && !m.AcceptTrace:
		return nil, []rights.Finding{{Action: "create and remove canary accounts", Where: location, Event: string(event.ProbeUnavailable),
			Detail: "there is no way to remove accounts, so a canary account would stay",
			Grant:  "name a command that removes an account (--deprovision-command), or run again with --yes to go without this proof, or create two of the accounts first and name them in the user map"}}
	case canRemove:
		return m.createCanaries(ctx, n, public)
	}
	return nil, nil
}

func (m *Check) createCanaries(ctx context.Context, n int, public bool) (made []string, findings []rights.Finding) {
	prefix, token := "waybill-canary-", randomToken()
	if m.ShortNames {
		prefix, token = "wbcanary-", token[:6]
	}
	kinds := make([]directory.Kind, n)
	if public && m.Target.Capabilities().PublicName == "" {
		kinds = append(kinds, directory.Public)
	}
	for i, kind := range kinds {
		id := fmt.Sprintf("%s%s-%d", prefix, token, i+1)
		action := "create an account"
		if kind == directory.Public {
			action = "create a top-level public folder"
		}
		m.step(ctx, "preflight: "+action, "account", id)
		if err := m.leave(ctx, id, trace{Account: id, Made: true}); err != nil {
			return made, append(findings, findingOf("write to the ledger", id, err)...)
		}
		err := m.maker().CreateAccount(ctx, directory.User{ID: id, Kind: kind, Name: "Waybill canary"})
		if err != nil {
			findings = append(findings, findingOf(action, id, err)...)
			// It may be there all the same: a lost answer. Removing is tried.
			made = append(made, id)
			return made, findings
		}
		made = append(made, id)
		findings = append(findings, rights.Finding{Action: action, Where: id, OK: true})
		if m.Ready != nil {
			findings = append(findings, m.Ready(ctx, id)...)
		}
	}
	return made, findings
}

// deleteCanaries removes the canary accounts even when the run was cancelled.
func (m *Check) deleteCanaries(accounts []string) (findings []rights.Finding) {
	ctx := context.Background()
	for _, id := range accounts {
		err := m.maker().DeleteAccount(ctx, id)
		// Who may not remove an account may not have been able to make it either.
		if err == nil || failure.ClassOf(err) == failure.Vanished || !m.accountExists(ctx, id) {
			m.gone(id)
			continue
		}
		m.emit(event.Event{Code: event.CanaryLeft, User: id, Detail: err.Error()})
		findings = append(findings, findingOf("remove the canary account", id, err)...)
	}
	return findings
}

func (m *Check) accountExists(ctx context.Context, id string) bool {
	if finder, ok := m.Target.(connector.AccountFinder); ok {
		_, found, err := finder.FindAccount(ctx, id)
		return found || err != nil
	}
	for a, err := range m.Target.Accounts(ctx) {
		if err != nil {
			return true // cannot be told: assume the worse
		}
		if a.ID == id {
			return true
		}
	}
	return false
}
