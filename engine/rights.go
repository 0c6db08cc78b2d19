package engine

import (
	"context"
	"fmt"
	"slices"

	"waybill/directory"
	"waybill/engine/preflight"
	"waybill/engine/setup"
	"waybill/event"
	"waybill/failure"
	"waybill/ledger"
	"waybill/rights"
)

// ErrRefused is returned when preflight found that the rights do not suffice.
var ErrRefused = preflight.ErrRefused

// Preflight proves the rights for a plan; see preflight.Check. Rights that an
// earlier run left are taken back first, and those that this one needs are given
// where Options.Grant says so; WithdrawGrants takes them back and is the caller's
// to call, whatever happened. What the source denied while the plan was made
// refuses the run, or, where that is accepted, takes the users whose mailboxes
// cannot be opened out of the plan.
func (m *Migration) Preflight(ctx context.Context, plan *Plan) ([]rights.Finding, error) {
	if err := m.WithdrawGrants(ctx); err != nil && (setup.Stops(err) || ctx.Err() != nil) {
		return nil, err // any other is told as an event, and as the run's end
	}
	check := &preflight.Check{Target: m.Target, Source: m.Source, Accounts: m.maker(), ShortNames: m.Directory != nil, Ready: m.ready, All: m.Options.PreflightAll, Workers: m.setup().Workers(), Tried: m.Tried,
		Ledger: m.Ledger, AcceptTrace: m.Options.AcceptTrace, Events: m.Events, Log: m.Log}
	for _, f := range m.SourceFindings() {
		f.Event = string(event.SourceDenied)
		check.Found = append(check.Found, f)
	}
	if len(check.Found) > 0 && m.Options.AcceptTrace {
		if err := m.leaveOut(ctx, plan); err != nil {
			return nil, err
		}
	}
	filled, err := m.filled(ctx)
	if err != nil {
		return nil, err
	}
	var accounts []preflight.Account
	var existing []string
	for _, u := range plan.Users {
		if !u.Moves() {
			continue
		}
		a := preflight.Account{ID: u.Account, User: u.User, Create: u.Action == directory.Create, Public: u.Kind == string(directory.Public), Unreadable: u.Error != "", Bytes: u.Bytes}
		if have, ok := filled[u.User]; ok {
			a.Proven = have.whole
			if a.Bytes > 0 {
				a.Bytes = max(a.Bytes-have.bytes, 0)
			}
		}
		if !a.Create {
			for _, f := range u.Folders {
				if !f.Skip {
					a.Folders = append(a.Folders, f.Target)
				}
			}
		}
		accounts = append(accounts, a)
		if !a.Create {
			existing = append(existing, a.ID)
		}
	}
	proven, err := m.proveDirectory(ctx, plan)
	if err != nil {
		return proven, err
	}
	check.Found = append(check.Found, proven...)
	known := check.Found
	denied := slices.ContainsFunc(proven, func(f rights.Finding) bool { return !f.OK })
	for n := 0; ; {
		missing := m.readyAll(ctx, existing)
		check.Found, check.Hopeless = append(slices.Clone(known), missing...), len(missing) > 0 || denied
		findings, err := check.Run(ctx, accounts)
		n++
		if err == nil || n == preflightAttempts || ctx.Err() != nil || !passing(findings) {
			return findings, err
		}
		m.emit(event.Event{Code: event.Retrying, Detail: fmt.Sprintf("preflight, attempt %d of %d: %v", n+1, preflightAttempts, err)})
		if err := m.Clock.Wait(ctx, setup.Pause(n)); err != nil {
			return findings, err
		}
	}
}

// preflightAttempts is how often a preflight is tried when connections break.
const preflightAttempts = 3

// passing reports whether nothing but connections that broke kept rights from
// being proven.
func passing(findings []rights.Finding) bool {
	return !slices.ContainsFunc(findings, func(f rights.Finding) bool { return !f.OK && f.Event != string(event.Retrying) })
}

// leaveOut takes users whose mailboxes the source denies out of the plan: an
// account that nobody can fill is not made.
func (m *Migration) leaveOut(ctx context.Context, plan *Plan) error {
	for i := range plan.Users {
		u := &plan.Users[i]
		if !u.Moves() || u.Error == "" {
			continue
		}
		box, err := m.Source.Mailbox(ctx, u.User)
		if err == nil {
			_, err = box.Folders(ctx)
			_ = box.Close() // nothing was written
		}
		switch {
		case err == nil:
		case setup.Stops(err):
			return err
		case failure.ClassOf(err) == failure.Denied:
			u.Action, u.Reason, u.Error = directory.Collide, "the source does not let the mailbox be read", err.Error()
		}
	}
	return nil
}

// part is what earlier runs have put into a mailbox.
type part struct {
	whole bool
	bytes int64
}

// filled tells what earlier runs with this ledger have put into the mailboxes of
// users.
func (m *Migration) filled(ctx context.Context) (map[string]part, error) {
	if m.Ledger == nil {
		return nil, nil
	}
	boxes, err := m.Ledger.List(ctx)
	if err != nil || len(boxes) == 0 {
		return nil, err
	}
	tallies, err := m.Ledger.Tallies(ctx, 0)
	if err != nil {
		return nil, err
	}
	bytes := map[int64]int64{}
	for _, t := range tallies {
		bytes[t.Mailbox] += t.Bytes[ledger.Verified] + t.Bytes[ledger.Delivered]
	}
	parts := make(map[string]part, len(boxes))
	for _, b := range boxes {
		parts[b.User] = part{whole: b.State == ledger.Done, bytes: bytes[b.ID]}
	}
	return parts, nil
}
