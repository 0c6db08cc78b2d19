package engine

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"waybill/directory"
	"waybill/event"
	"waybill/failure"
)

// Revise checks a plan that was written earlier and perhaps edited against both
// systems as they are now. The operator's word in the plan decides, also about
// accounts that exist; what became impossible is an error that names every line.
func (m *Migration) Revise(ctx context.Context, plan *Plan) error {
	users, _, err := m.sourceUsers(ctx)
	if err != nil {
		return err
	}
	inSource := map[string]bool{}
	for _, u := range users {
		inSource[u.ID] = true
	}
	var candidates []string
	for _, u := range plan.Users {
		if u.Moves() {
			candidates = append(candidates, u.Account)
		}
	}
	there, _, err := m.accounts(ctx, candidates)
	if err != nil {
		return err
	}
	accounts := map[string]bool{}
	for _, a := range there {
		accounts[a.ID] = true
	}
	ours, err := m.ownAccounts(ctx)
	if err != nil {
		return err
	}
	owner := map[string]string{}
	var faults []string
	for i := range plan.Users {
		u := &plan.Users[i]
		if !u.Moves() {
			continue
		}
		if u.Action == directory.Create && accounts[u.Account] && ours[u.Account] != "" {
			u.Action, u.Reason = directory.Existing, "made by an earlier run of this migration"
		}
		switch other, taken := owner[u.Account]; {
		case !inSource[u.User]:
			faults = append(faults, fmt.Sprintf("the source has no user %q", u.User))
		case taken:
			faults = append(faults, fmt.Sprintf("users %q and %q go to the same account %q", other, u.User, u.Account))
		case u.Action == directory.Create && accounts[u.Account]:
			faults = append(faults, fmt.Sprintf("user %q: account %q exists already; write existing if it is the same person", u.User, u.Account))
		case u.Action == directory.Existing && !accounts[u.Account]:
			faults = append(faults, fmt.Sprintf("user %q: there is no account %q; write create", u.User, u.Account))
		}
		owner[u.Account] = u.User
	}
	if len(faults) > 0 {
		for _, f := range faults[1:] {
			m.emit(event.Event{Code: event.PlanStale, Detail: f})
		}
		text := strings.Join(faults[:min(len(faults), 11)], "; ")
		return failure.New(failure.Usage, "check plan", plan.Source, "plan.stale", errors.New(text)).WithRemedy("correct the plan, or write a new one with: waybill plan")
	}
	plan.Sum()
	plan.Edited = true
	return m.checkPlan(plan)
}
