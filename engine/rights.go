package engine

import (
	"context"

	"waybill/directory"
	"waybill/engine/preflight"
	"waybill/rights"
)

// ErrRefused is returned when preflight found that the rights do not suffice.
var ErrRefused = preflight.ErrRefused

// Preflight proves the rights for a plan; see preflight.Check.
func (m *Migration) Preflight(ctx context.Context, plan *Plan) ([]rights.Finding, error) {
	check := &preflight.Check{Target: m.Target, Ledger: m.Ledger, AcceptTrace: m.Options.AcceptTrace, Events: m.Events, Log: m.Log}
	var accounts []preflight.Account
	for _, u := range plan.Users {
		if u.Moves() {
			accounts = append(accounts, preflight.Account{ID: u.Account, Create: u.Action == directory.Create, Public: u.Kind == string(directory.Public)})
		}
	}
	return check.Run(ctx, accounts)
}
